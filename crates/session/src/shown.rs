//! What the pictures shown were like, added up over the time in which they were shown.
//!
//! No list is kept: sums over time give means, a mean that forgets gives what was shown of late, and the
//! least of a mean that forgets soon gives the worst stretch. All numbers are whole, so that adding up
//! gives the same on every machine.

use qoe::{Format, Share};
use units::{Kbps, Millis};

use crate::{Event, limits};

/// What is shown now, and what was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    /// Of the picture shown now. Its quality, when it can be told, is `picture`.
    pub(crate) format: Format,
    pub(crate) picture: Option<Share>,
    /// Of its bit rate: [`log_millionths`], which costs as much as all else.
    pub(crate) log: u32,
    /// Times in which bit rate, height, frame rate, bits a pixel and quality were known.
    pub(crate) rated: Millis,
    pub(crate) sized: Millis,
    pub(crate) framed: Millis,
    pub(crate) dense: Millis,
    pub(crate) pictured: Millis,
    /// Sums over them, each number times milliseconds: kbit/s, millionths of ln(kbit/s), lines, frames in a
    /// thousand seconds, millionths of bits a pixel, of quality, and of upscaling (over `sized`).
    pub(crate) rate_sum: u64,
    pub(crate) log_sum: u64,
    pub(crate) height_sum: u64,
    pub(crate) frame_sum: u64,
    pub(crate) density_sum: u64,
    pub(crate) picture_sum: u64,
    pub(crate) upscaling_sum: u64,
    /// In millionths.
    pub(crate) upscaling_max: u32,
    /// Quality of late and of very late, and the least of the latter, in millionths.
    pub(crate) recent: u32,
    pub(crate) latest: u32,
    pub(crate) worst: u32,
    /// All falls of quality, in millionths.
    pub(crate) falls: u32,
    /// Changes of bit rate: their number, kbit/s and millionths of logarithms added up.
    pub(crate) switches: u32,
    pub(crate) change_kbps: u32,
    pub(crate) change_log: u32,
}

impl Shown {
    /// What is shown now was shown for another while.
    #[inline]
    pub(crate) fn pass(&mut self, passed: Millis) {
        let ms = passed.get();
        let add = |sum: &mut u64, number: u64| *sum = sum.saturating_add(number.saturating_mul(ms));
        let more = |total: Millis| total.saturating_add(passed).min(limits::TOTAL_MAX);
        let format = &self.format;
        if format.kbps > 0 {
            self.rated = more(self.rated);
            add(&mut self.rate_sum, u64::from(format.kbps));
            add(&mut self.log_sum, u64::from(self.log));
        }
        if let Some(upscaling) = qoe::upscaling(format) {
            self.sized = more(self.sized);
            add(&mut self.height_sum, u64::from(format.height));
            add(&mut self.upscaling_sum, u64::from(upscaling));
            if ms > 0 {
                self.upscaling_max = self.upscaling_max.max(upscaling);
            }
        }
        if format.frame_rate_milli > 0 {
            self.framed = more(self.framed);
            add(&mut self.frame_sum, u64::from(format.frame_rate_milli));
        }
        if let Some(density) = format.bits_per_pixel_millionths() {
            self.dense = more(self.dense);
            add(&mut self.density_sum, density);
        }
        if let Some(picture) = self.picture.filter(|_| ms > 0) {
            add(&mut self.picture_sum, u64::from(picture.get()));
            self.recent = nearer(self.recent, picture, passed, self.pictured, RECENT_MS);
            self.latest = nearer(self.latest, picture, passed, self.pictured, LATEST_MS);
            let is_first = self.pictured.get() < LATEST_MS;
            self.worst = if is_first { self.latest } else { self.worst.min(self.latest) };
            self.pictured = more(self.pictured);
        }
    }

