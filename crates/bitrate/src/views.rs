//! What the downloads of a session look like: four views of the throughput, and the numbers they are told in.
//!
//! Each view is an exponentially weighted mean of the logarithm of the throughput over time of downloading, from one
//! that knows little but the last download to one that knows the session; how far each erred is remembered.

use crate::perceptron::INPUTS;
use crate::{Sample, Settings, real};

/// Views of the throughput.
pub(crate) const VIEWS: usize = 4;

/// Downloads that are told one by one.
const NEWEST: usize = 8;

/// Length taken for a download whose length is unknown; that of a usual chunk.
const SECONDS_UNKNOWN: f64 = 4.0;

/// Shorter and longer downloads count as this long: the first say something, the second not everything.
const SECONDS_SEEN: core::ops::RangeInclusive<f64> = 0.2..=20.0;

/// Share of the newest download in the mean length of downloads.
const LENGTH_SHARE: f64 = 0.2;

/// Slower than this is as good as nothing.
const KBPS_MIN: f64 = 1.0;

/// Numbers are told from as far below zero as above it.
const TOLD_MAX: f64 = 3.0;

/// A download as the views see it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    /// Natural logarithm of the throughput from first to last byte, in kbit/s.
    pub log_kbps: f64,
    /// From first to last byte.
    seconds: f64,
}

impl Seen {
    /// Leaves the wait for the first byte out, which makes small chunks look slow.
    pub fn of(sample: &Sample) -> Self {
        let took_ms = sample.took.get() as f64;
        if took_ms == 0.0 {
            return Self { log_kbps: real::ln(sample.kbps.max(KBPS_MIN)), seconds: SECONDS_UNKNOWN };
        }
        // A wait as long as the whole download leaves one millisecond: the clock of a player is no finer.
        let flowed_ms = (took_ms - sample.waited.get() as f64).max(1.0);
        let kbps = sample.kbps * took_ms / flowed_ms;
        let seconds = (flowed_ms / 1e3).max(*SECONDS_SEEN.start()).min(*SECONDS_SEEN.end());
        Self { log_kbps: real::ln(kbps.max(KBPS_MIN)), seconds }
    }
}

/// What the downloads of a session told so far.
#[derive(Clone, Debug)]
pub struct Views {
    /// Natural logarithm of the share that is left after a second.
    decays: [f64; VIEWS],
    /// Sums and their weights: the weights grow to one, and until then the quotient is the mean.
    sums: [f64; VIEWS],
    weights: [f64; VIEWS],
    /// Sums of absolute errors, and how many samples they count for.
    pub(crate) errors: [f64; VIEWS],
    pub(crate) error_count: f64,
    error_keep: f64,
    length_s: f64,
    length_weight: f64,
    /// The newest downloads, the last one first, and how many there were at all.
    newest: [f64; NEWEST],
    last_s: f64,
    count: usize,
}

impl Views {
    /// Before the first download.
    pub fn new(settings: &Settings) -> Self {
        Self {
            decays: settings.half_lives_s.map(|half_life| -core::f64::consts::LN_2 / half_life),
            sums: [0.0; VIEWS],
            weights: [0.0; VIEWS],
            errors: [0.0; VIEWS],
            error_count: 0.0,
            error_keep: real::exp(-core::f64::consts::LN_2 / settings.error_half_life),
            length_s: 0.0,
            length_weight: 0.0,
            newest: [0.0; NEWEST],
            last_s: 0.0,
            count: 0,
        }
    }

    /// Takes the next download.
    pub fn learn(&mut self, seen: &Seen) {
        if self.count > 0 {
            self.error_count = self.error_keep * self.error_count + 1.0;
            for view in 0..VIEWS {
                let error = (seen.log_kbps - self.mean(view)).abs();
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
        self.newest.rotate_right(1);
        self.newest[0] = seen.log_kbps;
        self.last_s = seen.seconds;
        self.count += 1;
    }

    /// What a view takes for the usual throughput: a natural logarithm of kbit/s. There was a download.
    pub(crate) fn mean(&self, view: usize) -> f64 {
        self.sums[view] / self.weights[view]
    }

    /// Share of a download's distance from its mean that a view takes over; a young one learns more.
    pub(crate) fn gain(&self, view: usize) -> f64 {
        (1.0 - real::exp(self.decays[view] * self.length_s / self.length_weight))
            / self.weights[view].min(1.0)
    }

    /// The level that all is told from: between the two quickest views.
    pub fn level(&self) -> f64 {
        0.5 * (self.mean(0) + self.mean(1))
    }

    /// The session in the numbers that a [`Perceptron`](crate::Perceptron) takes. There was a download.
    ///
    /// | place | number |
    /// |---|---|
    /// | 0 to 7 | the newest downloads above the level, the last one first; 0 where there was none |
    /// | 8 to 10 | the lowest of them, the highest and their median |
    /// | 11 to 14 | the views above the level |
    /// | 15 to 18 | how far each erred in the mean |
    /// | 19 | half the logarithm of the least of these, plus 1 |
    /// | 20 | one over the number of downloads |
    /// | 21, 22 | half the logarithm of the seconds of the last download, and of their mean |
    pub fn told(&self) -> [f32; INPUTS] {
        let level = self.level();
        let seen = self.count.min(NEWEST);
        let mut sorted = self.newest;
        sorted[..seen].sort_unstable_by(f64::total_cmp);
        let errors = self.errors.map(|sum| sum / self.error_count.max(1.0));
        let error = errors.iter().fold(f64::INFINITY, |least, error| error.min(least));
        let mut told = [0.0; INPUTS];
        let newest = self.newest[..seen].iter().map(|log_kbps| log_kbps - level);
        let range = [sorted[0], sorted[seen - 1], sorted[seen / 2]].map(|log_kbps| log_kbps - level);
        let lengths =
            [self.last_s, self.length_s / self.length_weight].map(|seconds| 0.5 * real::ln(seconds));
        let rest = range
            .into_iter()
            .chain((0..VIEWS).map(|view| self.mean(view) - level))
            .chain(errors)
            .chain([0.5 * real::ln(error + 0.02) + 1.0, 1.0 / self.count as f64])
            .chain(lengths);
        told.iter_mut().zip(newest).for_each(|(place, number)| *place = single(number));
        told[NEWEST..].iter_mut().zip(rest).for_each(|(place, number)| *place = single(number));
        told
    }
}

/// In single precision, within bounds.
pub fn single(number: f64) -> f32 {
    number.clamp(-TOLD_MAX, TOLD_MAX) as f32
}
