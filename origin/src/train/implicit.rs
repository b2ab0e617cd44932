//! Matrix factorisation of what was watched and what was not, by alternating least squares.
//!
//! With I(u) what viewer u watched, w_u the weight of a viewer and W their sum, factors p of viewers and q of items make
//!
//! Σ_u w_u (Σ_{i ∈ I(u)} (1 − p_u · q_i)² + α Σ_i (p_u · q_i)²) + λ Σ_u w_u (|I(u)| + α I) |p_u|² + λ Σ_i (w(i) + α W) |q_i|²
//!
//! as small as it gets, where w(i) is the weight of the viewers of item i. With the factors of one side given, each row of
//! the other is a least-squares regression of its own. After Hu, Koren and Volinsky, "Collaborative filtering for implicit
//! feedback datasets", ICDM 2008; the penalty, which grows with what a row explains, after Rendle and others, "Revisiting
//! the performance of iALS on item recommendation benchmarks", RecSys 2022.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

use super::random::Random;
use super::ridge::RidgeError;

/// How the model is trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Factors of a viewer or an item; at least 1.
    pub factors: usize,
    /// Passes over both sides; at least 1.
    pub epochs: u32,
    /// α, what each item counts as not watched, against 1 as watched; above 0.
    pub unseen_weight: f32,
    /// λ; above 0.
    pub regularisation: f32,
    /// Of the first factors.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { factors: 64, epochs: 8, unseen_weight: 0.1, regularisation: 0.01, seed: 42 }
    }
}

/// A fitted model.
#[derive(Clone, Debug)]
pub struct ImplicitFactors {
    factors: usize,
    viewers: Vec<f32>,
    // Factor by factor, so that scores of all items are sums of whole columns.
    items: Vec<f32>,
}

/// Fits what each viewer watched, each item once and below `items`; a viewer counts as often as `weights` says.
///
/// The result does not depend on how many threads there are.
///
/// # Errors
/// When the regularisation is too small for the precision used.
pub fn fit(
    items: usize,
    watched: &[&[u32]],
    weights: &[f32],
    settings: &Settings,
) -> Result<ImplicitFactors, RidgeError> {
    let factors = settings.factors;
    let watched_by = transpose(items, watched);
    let watched_by: Vec<&[u32]> = watched_by.iter().map(Vec::as_slice).collect();
    let alike = vec![1.0; items];
    let mut random = Random::new(settings.seed);
    let spread = 0.1 / (factors as f64).sqrt();
    let mut item_rows: Vec<f32> = (0..items * factors).map(|_| (spread * random.normal()) as f32).collect();
    let mut viewer_rows = vec![0.0; watched.len() * factors];
    for _ in 0..settings.epochs {
        let side = Side { rows: &item_rows, weights: &alike };
        regress(&mut viewer_rows, watched, &side, settings)?;
        let side = Side { rows: &viewer_rows, weights };
        regress(&mut item_rows, &watched_by, &side, settings)?;
    }
    let items =
        (0..factors).flat_map(|factor| item_rows.iter().skip(factor).step_by(factors).copied()).collect();
    Ok(ImplicitFactors { factors, viewers: viewer_rows, items })
}

impl ImplicitFactors {
    /// One score an item for a viewer, by place in what was fitted.
    pub fn scores(&self, viewer: usize) -> Vec<f32> {
        let items = self.items.len() / self.factors;
        let mut scores = vec![0.0; items];
        let mine = &self.viewers[viewer * self.factors..][..self.factors];
        for (&factor, column) in mine.iter().zip(self.items.chunks_exact(items.max(1))) {
            scores.iter_mut().zip(column).for_each(|(score, value)| *score += factor * value);
        }
        scores
    }
}

/// Who watched each item.
fn transpose(items: usize, watched: &[&[u32]]) -> Vec<Vec<u32>> {
    let mut by_item = vec![Vec::new(); items];
    for (viewer, watched) in (0..).zip(watched) {
        watched.iter().for_each(|&item| by_item[item as usize].push(viewer));
    }
    by_item
}

/// The side whose factors are given.
struct Side<'a> {
    rows: &'a [f32],
    weights: &'a [f32],
}

