//! Measures matrix factorisation on views.

use std::time::Instant;

use ranking::Factors;
use serde::Serialize;

use super::{EvaluateError, Outcome, Report, Rounding};
use crate::train::TrainError;
use crate::train::factors::{self, Rating, Settings};
use crate::train::rank::Place;
use crate::train::score::{Measured, Sum};
use crate::train::sequences::Sequences;

/// What is said of a factor model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FactorDetails {
    /// What was chosen on the validation views.
    pub settings: Chosen,
}

/// What was chosen on the validation views.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Chosen {
    /// Factors of a viewer or a title.
    pub factors: usize,
    /// Passes over all views.
    pub epochs: u32,
    /// Titles not seen, drawn for each view.
    pub unseen_a_view: u32,
}

/// Learns factors from views, where a view counts 1 and an unseen title drawn for it 0, and measures them.
///
/// It knows no order in time, so it cannot know what comes next as the other models do.
///
/// # Errors
/// When there is nothing to learn from.
pub fn factors(sequences: &Sequences) -> Result<Report<FactorDetails>, EvaluateError> {
    if sequences.events() == 0 {
        return Err(TrainError::NoHistory.into());
    }
    let started = Instant::now();
    let mut best: Option<(Measured, Chosen)> = None;
    for unseen_a_view in UNSEEN_A_VIEW {
        let ratings = factors::from_views(sequences, 2, unseen_a_view, SEED);
        for epochs in EPOCHS {
            let chosen = Chosen { factors: FACTORS, epochs, unseen_a_view };
            let validation = measure(sequences, 1, &fit(&ratings, chosen)?);
            let worth = |measured: &Measured| measured.quality.worth();
            if best.as_ref().is_none_or(|(before, _)| worth(&validation) > worth(before)) {
                best = Some((validation, chosen));
            }
        }
    }
    let (validation, settings) = best.expect("some settings were tried");
    let model = fit(&factors::from_views(sequences, 1, settings.unseen_a_view, SEED), settings)?;
    let train_seconds = started.elapsed().as_secs_f64();
    let shipped = measure(sequences, 0, &model);
    let rows = model.viewers() + model.columns().title_ids.len();
    let outcome = Outcome {
        model: "biased-mf",
        shipped,
        // Nothing is rounded.
        rounding: Rounding::default(),
        validation: validation.quality,
        train_seconds,
        bytes: (rows * (settings.factors + 2) * size_of::<f32>()) as u64,
    };
    Ok(outcome.report(sequences, FactorDetails { settings }))
}

fn fit(ratings: &[Rating], chosen: Chosen) -> Result<Factors, EvaluateError> {
    let Chosen { factors, epochs, .. } = chosen;
    let settings = Settings { factors, epochs, ..Settings::default() };
    Ok(factors::train(ratings, &settings).map_err(TrainError::from)?.factors)
}

/// Looks for the view before the newest `held_out` of each viewer who has one and a history.
fn measure(sequences: &Sequences, held_out: usize, model: &Factors) -> Measured {
    let counts = sequences.counts(held_out + 1);
    let columns = model.columns();
    let mut sum = Sum::default();
    for (viewer, items) in sequences.viewers().iter().zip(sequences.iter(held_out)) {
        let Some((&target, history)) = items.split_last() else { continue };
        if history.is_empty() {
            continue;
        }
        let Ok(row) = columns.viewer_ids.binary_search(viewer) else { continue };
        let mut scores = scores(sequences, model, row);
        history.iter().for_each(|&item| scores[item as usize] = f32::NEG_INFINITY);
        sum.add(Place::among(&scores, target as usize), counts[target as usize]);
    }
    sum.measured()
}

/// What decides the order for one viewer; a title that nobody rated is last.
fn scores(sequences: &Sequences, model: &Factors, viewer: usize) -> Vec<f32> {
    let columns = model.columns();
    let mine = &columns.viewer_factors[viewer * columns.factors..][..columns.factors];
    let of = |title: &u32| match columns.title_ids.binary_search(title) {
        Ok(row) => {
            let its = &columns.title_factors[row * columns.factors..][..columns.factors];
            columns.title_biases[row] + mine.iter().zip(its).map(|(p, q)| p * q).sum::<f32>()
        }
        Err(_) => f32::MIN,
    };
    sequences.titles().iter().map(of).collect()
}

const FACTORS: usize = 50;
const EPOCHS: [u32; 3] = [10, 20, 40];
const UNSEEN_A_VIEW: [u32; 2] = [1, 4];
const SEED: u64 = 42;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_kind_a_viewer_is() {
        let kinds = Sequences::new((0..80).map(|viewer| {
            let own = (0..60).map(|place| (place + viewer * 7) % 60);
            (viewer, own.filter(|title| title % 2 == viewer % 2 && (title / 2 + viewer) % 3 > 0).collect())
        }));
        let report = factors(&kinds).unwrap();
        // One's own kind has 30 titles, of which 19 are watched: the 11 left are all among the first 20.
        assert_eq!((report.users, report.items, report.model), (80, 60, "biased-mf"));
        assert!(report.hr_at_20 > 0.5, "{report:?}");
    }

    #[test]
    fn nothing_to_learn_from_is_an_error() {
        assert_eq!(factors(&Sequences::default()).unwrap_err().code(), "train-no-history");
    }
}
