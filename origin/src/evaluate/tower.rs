//! Measures the tower, alone and blended with the rows.

use std::time::Instant;

use inference::Models;
use ranking::Blend;
use rayon::prelude::*;
use serde::Serialize;

use super::ridge::{measured, place};
use super::{EvaluateError, Figures, Outcome, Report, Rounding};
use crate::native::Native;
use crate::train::blended::{Beside, Learned};
use crate::train::catalogue::Catalogue;
use crate::train::rank::Place;
use crate::train::ranker::POOL;
use crate::train::ridge::Settings;
use crate::train::score::{
    Blended as Sum, EdgeTower, FilledUp, Scorer, View, WeighedRows, WholeRows, measure, measure_places,
    places, views,
};
use crate::train::sequences::Sequences;
use crate::train::tower::Tower;
use crate::train::tower::search::Found;
use crate::train::{self, Fitted, Options, TrainError, blended, onnx};

/// What is said of a tower.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TowerDetails {
    /// What was chosen on the validation views.
    pub settings: Chosen,
    /// Test figures of the rows alone; none for a tower alone.
    pub rows_alone: Option<Figures>,
    /// Test figures of both without the ranker; none for a tower alone.
    pub unranked: Option<Figures>,
    /// Test figures with the ranker, whether it is shipped or not; none without one.
    pub ranked: Option<Figures>,
    /// Share of HR@10 that rounding the ranker costs, of the same rows and tower; none without one.
    pub ranker_loss_int8: Option<f64>,
    /// Test figures of the tower alone, before rounding.
    pub tower_alone: Figures,
}

/// What was chosen on the validation views.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Chosen {
    /// Share of numbers zeroed while learning.
    pub dropout: f32,
    /// Passes over all sequences.
    pub epochs: u32,
    /// Seconds one took.
    pub epoch_seconds: f64,
    /// How rows are fitted and blended; none for a tower alone.
    #[serde(flatten)]
    pub rows: Option<ChosenRows>,
}

/// How rows are fitted and blended.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ChosenRows {
    /// τ.
    pub recency_tau: f32,
    /// λ.
    pub lambda: f32,
    /// How likely a feature of the rows was left out.
    pub rows_dropout: f32,
    /// How much sequences that are read backward counted.
    pub rows_backward: f32,
    /// What the rows count.
    pub blend_weight: f32,
    /// What a title without a row entry is worth.
    pub blend_floor: f32,
}

impl ChosenRows {
    fn new(settings: &Settings, blend: Blend) -> Self {
        let Settings { features, penalty, .. } = settings;
        Self {
            recency_tau: features.recency_tau,
            lambda: penalty.lambda,
            rows_dropout: penalty.dropout,
            rows_backward: features.backward,
            blend_weight: blend.weight(),
            blend_floor: blend.floor(),
        }
    }
}

/// Learns a tower within so many minutes, and measures it by all its scores: no release ships one without rows.
///
/// # Errors
/// When there is nothing to learn from.
pub fn tower(sequences: &Sequences, minutes: f64) -> Result<Report<TowerDetails>, EvaluateError> {
    let Timed { learned, seconds } = Timed::new(sequences, minutes)?;
    let views = views(sequences, 0, usize::MAX);
    let unrounded = places(sequences, &views, &learned.tower);
    let bytes = EdgeTower::new(&learned.tower).map_err(TrainError::from)?;
    let shipped = places(sequences, &views, &bytes);
    let quality = |places: &[Place]| measure_places(sequences, 0, &views, places);
    let outcome = Outcome {
        model: "tower-int8",
        shipped: quality(&shipped),
        rounding: Rounding::of(&unrounded, &shipped),
        validation: learned.found.validation,
        train_seconds: seconds,
        bytes: bytes_of(&learned.tower),
    };
    let settings = chosen(&learned.found, None);
    let tower_alone = quality(&unrounded).quality.into();
    let details = TowerDetails {
        settings,
        rows_alone: None,
        unranked: None,
        ranked: None,
        ranker_loss_int8: None,
        tower_alone,
    };
    Ok(outcome.report(sequences, details))
}

