//! Rows that stay as they were where that makes no difference, so that little of a release changes.
//!
//! What was shipped before is compared with what is solved now, unrounded, and never with what was solved then: the
//! error of an entry stays within [`STEPS`] of its row's scale however many trainings have left it alone.

use std::collections::HashMap;

use ranking::Candidates;

use super::rows::{Entries, Rows, WEIGHT_MAX, Weights, scale_log2};

/// The rows of the training before, by title.
#[derive(Debug)]
pub struct Before<'a> {
    candidates: &'a Candidates,
    // The item now of each title then.
    items: Vec<Option<u32>>,
    titles: &'a [u32],
}

impl<'a> Before<'a> {
    /// `titles` are those of the items now, rising.
    pub fn new(candidates: &'a Candidates, titles: &'a [u32]) -> Self {
        let item = |title: &u32| titles.binary_search(title).ok().map(|item| item as u32);
        Self { candidates, items: candidates.columns().title_ids.iter().map(item).collect(), titles }
    }

    /// The weights of an item's row, by item, and its scale; none without one.
    fn row(&self, item: usize) -> Option<(HashMap<u32, i8>, i8)> {
        let all = self.candidates.columns();
        let place = self.candidates.index_of(self.titles[item])?;
        let entries = all.row_offsets[place] as usize..all.row_offsets[place + 1] as usize;
        if entries.is_empty() {
            return None;
        }
        let weight = |entry| Some((self.items[all.row_indexes.at(entry) as usize]?, all.row_weights[entry]));
        Some((entries.filter_map(weight).collect(), all.row_scales_log2[place]))
    }
}

/// Rounds the strongest entries of each item, as many as `lengths` says, as near to the rows before as [`STEPS`] and
/// [`LOYALTY`] allow. `entries` hold more where there are more: those that may be kept instead of others.
pub fn quantise(entries: Entries, lengths: &[usize], before: &Before<'_>) -> Rows {
    let rows =
        entries.into_iter().zip(lengths).enumerate().map(|(item, (row, &limit))| match before.row(item) {
            Some((weights, scale)) => steady(row, limit, &weights, scale),
            None => Weights::quantise(super::rows::strongest(row, limit)),
        });
    Rows::from_weights(rows)
}

fn steady(mut row: Vec<(u32, f32)>, limit: usize, before: &HashMap<u32, i8>, scale_before: i8) -> Weights {
    let largest = row.iter().fold(0.0_f32, |largest, &(_, value)| largest.max(value.abs()));
    let used = largest / f32::from(scale_before).exp2();
    let stays = (WEIGHT_MAX / 4.0..=WEIGHT_MAX).contains(&used);
    let scale = if stays { scale_before } else { scale_log2(largest) };
    let step = f32::from(scale).exp2();
    let strength = |&(item, value): &(u32, f32)| {
        if before.contains_key(&item) { value.abs() * LOYALTY } else { value.abs() }
    };
    row.sort_unstable_by(|a, b| strength(b).total_cmp(&strength(a)).then(a.0.cmp(&b.0)));
    row.truncate(limit);
    row.sort_unstable_by_key(|&(item, _)| item);
    let weigh = |(item, value): (u32, f32)| {
        let now = value / step;
        // What was not there weighed nothing.
        let old = before.get(&item).copied().unwrap_or(0);
        let is_near = stays && (now - f32::from(old)).abs() <= STEPS;
        (item, if is_near { old } else { now.round() as i8 })
    };
    let entries = row.into_iter().map(weigh).filter(|&(_, weight)| weight != 0);
    Weights { entries: entries.collect(), scale_log2: scale }
}

/// A change of an entry by so many steps of its scale is left out; rounding alone is half of one.
pub const STEPS: f32 = 1.0;

/// An entry that was there counts so much more than one that was not, when the strongest are chosen: without it the
/// last places of every row would change hands at each training.
const LOYALTY: f32 = 1.25;

