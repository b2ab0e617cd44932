//! A release in memory, whole: what one answer is made of, and of nothing else.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use release::{CandidateFile, Histories, RulesEntry, Titles};

use crate::runtime::Generation;

/// A release that answers. Swapped as a whole; a request holds one from its start to its end.
#[derive(Debug)]
pub struct Serving {
    /// Its components, ready.
    pub generation: Generation,
    /// The SHA-256 of its manifest, 64 hexadecimal digits.
    pub manifest_sha256: String,
    /// What its titles are called.
    pub titles: Titles,
    /// The same as the file that browsers read.
    pub titles_file: File,
    /// Its ONNX ranker, for a browser that ranks by itself.
    pub ranker: Option<File>,
    /// Its ONNX tower, likewise.
    pub tower: Option<File>,
    /// What viewers have watched.
    pub histories: Option<Histories>,
    /// Its regions by name.
    pub regions: BTreeMap<String, Region>,
}

/// A file of the release.
#[derive(Clone, Debug)]
pub struct File {
    /// Its content.
    pub bytes: Bytes,
    /// Its SHA-256, 64 hexadecimal digits.
    pub sha256: String,
}

/// What the host knows of a region; the rest is in the component's memory.
#[derive(Clone, Debug)]
pub struct Region {
    /// The candidate set.
    pub candidates: File,
    /// How its sources are weighed and its lists laid out; a browser that ranks by itself must do it alike.
    pub rules: RulesEntry,
    /// When a licence window of the region begins or ends; unix time in seconds, rising, each once.
    pub boundaries_s: Vec<u64>,
}

impl Serving {
    /// What a viewer has watched, oldest first; nothing for a viewer that is not known.
    pub fn history_of(&self, viewer: u32) -> &[u32] {
        self.histories.as_ref().and_then(|histories| histories.of(viewer)).unwrap_or_default()
    }
}

impl File {
    /// A file whose digest is known.
    pub fn new(bytes: impl Into<Bytes>, sha256: &str) -> Self {
        Self { bytes: bytes.into(), sha256: sha256.to_owned() }
    }
}

impl Region {
    /// Of a file, what it says, and the rules that hold there.
    pub fn new(candidates: File, decoded: &CandidateFile, rules: RulesEntry) -> Self {
        let columns = decoded.candidates.columns();
        let windows = columns.window_from_s.iter().zip(&columns.window_until_s);
        let open = windows.filter(|(from_s, until_s)| from_s < until_s);
        let boundaries: BTreeSet<u64> = open.flat_map(|(from_s, until_s)| [*from_s, *until_s]).collect();
        Self { candidates, rules, boundaries_s: boundaries.into_iter().collect() }
    }

    /// How many boundaries lie at or before a time: while the number is the same, the same titles may
    /// be shown (a window holds its beginning and not its end).
    pub fn window_at(&self, unix_ms: u64) -> u64 {
        let at_s = unix_ms / 1_000;
        self.boundaries_s.partition_point(|boundary_s| *boundary_s <= at_s) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(boundaries_s: &[u64]) -> Region {
        let candidates = File { bytes: Bytes::new(), sha256: String::new() };
        let rules = RulesEntry {
            recency_tau: 5.0,
            history_window: 30,
            ranker_pool: 0,
            blend: None,
            slate: release::SlateEntry::default(),
        };
        Region { candidates, rules, boundaries_s: boundaries_s.to_vec() }
    }

    #[test]
    fn a_window_changes_at_the_very_second_of_its_boundary() {
        let region = region(&[100, 200]);
        let windows = [99_999, 100_000, 199_999, 200_000, u64::MAX].map(|at| region.window_at(at));
        assert_eq!(windows, [0, 1, 1, 2, 2]);
    }
}
