//! Chooses dropout and epochs on the validation view, then learns from everything but what is held out.

use super::{Learner, Settings, Shape, Tower};
use crate::train::limits::{TOWER_EPOCHS_MAX, TOWER_VIEWERS_MAX};
use crate::train::rank::Quality;
use crate::train::score::measure;
use crate::train::sequences::Sequences;

/// How long training may take.
pub struct Budget<'a> {
    /// All of it.
    pub seconds: f64,
    /// Seconds since it began.
    pub clock: &'a dyn Fn() -> f64,
}

impl Budget<'_> {
    fn left(&self) -> f64 {
        self.seconds - (self.clock)()
    }
}

/// What a search found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The settings that did best.
    pub settings: Settings,
    /// Epochs after which they did.
    pub epochs: u32,
    /// Epochs that were tried.
    pub tried: u32,
    /// Their quality on the validation views.
    pub validation: Quality,
    /// The tower that has it; it knows neither the validation views nor those after.
    pub tower: Tower,
    /// Seconds an epoch took.
    pub epoch_seconds: f64,
}

/// Tries dropouts, the likelier first, while time is left to learn once more with what was found.
///
/// `held_out` newest views of each viewer are not looked at; the one before them is the validation view.
pub fn search(sequences: &Sequences, held_out: usize, base: &Settings, budget: &Budget<'_>) -> Found {
    let shape = Shape::standard(sequences.titles().len());
    let targets: usize = sequences.iter(held_out + 1).map(|items| items.len().saturating_sub(1)).sum();
    let dropouts = if targets >= DENSE_TARGETS * shape.items { DROPOUTS_DENSE } else { DROPOUTS_SPARSE };
    let mut best: Option<Found> = None;
    for dropout in dropouts {
        let before = (budget.clock)();
        let settings = Settings { dropout, ..*base };
        let found = learn(sequences, held_out, shape, settings, budget);
        let spent = (budget.clock)() - before;
        let is_better = best.as_ref().is_none_or(|best| found.validation.worth() > best.validation.worth());
        let again = f64::from(found.epochs) * found.epoch_seconds;
        if is_better {
            best = Some(found);
        }
        if !is_better || budget.left() < spent + again {
            break;
        }
    }
    best.expect("at least one dropout was tried")
}

/// Learns from everything but the newest `held_out` views, as long as it took before.
pub fn refit(sequences: &Sequences, held_out: usize, found: &Found, budget: &Budget<'_>) -> Tower {
    let shape = *found.tower.shape();
    let mut learner = Learner::new(shape, found.settings, sequences.iter(held_out));
    for _ in 0..found.epochs {
        learner.epoch(&|| budget.left() < 0.0);
    }
    learner.tower()
}

/// Learns until nothing has become better for [`PATIENCE`] epochs.
fn learn(
    sequences: &Sequences,
    held_out: usize,
    shape: Shape,
    settings: Settings,
    budget: &Budget<'_>,
) -> Found {
    let mut learner = Learner::new(shape, settings, sequences.iter(held_out + 1));
    let (validation, tower) = (Quality::default(), learner.tower());
    let mut best = Found { settings, epochs: 0, tried: 0, validation, tower, epoch_seconds: 0.0 };
    let begun = (budget.clock)();
    // What is found has to be learned once more in the time that is left.
    let is_over = || budget.left() < (budget.clock)() - begun;
    let mut seconds = 0.0;
    for epoch in 1..=TOWER_EPOCHS_MAX {
        let before = (budget.clock)();
        let loss = learner.epoch(&is_over);
        seconds += (budget.clock)() - before;
        let tower = learner.tower();
        let quality = measure(sequences, held_out, TOWER_VIEWERS_MAX, &tower).quality;
        let Quality { hr_at_10, ndcg_at_10, .. } = quality;
        tracing::debug!(dropout = settings.dropout, epoch, loss, hr_at_10, ndcg_at_10, "tower");
        best.epoch_seconds = seconds / f64::from(epoch);
        best.tried = epoch;
        if quality.worth() > best.validation.worth() || best.epochs == 0 {
            best = Found { epochs: epoch, validation: quality, tower, ..best };
        }
        if epoch - best.epochs >= PATIENCE || is_over() {
            break;
        }
    }
    best
}

/// Epochs without progress after which it is over; the running mean of parameters makes progress steady.
const PATIENCE: u32 = 12;

/// Targets an item from which on a little dropout is enough.
const DENSE_TARGETS: usize = 60;
const DROPOUTS_DENSE: [f32; 2] = [0.2, 0.35];
const DROPOUTS_SPARSE: [f32; 2] = [0.5, 0.35];

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn ring() -> Sequences {
        Sequences::new(
            (0..60).map(|viewer| (viewer, (0..8).map(|step| (viewer * 7 + step * 3) % 20).collect())),
        )
    }

    fn base() -> Settings {
        Settings { batch: 16, learning_rate: 0.01, ..Settings::default() }
    }

    #[test]
    fn finds_a_habit_and_learns_it_again() {
        let budget = Budget { seconds: 1.0, clock: &|| 0.0 };
        let found = search(&ring(), 1, &base(), &budget);
        assert!(found.validation.hr_at_10 > 0.9 && found.epochs > 0, "{:?}", found.validation);
        let tower = refit(&ring(), 1, &found, &budget);
        assert!(measure(&ring(), 0, usize::MAX, &tower).quality.hr_at_10 > 0.9);
        assert_ne!(tower, found.tower);
    }

    #[test]
    fn stops_early_and_keeps_the_tower_that_did_best() {
        let budget = Budget { seconds: 1.0, clock: &|| 0.0 };
        let found = search(&ring(), 1, &base(), &budget);
        assert_eq!(found.tried, found.epochs + PATIENCE);
        assert!(found.tried < TOWER_EPOCHS_MAX);
        assert_eq!(measure(&ring(), 1, TOWER_VIEWERS_MAX, &found.tower).quality, found.validation);
    }

    #[test]
    fn stops_when_only_the_time_to_learn_again_is_left() {
        // Each look at the clock takes a second.
        let now = Cell::new(0.0);
        let clock = || {
            now.set(now.get() + 1.0);
            now.get()
        };
        let found = search(&ring(), 1, &base(), &Budget { seconds: 60.0, clock: &clock });
        assert!(found.epochs >= 1 && now.get() < 60.0, "{} {}", found.epochs, now.get());
    }
}
