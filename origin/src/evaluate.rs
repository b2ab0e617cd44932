//! Measures the default model on held-out views, with the code and the files that are shipped.
//!
//! A viewer's last view is the test, the second last the validation. Settings are chosen and the ranker learns on
//! the validation; the rows are then fitted to all but the last view. Each test view is looked for among *all*
//! titles, those already watched left out; its place is the number of titles with a strictly higher score.

pub mod tower;

use std::time::Instant;

use inference::Ranker;
use ranking::{Candidates, Request, Rules};
use serde::Serialize;

use crate::native::Native;
use crate::train::catalogue::Catalogue;
use crate::train::rank::{Place, Quality, Tally};
use crate::train::ranker::POOL;
use crate::train::sequences::{Sequences, SequencesError};
use crate::train::{self, Options, TrainError, onnx};

/// What `evaluate recommend` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Viewers with a test view and a history.
    pub users: u64,
    /// Titles ranked for each.
    pub items: usize,
    /// What made the figures below: `seq-ridge-int8` or `seq-ridge-int8+mlp`.
    pub model: &'static str,
    /// Share of users with the test view among the first 10.
    pub hr_at_10: f64,
    /// Mean of 1 / log2(place + 2), 0 from place 10 on.
    pub ndcg_at_10: f64,
    /// Share of users with the test view among the first 20.
    pub hr_at_20: f64,
    /// Search for settings, ranker and final fit.
    pub fit_seconds: f64,
    /// The model as shipped: rows, and the ranker if it takes part.
    pub bytes: u64,
    /// Views trained on.
    pub events: usize,
    /// What the search chose.
    pub settings: Chosen,
    /// Where it was chosen; the test view played no part in it.
    pub validation: Figures,
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
    /// Newest titles that count.
    pub window: usize,
    /// Entries kept per row.
    pub row_entries: usize,
    /// Candidates the ranker orders; 0 without it.
    pub ranker_pool: u32,
}

/// The three figures of an order.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// See [`Report`].
    pub hr_at_10: f64,
    /// See [`Report`].
    pub ndcg_at_10: f64,
    /// See [`Report`].
    pub hr_at_20: f64,
}

impl From<Quality> for Figures {
    fn from(quality: Quality) -> Self {
        let Quality { hr_at_10, ndcg_at_10, hr_at_20, .. } = quality;
        Self { hr_at_10, ndcg_at_10, hr_at_20 }
    }
}

/// Fits and measures.
///
/// # Errors
///
/// When there is nothing to train on, or the trained ranker does not load.
pub fn recommend(sequences: &Sequences, options: &Options) -> Result<Report, EvaluateError> {
    let started = Instant::now();
    let catalogue = Catalogue::of_counts(&sequences.counts(1));
    let fitted = train::fit(sequences, 1, &catalogue, options)?;
    let fit_seconds = started.elapsed().as_secs_f64();

    let candidates = catalogue.candidates(sequences.titles(), &fitted.rows).map_err(TrainError::from)?;
    let rules = train::rules(&fitted.settings, POOL)?;
    let rows_alone = measure(sequences, &candidates, rules, None)?;
    let onnx = fitted.ranker.as_ref().map(|ranker| onnx::encode(&ranker.mlp));
    let ranked = match &onnx {
        Some(onnx) => Some(measure(sequences, &candidates, rules, Some(&Ranker::load(onnx)?))?),
        None => None,
    };
    let shipped = ranked.filter(|_| fitted.shipped_ranker().is_some());
    let headline = shipped.unwrap_or(rows_alone);
    let ranker_bytes = onnx.filter(|_| shipped.is_some()).map_or(0, |onnx| onnx.len() as u64);
    Ok(Report {
        users: headline.users,
        items: sequences.titles().len(),
        model: if shipped.is_some() { "seq-ridge-int8+mlp" } else { "seq-ridge-int8" },
        hr_at_10: headline.hr_at_10,
        ndcg_at_10: headline.ndcg_at_10,
        hr_at_20: headline.hr_at_20,
        fit_seconds,
        bytes: fitted.rows.bytes() + ranker_bytes,
        events: sequences.iter(1).map(<[u32]>::len).sum(),
        settings: Chosen {
            recency_tau: fitted.settings.recency_tau,
            lambda: fitted.settings.lambda,
            window: fitted.settings.window,
            row_entries: fitted.settings.row_entries,
            ranker_pool: if shipped.is_some() { POOL } else { 0 },
        },
        validation: fitted.validation.into(),
        rows_alone: rows_alone.into(),
        ranked: ranked.map(Figures::from),
    })
}

