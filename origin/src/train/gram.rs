//! Counts SᵀS, which features occur together.

use std::ops::Range;

use rayon::prelude::*;

use super::features::Reading;
use super::limits::RIDGE_THREADS;

/// SᵀS of the columns that are solved for, and the diagonal of the others.
pub struct Gram {
    /// Column-major, a row for every column; what lies above the diagonal is of no use.
    pub solved: Vec<f32>,
    /// The diagonal below them.
    pub own: Vec<f32>,
}

/// What is counted, and where it goes.
pub struct Counting<'a> {
    /// The sequences.
    pub reading: &'a Reading<'a>,
    /// The column of each item, or [`NO_COLUMN`].
    pub columns: &'a [u32],
    /// Weights of the ages 0, 1, ….
    pub decay: &'a [f32],
}

impl Counting<'_> {
    /// Counts `n` columns, of which the first `solved` are solved for.
    pub fn gram(&self, n: usize, solved: usize) -> Gram {
        let mut gram = self.pairs(0..solved, n, |_, newer| Some(newer));
        fold_into_lower(&mut gram, n, solved);
        // Of an item that is not solved for: what it shares with those that are, and with itself.
        let width = solved + 1;
        let others = self.pairs(solved..n, width, |older, newer| match newer {
            newer if newer < solved => Some(newer),
            newer => (newer == older).then_some(solved),
        });
        gram.par_chunks_mut(n.max(1)).enumerate().for_each(|(column, sums)| {
            let shared = others.iter().skip(column).step_by(width);
            sums[solved..].iter_mut().zip(shared).for_each(|(sum, shared)| *sum += shared);
        });
        Gram { solved: gram, own: others.iter().skip(solved).step_by(width).copied().collect() }
    }

    /// What each of some columns, as the older of two, shares with the newer: a row of `width` sums each, at the places
    /// that `place` says.
    ///
    /// Two items `apart` views from each other are features together of as many targets as follow within the window, so
    /// what they add to SᵀS is one number, and a view costs at most `window` sums. Each thread owns some of the rows and
    /// reads all sequences, so every sum has one fixed order.
    fn pairs(
        &self,
        olders: Range<usize>,
        width: usize,
        place: impl Fn(usize, usize) -> Option<usize> + Sync,
    ) -> Vec<f32> {
        let shared = shared_weights(self.decay);
        let mut rows = vec![0.0; olders.len() * width];
        let share = olders.len().div_ceil(RIDGE_THREADS).max(1);
        rows.par_chunks_mut(share * width.max(1)).enumerate().for_each(|(chunk, rows)| {
            let first = olders.start + chunk * share;
            let own = first..first + rows.len() / width;
            let mut columns = Vec::new();
            for (items, counts) in self.reading.iter() {
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
                        let weight = counts * shared[targets.min(shared.len()) - 1];
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

/// Of an item that takes no part.
pub const NO_COLUMN: u32 = u32::MAX;

/// Rows and columns that are folded at once: both tiles fit the first cache.
const FOLD_TILE: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

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
