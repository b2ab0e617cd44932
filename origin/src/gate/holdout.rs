//! Which views training leaves out, so that a release can be measured on them.
//!
//! The newest view of one viewer in so many is not learned from. Whoever is held out stays so from release to
//! release, and what such a viewer watches after the training is newer still: at any later time the newest view of
//! a held-out viewer is one that the models have not seen.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::limits::HELD_OUT_VIEWERS_MAX;
use crate::train::random::Random;

/// One viewer in so many is held out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Holdout {
    one_in: u32,
}

/// A view to look for, and what was watched before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldOut<'a> {
    /// Who watched.
    pub viewer: u32,
    /// Titles, oldest first; not empty.
    pub history: &'a [u32],
    /// The title watched next.
    pub target: u32,
}

impl Holdout {
    /// Of so many viewers about [`HELD_OUT_VIEWERS_MAX`] are held out, and of few viewers a fifth.
    pub fn of(viewers: usize) -> Self {
        let one_in = u32::try_from(viewers / HELD_OUT_VIEWERS_MAX).unwrap_or(u32::MAX);
        Self { one_in: one_in.max(FEWEST_LEARNED_FROM) }
    }

    /// Whether this viewer's newest view is kept from training. Holding out fewer holds out some of the same.
    pub fn has(self, viewer: u32) -> bool {
        Random::new(u64::from(viewer)).bits() <= u64::MAX / u64::from(self.one_in.max(1))
    }

    /// What may be learned from: without the newest view of each who is held out and has more than one.
    pub fn learned(self, mut histories: BTreeMap<u32, Vec<u32>>) -> BTreeMap<u32, Vec<u32>> {
        for (&viewer, watched) in &mut histories {
            if watched.len() > 1 && self.has(viewer) {
                watched.pop();
            }
        }
        histories
    }

    /// The views that were held out, by rising viewer.
    pub fn views(self, histories: &BTreeMap<u32, Vec<u32>>) -> impl Iterator<Item = HeldOut<'_>> {
        let held_out = histories.iter().filter(move |(viewer, _)| self.has(**viewer));
        held_out.filter_map(|(&viewer, watched)| {
            let (&target, history) = watched.split_last()?;
            (!history.is_empty()).then_some(HeldOut { viewer, history, target })
        })
    }
}

/// With fewer viewers the models would lose more than the measurement wins.
const FEWEST_LEARNED_FROM: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn about_as_many_are_held_out_as_said() {
        for (viewers, wanted) in [(1_000, 200), (100_000, 2_000)] {
            let holdout = Holdout::of(viewers);
            let count = (0..viewers as u32).filter(|&viewer| holdout.has(viewer)).count();
            assert!(count.abs_diff(wanted) < wanted / 5, "{count} of {viewers}");
        }
    }

    #[test]
    fn whoever_is_held_out_of_many_is_held_out_of_few() {
        let (few, many) = (Holdout::of(1_000), Holdout::of(1_000_000));
        assert!((0..10_000).filter(|&viewer| many.has(viewer)).all(|viewer| few.has(viewer)));
    }

    #[test]
    fn what_is_looked_for_was_not_learned_from() {
        fn property(watched: Vec<Vec<u32>>) -> bool {
            let histories: BTreeMap<u32, Vec<u32>> =
                (0..).zip(watched).filter(|(_, watched)| !watched.is_empty()).collect();
            let holdout = Holdout::of(histories.len());
            let learned = holdout.learned(histories.clone());
            let views: Vec<HeldOut<'_>> = holdout.views(&histories).collect();
            let held_out = |viewer| views.iter().find(|view| view.viewer == viewer);
            histories.iter().all(|(&viewer, watched)| match held_out(viewer) {
                Some(view) => learned[&viewer] == view.history && watched.last() == Some(&view.target),
                None => learned[&viewer] == *watched,
            })
        }
        quickcheck::quickcheck(property as fn(Vec<Vec<u32>>) -> bool);
    }
}
