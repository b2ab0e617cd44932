//! Sequential ridge: which item follows which, solved in closed form.
//!
//! For every position p ≥ 1 of every sequence the features are the last `window` items before p, the one at age a
//! (0 = newest) weighted τ/(τ + a), and the target is item p. With S the features, Y the one-hot targets and D the
//! diagonal of SᵀS, B = (SᵀS + δ/(1 − δ) D + λI)⁻¹ SᵀY. Row i of B says what follows item i. Sequences that are read
//! backward as well add η times their SᵀS and SᵀY.
//!
//! That is solved for the most viewed items. A row of any other item explains what theirs leave unexplained, with its own
//! diagonal alone: one block of a Gauss-Seidel step, R_i = (SᵀY − SᵀS B)_i / (D_i/(1 − δ) + λ), B being the rows solved.
//! Where items are viewed seldom, what they share with each other is hardly more than chance, so that nothing is lost by
//! it, and beyond 16,000 items work grows with the square of the catalogue and the matrix with the catalogue alone.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt;
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

use super::features::{Features, Reading};
use super::gram::{Counting, Gram, NO_COLUMN};
use super::limits::{RIDGE_BLOCK_COLUMNS, RIDGE_SOLVED_MAX, RIDGE_SOLVED_MIN, RIDGE_THREADS};
use super::penalty::Penalty;
use super::rows::{Entries, Rows};
use super::sequences::Sequences;
use super::strongest::Strongest;

/// What shapes the rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// What it learns from.
    pub features: Features,
    /// What a connection must outweigh.
    pub penalty: Penalty,
    /// Entries kept per row on average, the strongest of either sign; at least 1.
    pub row_entries: usize,
}

/// The normal equations of some features: reusable for every penalty.
pub struct Normal<'a> {
    reading: Reading<'a>,
    decay: Vec<f32>,
    // Items that have a column: first those that are solved for, then the others, each rising. And the way back;
    // `NO_COLUMN` elsewhere.
    items: Vec<u32>,
    columns: Vec<u32>,
    solved: usize,
    gram: Gram,
    // (sequence as it is read, position) of every target, grouped by its column.
    targets: Vec<(u32, u32)>,
    target_offsets: Vec<usize>,
}

/// Items with at least `events_min` views, at most `columns_max` of them, the most viewed first; ties by lower item.
pub fn columns(counts: &[u32], events_min: u32, columns_max: usize) -> Vec<u32> {
    let mut items: Vec<u32> =
        (0..).zip(counts).filter(|&(_, &count)| count >= events_min.max(1)).map(|(item, _)| item).collect();
    items.sort_by_key(|&item| (std::cmp::Reverse(counts[item as usize]), item));
    items.truncate(columns_max);
    items
}

/// How many of so many items are solved for.
fn solved_of(items: usize) -> usize {
    (items / 4).clamp(RIDGE_SOLVED_MIN, RIDGE_SOLVED_MAX).min(items)
}

impl<'a> Normal<'a> {
    /// Counts `sequences`, without the newest `held_out` views of each, over the given items, the most viewed first.
    pub fn new(sequences: &'a Sequences, held_out: usize, features: &Features, items: Vec<u32>) -> Self {
        let solved = solved_of(items.len());
        Self::with_solved(sequences, held_out, features, items, solved)
    }

    /// Like [`Normal::new`], with so many of the items solved for; no more than there are.
    pub fn with_solved(
        sequences: &'a Sequences,
        held_out: usize,
        features: &Features,
        mut items: Vec<u32>,
        solved: usize,
    ) -> Self {
        items[..solved].sort_unstable();
        items[solved..].sort_unstable();
        let mut columns = vec![NO_COLUMN; sequences.titles().len()];
        for (column, &item) in (0..).zip(&items) {
            columns[item as usize] = column;
        }
        let reading = Reading::new(sequences, held_out, features.backward);
        let decay = features.decay();
        let gram = Counting { reading: &reading, columns: &columns, decay: &decay }.gram(items.len(), solved);
        let (targets, target_offsets) = (Vec::new(), Vec::new());
        let mut normal = Self { reading, decay, items, columns, solved, gram, targets, target_offsets };
        normal.group_targets();
        normal
    }

