//! Measures models on held-out views.
//!
//! A viewer's last view is the test, the second last the validation. Settings are chosen and rankers learn on the
//! validation; the model is then fitted to all but the last view. Each test view is looked for among *all* titles,
//! those already watched left out; its place is the number of titles with a strictly higher score.

mod factors;
mod ridge;
pub mod split;
mod tower;

use serde::Serialize;

pub use factors::factors;
pub use ridge::ridge;
pub use tower::{blend, tower};

use crate::train::TrainError;
use crate::train::rank::{Place, Quality};
use crate::train::score::Measured;
use crate::train::sequences::{Sequences, SequencesError};

/// What `evaluate recommend` prints: the same figures for every model, and what it says of itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report<Details> {
    /// Viewers with a test view and a history.
    pub users: u64,
    /// Titles ranked for each.
    pub items: usize,
    /// What made the figures below, as shipped: `seq-ridge-int8`, `seq-ridge-int8+mlp`, `biased-mf`, `tower-int8`,
    /// `seq-ridge-int8+tower-int8` or `seq-ridge-int8+tower-int8+mlp`.
    pub model: &'static str,
    /// Share of users with the test view among the first 10.
    pub hr_at_10: f64,
    /// Mean of 1 / log2(place + 2), 0 from place 10 on.
    pub ndcg_at_10: f64,
    /// Share of users with the test view among the first 20.
    pub hr_at_20: f64,
    /// HR@10 where a view counts one over how often its title was watched before.
    pub debiased_hr_at_10: f64,
    /// Share of HR@10 that rounding and pruning cost before the ranker, of rows and of the tower; below 0 when they won
    /// something.
    pub loss_int8: f64,
    /// How far chance moves that: the root of how many users one form finds and the other does not, over those found.
    pub loss_int8_standard_error: f64,
    /// Search for settings and final fit.
    pub train_seconds: f64,
    /// The same, under the name it had first.
    pub fit_seconds: f64,
    /// The model as shipped.
    pub bytes: u64,
    /// Views trained on.
    pub events: usize,
    /// Where settings were chosen; the test view played no part in it.
    pub validation: Figures,
    /// What the model says of itself.
    #[serde(flatten)]
    pub details: Details,
}

/// The three figures of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
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

/// What a measurement came to.
struct Outcome {
    model: &'static str,
    /// On the test views, as shipped.
    shipped: Measured,
    rounding: Rounding,
    validation: Quality,
    train_seconds: f64,
    bytes: u64,
}

impl Outcome {
    fn report<Details>(self, sequences: &Sequences, details: Details) -> Report<Details> {
        let Quality { users, hr_at_10, ndcg_at_10, hr_at_20 } = self.shipped.quality;
        Report {
            users,
            items: sequences.titles().len(),
            model: self.model,
            hr_at_10,
            ndcg_at_10,
            hr_at_20,
            debiased_hr_at_10: self.shipped.debiased_hr_at_10,
            loss_int8: self.rounding.loss(),
            loss_int8_standard_error: self.rounding.standard_error(),
            train_seconds: self.train_seconds,
            fit_seconds: self.train_seconds,
            bytes: self.bytes,
            events: sequences.iter(1).map(<[u32]>::len).sum(),
            validation: self.validation.into(),
            details,
        }
    }
}

/// Test views among the first ten: before rounding and pruning, and only before or only after it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Rounding {
    found: usize,
    lost: usize,
    won: usize,
}

impl Rounding {
    /// Of places of the same views.
    fn of(before: &[Place], after: &[Place]) -> Self {
        assert_eq!(before.len(), after.len(), "places of the same views");
        let count = |is_so: fn(bool, bool) -> bool| {
            let both = before.iter().zip(after);
            both.filter(|(before, after)| is_so(before.is_hit(), after.is_hit())).count()
        };
        Self {
            found: count(|before, _| before),
            lost: count(|before, after| before && !after),
            won: count(|before, after| !before && after),
        }
    }

    /// Share of what was found that is lost, below 0 when more was won.
    fn loss(self) -> f64 {
        self.of_found(self.lost as f64 - self.won as f64)
    }

    /// How far chance moves that.
    fn standard_error(self) -> f64 {
        self.of_found(((self.lost + self.won) as f64).sqrt())
    }

    fn of_found(self, count: f64) -> f64 {
        if self.found == 0 { 0.0 } else { count / self.found as f64 }
    }
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
    /// What was trained would be refused by every node.
    #[error(transparent)]
    Model(#[from] inference::ModelError),
}

impl EvaluateError {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Sequences(error) => error.code(),
            Self::Train(error) => error.code(),
            Self::Model(error) => error.code(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(rounding: Rounding) -> [f64; 2] {
        let outcome = Outcome {
            model: "any",
            shipped: Measured::default(),
            rounding,
            validation: Quality::default(),
            train_seconds: 0.0,
            bytes: 0,
        };
        let report = outcome.report(&Sequences::default(), ());
        [report.loss_int8, report.loss_int8_standard_error]
    }

    #[test]
    fn what_rounding_costs_is_told_with_what_chance_makes_of_it() {
        let (hit, miss) = (Place::At(9), Place::At(10));
        let before = [hit, hit, hit, hit, miss, Place::Nowhere];
        let after = [hit, miss, Place::Nowhere, hit, hit, miss];
        let rounding = Rounding::of(&before, &after);
        assert_eq!(rounding, Rounding { found: 4, lost: 2, won: 1 });
        assert_eq!(loss(rounding), [0.25, 3_f64.sqrt() / 4.0]);
        assert_eq!(loss(Rounding::of(&[miss], &[hit])), [0.0; 2]);
    }
}
