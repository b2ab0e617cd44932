//! Which views training leaves out, so that a release can be measured on them.
//!
//! The newest view of one viewer in so many is not learned from. Whoever is held out stays so from release to
//! release, and what such a viewer watches after the training is newer still: at any later time the newest view of
//! a held-out viewer is one that the models have not seen.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::limits::HELD_OUT_VIEWERS_MAX;
use crate::train::factors::Rating;
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

    /// Ratings that may be learned from: without those of the views that are held out.
    pub fn learned_ratings(self, histories: &BTreeMap<u32, Vec<u32>>, ratings: &[Rating]) -> Vec<Rating> {
        let held_out: BTreeSet<(u32, u32)> =
            self.views(histories).map(|view| (view.viewer, view.target)).collect();
        let is_learned = |rating: &&Rating| !held_out.contains(&(rating.viewer, rating.title));
        ratings.iter().filter(is_learned).copied().collect()
    }

    /// What somebody else may learn from: also without the views by which training chooses, the newest of each viewer
    /// that may be learned from.
    pub fn exported(self, histories: BTreeMap<u32, Vec<u32>>) -> BTreeMap<u32, Vec<u32>> {
        let mut learned = self.learned(histories);
        for watched in learned.values_mut().filter(|watched| watched.len() > 1) {
            watched.pop();
        }
        learned
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
    fn what_is_exported_has_neither_the_views_that_choose_nor_those_that_measure() {
        let histories: BTreeMap<u32, Vec<u32>> = (0..50).map(|viewer| (viewer, vec![1, 2, 3, 4])).collect();
        let holdout = Holdout::of(histories.len());
        let exported = holdout.exported(histories.clone());
        assert!((0..50).any(|viewer| holdout.has(viewer)) && !(0..50).all(|viewer| holdout.has(viewer)));
        for (viewer, watched) in exported {
            assert_eq!(watched, if holdout.has(viewer) { vec![1, 2] } else { vec![1, 2, 3] });
        }
        assert_eq!(holdout.exported(BTreeMap::from([(7, vec![5])])), BTreeMap::from([(7, vec![5])]));
    }

    #[test]
    fn a_rating_of_a_view_that_is_held_out_is_not_learned_from() {
        let histories: BTreeMap<u32, Vec<u32>> = (0..50).map(|viewer| (viewer, vec![1, 2])).collect();
        let holdout = Holdout::of(histories.len());
        let rating = |viewer, title| Rating { viewer, title, rating: 4.0 };
        let ratings: Vec<Rating> =
            (0..50).flat_map(|viewer| [rating(viewer, 1), rating(viewer, 2)]).collect();
        let learned = holdout.learned_ratings(&histories, &ratings);
        let of =
            |viewer| learned.iter().filter(move |rating| rating.viewer == viewer).map(|rating| rating.title);
        for viewer in 0..50 {
            assert!(of(viewer).eq(if holdout.has(viewer) { 1..2 } else { 1..3 }), "{viewer}");
        }
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
