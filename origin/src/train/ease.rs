//! EASE: which items are watched together, whatever their order, solved in closed form.
//!
//! With X the viewers × items table of what was watched, W the weights of viewers, G = XᵀWX and D its diagonal,
//! P = (G + δ/(1 − δ) D + λI)⁻¹ and B = I − P · diag(P)⁻¹: an item's column of B is its least-squares regression on all
//! other items. After Steck, "Embarrassingly shallow autoencoders for sparse data", 2019, and, for δ, "Autoencoders that
//! don't overfit towards the identity", 2020.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt;
use faer::{MatMut, MatRef, Par};
use rayon::prelude::*;

use super::limits::RIDGE_THREADS;
use super::penalty::Penalty;
use super::ridge::{RidgeError, factorise};

/// How viewers who watched much count.
///
/// A viewer of n titles weighs n^−`evenness`, times what leaves the sum over all views as it is: with 0 each view counts
/// alike, with 1 each viewer.
pub fn viewer_weights(watched: &[&[u32]], evenness: f32) -> Vec<f32> {
    let raw = |items: &&[u32]| (items.len().max(1) as f64).powf(-f64::from(evenness));
    let weighed: f64 = watched.iter().map(|items| items.len() as f64 * raw(items)).sum();
    let views: f64 = watched.iter().map(|items| items.len() as f64).sum();
    let scale = if weighed > 0.0 { views / weighed } else { 1.0 };
    watched.iter().map(|items| (raw(items) * scale) as f32).collect()
}

/// How many viewers watched each pair of items: the same for every penalty.
#[derive(Clone, Debug)]
pub struct Together {
    columns: Columns,
    // Lower triangle, column-major.
    gram: Vec<f32>,
}

/// A fitted model: one row of weights an item that has a column.
#[derive(Clone, Debug)]
pub struct Ease {
    columns: Columns,
    weights: Vec<f32>,
}

/// Items that have a column, and the way back.
#[derive(Clone, Debug)]
struct Columns {
    // Rising.
    items: Vec<u32>,
    of_item: Vec<u32>,
}

impl Columns {
    fn of<'a>(&'a self, items: &'a [u32]) -> impl Iterator<Item = usize> + 'a {
        items
            .iter()
            .map(|&item| self.of_item[item as usize])
            .filter(|&column| column != NO_COLUMN)
            .map(|column| column as usize)
    }
}

impl Together {
    /// Counts what each viewer watched, each item once and rising, among the rising items `with_column` of `items` in
    /// all; a viewer counts as often as `weights` says.
    pub fn new(items: usize, with_column: Vec<u32>, watched: &[&[u32]], weights: &[f32]) -> Self {
        let mut of_item = vec![NO_COLUMN; items];
        (0..).zip(&with_column).for_each(|(column, &item)| of_item[item as usize] = column);
        let columns = Columns { items: with_column, of_item };
        let n = columns.items.len();
        let mut gram = vec![0.0; n * n];
        let share = n.div_ceil(RIDGE_THREADS).max(1);
        gram.par_chunks_mut(share * n.max(1)).enumerate().for_each(|(chunk, gram)| {
            let own = chunk * share..chunk * share + gram.len() / n;
            let mut rows = Vec::new();
            for (items, &weight) in watched.iter().zip(weights) {
                rows.clear();
                rows.extend(columns.of(items));
                for (place, &column) in rows.iter().enumerate().filter(|(_, column)| own.contains(column)) {
                    let sums = &mut gram[(column - own.start) * n..][..n];
                    rows[place..].iter().for_each(|&row| sums[row] += weight);
                }
            }
        });
        Self { columns, gram }
    }

    /// Solves for one penalty.
    ///
    /// # Errors
    /// When the penalty is too small for the precision used.
    pub fn solve(&self, penalty: Penalty) -> Result<Ease, RidgeError> {
        self.clone().into_ease(penalty)
    }

    /// Like [`Together::solve`], without a second copy of the matrix.
    ///
    /// # Errors
    /// As [`Together::solve`].
    pub fn into_ease(self, penalty: Penalty) -> Result<Ease, RidgeError> {
        let Self { columns, mut gram } = self;
        let n = columns.items.len();
        penalty.add_to(&mut gram, n);
        factorise(MatMut::from_column_major_slice_mut(&mut gram, n, n))?;
        let mut weights = vec![0.0; n * n];
        invert(&gram, &mut weights, n);
        mirror(&mut weights, n);
        let diagonal: Vec<f32> = weights.iter().step_by(n + 1).copied().collect();
        weights.par_chunks_mut(n.max(1)).enumerate().for_each(|(row, weights)| {
            weights.iter_mut().zip(&diagonal).for_each(|(weight, own)| *weight /= -own);
            weights[row] = 0.0;
        });
        Ok(Ease { columns, weights })
    }
}

impl Ease {
    /// The sum of the rows of what was watched: one score an item, 0 where it has no column.
    pub fn scores(&self, watched: &[u32]) -> Vec<f32> {
        let n = self.columns.items.len();
        let mut sums = vec![0.0; n];
        for row in self.columns.of(watched) {
            let row = &self.weights[row * n..][..n];
            sums.iter_mut().zip(row).for_each(|(sum, weight)| *sum += weight);
        }
        let mut scores = vec![0.0; self.columns.of_item.len()];
        self.columns.items.iter().zip(sums).for_each(|(&item, sum)| scores[item as usize] = sum);
        scores
    }
}

