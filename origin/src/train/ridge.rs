//! Sequential ridge: which item follows which, solved in closed form.
//!
//! For every position p ≥ 1 of every sequence the features are the last `window` items before p, the one at age a
//! (0 = newest) weighted τ/(τ + a), and the target is item p. With S the features, Y the one-hot targets and D the
//! diagonal of SᵀS, B = (SᵀS + δ/(1 − δ) D + λI)⁻¹ SᵀY. Row i of B says what follows item i.
//!
//! That is solved for the most viewed items. A row of any other item explains what theirs leave unexplained, with its own
//! diagonal alone: one block of a Gauss-Seidel step, R_i = (SᵀY − SᵀS B)_i / (D_i/(1 − δ) + λ), B being the rows solved.
//! Where items are viewed seldom, what they share with each other is hardly more than chance, so that nothing is lost by
//! it, and beyond 16,000 items work grows with the square of the catalogue and the matrix with the catalogue alone.

use std::ops::Range;

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt;
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

use super::limits::{RIDGE_BLOCK_COLUMNS, RIDGE_SOLVED_MAX, RIDGE_SOLVED_MIN, RIDGE_THREADS};
use super::penalty::Penalty;
use super::rows::{Entries, Rows};
use super::sequences::Sequences;
use super::strongest::Strongest;

/// What shapes the rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// τ: an item at age a weighs τ/(τ + a), see [`ranking::recency_weight`]; above 0.
    pub recency_tau: f32,
    /// Newest items of a history that count; 1 to 200.
    pub window: usize,
    /// What a connection must outweigh.
    pub penalty: Penalty,
    /// Entries kept per row on average, the strongest of either sign; at least 1.
    pub row_entries: usize,
}

/// The normal equations of one τ: reusable for every penalty.
pub struct Normal<'a> {
    sequences: &'a Sequences,
    held_out: usize,
    window: usize,
    decay: Vec<f32>,
    // Items that have a column: first those that are solved for, then the others, each rising. And the way back;
    // `NO_COLUMN` elsewhere.
    items: Vec<u32>,
    columns: Vec<u32>,
    solved: usize,
    // The columns of SᵀS that are solved for, column-major; what lies above the diagonal is of no use.
    gram: Vec<f32>,
    // The diagonal of SᵀS below them.
    own: Vec<f32>,
    // (sequence, position) of every target, grouped by its column.
    targets: Vec<(u32, u32)>,
    target_offsets: Vec<usize>,
}