/// Also fits rows, blends both, and learns a ranker over them. Where a release would leave the tower out, the figures are
/// those of [`super::ridge`], and what was left out is told beside them.
///
/// # Errors
/// As [`tower`].
pub fn blend(
    sequences: &Sequences,
    options: &Options,
    minutes: f64,
) -> Result<Report<TowerDetails>, EvaluateError> {
    let Timed { learned, seconds } = Timed::new(sequences, minutes)?;
    let started = Instant::now();
    let catalogue = Catalogue::of_counts(&sequences.counts(1));
    // The ranker learns over both.
    let alone = Options { ranker: false, ..*options };
    let fitted = train::fit(sequences, 1, &catalogue, &alone)?;
    let Fitted { settings, ref before, ref rows, validation, .. } = fitted;
    let beside =
        Beside { settings: &settings, rows: before, sequences, held_out: 1, catalogue: &catalogue, options };
    let blended = learned.blend(&beside)?;
    let train_seconds = seconds + started.elapsed().as_secs_f64();

    let views = views(sequences, 0, usize::MAX);
    let Served { unranked, ranked } =
        Served::new(&learned, &blended, &fitted, (sequences, &catalogue, &views))?;
    let (decay, blend) = (settings.features.decay(), blended.blend);
    let entries = train::whole_rows(sequences, 1, &settings, options).map_err(TrainError::from)?;
    let whole = WholeRows { entries, decay: decay.clone() };
    let unrounded = places(sequences, &views, &Sum { rows: &whole, tower: &learned.tower, blend });
    let quality = |places: &[Place]| measure_places(sequences, 0, &views, places);
    let shipped = blended.shipped_ranker();
    let ranker_bytes = shipped.map_or(0, |ranker| onnx::encode(&ranker.mlp).len() as u64);
    let best = ranked.as_ref().filter(|_| shipped.is_some()).map_or(&unranked, |ranked| &ranked.shipped);
    let outcome = Outcome {
        model: if shipped.is_some() { "seq-ridge-int8+tower-int8+mlp" } else { "seq-ridge-int8+tower-int8" },
        shipped: quality(best),
        rounding: Rounding::of(&unrounded, &unranked),
        validation: shipped.map_or(blended.validation, |ranker| ranker.ranked),
        train_seconds,
        bytes: bytes_of(&learned.tower) + rows.bytes() + ranker_bytes,
    };
    let alone = |scorer: &dyn Scorer| measure(sequences, 0, usize::MAX, scorer).quality.into();
    let weighed = WeighedRows { rows, decay };
    let details = TowerDetails {
        settings: chosen(&learned.found, Some(ChosenRows::new(&settings, blend))),
        rows_alone: Some(alone(&FilledUp::new(&weighed, sequences, 1))),
        unranked: Some(quality(&unranked).quality.into()),
        ranked: ranked.as_ref().map(|ranked| quality(&ranked.shipped).quality.into()),
        ranker_loss_int8: ranked.map(|ranked| Rounding::of(&ranked.unrounded, &ranked.shipped).loss()),
        tower_alone: alone(&learned.tower),
    };
    if blended.is_worth_shipping(&validation) {
        return Ok(outcome.report(sequences, details));
    }
    let (rows, _) = measured(sequences, options)?;
    Ok(Outcome { train_seconds: seconds + rows.train_seconds, ..rows }.report(sequences, details))
}

/// Where the views stand in answers of the code and the files that are served.
struct Served {
    unranked: Vec<Place>,
    // Whether the ranker is shipped or not.
    ranked: Option<Ranked>,
}

struct Ranked {
    shipped: Vec<Place>,
    // By a ranker of which nothing was rounded to bytes.
    unrounded: Vec<Place>,
}

impl Served {
    fn new(
        learned: &Learned,
        blended: &blended::Blended,
        fitted: &Fitted,
        (sequences, catalogue, views): (&Sequences, &Catalogue, &[View<'_>]),
    ) -> Result<Self, EvaluateError> {
        let tower = learned.tower.to_onnx();
        let unranked = Models::load(None, Some(&tower))?;
        let vectors = unranked.tower().map(blended::vectors);
        let candidates =
            catalogue.candidates_with(sequences.titles(), &fitted.rows, vectors).map_err(TrainError::from)?;
        let rules = train::rules(&fitted.settings, POOL)?.with_blend(Some(blended.blend));
        let places = |models: &Models| -> Result<Vec<Place>, EvaluateError> {
            let native = Native::new(&candidates, rules.clone(), models);
            let place = |&(&target, history): &View<'_>| place(&native, sequences, history, target);
            views.par_iter().map(place).collect()
        };
        let onnx = blended.ranker.as_ref().map(|ranker| onnx::encode(&ranker.mlp));
        let ranked = onnx.map(|onnx| -> Result<Ranked, EvaluateError> {
            Ok(Ranked {
                shipped: places(&Models::load(Some(&onnx), Some(&tower))?)?,
                unrounded: places(&Models::load_unrounded(Some(&onnx), Some(&tower))?)?,
            })
        });
        Ok(Self { unranked: places(&unranked)?, ranked: ranked.transpose()? })
    }
}

/// A tower that knows everything but the test views, and how long it took.
struct Timed {
    learned: Learned,
    seconds: f64,
}

impl Timed {
    fn new(sequences: &Sequences, minutes: f64) -> Result<Self, EvaluateError> {
        if sequences.events() == 0 {
            return Err(TrainError::NoHistory.into());
        }
        let started = Instant::now();
        let learned = Learned::new(sequences, 1, minutes);
        Ok(Self { learned, seconds: started.elapsed().as_secs_f64() })
    }
}

/// Item vectors as bytes for the comparison, and all numbers of the transformer, whose input they are too.
fn bytes_of(tower: &Tower) -> u64 {
    let shape = tower.shape();
    let rounded = shape.items * (shape.width + 1);
    (rounded + size_of_val(tower.parameters())) as u64
}

fn chosen(found: &Found, rows: Option<ChosenRows>) -> Chosen {
    let Found { settings, epochs, epoch_seconds, .. } = *found;
    Chosen { dropout: settings.dropout, epochs, epoch_seconds, rows }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blend_finds_a_habit() {
        let report = blend(&Sequences::ring(), &Options::default(), 0.05).unwrap();
        assert_eq!((report.users, report.items, report.events), (80, 20, 80 * 9));
        assert!(report.hr_at_10 > 0.9 && report.validation.hr_at_10 > 0.9, "{report:?}");
        assert!(report.loss_int8.abs() < 0.1 && report.details.settings.rows.is_some(), "{report:?}");
    }

    #[test]
    fn nothing_to_learn_from_is_an_error() {
        let error = tower(&Sequences::default(), 1.0).unwrap_err();
        assert_eq!(error.code(), "train-no-history");
    }
}