/// Solves each row for those of the other side that go with it.
fn regress(
    rows: &mut [f32],
    partners: &[&[u32]],
    other: &Side<'_>,
    settings: &Settings,
) -> Result<(), RidgeError> {
    let k = settings.factors;
    let mut all = Equations::new(k);
    all.add(other, 0..other.weights.len() as u32);
    let unseen: Vec<f32> = all.matrix.iter().map(|sum| settings.unseen_weight * sum).collect();
    let total = settings.unseen_weight * other.weights.iter().sum::<f32>();
    rows.par_chunks_mut(k).zip(partners).try_for_each_init(
        || Equations::new(k),
        |equations, (row, partners)| {
            if partners.is_empty() {
                row.fill(0.0);
                return Ok(());
            }
            equations.matrix.copy_from_slice(&unseen);
            equations.right.fill(0.0);
            equations.add(other, partners.iter().copied());
            let weight: f32 = partners.iter().map(|&partner| other.weights[partner as usize]).sum();
            let penalty = settings.regularisation * (weight + total);
            equations.matrix.iter_mut().step_by(k + 1).for_each(|diagonal| *diagonal += penalty);
            equations.solve()?;
            row.copy_from_slice(&equations.right);
            Ok(())
        },
    )
}

/// The normal equations of one row, and what solving them takes.
struct Equations {
    // Lower triangle, column-major.
    matrix: Vec<f32>,
    right: Vec<f32>,
    // Rows of the other side, times the roots of their weights.
    gathered: Vec<f32>,
    memory: MemBuffer,
}

impl Equations {
    fn new(k: usize) -> Self {
        let factor = llt::factor::cholesky_in_place_scratch::<f32>(k, Par::Seq, Default::default());
        let solve = llt::solve::solve_in_place_scratch::<f32>(k, 1, Par::Seq);
        Self {
            matrix: vec![0.0; k * k],
            right: vec![0.0; k],
            gathered: Vec::with_capacity(k * GATHERED_ROWS),
            memory: MemBuffer::new(factor.or(solve)),
        }
    }

    /// Adds w q qᵀ to the matrix and w q to the right-hand side, for each of the other side's rows.
    fn add(&mut self, other: &Side<'_>, mut partners: impl Iterator<Item = u32>) {
        let k = self.right.len();
        loop {
            self.gathered.clear();
            for partner in partners.by_ref().take(GATHERED_ROWS) {
                let row = &other.rows[partner as usize * k..][..k];
                let weight = other.weights[partner as usize];
                self.right.iter_mut().zip(row).for_each(|(sum, value)| *sum += weight * value);
                let root = weight.sqrt();
                self.gathered.extend(row.iter().map(|value| root * value));
            }
            if self.gathered.is_empty() {
                return;
            }
            let rows = MatRef::from_column_major_slice(&self.gathered, k, self.gathered.len() / k);
            triangular::matmul(
                MatMut::from_column_major_slice_mut(&mut self.matrix, k, k),
                BlockStructure::TriangularLower,
                Accum::Add,
                rows,
                BlockStructure::Rectangular,
                rows.transpose(),
                BlockStructure::Rectangular,
                1.0,
                Par::Seq,
            );
        }
    }

    /// Leaves the solution where the right-hand side was.
    fn solve(&mut self) -> Result<(), RidgeError> {
        let k = self.right.len();
        let matrix = MatMut::from_column_major_slice_mut(&mut self.matrix, k, k);
        let stack = MemStack::new(&mut self.memory);
        llt::factor::cholesky_in_place(matrix, Default::default(), Par::Seq, stack, Default::default())
            .map_err(|_| RidgeError::NotPositiveDefinite)?;
        llt::solve::solve_in_place(
            MatRef::from_column_major_slice(&self.matrix, k, k),
            MatMut::from_column_major_slice_mut(&mut self.right, k, 1),
            Par::Seq,
            MemStack::new(&mut self.memory),
        );
        Ok(())
    }
}

