//! What the network may bring next: the belief behind the flagship.
//!
//! Two opinions are mixed. The first is that of four [`Views`] of the throughput, each trusted as its predictions
//! deserved in this very session, so that a link that wanders is followed and one that only trembles is averaged: the
//! next throughput lies around their mean, as far as they erred, and how much of it will stay follows from what they
//! will have learnt from it. The second is learnt from traces, by a [`Perceptron`](crate::Perceptron): it knows what
//! usually follows the shape of the last downloads, and how lopsided it is. The steadier the link, the more the second
//! is worth.

use crate::perceptron::OUTCOMES;
use crate::views::{Seen, VIEWS, Views};
use crate::{History, Settings, real};

/// A belief about the throughput of the next chunks, in natural logarithms of kbit/s.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Forecast {
    /// Outcomes of the next chunk, rising.
    pub(crate) first: [f64; OUTCOMES],
    /// Outcomes of a later one while the mean has not moved.
    pub(crate) later: [f64; OUTCOMES],
    /// How far an outcome above or below the middle moves the mean.
    pub(crate) drift: f64,
    /// From a request to the first byte, in seconds.
    pub(crate) wait_s: f64,
    /// How much less a chunk is worth than the one before it when the link carries next to nothing.
    pub(crate) impatience: f64,
    /// How often the link is lost, a second of media.
    pub(crate) outage: f64,
}

/// Older samples weigh nothing.
const SAMPLES_SEEN: usize = 32;

/// A view that was right by chance is not trusted without bounds.
const ERROR_MIN: f64 = 0.01;

/// The logarithm of a usual error, a fifth.
const LOG_ERROR_USUAL: f64 = -1.6;

/// Reads the downloads, and the one under way, `newest`; none when there is nothing to read.
pub(crate) fn forecast(
    history: &History,
    newest: Option<&crate::Sample>,
    settings: &Settings,
) -> Option<Forecast> {
    let samples = history.samples();
    let samples = samples[samples.len().saturating_sub(SAMPLES_SEEN)..].iter().chain(newest);
    let wait_s = samples.clone().next_back()?.waited.get() as f64 / 1e3;
    let mut views = Views::new(settings);
    for sample in samples {
        views.learn(&Seen::of(sample));
    }
    Some(Opinion::of(&views, settings).mixed(&views, settings, wait_s))
}

/// What the views say together.
struct Opinion {
    mean: f64,
    error: f64,
    gain: f64,
}

impl Opinion {
    fn of(views: &Views, settings: &Settings) -> Self {
        let prior = settings.error_prior * settings.error_prior_samples;
        let (mut trusts, mut mean, mut error, mut gain) = (0.0, 0.0, 0.0, 0.0);
        for view in 0..VIEWS {
            let erred = (views.errors[view] + prior) / (views.error_count + settings.error_prior_samples);
            let trust =
                settings.trusts[view] * real::exp(-settings.sharpness * real::ln(erred.max(ERROR_MIN)));
            trusts += trust;
            mean += trust * views.mean(view);
            error += trust * erred;
            gain += trust * views.gain(view);
        }
        let error = error / trusts;
        let gain = (settings.persistence * gain / trusts).min(1.0);
        Self { mean: mean / trusts + settings.bias * error, error, gain }
    }

    fn mixed(&self, views: &Views, settings: &Settings, wait_s: f64) -> Forecast {
        let step = (settings.step_min + settings.step_per_error * self.error).min(settings.step_max);
        let unusual = real::ln(self.error.max(ERROR_MIN)) - LOG_ERROR_USUAL;
        let share = (settings.learnt + settings.learnt_per_error * unusual).clamp(0.0, 1.0);
        let outlook = settings.perceptron.run(&views.told()).outlook();
        let level = views.level();
        let first: [f64; OUTCOMES] = core::array::from_fn(|outcome| {
            let seen = self.mean + (outcome as f64 - 2.0) * step;
            seen + share * (level + f64::from(outlook.outcomes[outcome]) - seen)
        });
        let median = first[OUTCOMES / 2];
        let moved = f64::from(outlook.after) - f64::from(outlook.outcomes[OUTCOMES / 2]);
        let after = median + share * settings.after * moved;
        let gain = self.gain + share * (f64::from(outlook.stays) - self.gain);
        Forecast {
            first,
            later: first.map(|outcome| after + settings.later * (outcome - median)),
            drift: settings.drift * gain * (first[3] - first[1]) / 2.0,
            wait_s,
            impatience: settings.impatience * (1.0 - self.error / settings.calm).max(0.0),
            outage: settings.outage * self.error,
        }
    }
}