/// The lower triangle of the inverse, from the Cholesky factor.
fn invert(factor: &[f32], inverse: &mut [f32], n: usize) {
    let parallel = Par::rayon(RIDGE_THREADS);
    let mut memory = MemBuffer::new(llt::inverse::inverse_scratch::<f32>(n, parallel));
    llt::inverse::inverse(
        MatMut::from_column_major_slice_mut(inverse, n, n),
        MatRef::from_column_major_slice(factor, n, n),
        parallel,
        MemStack::new(&mut memory),
    );
}

/// Copies what lies below the diagonal of a column-major matrix to what lies above.
fn mirror(matrix: &mut [f32], n: usize) {
    // In tiles, because one of the two is written across.
    for tile in (0..n).step_by(MIRROR_TILE) {
        for below in (tile..n).step_by(MIRROR_TILE) {
            for column in tile..n.min(tile + MIRROR_TILE) {
                for row in below.max(column + 1)..n.min(below + MIRROR_TILE) {
                    matrix[row * n + column] = matrix[column * n + row];
                }
            }
        }
    }
}

const NO_COLUMN: u32 = u32::MAX;

/// Rows and columns that are copied at once: both tiles fit the first cache.
const MIRROR_TILE: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    const WATCHED: [&[u32]; 4] = [&[0, 1], &[0, 1, 2], &[1, 2], &[0]];

    fn assert_rows(ease: &Ease, expected: [[f32; 3]; 3]) {
        for (row, expected) in expected.iter().enumerate() {
            let scores = ease.scores(&[row as u32]);
            let is_near = scores.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6);
            assert!(is_near, "{scores:?} {expected:?}");
        }
    }

    /// numpy: P = inv(X.T @ X + 2 I), B = I − P / diag(P), for X = [[1,1,0],[1,1,1],[0,1,1],[1,0,0]].
    #[test]
    fn weights_are_those_of_numpy() {
        let penalty = Penalty { lambda: 2.0, dropout: 0.0 };
        let ease = Together::new(3, vec![0, 1, 2], &WATCHED, &[1.0; 4]).solve(penalty).unwrap();
        let expected =
            [[0.0, 0.315_789_47, 0.047_619_05], [0.375, 0.0, 0.380_952_4], [0.0625, 0.421_052_63, 0.0]];
        assert_rows(&ease, expected);
    }

    /// The regression of each item on the others, solved with `numpy.linalg.lstsq` on X weighted by the roots of w and
    /// rows of penalties below it, for w = 1/√n and a dropout of a third.
    #[test]
    fn weights_of_viewers_and_dropout_are_those_of_numpy() {
        let weights = viewer_weights(&WATCHED, 0.5);
        let penalty = Penalty { lambda: 2.0, dropout: 1.0 / 3.0 };
        let ease = Together::new(3, vec![0, 1, 2], &WATCHED, &weights).solve(penalty).unwrap();
        let expected = [
            [0.0, 0.224_937_43, 0.045_149_227],
            [0.273_417_6, 0.0, 0.280_176_94],
            [0.068_185_225, 0.348_102_87, 0.0],
        ];
        assert_rows(&ease, expected);
    }

    #[test]
    fn an_item_without_a_column_has_no_say() {
        let penalty = Penalty { lambda: 2.0, dropout: 0.0 };
        let ease = Together::new(3, vec![0, 2], &WATCHED, &[1.0; 4]).solve(penalty).unwrap();
        assert_eq!(ease.scores(&[1]), [0.0; 3]);
        let scores = ease.scores(&[0, 1]);
        assert!(scores[1] == 0.0 && scores[2] > 0.0, "{scores:?}");
    }

    #[test]
    fn weights_leave_the_sum_over_all_views_as_it_is() {
        fn property(lengths: Vec<u8>, evenness: u8) -> bool {
            let items: Vec<u32> = (0..256).collect();
            let lengths: Vec<usize> = lengths.into_iter().map(usize::from).collect();
            let watched: Vec<&[u32]> = lengths.iter().map(|&length| &items[..length]).collect();
            let weights = viewer_weights(&watched, f32::from(evenness) / 255.0);
            let views = lengths.iter().sum::<usize>() as f64;
            let weighed =
                lengths.iter().zip(&weights).map(|(&length, &weight)| length as f64 * f64::from(weight));
            let weighed: f64 = weighed.sum();
            (views - weighed).abs() <= 1e-5 * views
        }
        quickcheck::quickcheck(property as fn(Vec<u8>, u8) -> bool);
    }

    #[test]
    fn finds_what_is_watched_together() {
        let watched: Vec<Vec<u32>> = (0..60)
            .map(|viewer| (0..20).filter(|item| item % 2 == viewer % 2 && (item + viewer) % 5 > 0).collect())
            .collect();
        let views: Vec<&[u32]> = watched.iter().map(Vec::as_slice).collect();
        let penalty = Penalty { lambda: 1.0, dropout: 0.0 };
        let together = Together::new(20, (0..20).collect(), &views, &[1.0; 60]);
        let scores = together.solve(penalty).unwrap().scores(&[0, 2, 4]);
        assert!(scores[6] > scores[7] && scores[8] > scores[9], "{scores:?}");
    }
}
