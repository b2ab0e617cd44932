//! A catalogue and viewers with tastes and habits, for whoever has nothing to import.
//!
//! The same on every machine for equal arguments: the stream of numbers is our own, and powers and
//! logarithms come from `libm`. There is something to learn in it: series are watched in order, one
//! title leads to certain others, viewers keep to niches, and what is new draws some of them.

mod dice;
mod titles;
mod viewers;
mod words;

use crate::database::Title;
use crate::import::Watched;

use titles::Shelf;

/// What to invent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Titles; at least 20.
    pub titles: u32,
    /// Viewers; at least 1. They watch thirty titles each, on average.
    pub viewers: u32,
    /// Another seed, another catalogue.
    pub seed: u64,
}

impl Plan {
    /// The name of the source: catalogues of different plans do not mix.
    pub fn source(&self) -> String {
        format!("generated-{}-{}-{}", self.titles, self.viewers, self.seed)
    }
}

/// What was invented.
#[derive(Clone, Debug)]
pub struct Generated {
    /// By rising id.
    pub titles: Vec<Title>,
    /// Viewer by viewer, each in the order of time.
    pub events: Vec<Watched>,
}

/// Half a year, to the end of 2025.
const DAYS: u32 = 184;

/// 2025-07-01T00:00:00Z
const START_UNIX_S: u64 = 1_751_328_000;

/// Invents a catalogue and its history.
pub fn generate(plan: Plan) -> Generated {
    let shelf = Shelf::invent(plan.titles as usize, DAYS, plan.seed);
    let events = viewers::watch(&shelf, plan.viewers, START_UNIX_S, DAYS, plan.seed);
    Generated { titles: shelf.titles, events }
}

#[cfg(test)]
mod tests;
