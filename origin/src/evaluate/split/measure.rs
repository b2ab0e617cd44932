//! Recall and gain of an order of titles.

use rayon::prelude::*;
use serde::Serialize;

use crate::train::ease::Ease;
use crate::train::implicit::ImplicitFactors;

/// The two figures of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct SplitFigures {
    /// See [`SplitReport`](super::SplitReport).
    pub recall_at_20: f64,
    /// See [`SplitReport`](super::SplitReport).
    pub ndcg_at_20: f64,
}

impl SplitFigures {
    /// What settings are chosen by.
    pub(super) fn worth(&self) -> f64 {
        self.recall_at_20 + self.ndcg_at_20
    }
}

/// What a viewer watched, by items of the training file, rising.
pub(super) struct Pair {
    pub(super) watched: Vec<u32>,
    pub(super) held_out: Vec<u32>,
    /// Test titles that nobody watched in training cannot be found, but count.
    pub(super) unknown: usize,
}

impl Pair {
    /// Titles to look for, none where nothing could be learned of the viewer.
    fn targets(&self) -> usize {
        if self.watched.is_empty() { 0 } else { self.held_out.len() + self.unknown }
    }
}

/// Orders titles for viewers.
pub(super) trait Scores: Sync {
    /// One score an item, the higher the earlier.
    fn scores(&self, viewer: usize, watched: &[u32]) -> Vec<f32>;
}

impl Scores for Ease {
    fn scores(&self, _: usize, watched: &[u32]) -> Vec<f32> {
        Ease::scores(self, watched)
    }
}

impl Scores for ImplicitFactors {
    fn scores(&self, viewer: usize, _: &[u32]) -> Vec<f32> {
        ImplicitFactors::scores(self, viewer)
    }
}

/// What everybody watches.
pub(super) struct Popularity(pub(super) Vec<f32>);

impl Scores for Popularity {
    fn scores(&self, _: usize, _: &[u32]) -> Vec<f32> {
        self.0.clone()
    }
}

/// Two models on one scale: each model's scores are divided by their root mean square over viewers and items, the
/// second then counts `share`, the first what is left of 1.
pub(super) struct Blended<'a> {
    models: [&'a dyn Scores; 2],
    scales: [f32; 2],
    share: f32,
}

impl<'a> Blended<'a> {
    /// Takes the scale of each model from what it says of `pairs`.
    pub(super) fn new(models: [&'a dyn Scores; 2], pairs: &[Pair], share: f32) -> Self {
        let scales = models.map(|model| 1.0 / root_mean_square(model, pairs).max(f32::MIN_POSITIVE));
        Self { models, scales, share }
    }

    /// The same models, blended otherwise.
    pub(super) fn with_share(&self, share: f32) -> Self {
        Self { share, ..*self }
    }
}

impl Scores for Blended<'_> {
    fn scores(&self, viewer: usize, watched: &[u32]) -> Vec<f32> {
        let [first, second] = self.models.map(|model| model.scores(viewer, watched));
        let [first_factor, second_factor] =
            [self.scales[0] * (1.0 - self.share), self.scales[1] * self.share];
        first.iter().zip(second).map(|(a, b)| first_factor * a + second_factor * b).collect()
    }
}

fn root_mean_square(model: &dyn Scores, pairs: &[Pair]) -> f32 {
    let of = |(viewer, pair): (usize, &Pair)| {
        let scores = model.scores(viewer, &pair.watched);
        let squares: f64 = scores.iter().map(|&score| f64::from(score).powi(2)).sum();
        squares / scores.len().max(1) as f64
    };
    let each: Vec<f64> = pairs.par_iter().enumerate().map(of).collect();
    (each.iter().sum::<f64>() / each.len().max(1) as f64).sqrt() as f32
}

/// Mean figures over all viewers who have something to look for, and how many they are.
pub(super) fn measure(pairs: &[Pair], model: &dyn Scores) -> (u64, SplitFigures) {
    let of = |(viewer, pair): (usize, &Pair)| {
        (pair.targets() > 0).then(|| {
            let mut scores = model.scores(viewer, &pair.watched);
            pair.watched.iter().for_each(|&item| scores[item as usize] = f32::NEG_INFINITY);
            figures(&first(&scores), &pair.held_out, pair.targets())
        })
    };
    let each: Vec<Option<SplitFigures>> = pairs.par_iter().enumerate().map(of).collect();
    let (mut users, mut sum) = (0_u64, SplitFigures::default());
    for figures in each.into_iter().flatten() {
        users += 1;
        sum.recall_at_20 += figures.recall_at_20;
        sum.ndcg_at_20 += figures.ndcg_at_20;
    }
    let count = users.max(1) as f64;
    (users, SplitFigures { recall_at_20: sum.recall_at_20 / count, ndcg_at_20: sum.ndcg_at_20 / count })
}

/// The best [`K`] items, ties by the lower one; what was watched is left out.
fn first(scores: &[f32]) -> Vec<u32> {
    let mut order: Vec<u32> =
        (0..scores.len() as u32).filter(|&item| scores[item as usize] > f32::NEG_INFINITY).collect();
    let falling = |a: &u32, b: &u32| scores[*b as usize].total_cmp(&scores[*a as usize]).then(a.cmp(b));
    if order.len() > K {
        order.select_nth_unstable_by(K, falling);
        order.truncate(K);
    }
    order.sort_unstable_by(falling);
    order
}

/// `targets` counts those that cannot be found, too; `held_out` rises.
fn figures(first: &[u32], held_out: &[u32], targets: usize) -> SplitFigures {
    let gain = |place: usize| 1.0 / (place as f64 + 2.0).log2();
    let hits = first.iter().enumerate().filter(|(_, item)| held_out.binary_search(item).is_ok());
    let (count, gained) =
        hits.fold((0_usize, 0.0), |(count, sum), (place, _)| (count + 1, sum + gain(place)));
    let best: f64 = (0..targets.min(K)).map(gain).sum();
    SplitFigures { recall_at_20: count as f64 / targets as f64, ndcg_at_20: gained / best }
}

const K: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_of_the_definition() {
        // Hits at places 0 and 2 of three targets.
        let found = figures(&[5, 9, 7], &[5, 7, 8], 3);
        assert!((found.recall_at_20 - 2.0 / 3.0).abs() < 1e-12);
        let best = 1.0 + 1.0 / 3_f64.log2() + 0.5;
        assert!((found.ndcg_at_20 - 1.5 / best).abs() < 1e-12);
    }

    #[test]
    fn a_blend_does_not_depend_on_the_units_of_its_models() {
        let pairs = [Pair { watched: vec![0], held_out: vec![1], unknown: 0 }];
        let (a, b) = (Popularity(vec![3.0, 1.0, 2.0]), Popularity(vec![0.5, 2.0, 1.0]));
        let c = Popularity(b.0.iter().map(|score| 1_000.0 * score).collect());
        let scores = |models: [&dyn Scores; 2]| Blended::new(models, &pairs, 0.25).scores(0, &[0]);
        let (plain, scaled) = (scores([&a, &b]), scores([&a, &c]));
        assert!(plain.iter().zip(&scaled).all(|(a, b)| (a - b).abs() < 1e-6), "{plain:?} {scaled:?}");
        // Root mean squares √(14/3) and √(5.25/3).
        let expected = 0.75 * 3.0 / (14.0_f32 / 3.0).sqrt() + 0.25 * 0.5 / (5.25_f32 / 3.0).sqrt();
        assert!((plain[0] - expected).abs() < 1e-6, "{plain:?} {expected}");
    }
}
