//! Measures the models that know no order in time, on a split that somebody else has made.
//!
//! For each viewer of the test file the titles of the training file are ranked, those watched in training left out.
//! Recall@20 is the share of the test titles among the first 20; NDCG@20 discounts them by 1 / log2(place + 2) against
//! the best order possible (as He et al., "LightGCN", 2020, and what is compared with it).

use std::collections::HashMap;
use std::time::Instant;

use rayon::prelude::*;
use serde::Serialize;

use super::EvaluateError;
use crate::train::TrainError;
use crate::train::ease::{Ease, Together};
use crate::train::limits::EASE_ITEMS_MAX;
use crate::train::random::Random;
use crate::train::sequences::Sequences;

/// What `evaluate split` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SplitReport {
    /// Viewers with titles in both files.
    pub users: u64,
    /// Titles ranked for each.
    pub items: usize,
    /// What made the figures below: `ease`.
    pub model: &'static str,
    /// Mean share of a viewer's test titles among the first 20.
    pub recall_at_20: f64,
    /// Mean gain of the first 20, of the best possible.
    pub ndcg_at_20: f64,
    /// Search for settings and final fit.
    pub train_seconds: f64,
    /// λ, chosen on a fifth of the training views; the test views played no part in it.
    pub lambda: f32,
    /// Where it was chosen.
    pub validation: SplitFigures,
    /// What everybody watches, for comparison.
    pub popularity: SplitFigures,
}

/// The two figures of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct SplitFigures {
    /// See [`SplitReport`].
    pub recall_at_20: f64,
    /// See [`SplitReport`].
    pub ndcg_at_20: f64,
}

/// Fits EASE to the training views, and looks for the test views.
///
/// # Errors
/// When there is nothing to learn from, or more titles than a closed form can take.
pub fn split(train: &Sequences, test: &Sequences) -> Result<SplitReport, EvaluateError> {
    let items = train.titles().len();
    if items == 0 {
        return Err(TrainError::NoHistory.into());
    }
    if items > EASE_ITEMS_MAX {
        return Err(TrainError::TooManyTitles { titles: items, titles_max: EASE_ITEMS_MAX }.into());
    }
    let started = Instant::now();
    let pairs = pairs(train, test);
    let (lambda, validation) = search(items, &pairs)?;
    let watched: Vec<&[u32]> = pairs.iter().map(|pair| pair.watched.as_slice()).collect();
    let together = Together::new(items, &watched);
    let ease = together.solve(lambda).map_err(TrainError::from)?;
    let train_seconds = started.elapsed().as_secs_f64();
    let (users, figures) = measure(&pairs, |watched| ease.scores(watched));
    let counts: Vec<f32> = train.counts(0).into_iter().map(|count| count as f32).collect();
    let (_, popularity) = measure(&pairs, |_| counts.clone());
    let SplitFigures { recall_at_20, ndcg_at_20 } = figures;
    let model = "ease";
    Ok(SplitReport {
        users,
        items,
        model,
        recall_at_20,
        ndcg_at_20,
        train_seconds,
        lambda,
        validation,
        popularity,
    })
}

/// What a viewer watched, by items of the training file.
struct Pair {
    watched: Vec<u32>,
    held_out: Vec<u32>,
    /// Test titles that nobody watched in training cannot be found, but count.
    unknown: usize,
}

fn pairs(train: &Sequences, test: &Sequences) -> Vec<Pair> {
    let index: HashMap<u32, u32> = train.titles().iter().copied().zip(0..).collect();
    let tests: HashMap<u32, &[u32]> = test.viewers().iter().copied().zip(test.iter(0)).collect();
    let of = |(viewer, watched): (&u32, &[u32])| {
        let watched = distinct(watched.to_vec());
        let looked_for = distinct(tests.get(viewer).map(|items| items.to_vec()).unwrap_or_default());
        let known: Vec<u32> = looked_for
            .iter()
            .filter_map(|&item| index.get(&test.titles()[item as usize]).copied())
            .filter(|item| watched.binary_search(item).is_err())
            .collect();
        let unknown = looked_for.iter().filter(|&&item| !index.contains_key(&test.titles()[item as usize]));
        Pair { unknown: unknown.count(), held_out: distinct(known), watched }
    };
    train.viewers().iter().zip(train.iter(0)).map(of).collect()
}

fn distinct(mut items: Vec<u32>) -> Vec<u32> {
    items.sort_unstable();
    items.dedup();
    items
}