#[cfg(test)]
mod tests {
    use quickcheck::TestResult;

    use super::*;
    use crate::train::catalogue::Catalogue;

    const TITLES: [u32; 6] = [10, 20, 30, 40, 50, 60];

    fn shipped(rows: &Rows) -> Candidates {
        Catalogue::of_counts(&[1; TITLES.len()]).candidates(&TITLES, rows).unwrap()
    }

    fn entries(first: Vec<(u32, f32)>) -> Entries {
        let mut entries = vec![Vec::new(); TITLES.len()];
        entries[0] = first;
        entries
    }

    fn again(before: &Rows, first: Vec<(u32, f32)>, limit: usize) -> Rows {
        let before = shipped(before);
        quantise(entries(first), &[limit; TITLES.len()], &Before::new(&before, &TITLES))
    }

    #[test]
    fn a_small_change_is_left_out_and_a_large_one_is_not() {
        // The scale is 2^-6: 64, 32, 16.
        let before = Rows::quantise(entries(vec![(1, 1.0), (2, 0.5), (3, 0.25)]));
        let step = 1.0 / 64.0;
        let row = |rows: &Rows| rows.row(0).weight.to_vec();
        assert_eq!(row(&again(&before, vec![(1, 1.0), (2, 0.5 + 0.9 * step), (3, 0.25)], 3)), [64, 32, 16]);
        assert_eq!(row(&again(&before, vec![(1, 1.0), (2, 0.5 + 1.6 * step), (3, 0.25)], 3)), [64, 34, 16]);
        // One that comes in with less than a step does not come in.
        assert_eq!(again(&before, vec![(1, 1.0), (2, 0.5), (4, 0.9 * step)], 3).row(0).index, [1, 2]);
    }

    #[test]
    fn a_newcomer_must_be_clearly_stronger_than_what_it_drives_out() {
        let before = Rows::quantise(entries(vec![(1, 1.0), (2, 0.5)]));
        assert_eq!(again(&before, vec![(1, 1.0), (2, 0.5), (3, 0.6)], 2).row(0).index, [1, 2]);
        assert_eq!(again(&before, vec![(1, 1.0), (2, 0.5), (3, 0.7)], 2).row(0).index, [1, 3]);
    }

    #[test]
    fn a_scale_stays_while_it_uses_a_quarter_of_the_range() {
        let before = Rows::quantise(entries(vec![(1, 1.0)]));
        assert_eq!(again(&before, vec![(1, 1.9)], 2).row(0).scale_log2, -6);
        assert_eq!(again(&before, vec![(1, 0.5)], 2).row(0).scale_log2, -6);
        assert_eq!(again(&before, vec![(1, 2.0)], 2).row(0).scale_log2, -5);
        assert_eq!(again(&before, vec![(1, 0.2)], 2).row(0).scale_log2, -9);
    }

    #[test]
    fn errors_stay_within_a_step_however_often_rows_are_trained() {
        fn property(walk: Vec<i8>) -> TestResult {
            let mut value = 0.5_f32;
            let mut rows = Rows::quantise(entries(vec![(1, 1.0), (2, value)]));
            for change in walk {
                value = (value + f32::from(change) / 20_000.0).clamp(0.1, 0.9);
                rows = again(&rows, vec![(1, 1.0), (2, value)], 2);
                let shipped = f32::from(rows.row(0).weight[1]) / 64.0;
                if (shipped - value).abs() > STEPS / 64.0 + 1e-6 {
                    return TestResult::failed();
                }
            }
            TestResult::passed()
        }
        quickcheck::quickcheck(property as fn(Vec<i8>) -> TestResult);
    }

    #[test]
    fn equal_values_give_the_very_same_rows() {
        let first = vec![(1, 1.0), (2, -0.3), (3, 0.01), (5, 0.004)];
        let before = Rows::quantise(entries(first.clone()));
        assert_eq!(again(&before, first, 4), before);
    }
}
