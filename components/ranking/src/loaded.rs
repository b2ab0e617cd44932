//! What `load` leaves in memory: part of the snapshot that every invocation starts from.

use guest::Once;
use ranking::{Candidates, Factors, Rules};

/// The parsed files of a release.
pub(crate) struct Loaded {
    pub(crate) candidates: Candidates,
    pub(crate) factors: Option<Factors>,
    pub(crate) rules: Rules,
}

/// Set once, by `load`.
pub(crate) static LOADED: Once<Loaded> = Once::new();
