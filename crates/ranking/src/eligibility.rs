//! The filters: what may be shown to this viewer, here and now.

use crate::Candidates;
use crate::bitset::Bitset;
use crate::request::Request;

/// Decides for each candidate; applied before any selection.
pub(crate) struct Eligibility<'a> {
    candidates: &'a Candidates,
    /// Watched or excluded.
    barred: Bitset,
    at_unix_s: u64,
    maturity_max_years: u8,
}

impl<'a> Eligibility<'a> {
    pub(crate) fn new(candidates: &'a Candidates, request: &Request) -> Self {
        let mut barred = Bitset::new(candidates.len());
        for titles in [&request.history, &request.exclude] {
            for &title in titles {
                if let Some(index) = candidates.index_of(title) {
                    barred.insert(index);
                }
            }
        }
        Self {
            candidates,
            barred,
            at_unix_s: request.at_unix_ms / 1_000,
            maturity_max_years: request.maturity_max_years,
        }
    }

    /// Whether the candidate at this index may be shown.
    pub(crate) fn allows(&self, index: usize) -> bool {
        self.is_open(index) && !self.barred.contains(index)
    }

    /// Bars one more.
    pub(crate) fn bar(&mut self, index: usize) {
        self.barred.insert(index);
    }

    /// How many may be shown.
    pub(crate) fn count(&self) -> u32 {
        let open = self.candidates.openings.count(self.at_unix_s, self.maturity_max_years);
        let barred = self.barred.iter().filter(|&index| self.is_open(index)).count();
        open - u32::try_from(barred).unwrap_or(open)
    }

    /// Whether the candidate may be shown to whoever has begun it: by its licence and its age rating.
    pub(crate) fn is_open(&self, index: usize) -> bool {
        self.candidates.openings.is_open(index, self.at_unix_s, self.maturity_max_years)
    }
}
