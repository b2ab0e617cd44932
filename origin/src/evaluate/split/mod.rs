//! Measures the models that know no order in time, on a split that somebody else has made.
//!
//! For each viewer of the test file the titles of the training file are ranked, those watched in training left out.
//! Recall@20 is the share of the test titles among the first 20; NDCG@20 discounts them by 1 / log2(place + 2) against
//! the best order possible (as He et al., "LightGCN", 2020, and what is compared with it).

mod choose;
mod measure;

use std::collections::HashMap;
use std::time::Instant;

use serde::Serialize;

pub use self::choose::{EaseSettings, FactorSettings};
pub use self::measure::SplitFigures;
use self::measure::{Blended, Pair, Popularity, Scores, measure};
use super::EvaluateError;
use crate::train::TrainError;
use crate::train::limits::EASE_ITEMS_MAX;
use crate::train::sequences::Sequences;

/// What `evaluate split` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SplitReport {
    /// Viewers with titles in both files.
    pub users: u64,
    /// Titles ranked for each.
    pub items: usize,
    /// What made the figures below: `ease+implicit-mf`, both on one scale.
    pub model: &'static str,
    /// Mean share of a viewer's test titles among the first 20, and mean gain of the first 20, of the best possible.
    #[serde(flatten)]
    pub test: SplitFigures,
    /// Search for settings and final fit, of all models together.
    pub train_seconds: f64,
    /// Where settings were chosen, a tenth of the training views; the test views played no part in it.
    pub validation: SplitFigures,
    /// How much the factors count beside EASE, from 0 to 1.
    pub implicit_mf_share: f32,
    /// Each model alone.
    pub models: SplitModels,
    /// What everybody watches, for comparison.
    pub popularity: SplitFigures,
}

/// The models of a blend, each alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SplitModels {
    /// Which items are watched together, see [`crate::train::ease`].
    pub ease: SplitModel<EaseSettings>,
    /// Factors of viewers and items, see [`crate::train::implicit`].
    pub implicit_mf: SplitModel<FactorSettings>,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SplitModel<S> {
    /// On the test views.
    #[serde(flatten)]
    pub test: SplitFigures,
    /// Chosen on the validation views.
    pub settings: S,
    /// Search for settings and final fit.
    pub train_seconds: f64,
}

/// Fits EASE and factors to the training views, and looks for the test views with each and with both.
///
/// Of more than [`EASE_ITEMS_MAX`] titles EASE knows the most watched; the factors know all.
///
/// # Errors
/// When there is nothing to learn from.
pub fn split(train: &Sequences, test: &Sequences) -> Result<SplitReport, EvaluateError> {
    let items = train.titles().len();
    if items == 0 {
        return Err(TrainError::NoHistory.into());
    }
    let pairs = pairs(train, test);
    let parted = choose::parted(&pairs);
    let started = Instant::now();
    let ease_choice = choose::choose_ease(items, &parted)?;
    let searched = [started.elapsed().as_secs_f64()];
    let factors_choice = choose::choose_factors(items, &parted)?;
    let searched = [searched[0], started.elapsed().as_secs_f64() - searched[0]];
    let share = choose::choose_share(items, &parted, ease_choice.settings, factors_choice.settings)?;
    let fitting = Instant::now();
    let ease = choose::ease(items, EASE_ITEMS_MAX, &pairs, ease_choice.settings)?;
    let ease_seconds = searched[0] + fitting.elapsed().as_secs_f64();
    let fitting = Instant::now();
    let factors = choose::factors(items, &pairs, factors_choice.settings)?;
    let factors_seconds = searched[1] + fitting.elapsed().as_secs_f64();
    let blended = Blended::new([&ease as &dyn Scores, &factors], &pairs, share.settings);
    let train_seconds = started.elapsed().as_secs_f64();
    let (users, found) = measure(&pairs, &blended);
    let popularity =
        Popularity(choose::counts(items, &pairs).into_iter().map(|count| count as f32).collect());
    let alone = |model: &dyn Scores| measure(&pairs, model).1;
    Ok(SplitReport {
        users,
        items,
        model: "ease+implicit-mf",
        test: found,
        train_seconds,
        validation: share.validation,
        implicit_mf_share: share.settings,
        models: SplitModels {
            ease: SplitModel {
                test: alone(&ease),
                settings: ease_choice.settings,
                train_seconds: ease_seconds,
            },
            implicit_mf: SplitModel {
                test: alone(&factors),
                settings: factors_choice.settings,
                train_seconds: factors_seconds,
            },
        },
        popularity: alone(&popularity),
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Sequences {
        Sequences::read(text.as_bytes()).unwrap()
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
        for found in [report.test, report.models.ease.test, report.models.implicit_mf.test] {
            assert!(found.recall_at_20 > 0.99 && found.ndcg_at_20 > 0.99, "{report:?}");
        }
        assert!(report.popularity.recall_at_20 < 0.5, "{report:?}");
    }

    #[test]
    fn a_title_unknown_to_training_counts_and_cannot_be_found() {
        let report = split(&read("1 10 11\n2 10 11 12\n3 11 12\n"), &read("1 12 99\n")).unwrap();
        assert_eq!((report.users, report.test.recall_at_20), (1, 0.5));
    }

    #[test]
    fn nothing_to_learn_from_is_an_error() {
        let error = split(&Sequences::default(), &read("1 2\n")).unwrap_err();
        assert_eq!(error.code(), "train-no-history");
    }
}