/// The share of `before` that is lost; below 0 when something was won.
fn loss(before: f64, after: f64) -> f64 {
    if before == 0.0 { 0.0 } else { (before - after) / before }
}

/// Looks for the last view of each viewer who has one and a history.
fn measure(
    sequences: &Sequences,
    candidates: &Candidates,
    rules: Rules,
    ranker: Option<&Ranker>,
) -> Result<Quality, EvaluateError> {
    let native = Native::new(candidates, rules, ranker);
    let mut tally = Tally::default();
    for items in sequences.iter(0) {
        let Some((&target, history)) = items.split_last() else { continue };
        if !history.is_empty() {
            tally.add(place(&native, sequences, rules, history, target)?);
        }
    }
    Ok(tally.quality())
}

/// The place of the target in the answer itself; one answer shows more than any figure looks at.
fn place(
    native: &Native<'_>,
    sequences: &Sequences,
    rules: Rules,
    history: &[u32],
    target: u32,
) -> Result<Place, EvaluateError> {
    let title = |&item: &u32| sequences.titles()[item as usize];
    let newest = &history[history.len().saturating_sub(rules.history_window())..];
    let request = Request {
        history: newest.iter().map(title).collect(),
        exclude: history.iter().map(title).collect(),
        k: ranking::limits::K_MAX,
        at_unix_ms: 0,
        maturity_max_years: u8::MAX,
    };
    let picks = native.recommend(&request).map_err(TrainError::from)?.picks;
    let target = title(&target);
    let Some(own) = picks.iter().find(|pick| pick.title == target) else { return Ok(Place::Nowhere) };
    Ok(Place::At(picks.iter().filter(|pick| pick.score > own.score).count()))
}

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// The file of sequences was refused.
    #[error(transparent)]
    Sequences(#[from] SequencesError),
    /// The model could not be trained or asked.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// The trained ranker would be refused by every node.
    #[error("the trained ranker does not load: {0}")]
    Ranker(#[from] inference::LoadError),
}

impl EvaluateError {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Sequences(error) => error.code(),
            Self::Train(error) => error.code(),
            Self::Ranker(error) => error.code(),
        }
    }
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
        let report = recommend(&ring(), &Options::default()).unwrap();
        assert_eq!((report.users, report.items, report.events), (150, 40, 150 * 11));
        assert!(report.hr_at_10 > 0.99 && report.rows_alone.hr_at_10 > 0.99, "{report:?}");
        assert!(report.ranked.is_some() && report.bytes > 0);
    }

    #[test]
    fn leaves_the_ranker_out_when_told() {
        let report = recommend(&ring(), &Options { ranker: None, ..Options::default() }).unwrap();
        assert_eq!((report.model, report.ranked), ("seq-ridge-int8", None));
        assert_eq!(report.settings.ranker_pool, 0);
    }

    #[test]
    fn equal_sequences_give_equal_figures() {
        let measure = || {
            let report = recommend(&ring(), &Options::default()).unwrap();
            (report.validation, report.rows_alone, report.ranked, report.bytes)
        };
        assert_eq!(measure(), measure());
    }

    #[test]
    fn nothing_to_learn_from_is_an_error() {
        let error = recommend(&Sequences::default(), &Options::default()).unwrap_err();
        assert_eq!(error.code(), "train-no-history");
    }
}
