//! The filters: what may be shown to this viewer, here and now.

use crate::bitset::Bitset;
use crate::request::Request;
use crate::{Candidates, TitleId};

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
        let titles = request.history.iter().chain(&request.exclude);
        for index in titles.filter_map(|&title: &TitleId| candidates.index_of(title)) {
            barred.insert(index);
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
        let columns = &self.candidates.columns;
        let windows = columns.window_from_s.iter().zip(&columns.window_until_s);
        // No branch and no lookup: one pass over three columns.
        let open: u32 = columns
            .maturity_years
            .iter()
            .zip(windows)
            .map(|(&maturity, (&from, &until))| {
                let is_open = (maturity <= self.maturity_max_years)
                    & (from <= self.at_unix_s)
                    & (self.at_unix_s < until);
                u32::from(is_open)
            })
            .sum();
        let barred = self.barred.iter().filter(|&index| self.is_open(index)).count();
        open - u32::try_from(barred).unwrap_or(open)
    }

    /// Whether the candidate may be shown to whoever has begun it: by its licence and its age rating.
    pub(crate) fn is_open(&self, index: usize) -> bool {
        let columns = &self.candidates.columns;
        columns.maturity_years[index] <= self.maturity_max_years
            && columns.window_from_s[index] <= self.at_unix_s
            && self.at_unix_s < columns.window_until_s[index]
    }
}