    fn group_targets(&mut self) {
        let mut targets = Vec::new();
        for (sequence, (items, _)) in (0..).zip(self.reading.iter()) {
            for (position, &item) in (0..).zip(items).skip(1) {
                let column = self.columns[item as usize];
                if column != NO_COLUMN {
                    targets.push((column, (sequence, position)));
                }
            }
        }
        targets.sort_unstable();
        self.target_offsets = (0..=self.items.len())
            .map(|end| targets.partition_point(|&(column, _)| (column as usize) < end))
            .collect();
        self.targets = targets.into_iter().map(|(_, place)| place).collect();
    }

    /// The columns and weights of the items before `position`, newest first.
    fn features(&self, items: &[u32], position: usize, features: &mut Vec<(usize, f32)>) {
        features.clear();
        for (&item, &weight) in items[..position].iter().rev().zip(&self.decay) {
            let column = self.columns[item as usize];
            if column != NO_COLUMN {
                features.push((column as usize, weight));
            }
        }
    }

    /// Solves for one penalty and keeps the strongest entries, so many a row on average.
    ///
    /// # Errors
    /// [`RidgeError::NotPositiveDefinite`] when the penalty is too small for the precision used.
    pub fn solve(&self, penalty: Penalty, row_entries: usize) -> Result<Rows, RidgeError> {
        let strongest = self.strongest(self.gram.solved.clone(), penalty, row_entries)?;
        Ok(Rows::quantise(self.by_item(strongest.into_rows())))
    }

    /// Like [`Normal::solve`], without a second copy of the matrix.
    ///
    /// # Errors
    /// As [`Normal::solve`].
    pub fn into_rows(self, penalty: Penalty, row_entries: usize) -> Result<Rows, RidgeError> {
        Ok(Rows::quantise(self.into_entries(penalty, row_entries)?))
    }

    /// Solves for one penalty and keeps the strongest entries as they are.
    ///
    /// # Errors
    /// As [`Normal::solve`].
    pub fn into_entries(mut self, penalty: Penalty, row_entries: usize) -> Result<Entries, RidgeError> {
        let gram = std::mem::take(&mut self.gram.solved);
        Ok(self.by_item(self.strongest(gram, penalty, row_entries)?.into_rows()))
    }

    /// Solves for one penalty and keeps half as many entries more, and says how many of each row are the strongest.
    ///
    /// # Errors
    /// As [`Normal::solve`].
    pub fn into_more_entries(
        mut self,
        penalty: Penalty,
        row_entries: usize,
    ) -> Result<(Entries, Vec<usize>), RidgeError> {
        let gram = std::mem::take(&mut self.gram.solved);
        let strongest = self.strongest(gram, penalty, row_entries.saturating_add(row_entries / 2))?;
        let lengths = self.by_item(strongest.lengths(row_entries));
        Ok((self.by_item(strongest.into_rows()), lengths))
    }

    fn strongest(
        &self,
        gram: Vec<f32>,
        penalty: Penalty,
        row_entries: usize,
    ) -> Result<Strongest, RidgeError> {
        let n = self.items.len();
        let squares = gram.iter().step_by(n + 1).chain(&self.gram.own).copied();
        let mut strongest = Strongest::new(squares, row_entries);
        self.blocks(gram, penalty, |start, block| {
            strongest.extend(&self.items[start..start + block.len() / n], block);
        })?;
        Ok(strongest)
    }

    /// What the columns have, by item.
    fn by_item<T: Clone + Default>(&self, of_columns: Vec<T>) -> Vec<T> {
        let mut by_item = vec![T::default(); self.columns.len()];
        self.items.iter().zip(of_columns).for_each(|(&item, value)| by_item[item as usize] = value);
        by_item
    }

