//! A tower beside the rows: learned within a time, and shipped where both together are better.

use std::time::Instant;

use ranking::Blend;

use super::rank::Quality;
use super::ridge;
use super::score::{WeighedRows, choose_blend};
use super::sequences::Sequences;
use super::tower::search::{self, Budget};
use super::tower::{Settings, Tower};
use super::{Fitted, Options, TrainError};

/// A tower and how its scores are added to those of the rows.
#[derive(Clone, Debug)]
pub struct Blended {
    /// Learned from everything but what was held out.
    pub tower: Tower,
    /// Chosen on the validation views.
    pub blend: Blend,
    /// The quality of both together where the blend was chosen.
    pub validation: Quality,
}

/// Learns a tower within so many minutes, its search for settings included, and chooses how to blend it with rows
/// that were fitted by [`super::fit`].
///
/// # Errors
/// When the rows cannot be fitted again without the validation views.
pub fn blend(
    sequences: &Sequences,
    held_out: usize,
    fitted: &Fitted,
    options: &Options,
    minutes: f64,
) -> Result<Blended, TrainError> {
    let started = Instant::now();
    let clock = || started.elapsed().as_secs_f64();
    let budget = Budget { seconds: minutes * 60.0, clock: &clock };
    let found = search::search(sequences, held_out, &Settings::default(), &budget);
    let tower = search::refit(sequences, held_out, &found, &budget);
    let settings = &fitted.settings;
    let before = super::rows(sequences, held_out + 1, settings, options)?;
    let decay = ridge::decay(settings.recency_tau, settings.window);
    let (blend, validation) =
        choose_blend(sequences, held_out, &WeighedRows { rows: &before, decay }, &found.tower);
    Ok(Blended { tower, blend, validation })
}

impl Blended {
    /// Whether a release is better with the tower than without it.
    pub fn is_worth_shipping(&self, rows: &Quality) -> bool {
        self.validation.worth() > rows.worth()
    }
}
