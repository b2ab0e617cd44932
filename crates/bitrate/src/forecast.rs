//! What the network may bring next: the belief behind the flagship.
//!
//! Four views follow the logarithm of the throughput, from one that knows little but the last download to
//! one that knows the session: exponentially weighted means over time of downloading. Each is trusted as
//! its predictions deserved in this very session, so that a link that wanders is followed and one that
//! only trembles is averaged. The next throughput lies around the views' mean, as far as they erred; how
//! much of it will stay follows from the views too: what they will have learnt from it.

use crate::{History, Settings, real};

/// A belief about the throughput of the next chunks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Forecast {
    /// Natural logarithm of the middle outcome in kbit/s.
    pub(crate) mean: f64,
    /// Between two neighbouring outcomes, as a difference of logarithms.
    pub(crate) step: f64,
    /// Share of an outcome's distance from the mean that the next mean takes over, 0 to 1.
    pub(crate) gain: f64,
    /// From a request to the first byte, in seconds.
    pub(crate) wait_s: f64,
}

/// A download as the views see it.
#[derive(Clone, Copy)]
struct Seen {
    /// Natural logarithm of the throughput from first to last byte, in kbit/s.
    log_kbps: f64,
    /// From first to last byte.
    seconds: f64,
}

/// Older samples weigh nothing.
const SAMPLES_SEEN: usize = 32;

/// Length taken for a download whose length is unknown; that of a usual chunk.
const SECONDS_UNKNOWN: f64 = 4.0;

/// Shorter and longer downloads count as this long: the first say something, the second not everything.
const SECONDS_SEEN: core::ops::RangeInclusive<f64> = 0.2..=20.0;

/// Share of the newest download in the mean length of downloads.
const LENGTH_SHARE: f64 = 0.2;

/// A view that was right by chance is not trusted without bounds.
const ERROR_MIN: f64 = 0.01;

/// Slower than this is as good as nothing.
const KBPS_MIN: f64 = 1.0;

const VIEWS: usize = 4;

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
        views.learn(&seen(sample));
    }
    Some(views.forecast(settings, wait_s))
}

fn seen(sample: &crate::Sample) -> Seen {
    let took_ms = sample.took.get() as f64;
    if took_ms == 0.0 {
        return Seen { log_kbps: real::ln(sample.kbps.max(KBPS_MIN)), seconds: SECONDS_UNKNOWN };
    }
    // A wait as long as the whole download leaves one millisecond: the clock of a player is no finer.
    let flowed_ms = (took_ms - sample.waited.get() as f64).max(1.0);
    let kbps = sample.kbps * took_ms / flowed_ms;
    let seconds = (flowed_ms / 1e3).max(*SECONDS_SEEN.start()).min(*SECONDS_SEEN.end());
    Seen { log_kbps: real::ln(kbps.max(KBPS_MIN)), seconds }
}

struct Views {
    /// Natural logarithm of the share that is left after a second.
    decays: [f64; VIEWS],
    /// Sums and their weights: the weights grow to one, and until then the quotient is the mean.
    sums: [f64; VIEWS],
    weights: [f64; VIEWS],
    errors: [f64; VIEWS],
    error_keep: f64,
    error_count: f64,
    length_s: f64,
    length_weight: f64,
}

impl Views {
    fn new(settings: &Settings) -> Self {
        Self {
            decays: settings.half_lives_s.map(|half_life| -core::f64::consts::LN_2 / half_life),
            sums: [0.0; VIEWS],
            weights: [0.0; VIEWS],
            errors: [0.0; VIEWS],
            error_keep: real::exp(-core::f64::consts::LN_2 / settings.error_half_life),
            error_count: 0.0,
            length_s: 0.0,
            length_weight: 0.0,
        }
    }

    fn learn(&mut self, seen: &Seen) {
        if self.length_weight > 0.0 {
            self.error_count = self.error_keep * self.error_count + 1.0;
            for view in 0..VIEWS {
                let error = (seen.log_kbps - self.sums[view] / self.weights[view]).abs();
                self.errors[view] = self.error_keep * self.errors[view] + error;
            }
        }
        self.length_s = (1.0 - LENGTH_SHARE) * self.length_s + LENGTH_SHARE * seen.seconds;
        self.length_weight = (1.0 - LENGTH_SHARE) * self.length_weight + LENGTH_SHARE;
        for view in 0..VIEWS {
            let keep = real::exp(self.decays[view] * seen.seconds);
            self.sums[view] = keep * self.sums[view] + (1.0 - keep) * seen.log_kbps;
            self.weights[view] = keep * self.weights[view] + 1.0 - keep;
        }
    }

    fn forecast(&self, settings: &Settings, wait_s: f64) -> Forecast {
        let length_s = self.length_s / self.length_weight;
        let prior = settings.error_prior * settings.error_prior_samples;
        let (mut trusts, mut mean, mut error, mut gain) = (0.0, 0.0, 0.0, 0.0);
        for view in 0..VIEWS {
            let erred = (self.errors[view] + prior) / (self.error_count + settings.error_prior_samples);
            let trust =
                settings.trusts[view] * real::exp(-settings.sharpness * real::ln(erred.max(ERROR_MIN)));
            trusts += trust;
            mean += trust * self.sums[view] / self.weights[view];
            error += trust * erred;
            // A young view learns more from a download than an old one.
            gain += trust * (1.0 - real::exp(self.decays[view] * length_s)) / self.weights[view].min(1.0);
        }
        let error = error / trusts;
        Forecast {
            mean: mean / trusts + settings.bias * error,
            step: (settings.step_min + settings.step_per_error * error).min(settings.step_max),
            gain: (settings.persistence * gain / trusts).min(1.0),
            wait_s,
        }
    }
}