    /// Hands on B some columns at a time: the first one's number, and the columns one after the other.
    fn blocks(
        &self,
        mut gram: Vec<f32>,
        penalty: Penalty,
        mut take: impl FnMut(usize, &[f32]),
    ) -> Result<(), RidgeError> {
        let n = self.items.len();
        if n == 0 {
            return Ok(());
        }
        penalty.add_to(&mut gram, n);
        let (mut factor, below) =
            MatMut::from_column_major_slice_mut(&mut gram, n, self.solved).split_at_row_mut(self.solved);
        factorise(factor.as_mut())?;
        let outweighed: Vec<f32> = self.gram.own.iter().map(|&own| penalty.outweigh(own)).collect();
        let views: Vec<(&[u32], f32)> = self.reading.iter().collect();
        let mut block = vec![0.0_f32; n * RIDGE_BLOCK_COLUMNS.min(n)];
        for start in (0..n).step_by(RIDGE_BLOCK_COLUMNS) {
            let width = RIDGE_BLOCK_COLUMNS.min(n - start);
            let block = &mut block[..n * width];
            self.count_targets(&views, start, block);
            let rows = MatMut::from_column_major_slice_mut(block, n, width);
            let (mut solved, unexplained) = rows.split_at_row_mut(self.solved);
            solve_block(factor.as_ref(), solved.as_mut());
            let parallel = Par::rayon(RIDGE_THREADS);
            matmul(unexplained, Accum::Add, below.as_ref(), solved.as_ref(), -1.0, parallel);
            block.par_chunks_mut(n).for_each(|column| {
                let rows = column[self.solved..].iter_mut().zip(&outweighed);
                rows.for_each(|(row, outweighed)| *row /= outweighed);
            });
            take(start, block);
        }
        Ok(())
    }

    /// Fills `block` with the columns of SᵀY from `start` on.
    fn count_targets(&self, views: &[(&[u32], f32)], start: usize, block: &mut [f32]) {
        let n = self.items.len();
        block.par_chunks_mut(n).enumerate().for_each(|(column, sums)| {
            sums.fill(0.0);
            let mut features = Vec::with_capacity(self.decay.len());
            let target = start + column;
            for &(sequence, position) in
                &self.targets[self.target_offsets[target]..self.target_offsets[target + 1]]
            {
                let (items, counts) = views[sequence as usize];
                self.features(items, position as usize, &mut features);
                for &(row, weight) in &features {
                    sums[row] += counts * weight;
                }
            }
        });
    }
}

/// Replaces the lower triangle of a positive definite matrix by its Cholesky factor.
pub(super) fn factorise(matrix: MatMut<'_, f32>) -> Result<(), RidgeError> {
    let parallel = Par::rayon(RIDGE_THREADS);
    let scratch = llt::factor::cholesky_in_place_scratch::<f32>(matrix.nrows(), parallel, Default::default());
    let mut memory = MemBuffer::new(scratch);
    let stack = MemStack::new(&mut memory);
    llt::factor::cholesky_in_place(matrix, Default::default(), parallel, stack, Default::default())
        .map_err(|_| RidgeError::NotPositiveDefinite)?;
    Ok(())
}

fn solve_block(factor: MatRef<'_, f32>, block: MatMut<'_, f32>) {
    let parallel = Par::rayon(RIDGE_THREADS);
    let scratch = llt::solve::solve_in_place_scratch::<f32>(factor.nrows(), block.ncols(), parallel);
    llt::solve::solve_in_place(factor, block, parallel, MemStack::new(&mut MemBuffer::new(scratch)));
}

/// Why no rows could be fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RidgeError {
    /// The regularisation is too small for these sequences.
    #[error("the normal equations are not positive definite: the penalty is too small for this history")]
    NotPositiveDefinite,
}

