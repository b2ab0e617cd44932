//! Item-to-item rows: what goes with what was watched.
//!
//! The score of candidate `c` is `Σ τ / (τ + age) · row[h][c]` over the newest watched titles `h`
//! that have a row, in the order newest to oldest, in f32: the same sum in the same order everywhere.

use alloc::vec;
use alloc::vec::Vec;

use crate::Candidates;
use crate::Rules;
use crate::indexes::IndexSlice;

/// A watched title that counts.
pub(crate) struct Watched {
    /// Its place in the candidate set.
    pub(crate) index: usize,
    /// What its row is multiplied by: recency and the row's scale.
    factor: f32,
}

/// The newest watched titles that the set knows, newest first.
pub(crate) fn recent(candidates: &Candidates, rules: &Rules, history: &[u32]) -> Vec<Watched> {
    let newest = history.iter().rev().take(rules.history_window());
    newest
        .enumerate()
        .filter_map(|(age, &title)| {
            let index = candidates.index_of(title)?;
            let scale = libm::exp2f(f32::from(candidates.columns.row_scales_log2[index]));
            Some(Watched { index, factor: rules.recency_weight(age) * scale })
        })
        .collect()
}

/// What the rows say of every candidate.
pub(crate) struct RowScores {
    /// The summed score; 0 where no row leads.
    pub(crate) scores: Vec<f32>,
    /// Where a row leads; a place may be there twice.
    pub(crate) led_to: Vec<u32>,
}

/// Adds up the rows of what was watched.
pub(crate) fn sum(candidates: &Candidates, recent: &[Watched]) -> RowScores {
    let mut sums = RowScores { scores: vec![0.0; candidates.len()], led_to: Vec::new() };
    for watched in recent {
        let (indexes, weights) = row(candidates, watched.index);
        match indexes {
            IndexSlice::Narrow(indexes) => add(&mut sums, indexes, weights, watched.factor),
            IndexSlice::Wide(indexes) => add(&mut sums, indexes, weights, watched.factor),
        }
    }
    sums
}

fn add<I: Copy + Into<u32>>(sums: &mut RowScores, indexes: &[I], weights: &[i8], factor: f32) {
    sums.led_to.reserve(indexes.len());
    for (&index, &weight) in indexes.iter().zip(weights) {
        let index: u32 = index.into();
        let score = &mut sums.scores[index as usize];
        if *score == 0.0 {
            sums.led_to.push(index);
        }
        *score += factor * f32::from(weight);
    }
}

/// The watched title whose row gave a candidate most; the newest of equals.
pub(crate) fn strongest(candidates: &Candidates, recent: &[Watched], candidate: u32) -> Option<usize> {
    let mut best: Option<(f32, usize)> = None;
    for watched in recent {
        let (indexes, weights) = row(candidates, watched.index);
        let Some(entry) = indexes.position(candidate) else { continue };
        let given = watched.factor * f32::from(weights[entry]);
        if best.is_none_or(|(most, _)| given > most) {
            best = Some((given, watched.index));
        }
    }
    best.map(|(_, index)| index)
}

/// Where the row of one title leads, with the values of its entries.
pub(crate) fn entries(candidates: &Candidates, index: usize) -> Vec<(f32, u32)> {
    let (indexes, weights) = row(candidates, index);
    let scale = libm::exp2f(f32::from(candidates.columns.row_scales_log2[index]));
    indexes.to_vec().into_iter().zip(weights).map(|(to, &weight)| (scale * f32::from(weight), to)).collect()
}

fn row(candidates: &Candidates, index: usize) -> (IndexSlice<'_>, &[i8]) {
    let columns = &candidates.columns;
    let bounds = columns.row_offsets[index] as usize..columns.row_offsets[index + 1] as usize;
    (columns.row_indexes.slice(bounds.clone()), &columns.row_weights[bounds])
}