/// Weights for the ages 0, 1, … `window` − 1.
pub fn decay(recency_tau: f32, window: usize) -> Vec<f32> {
    (0..window).map(|age| ranking::recency_weight(age, recency_tau)).collect()
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
    pub fn new(
        sequences: &'a Sequences,
        held_out: usize,
        recency_tau: f32,
        window: usize,
        items: Vec<u32>,
    ) -> Self {
        let solved = solved_of(items.len());
        Self::with_solved(sequences, held_out, recency_tau, window, items, solved)
    }

    /// Like [`Normal::new`], with so many of the items solved for; no more than there are.
    pub fn with_solved(
        sequences: &'a Sequences,
        held_out: usize,
        recency_tau: f32,
        window: usize,
        mut items: Vec<u32>,
        solved: usize,
    ) -> Self {
        items[..solved].sort_unstable();
        items[solved..].sort_unstable();
        let mut columns = vec![NO_COLUMN; sequences.titles().len()];
        for (column, &item) in (0..).zip(&items) {
            columns[item as usize] = column;
        }
        let mut normal = Self {
            sequences,
            held_out,
            window,
            decay: decay(recency_tau, window),
            items,
            columns,
            solved,
            gram: Vec::new(),
            own: Vec::new(),
            targets: Vec::new(),
            target_offsets: Vec::new(),
        };
        normal.group_targets();
        normal.count_gram();
        normal
    }

    fn group_targets(&mut self) {
        let mut targets = Vec::new();
        for (sequence, items) in (0..).zip(self.sequences.iter(self.held_out)) {
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

    fn count_gram(&mut self) {
        let (n, solved) = (self.items.len(), self.solved);
        let mut gram = self.count_pairs(0..solved, n, |_, newer| Some(newer));
        fold_into_lower(&mut gram, n, solved);
        // Of an item that is not solved for: what it shares with those that are, and with itself.
        let width = solved + 1;
        let others = self.count_pairs(solved..n, width, |older, newer| match newer {
            newer if newer < solved => Some(newer),
            newer => (newer == older).then_some(solved),
        });
        gram.par_chunks_mut(n.max(1)).enumerate().for_each(|(column, sums)| {
            let shared = others.iter().skip(column).step_by(width);
            sums[solved..].iter_mut().zip(shared).for_each(|(sum, shared)| *sum += shared);
        });
        self.own = others.iter().skip(solved).step_by(width).copied().collect();
        self.gram = gram;
    }

    /// What each of some columns, as the older of two, shares with the newer: a row of `width` sums each, at the places
    /// that `place` says.
    ///
    /// Two items `apart` views from each other are features together of as many targets as follow within the window, so
    /// what they add to SᵀS is one number, and a view costs at most `window` sums. Each thread owns some of the rows and
    /// reads all sequences, so every sum has one fixed order.
    fn count_pairs(
        &self,
        olders: Range<usize>,
        width: usize,
        place: impl Fn(usize, usize) -> Option<usize> + Sync,
    ) -> Vec<f32> {
        let shared = shared_weights(&self.decay);
        let mut rows = vec![0.0; olders.len() * width];
        let share = olders.len().div_ceil(RIDGE_THREADS).max(1);
        rows.par_chunks_mut(share * width.max(1)).enumerate().for_each(|(chunk, rows)| {
            let first = olders.start + chunk * share;
            let own = first..first + rows.len() / width;
            let mut columns = Vec::new();
            for items in self.sequences.iter(self.held_out) {
                columns.clear();
                columns.extend(items.iter().map(|&item| self.columns[item as usize]));
                for (at, &older) in columns.iter().enumerate() {
                    let older = older as usize;
                    // Nothing follows the last one.
                    let left = columns.len() - 1 - at;
                    if !own.contains(&older) || left == 0 {
                        continue;
                    }
                    let sums = &mut rows[(older - own.start) * width..][..width];
                    for (apart, (&newer, shared)) in columns[at..].iter().zip(&shared).enumerate() {
                        let Some(targets) = left.checked_sub(apart).filter(|&targets| targets > 0) else {
                            break;
                        };
                        if newer == NO_COLUMN {
                            continue;
                        }
                        let newer = newer as usize;
                        let weight = shared[targets.min(shared.len()) - 1];
                        if let Some(place) = place(older, newer) {
                            // Of two views of one item either is the older.
                            sums[place] += if apart > 0 && newer == older { 2.0 * weight } else { weight };
                        }
                    }
                }
            }
        });
        rows
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
        let strongest = self.strongest(self.gram.clone(), penalty, row_entries)?;
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
        let gram = std::mem::take(&mut self.gram);
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
        let gram = std::mem::take(&mut self.gram);
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
        let squares = gram.iter().step_by(n + 1).chain(&self.own).copied();
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
        let outweighed: Vec<f32> = self.own.iter().map(|&own| penalty.outweigh(own)).collect();
        let views: Vec<&[u32]> = self.sequences.iter(self.held_out).collect();
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
    fn count_targets(&self, views: &[&[u32]], start: usize, block: &mut [f32]) {
        let n = self.items.len();
        block.par_chunks_mut(n).enumerate().for_each(|(column, sums)| {
            sums.fill(0.0);
            let mut features = Vec::with_capacity(self.window);
            let target = start + column;
            for &(sequence, position) in
                &self.targets[self.target_offsets[target]..self.target_offsets[target + 1]]
            {
                self.features(views[sequence as usize], position as usize, &mut features);
                for &(row, weight) in &features {
                    sums[row] += weight;
                }
            }
        });
    }
}

/// What two items, so many views apart, add to SᵀS: for 1, 2, … targets behind the newer one, as many as both are in the
/// window of.
fn shared_weights(decay: &[f32]) -> Vec<Vec<f32>> {
    let sums = |apart: usize| {
        let products = decay.iter().zip(&decay[apart..]).map(|(newer, older)| newer * older);
        products.scan(0.0, |sum, product| {
            *sum += product;
            Some(*sum)
        })
    };
    (0..decay.len()).map(|apart| sums(apart).collect()).collect()
}

/// Adds what lies above the diagonal to what lies below, in the first `square` columns and rows of a column-major matrix
/// of `n` rows.
fn fold_into_lower(matrix: &mut [f32], n: usize, square: usize) {
    // In tiles, because one of the two is read across.
    for tile in (0..square).step_by(FOLD_TILE) {
        for below in (tile..square).step_by(FOLD_TILE) {
            for column in tile..square.min(tile + FOLD_TILE) {
                for row in below.max(column + 1)..square.min(below + FOLD_TILE) {
                    matrix[column * n + row] += matrix[row * n + column];
                }
            }
        }
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

const NO_COLUMN: u32 = u32::MAX;

/// Rows and columns that are folded at once: both tiles fit the first cache.
const FOLD_TILE: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    /// SᵀS by its definition: the features of every target, each with each.
    fn by_definition(normal: &Normal<'_>) -> Vec<f64> {
        let n = normal.items.len();
        let mut gram = vec![0.0; n * n];
        let mut features = Vec::new();
        for items in normal.sequences.iter(normal.held_out) {
            for position in 1..items.len() {
                normal.features(items, position, &mut features);
                for &(column, weight) in &features {
                    for &(row, other) in &features {
                        gram[column * n + row] += f64::from(weight) * f64::from(other);
                    }
                }
            }
        }
        gram
    }

    #[test]
    fn the_normal_equations_are_those_of_the_definition() {
        fn property(sequences: Vec<Vec<u8>>, window: u8, tau: u8, events_min: u8, share: u8) -> bool {
            let titles = |items: Vec<u8>| items.into_iter().map(|item| u32::from(item % 9)).collect();
            let sequences =
                Sequences::new((0..).zip(sequences).map(|(viewer, items)| (viewer, titles(items))));
            let counts = sequences.counts(0);
            // Some titles have no column.
            let items = columns(&counts, u32::from(events_min % 4), usize::MAX);
            let window = usize::from(window % 12) + 1;
            // Some are not solved for.
            let solved = items.len() * usize::from(share) / 255;
            let tau = f32::from(tau % 40) / 4.0 + 0.3;
            let normal = Normal::with_solved(&sequences, 0, tau, window, items, solved);
            let n = normal.items.len();
            let expected = by_definition(&normal);
            let is_near =
                |own: f32, expected: f64| (f64::from(own) - expected).abs() <= 1e-4 * expected.abs().max(1.0);
            let mut below = (solved..n).zip(&normal.own);
            (0..solved).all(|column| {
                (column..n).all(|row| is_near(normal.gram[column * n + row], expected[column * n + row]))
            }) && below.all(|(column, &own)| is_near(own, expected[column * n + column]))
        }
        quickcheck::quickcheck(property as fn(Vec<Vec<u8>>, u8, u8, u8, u8) -> bool);
    }

    /// numpy: S and Y of the two sequences, G = SᵀS, C = SᵀY; the first three rows are solve(G₃ + D₃ + 0.5 I, C₃), the
    /// others (C − G B)ᵢ / (2 Gᵢᵢ + 0.5).
    #[test]
    fn rows_that_are_not_solved_for_explain_what_the_others_leave() {
        let sequences = Sequences::new([(1, vec![0, 1, 2, 3, 4, 0]), (2, vec![3, 0, 4, 1, 2])]);
        let penalty = Penalty { lambda: 0.5, dropout: 0.5 };
        let normal = Normal::with_solved(&sequences, 0, 2.0, 3, vec![2, 0, 1, 4, 3], 3);
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

    #[test]
    fn folding_adds_the_upper_to_the_lower() {
        let n = 2 * FOLD_TILE + 3;
        let at = |column: usize, row: usize| (column * n + row) as f32;
        let mut matrix: Vec<f32> = (0..n * n).map(|place| place as f32).collect();
        fold_into_lower(&mut matrix, n, n - 2);
        assert!((0..n).all(|column| matrix[column * n + n - 1] == at(column, n - 1)));
        let square = n - 2;
        for column in 0..square {
            assert_eq!(matrix[column * n + column], at(column, column));
            for row in column + 1..square {
                assert_eq!(matrix[column * n + row], at(column, row) + at(row, column), "{column} {row}");
            }
        }
    }
}
