//! A verdict in the style of Conviva's Streaming Performance Index: good on all thresholds, or not.
//!
//! Source: the index's public description, the share of sessions that are good on all of start failures,
//! exits before the start, startup time, failures, stalling and picture quality. Its thresholds are set by
//! each customer; so are these. A set of sessions has the share of [`SpiVerdict::Good`] among those with a
//! verdict. Not Conviva's own figure.

use crate::{Figures, rebuffer_ratio_of};

/// From when on a session is no longer good.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpiThresholds {
    /// The longest good startup, in milliseconds.
    pub startup_ms_max: u32,
    /// The greatest good ratio of stalling, 0 to 1.
    pub rebuffer_ratio_max: f64,
    /// The least good mean bit rate, in kbit/s.
    pub mean_kbps_min: f64,
}

/// Those that ship: five seconds, one percent, 1.2 Mbit/s.
pub const SPI_SHIPPED: SpiThresholds =
    SpiThresholds { startup_ms_max: 5_000, rebuffer_ratio_max: 0.01, mean_kbps_min: 1_200.0 };

/// Whether a session was good, and if not, the first threshold that it missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpiVerdict {
    /// On all thresholds.
    Good,
    /// An error ended it before the first frame.
    FailedToStart,
    /// The viewer left before the first frame.
    LeftBeforeStart,
    /// It took too long to start.
    SlowStart,
    /// An error ended it.
    Failed,
    /// It waited too much.
    Stalled,
    /// Its bit rate was too low.
    LowQuality,
}

/// The verdict on a session; none while it has shown nothing and goes on.
#[inline]
pub fn spi_style_v1(seen: &Figures, thresholds: &SpiThresholds) -> Option<SpiVerdict> {
    if seen.played_ms == 0 {
        return match (seen.failed, seen.ended) {
            (true, _) => Some(SpiVerdict::FailedToStart),
            (false, true) => Some(SpiVerdict::LeftBeforeStart),
            (false, false) => None,
        };
    }
    let ratio = rebuffer_ratio_of(seen);
    Some(if seen.startup_ms.is_some_and(|ms| ms > thresholds.startup_ms_max) {
        SpiVerdict::SlowStart
    } else if seen.failed {
        SpiVerdict::Failed
    } else if ratio > thresholds.rebuffer_ratio_max {
        SpiVerdict::Stalled
    } else if seen.mean_kbps.is_some_and(|kbps| kbps < thresholds.mean_kbps_min) {
        SpiVerdict::LowQuality
    } else {
        SpiVerdict::Good
    })
}