/// Rows gathered at once: an item may have been watched by everybody.
const GATHERED_ROWS: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    /// The loss at the head of this file, by its definition.
    fn loss(model: &ImplicitFactors, watched: &[&[u32]], weights: &[f32], settings: &Settings) -> f64 {
        let k = model.factors;
        let items = model.items.len() / k;
        let Settings { unseen_weight, regularisation, .. } = *settings;
        let (alpha, lambda) = (f64::from(unseen_weight), f64::from(regularisation));
        let length =
            |row: &mut dyn Iterator<Item = f32>| row.map(|value| f64::from(value).powi(2)).sum::<f64>();
        let total: f64 = weights.iter().map(|&weight| f64::from(weight)).sum();
        let mut sum = 0.0;
        for (viewer, watched) in watched.iter().enumerate() {
            let scores = model.scores(viewer);
            let seen: f64 =
                watched.iter().map(|&item| (1.0 - f64::from(scores[item as usize])).powi(2)).sum();
            let all: f64 = scores.iter().map(|&score| f64::from(score).powi(2)).sum();
            let own = length(&mut model.viewers[viewer * k..][..k].iter().copied());
            let weight = f64::from(weights[viewer]);
            sum +=
                weight * (seen + alpha * all + lambda * (watched.len() as f64 + alpha * items as f64) * own);
        }
        for item in 0..items {
            let own = length(&mut model.items.iter().skip(item).step_by(items).copied());
            let of = watched.iter().zip(weights).filter(|(watched, _)| watched.contains(&(item as u32)));
            let weight: f64 = of.map(|(_, &weight)| f64::from(weight)).sum();
            sum += lambda * (weight + alpha * total) * own;
        }
        sum
    }

    fn kinds() -> Vec<Vec<u32>> {
        (0..40)
            .map(|viewer| (0..20).filter(|item| item % 2 == viewer % 2 && (item + viewer) % 5 > 0).collect())
            .collect()
    }

    fn settings() -> Settings {
        Settings { factors: 4, ..Settings::default() }
    }

    #[test]
    fn every_epoch_lowers_the_loss() {
        fn property(watched: Vec<Vec<u8>>, weights: Vec<u8>) -> bool {
            let watched: Vec<Vec<u32>> = watched
                .into_iter()
                .map(|items| {
                    let mut items: Vec<u32> = items.into_iter().map(|item| u32::from(item % 12)).collect();
                    items.sort_unstable();
                    items.dedup();
                    items
                })
                .collect();
            let watched: Vec<&[u32]> = watched.iter().map(Vec::as_slice).collect();
            let drawn = weights.into_iter().map(|weight| 0.5 + f32::from(weight) / 256.0);
            let weights: Vec<f32> = drawn.chain(std::iter::repeat(1.0)).take(watched.len()).collect();
            let losses: Vec<f64> = (1..6)
                .map(|epochs| {
                    let settings = Settings { epochs, ..settings() };
                    loss(&fit(12, &watched, &weights, &settings).unwrap(), &watched, &weights, &settings)
                })
                .collect();
            losses.windows(2).all(|pair| pair[1] <= pair[0] * (1.0 + 1e-5) + 1e-9)
        }
        quickcheck::QuickCheck::new().tests(30).quickcheck(property as fn(Vec<Vec<u8>>, Vec<u8>) -> bool);
    }

    #[test]
    fn finds_what_viewers_of_the_same_kind_watch() {
        let watched = kinds();
        let watched: Vec<&[u32]> = watched.iter().map(Vec::as_slice).collect();
        let model = fit(20, &watched, &[1.0; 40], &settings()).unwrap();
        for viewer in 0..2 {
            let scores = model.scores(viewer);
            let of = |kind: usize| (0..20).filter(move |item| item % 2 == kind).map(|item| scores[item]);
            let least = of(viewer).fold(f32::INFINITY, f32::min);
            let most = of(1 - viewer).fold(f32::NEG_INFINITY, f32::max);
            assert!(least > most, "{least} {most}");
        }
    }

    #[test]
    fn more_rows_than_are_gathered_at_once_are_one_sum() {
        let items: Vec<u32> = (0..GATHERED_ROWS as u32 * 2 + 7).collect();
        let rows: Vec<f32> = items.iter().map(|&item| item as f32 / 1_000.0).collect();
        let weights = vec![1.0; items.len()];
        let mut equations = Equations::new(1);
        equations.add(&Side { rows: &rows, weights: &weights }, items.iter().copied());
        let expected: f64 = rows.iter().map(|&row| f64::from(row).powi(2)).sum();
        assert!((f64::from(equations.matrix[0]) / expected - 1.0).abs() < 1e-5, "{}", equations.matrix[0]);
    }

    #[test]
    fn whoever_watched_nothing_has_no_scores() {
        let model = fit(3, &[&[0, 1], &[], &[2]], &[1.0; 3], &settings()).unwrap();
        assert_eq!(model.scores(1), [0.0; 3]);
    }
}