impl RidgeError {
    /// A stable name for this refusal.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotPositiveDefinite => "ridge-not-positive-definite",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SᵀS by its definition: the features of every target, each with each.
    fn by_definition(normal: &Normal<'_>) -> Vec<f64> {
        let n = normal.items.len();
        let mut gram = vec![0.0; n * n];
        let mut features = Vec::new();
        for (items, counts) in normal.reading.iter() {
            for position in 1..items.len() {
                normal.features(items, position, &mut features);
                for &(column, weight) in &features {
                    for &(row, other) in &features {
                        gram[column * n + row] += f64::from(counts) * f64::from(weight) * f64::from(other);
                    }
                }
            }
        }
        gram
    }

    #[test]
    fn the_normal_equations_are_those_of_the_definition() {
        fn property(
            sequences: Vec<Vec<u8>>,
            window: u8,
            tau: u8,
            backward: u8,
            events_min: u8,
            share: u8,
        ) -> bool {
            let titles = |items: Vec<u8>| items.into_iter().map(|item| u32::from(item % 9)).collect();
            let sequences =
                Sequences::new((0..).zip(sequences).map(|(viewer, items)| (viewer, titles(items))));
            let counts = sequences.counts(0);
            // Some titles have no column.
            let items = columns(&counts, u32::from(events_min % 4), usize::MAX);
            let window = usize::from(window % 12) + 1;
            // Some are not solved for.
            let solved = items.len() * usize::from(share) / 255;
            let recency_tau = f32::from(tau % 40) / 4.0 + 0.3;
            let features = Features { recency_tau, window, backward: f32::from(backward % 5) / 4.0 };
            let normal = Normal::with_solved(&sequences, 0, &features, items, solved);
            let n = normal.items.len();
            let expected = by_definition(&normal);
            let is_near =
                |own: f32, expected: f64| (f64::from(own) - expected).abs() <= 1e-4 * expected.abs().max(1.0);
            let mut below = (solved..n).zip(&normal.gram.own);
            (0..solved).all(|column| {
                (column..n)
                    .all(|row| is_near(normal.gram.solved[column * n + row], expected[column * n + row]))
            }) && below.all(|(column, &own)| is_near(own, expected[column * n + column]))
        }
        quickcheck::quickcheck(property as fn(Vec<Vec<u8>>, u8, u8, u8, u8, u8) -> bool);
    }

    /// numpy: S and Y of the two sequences, G = SᵀS, C = SᵀY; the first three rows are solve(G₃ + D₃ + 0.5 I, C₃), the
    /// others (C − G B)ᵢ / (2 Gᵢᵢ + 0.5).
    #[test]
    fn rows_that_are_not_solved_for_explain_what_the_others_leave() {
        let sequences = Sequences::new([(1, vec![0, 1, 2, 3, 4, 0]), (2, vec![3, 0, 4, 1, 2])]);
        let penalty = Penalty { lambda: 0.5, dropout: 0.5 };
        let features = Features { recency_tau: 2.0, window: 3, backward: 0.0 };
        let normal = Normal::with_solved(&sequences, 0, &features, vec![2, 0, 1, 4, 3], 3);
        let entries = normal.into_entries(penalty, 5).unwrap();
        let expected = [
            [-0.004793, 0.242265, 0.098790, 0.039494, 0.121269],
            [-0.021662, -0.058996, 0.331072, 0.063099, 0.028812],
            [0.134758, -0.015978, -0.097835, 0.235839, 0.148428],
            [0.228325, 0.044736, -0.024564, -0.045278, 0.203985],
            [0.176633, 0.149392, 0.073499, -0.037017, -0.039840],
        ];
        for (item, expected) in expected.iter().enumerate() {
            let mut row = entries[item].clone();
            row.sort_unstable_by_key(|&(target, _)| target);
            let is_near =
                row.iter().zip(expected).all(|(&(_, value), expected)| (value - expected).abs() < 1e-5);
            assert!(is_near && row.len() == 5, "{item}: {row:?} {expected:?}");
        }
    }
}