/// Climbs over λ on a fifth of each viewer's training titles, drawn at random.
fn search(items: usize, pairs: &[Pair]) -> Result<(f32, SplitFigures), TrainError> {
    let mut random = Random::new(SEED);
    let parted: Vec<Pair> = pairs
        .iter()
        .map(|pair| {
            let (held_out, watched) = pair.watched.iter().partition(|_| random.uniform() < HELD_OUT_SHARE);
            Pair { watched, held_out, unknown: 0 }
        })
        .collect();
    let watched: Vec<&[u32]> = parted.iter().map(|pair| pair.watched.as_slice()).collect();
    let together = Together::new(items, &watched);
    let attempt = |lambda: f32| -> Result<(f32, SplitFigures), TrainError> {
        let ease: Ease = together.solve(lambda)?;
        let (_, figures) = measure(&parted, |watched| ease.scores(watched));
        tracing::debug!(lambda, recall = figures.recall_at_20, ndcg = figures.ndcg_at_20, "tried");
        Ok((lambda, figures))
    };
    let worth = |figures: &SplitFigures| figures.recall_at_20 + figures.ndcg_at_20;
    let mut best = attempt(LAMBDA_START)?;
    for factor in [2.0, 0.5] {
        let mut lambda = LAMBDA_START * factor;
        while (LAMBDA_MIN..=LAMBDA_MAX).contains(&lambda) {
            let found = attempt(lambda)?;
            if worth(&found.1) <= worth(&best.1) {
                break;
            }
            best = found;
            lambda *= factor;
        }
    }
    Ok(best)
}

/// Mean figures over all viewers who have something to look for.
fn measure(pairs: &[Pair], scores: impl Fn(&[u32]) -> Vec<f32> + Sync) -> (u64, SplitFigures) {
    let of = |pair: &Pair| {
        let targets = pair.held_out.len() + pair.unknown;
        (targets > 0 && !pair.watched.is_empty()).then(|| {
            let mut scores = scores(&pair.watched);
            pair.watched.iter().for_each(|&item| scores[item as usize] = f32::NEG_INFINITY);
            figures(&first(&scores), &pair.held_out, targets)
        })
    };
    let each: Vec<Option<SplitFigures>> = pairs.par_iter().map(of).collect();
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
const HELD_OUT_SHARE: f64 = 0.2;
const LAMBDA_START: f32 = 400.0;
const LAMBDA_MIN: f32 = 1.0;
const LAMBDA_MAX: f32 = 10_000.0;
const SEED: u64 = 42;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Sequences {
        Sequences::read(text.as_bytes()).unwrap()
    }

    #[test]
    fn figures_are_those_of_the_definition() {
        // Hits at places 0 and 2 of three targets.
        let found = figures(&[5, 9, 7], &[5, 7, 8], 3);
        assert!((found.recall_at_20 - 2.0 / 3.0).abs() < 1e-12);
        let best = 1.0 + 1.0 / 3_f64.log2() + 0.5;
        assert!((found.ndcg_at_20 - 1.5 / best).abs() < 1e-12);
    }

    #[test]
    fn finds_what_viewers_of_the_same_kind_watch() {
        let line = |viewer: u32, part: u32| {
            let own = (0..120)
                .filter(|t| t % 4 == viewer % 4 && (t / 4 + viewer / 4).is_multiple_of(3) == (part == 1));
            format!("{viewer} {}\n", own.map(|t| t.to_string()).collect::<Vec<_>>().join(" "))
        };
        let file = |part: u32| (0..80).map(|viewer| line(viewer, part)).collect::<String>();
        let report = split(&read(&file(0)), &read(&file(1))).unwrap();
        assert_eq!((report.users, report.items), (80, 120));
        assert!(report.recall_at_20 > 0.99 && report.ndcg_at_20 > 0.99, "{report:?}");
        assert!(report.popularity.recall_at_20 < 0.5, "{report:?}");
    }

    #[test]
    fn a_title_unknown_to_training_counts_and_cannot_be_found() {
        let report = split(&read("1 10 11\n2 10 11 12\n3 11 12\n"), &read("1 12 99\n")).unwrap();
        assert_eq!((report.users, report.recall_at_20), (1, 0.5));
    }

    #[test]
    fn nothing_to_learn_from_is_an_error() {
        let error = split(&Sequences::default(), &read("1 2\n")).unwrap_err();
        assert_eq!(error.code(), "train-no-history");
    }
}