    /// What an event says of what is shown from now on.
    #[inline]
    pub(crate) fn note(&mut self, event: &Event, is_bitrate_change: bool) {
        let before = self.format;
        let rate = event.rate.map_or(0, Kbps::get);
        let says_nothing = event.width.is_none()
            && event.height.is_none()
            && event.frame_rate_milli.is_none()
            && event.codec.is_none()
            && event.screen.is_none()
            && !is_bitrate_change;
        if says_nothing && (rate == before.kbps || rate == 0) {
            // As nearly every report.
            return;
        }
        let is_other = match (before.kbps, rate) {
            (_, 0) => is_bitrate_change,
            (0, _) => false,
            (kbps, now) => kbps != now,
        };
        let known = |new: Option<u16>, old: u16| new.filter(|new| *new > 0).unwrap_or(old);
        let frame_rate_milli = event.frame_rate_milli.filter(|rate| *rate > 0);
        let now = Format {
            kbps: if rate > 0 { rate } else { before.kbps },
            width: known(event.width, before.width),
            height: known(event.height, before.height),
            frame_rate_milli: frame_rate_milli.unwrap_or(before.frame_rate_milli),
            codec: event.codec.or(before.codec),
            screen: event.screen.or(before.screen),
        };
        if is_other || now != before {
            self.change(now, is_other, rate);
        }
    }

    /// What is shown is another from now on, or its player says so.
    #[cold]
    fn change(&mut self, now: Format, is_switch: bool, rate: u32) {
        let before = *self;
        self.format = now;
        self.note_log();
        if is_switch {
            self.note_change(&before, rate);
        }
        if now != before.format {
            self.picture = qoe::picture(&now);
            let fall = |(old, new): (Share, Share)| old.get().saturating_sub(new.get());
            // What changes before anything was shown is no fall that anybody saw.
            let was_shown = before.pictured > Millis::ZERO;
            let pair = before.picture.zip(self.picture).filter(|_| was_shown);
            self.falls = self.falls.saturating_add(pair.map_or(0, fall));
        }
    }

    /// Takes the logarithm of the bit rate anew.
    pub(crate) fn note_log(&mut self) {
        self.log = log_millionths(self.format.kbps);
    }

    fn note_change(&mut self, before: &Self, kbps: u32) {
        self.switches = self.switches.saturating_add(1);
        let before_kbps = before.format.kbps;
        if before_kbps > 0 && kbps > 0 {
            self.change_kbps = self.change_kbps.saturating_add(kbps.abs_diff(before_kbps));
            self.change_log = self.change_log.saturating_add(self.log.abs_diff(before.log));
        }
    }
}

/// That of the highest bit rate.
pub(crate) const LOG_MAX: u32 = 22_180_710;

/// ln(kbit/s) in millionths; 0 for 0 and 1.
fn log_millionths(kbps: u32) -> u32 {
    (libm::log(f64::from(kbps.max(1))) * 1e6 + 0.5) as u32
}

/// The mean moved towards what was shown for another while: a plain mean until `memory_ms` were shown, then
/// one that forgets by an exponential.
fn nearer(mean: u32, picture: Share, passed: Millis, shown: Millis, memory_ms: u64) -> u32 {
    if mean == picture.get() {
        // What the formula comes to, without its exponential.
        return mean;
    }
    let (passed, shown, memory) = (passed.get() as f64, shown.get() as f64, memory_ms as f64);
    let weight = if passed + shown <= memory {
        passed / (passed + shown)
    } else {
        (1.0 - libm::exp(-passed / memory)).max(passed / (passed + shown))
    };
    let (mean, picture) = (f64::from(mean), f64::from(picture.get()));
    (mean + (picture - mean) * weight + 0.5) as u32
}

/// The memory behind the impression at the end of a clip, after the studies named in `qoe`'s `mos`.
const RECENT_MS: u64 = 15_000;

/// A stretch long enough to be remembered as bad.
const LATEST_MS: u64 = 5_000;
