//! What the models would have shown before they were rounded to bytes.
//!
//! Training keeps it, as the numbers themselves (four times a release and more) are gone afterwards.

use ranking::Blend;
use serde::{Deserialize, Serialize};

use super::Holdout;
use crate::limits::{REFERENCE_TITLES, REFERENCE_VIEWERS_MAX};
use crate::train::rows::Entries;
use crate::train::score::Scorer;
use crate::train::sequences::Sequences;

/// Lists of the unrounded models for some of the viewers who are held out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// By rising viewer.
    pub lists: Vec<ReferenceList>,
}

/// What one viewer would have been shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReferenceList {
    /// Who.
    pub viewer: u32,
    /// Titles watched, oldest first.
    pub history: Vec<u32>,
    /// Titles, best first; without a tower only such as a row clearly leads to.
    pub best: Vec<u32>,
}

/// The rows as they were solved, with the weight of each age.
#[derive(Clone, Debug)]
pub struct Unrounded<'a> {
    /// The entries that are shipped, unrounded: one list an item.
    pub entries: &'a Entries,
    /// Weights by age, newest first.
    pub decay: Vec<f32>,
}

impl Reference {
    /// Asks the unrounded models for the viewers who are held out, or some of them, evenly over all.
    pub fn new(
        sequences: &Sequences,
        holdout: Holdout,
        rows: &Unrounded<'_>,
        tower: Option<(&dyn Scorer, Blend)>,
    ) -> Self {
        let watched = sequences.viewers().iter().copied().zip(sequences.iter(0));
        let held_out: Vec<(u32, &[u32])> = watched.filter(|(viewer, _)| holdout.has(*viewer)).collect();
        let step = held_out.len().div_ceil(REFERENCE_VIEWERS_MAX).max(1);
        let list = |&(viewer, history): &(u32, &[u32])| {
            let newest = &history[history.len().saturating_sub(release::limits::HISTORY_TITLES_MAX)..];
            let scores = scores(newest, rows, tower);
            let titles =
                |items: &[u32]| items.iter().map(|&item| sequences.titles()[item as usize]).collect();
            ReferenceList { viewer, history: titles(newest), best: titles(&best(scores, newest)) }
        };
        let mut lists: Vec<ReferenceList> = held_out.iter().step_by(step).map(list).collect();
        lists.sort_unstable_by_key(|list| list.viewer);
        Self { lists }
    }
}

/// One score an item, as [`ranking::recommend`] would take them.
fn scores(history: &[u32], rows: &Unrounded<'_>, tower: Option<(&dyn Scorer, Blend)>) -> Vec<f32> {
    let mut sums = vec![0.0; rows.entries.len()];
    for (&item, &factor) in history.iter().rev().zip(&rows.decay) {
        for &(target, value) in &rows.entries[item as usize] {
            sums[target as usize] += factor * value;
        }
    }
    match tower {
        Some((tower, blend)) => {
            let towers = tower.scores(&[history]);
            sums.iter().zip(towers).map(|(&row, tower)| blend.score(row, tower)).collect()
        }
        None => {
            let least = sums.iter().copied().fold(0.0, f32::max) * SAID_BY_A_BYTE;
            sums.into_iter().map(|sum| if sum > least { sum } else { f32::NEG_INFINITY }).collect()
        }
    }
}

/// What is worth less than this share of the best is below the last bit of an int8: no order of it was promised.
const SAID_BY_A_BYTE: f32 = 1.0 / 127.0;

/// The best items that were not watched, ties by the lower number.
fn best(mut scores: Vec<f32>, history: &[u32]) -> Vec<u32> {
    history.iter().for_each(|&item| scores[item as usize] = f32::NEG_INFINITY);
    let best = kernels::top_of(&scores, f32::NEG_INFINITY, REFERENCE_TITLES, |_| true);
    best.into_iter().map(|(_, item)| item).collect()
}
