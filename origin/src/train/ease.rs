//! EASE: which items are watched together, whatever their order, solved in closed form.
//!
//! With X the viewers × items table of what was watched, P = (XᵀX + λI)⁻¹ and B = I − P · diag(P)⁻¹: an item's
//! column of B is its least-squares regression on all other items. After Steck, "Embarrassingly shallow autoencoders
//! for sparse data", 2019.

use rayon::prelude::*;

use super::limits::RIDGE_BLOCK_COLUMNS;
use super::ridge::{RidgeError, factorise, solve_block};

/// How many viewers watched each pair of items: the same for every λ.
#[derive(Clone, Debug)]
pub struct Together {
    items: usize,
    // Lower triangle, column-major.
    gram: Vec<f32>,
}

/// A fitted model: one row of weights an item.
#[derive(Clone, Debug)]
pub struct Ease {
    items: usize,
    weights: Vec<f32>,
}

impl Together {
    /// Counts what each viewer watched, every item once and below `items`.
    pub fn new(items: usize, watched: &[&[u32]]) -> Self {
        let mut gram = vec![0.0; items * items];
        let share = items.div_ceil(THREADS).max(1);
        gram.par_chunks_mut(share * items.max(1)).enumerate().for_each(|(chunk, gram)| {
            let own = chunk * share..chunk * share + gram.len() / items;
            for items_of in watched {
                for &column in items_of.iter().filter(|&&column| own.contains(&(column as usize))) {
                    let sums = &mut gram[(column as usize - own.start) * items..][..items];
                    items_of.iter().filter(|&&row| row >= column).for_each(|&row| sums[row as usize] += 1.0);
                }
            }
        });
        Self { items, gram }
    }

    /// Solves for one λ.
    ///
    /// # Errors
    /// When λ is too small for the precision used.
    pub fn solve(&self, lambda: f32) -> Result<Ease, RidgeError> {
        let n = self.items;
        let mut gram = self.gram.clone();
        gram.iter_mut().step_by(n + 1).for_each(|diagonal| *diagonal += lambda);
        factorise(&mut gram, n)?;
        let mut weights = vec![0.0; n * n];
        let mut block = vec![0.0; n * RIDGE_BLOCK_COLUMNS.min(n)];
        for start in (0..n).step_by(RIDGE_BLOCK_COLUMNS) {
            let width = RIDGE_BLOCK_COLUMNS.min(n - start);
            let block = &mut block[..n * width];
            block.fill(0.0);
            (0..width).for_each(|column| block[column * n + start + column] = 1.0);
            solve_block(&gram, n, block, width);
            weights.par_chunks_mut(n).enumerate().for_each(|(row, weights)| {
                for (place, column) in block.chunks_exact(n).enumerate() {
                    let is_own = row == start + place;
                    weights[start + place] = if is_own { 0.0 } else { -column[row] / column[start + place] };
                }
            });
        }
        Ok(Ease { items: n, weights })
    }
}

impl Ease {
    /// The sum of the rows of what was watched: one score an item.
    pub fn scores(&self, watched: &[u32]) -> Vec<f32> {
        let mut scores = vec![0.0; self.items];
        for &item in watched {
            let row = &self.weights[item as usize * self.items..][..self.items];
            scores.iter_mut().zip(row).for_each(|(score, weight)| *score += weight);
        }
        scores
    }
}

/// Fixed, so that sums have one order everywhere.
const THREADS: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    /// numpy: P = inv(X.T @ X + 2 I), B = I − P / diag(P), for X = [[1,1,0],[1,1,1],[0,1,1],[1,0,0]].
    #[test]
    fn weights_are_those_of_numpy() {
        let ease = Together::new(3, &[&[0, 1], &[0, 1, 2], &[1, 2], &[0]]).solve(2.0).unwrap();
        let expected =
            [[0.0, 0.315_789_47, 0.047_619_05], [0.375, 0.0, 0.380_952_4], [0.0625, 0.421_052_63, 0.0]];
        for (row, expected) in expected.iter().enumerate() {
            let scores = ease.scores(&[row as u32]);
            let is_near = scores.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6);
            assert!(is_near, "{scores:?} {expected:?}");
        }
    }

    #[test]
    fn finds_what_is_watched_together() {
        let watched: Vec<Vec<u32>> = (0..60)
            .map(|viewer| (0..20).filter(|item| item % 2 == viewer % 2 && (item + viewer) % 5 > 0).collect())
            .collect();
        let views: Vec<&[u32]> = watched.iter().map(Vec::as_slice).collect();
        let scores = Together::new(20, &views).solve(1.0).unwrap().scores(&[0, 2, 4]);
        assert!(scores[6] > scores[7] && scores[8] > scores[9], "{scores:?}");
    }
}
