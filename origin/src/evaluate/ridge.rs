//! Measures the default model with the code and the files that are shipped.

use std::time::Instant;

use inference::Models;
use ranking::Request;
use rayon::prelude::*;
use serde::Serialize;

use super::{EvaluateError, Figures, Outcome, Report, Rounding};
use crate::native::Native;
use crate::train::catalogue::Catalogue;
use crate::train::rank::Place;
use crate::train::ranker::POOL;
use crate::train::score::{FilledUp, View, WholeRows, measure_places, newest, places, views};
use crate::train::sequences::Sequences;
use crate::train::{self, Options, TrainError, onnx};

/// What is said of rows and ranker.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RidgeDetails {
    /// What the search chose.
    pub settings: Chosen,
    /// Test figures of the rows without the ranker.
    pub rows_alone: Figures,
    /// Test figures with the ranker, whether it is shipped or not; none without one.
    pub ranked: Option<Figures>,
}

/// The settings a search chose.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Chosen {
    /// τ.
    pub recency_tau: f32,
    /// λ.
    pub lambda: f32,
    /// How likely a feature was left out.
    pub dropout: f32,
    /// How much sequences that are read backward counted.
    pub backward: f32,
    /// Newest titles that count.
    pub window: usize,
    /// Entries kept per row, on average.
    pub row_entries: usize,
    /// Candidates the ranker orders; 0 without it.
    pub ranker_pool: u32,
}

/// Fits rows and a ranker, and measures them.
///
/// # Errors
///
/// When there is nothing to train on, or the trained ranker does not load.
pub fn ridge(sequences: &Sequences, options: &Options) -> Result<Report<RidgeDetails>, EvaluateError> {
    let (outcome, details) = measured(sequences, options)?;
    Ok(outcome.report(sequences, details))
}

/// The same before it is told.
pub(super) fn measured(
    sequences: &Sequences,
    options: &Options,
) -> Result<(Outcome, RidgeDetails), EvaluateError> {
    let started = Instant::now();
    let catalogue = Catalogue::of_counts(&sequences.counts(1));
    let fitted = train::fit(sequences, 1, &catalogue, options)?;
    let train_seconds = started.elapsed().as_secs_f64();

    let settings = fitted.settings;
    let candidates = catalogue.candidates(sequences.titles(), &fitted.rows).map_err(TrainError::from)?;
    let rules = train::rules(&settings, POOL)?;
    let views = views(sequences, 0, usize::MAX);
    let served = |models: &Models| {
        let native = Native::new(&candidates, rules.clone(), models);
        let place = |&(&target, history): &View<'_>| place(&native, sequences, history, target);
        views.par_iter().map(place).collect::<Result<Vec<Place>, EvaluateError>>()
    };
    let rows_alone = served(&Models::default())?;
    let quality = |places: &[Place]| measure_places(sequences, 0, &views, places);
    let onnx = fitted.ranker.as_ref().map(|ranker| onnx::encode(&ranker.mlp));
    let ranked = match &onnx {
        Some(onnx) => Some(served(&Models::load(Some(onnx), None)?)?),
        None => None,
    };
    let is_ranked = fitted.shipped_ranker().is_some();
    let whole = WholeRows {
        entries: train::whole_rows(sequences, 1, &settings, options).map_err(TrainError::from)?,
        decay: settings.features.decay(),
    };
    let whole = FilledUp::new(&whole, sequences, 1);
    let rounding = Rounding::of(&places(sequences, &views, &whole), &rows_alone);
    let (rows_alone, ranked) = (quality(&rows_alone), ranked.map(|ranked| quality(&ranked)));
    let ranker_bytes = onnx.filter(|_| is_ranked).map_or(0, |onnx| onnx.len() as u64);
    let outcome = Outcome {
        model: if is_ranked { "seq-ridge-int8+mlp" } else { "seq-ridge-int8" },
        shipped: ranked.filter(|_| is_ranked).unwrap_or(rows_alone),
        rounding,
        validation: fitted.validation,
        train_seconds,
        bytes: fitted.rows.bytes() + ranker_bytes,
    };
    let settings = Chosen {
        recency_tau: settings.features.recency_tau,
        lambda: settings.penalty.lambda,
        dropout: settings.penalty.dropout,
        backward: settings.features.backward,
        window: settings.features.window,
        row_entries: settings.row_entries,
        ranker_pool: if is_ranked { POOL } else { 0 },
    };
    let (rows_alone, ranked) = (rows_alone.quality.into(), ranked.map(|ranked| ranked.quality.into()));
    Ok((outcome, RidgeDetails { settings, rows_alone, ranked }))
}

/// The place of the target in the answer itself; one answer shows more than any figure looks at.
pub(super) fn place(
    native: &Native<'_>,
    sequences: &Sequences,
    history: &[u32],
    target: u32,
) -> Result<Place, EvaluateError> {
    let title = |&item: &u32| sequences.titles()[item as usize];
    let request = Request {
        history: newest(history).iter().map(title).collect(),
        exclude: history.iter().map(title).collect(),
        k: ranking::limits::K_MAX,
        at_unix_ms: 0,
        maturity_max_years: u8::MAX,
        seed: None,
    };
    let picks = native.recommend(&request).map_err(TrainError::from)?.picks;
    let target = title(&target);
    let Some(own) = picks.iter().find(|pick| pick.title == target) else { return Ok(Place::Nowhere) };
    Ok(Place::At(picks.iter().filter(|pick| pick.score > own.score).count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Viewers walk a ring of titles; every tenth step is a jump, each viewer's at another time.
    fn ring() -> Sequences {
        Sequences::new((0..150).map(|viewer| {
            let start = viewer * 7 % 40;
            (viewer, (0..12).map(|step| 1_000 + (start + step + (step + viewer) / 10 * 3) % 40).collect())
        }))
    }

    #[test]
    fn finds_a_habit_with_the_shipped_code() {
        let report = ridge(&ring(), &Options::default()).unwrap();
        assert_eq!((report.users, report.items, report.events), (150, 40, 150 * 11));
        assert!(report.hr_at_10 > 0.99 && report.details.rows_alone.hr_at_10 > 0.99, "{report:?}");
        assert!(report.debiased_hr_at_10 > 0.99 && report.loss_int8.abs() < 0.01, "{report:?}");
        assert!(report.details.ranked.is_some() && report.bytes > 0);
    }

    #[test]
    fn leaves_the_ranker_out_when_told() {
        let report = ridge(&ring(), &Options { ranker: false, ..Options::default() }).unwrap();
        assert_eq!((report.model, report.details.ranked), ("seq-ridge-int8", None));
        assert_eq!(report.details.settings.ranker_pool, 0);
    }

    #[test]
    fn keeps_as_many_entries_as_told() {
        let report = ridge(&ring(), &Options { row_entries: Some(7), ..Options::default() }).unwrap();
        assert_eq!(report.details.settings.row_entries, 7);
    }

    #[test]
    fn equal_sequences_give_equal_figures() {
        let measure = || {
            let report = ridge(&ring(), &Options::default()).unwrap();
            (report.validation, report.details, report.bytes)
        };
        assert_eq!(measure(), measure());
    }

    #[test]
    fn nothing_to_learn_from_is_an_error() {
        let error = ridge(&Sequences::default(), &Options::default()).unwrap_err();
        assert_eq!(error.code(), "train-no-history");
    }
}
