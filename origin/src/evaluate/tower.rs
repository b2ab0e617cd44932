//! Measures the tower, alone and blended with the rows.

use std::time::Instant;

use serde::Serialize;

use super::{EvaluateError, Figures};
use crate::train::rank::Quality;
use crate::train::score::{Blended, ByteTower, Measured, Scorer, WeighedRows, choose_blend, measure};
use crate::train::sequences::Sequences;
use crate::train::tower::search::{self, Budget, Found};
use crate::train::tower::{self, Tower};
use crate::train::{self, Options, TrainError, ridge};

/// What `evaluate recommend --model tower` and `--model blend` print.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TowerReport {
    /// Viewers with a test view and a history.
    pub users: u64,
    /// Titles ranked for each.
    pub items: usize,
    /// What made the figures below: `tower` or `seq-ridge-int8+tower`.
    pub model: &'static str,
    /// Share of users with the test view among the first 10.
    pub hr_at_10: f64,
    /// Mean of 1 / log2(place + 2), 0 from place 10 on.
    pub ndcg_at_10: f64,
    /// Share of users with the test view among the first 20.
    pub hr_at_20: f64,
    /// HR@10 where a view counts one over how often its title was watched before.
    pub debiased_hr_at_10: f64,
    /// Share of HR@10 that is lost when vectors are rounded to bytes.
    pub loss_int8: f64,
    /// Search for settings, and the final fit.
    pub train_seconds: f64,
    /// The model as shipped: the tower with item vectors as bytes, and the rows if they take part.
    pub bytes: u64,
    /// Views trained on.
    pub events: usize,
    /// What was chosen on the validation views.
    pub settings: Chosen,
    /// Where it was chosen; the test view played no part in it.
    pub validation: Figures,
    /// Test figures of the rows alone; none for a tower alone.
    pub rows_alone: Option<Figures>,
    /// Test figures of the tower alone.
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
    /// What the rows count.
    pub blend_weight: f32,
    /// What a title without a row entry is worth.
    pub blend_floor: f32,
}

/// Learns a tower within so many minutes, and measures it.
///
/// # Errors
/// When there is nothing to learn from.
pub fn tower(sequences: &Sequences, minutes: f64) -> Result<TowerReport, EvaluateError> {
    let learned = Learned::new(sequences, minutes)?;
    let measured = measure(sequences, 0, usize::MAX, &learned.tower);
    let bytes = ByteTower::new(&learned.tower).map_err(TrainError::from)?;
    let int8 = measure(sequences, 0, usize::MAX, &bytes);
    Ok(learned.report(sequences, "tower", &measured, &int8, learned.found.validation, &bytes))
}

/// Also fits rows, and blends both.
///
/// # Errors
/// As [`tower`].
pub fn blend(sequences: &Sequences, options: &Options, minutes: f64) -> Result<TowerReport, EvaluateError> {
    let learned = Learned::new(sequences, minutes)?;
    let started = Instant::now();
    let (settings, [before, rows]) = train::rows_twice(sequences, 1, options)?;
    let decay = ridge::decay(settings.recency_tau, settings.window);
    let before = WeighedRows { rows: &before, decay: decay.clone() };
    let (blend, validation) = choose_blend(sequences, 1, &before, &learned.found.tower);
    let train_seconds = learned.seconds + started.elapsed().as_secs_f64();

    let bytes = ByteTower::new(&learned.tower).map_err(TrainError::from)?;
    let rows = WeighedRows { rows: &rows, decay };
    let figures =
        |tower: &dyn Scorer| measure(sequences, 0, usize::MAX, &Blended { rows: &rows, tower, blend });
    let (measured, int8) = (figures(&learned.tower), figures(&bytes));
    let rows_alone = measure(sequences, 0, usize::MAX, &rows).quality.into();
    let tower_alone = measure(sequences, 0, usize::MAX, &learned.tower).quality.into();
    let mut report = learned.report(sequences, "seq-ridge-int8+tower", &measured, &int8, validation, &bytes);
    report.bytes += rows.rows.bytes();
    report.settings.rows = Some(ChosenRows {
        recency_tau: settings.recency_tau,
        lambda: settings.lambda,
        blend_weight: blend.weight(),
        blend_floor: blend.floor(),
    });
    Ok(TowerReport { train_seconds, rows_alone: Some(rows_alone), tower_alone, ..report })
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

    fn report(
        &self,
        sequences: &Sequences,
        model: &'static str,
        measured: &Measured,
        int8: &Measured,
        validation: Quality,
        bytes: &ByteTower<'_>,
    ) -> TowerReport {
        let quality = measured.quality;
        let shape = self.tower.shape();
        let others = self.tower.parameters().len() - shape.items * shape.width;
        TowerReport {
            users: quality.users,
            items: sequences.titles().len(),
            model,
            hr_at_10: quality.hr_at_10,
            ndcg_at_10: quality.ndcg_at_10,
            hr_at_20: quality.hr_at_20,
            debiased_hr_at_10: measured.debiased_hr_at_10,
            loss_int8: super::loss(quality.hr_at_10, int8.quality.hr_at_10),
            train_seconds: self.seconds,
            bytes: bytes.bytes() + (others * size_of::<f32>()) as u64,
            events: sequences.iter(1).map(<[u32]>::len).sum(),
            settings: Chosen {
                dropout: self.found.settings.dropout,
                epochs: self.found.epochs,
                epoch_seconds: self.found.epoch_seconds,
                rows: None,
            },
            validation: validation.into(),
            rows_alone: None,
            tower_alone: quality.into(),
        }
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
        assert!(report.loss_int8.abs() < 0.1 && report.settings.rows.is_some(), "{report:?}");
    }

    #[test]
    fn nothing_to_learn_from_is_an_error() {
        let error = tower(&Sequences::default(), 1.0).unwrap_err();
        assert_eq!(error.code(), "train-no-history");
    }
}
