//! Measures the tower, alone and blended with the rows.

use std::time::Instant;

use serde::Serialize;

use super::{EvaluateError, Figures, Outcome, Report, Rounding};
use crate::train::rank::Place;
use crate::train::score::{
    Blended, EdgeTower, Scorer, WeighedRows, choose_blend, measure, measure_places, places, views,
};
use crate::train::sequences::Sequences;
use crate::train::tower::search::{self, Budget, Found};
use crate::train::tower::{self, Tower};
use crate::train::{self, Options, TrainError, ridge};

/// What is said of a tower.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TowerDetails {
    /// What was chosen on the validation views.
    pub settings: Chosen,
    /// Test figures of the rows alone; none for a tower alone.
    pub rows_alone: Option<Figures>,
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
    /// What the rows count.
    pub blend_weight: f32,
    /// What a title without a row entry is worth.
    pub blend_floor: f32,
}

/// Learns a tower within so many minutes, and measures it.
///
/// # Errors
/// When there is nothing to learn from.
pub fn tower(sequences: &Sequences, minutes: f64) -> Result<Report<TowerDetails>, EvaluateError> {
    let learned = Learned::new(sequences, minutes)?;
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
        train_seconds: learned.seconds,
        bytes: learned.bytes(),
    };
    let settings = learned.chosen(None);
    let details =
        TowerDetails { settings, rows_alone: None, tower_alone: quality(&unrounded).quality.into() };
    Ok(outcome.report(sequences, details))
}

/// Also fits rows, and blends both.
///
/// # Errors
/// As [`tower`].
pub fn blend(
    sequences: &Sequences,
    options: &Options,
    minutes: f64,
) -> Result<Report<TowerDetails>, EvaluateError> {
    let learned = Learned::new(sequences, minutes)?;
    let started = Instant::now();
    let (settings, [before, rows]) = train::rows_twice(sequences, 1, options)?;
    let decay = ridge::decay(settings.recency_tau, settings.window);
    let before = WeighedRows { rows: &before, decay: decay.clone() };
    let (blend, validation) = choose_blend(sequences, 1, &before, &learned.found.tower);
    let train_seconds = learned.seconds + started.elapsed().as_secs_f64();

    let bytes = EdgeTower::new(&learned.tower).map_err(TrainError::from)?;
    let rows = WeighedRows { rows: &rows, decay };
    let views = views(sequences, 0, usize::MAX);
    let with = |tower: &dyn Scorer| places(sequences, &views, &Blended { rows: &rows, tower, blend });
    let (unrounded, shipped) = (with(&learned.tower), with(&bytes));
    let alone = |scorer: &dyn Scorer| measure(sequences, 0, usize::MAX, scorer).quality.into();
    let outcome = Outcome {
        model: "seq-ridge-int8+tower-int8",
        shipped: measure_places(sequences, 0, &views, &shipped),
        rounding: Rounding::of(&unrounded, &shipped),
        validation,
        train_seconds,
        bytes: learned.bytes() + rows.rows.bytes(),
    };
    let chosen = ChosenRows {
        recency_tau: settings.recency_tau,
        lambda: settings.penalty.lambda,
        rows_dropout: settings.penalty.dropout,
        blend_weight: blend.weight(),
        blend_floor: blend.floor(),
    };
    let details = TowerDetails {
        settings: learned.chosen(Some(chosen)),
        rows_alone: Some(alone(&rows)),
        tower_alone: alone(&learned.tower),
    };
    Ok(outcome.report(sequences, details))
}

/// A tower that knows everything but the test views.
struct Learned {
    found: Found,
    tower: Tower,
    seconds: f64,
}

impl Learned {
    fn new(sequences: &Sequences, minutes: f64) -> Result<Self, EvaluateError> {
        if sequences.events() == 0 {
            return Err(TrainError::NoHistory.into());
        }
        let started = Instant::now();
        let clock = || started.elapsed().as_secs_f64();
        let budget = Budget { seconds: minutes * 60.0, clock: &clock };
        let found = search::search(sequences, 1, &tower::Settings::default(), &budget);
        let tower = search::refit(sequences, 1, &found, &budget);
        Ok(Self { found, tower, seconds: clock() })
    }

    /// Item vectors as bytes for the comparison, and all numbers of the transformer, whose input they are too.
    fn bytes(&self) -> u64 {
        let shape = self.tower.shape();
        let rounded = shape.items * (shape.width + 1);
        (rounded + size_of_val(self.tower.parameters())) as u64
    }

    fn chosen(&self, rows: Option<ChosenRows>) -> Chosen {
        let Found { settings, epochs, epoch_seconds, .. } = self.found;
        Chosen { dropout: settings.dropout, epochs, epoch_seconds, rows }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring() -> Sequences {
        Sequences::new((0..80).map(|viewer| {
            let start = viewer * 7 % 20;
            (viewer, (0..10).map(|step| 100 + (start + step * 3 + (step + viewer) / 9) % 20).collect())
        }))
    }

    #[test]
    fn a_blend_finds_a_habit() {
        let report = blend(&ring(), &Options::default(), 0.05).unwrap();
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
