//! The objectives of the bit rate literature, for a session.
//!
//! Source: Yin and others (SIGCOMM 2015) and Mao and others (SIGCOMM 2017), who take the mean over chunks
//! of `quality - weight * stall seconds - |change of quality|`. A session knows time and not chunks: a
//! chunk is four seconds of what was shown, as in their videos, and at least one was shown.

use crate::Figures;

/// What a second of stalling costs in `qoe-lin-v1`, in Mbit/s.
pub const STALL_WEIGHT_LIN: f64 = 4.3;

/// What a second of stalling costs in `qoe-log-v1`.
pub const STALL_WEIGHT_LOG: f64 = 2.66;

/// The bit rate whose `qoe-log-v1` is 0, in kbit/s: the lowest of the literature's ladder, fixed so that
/// titles with different ladders compare.
pub const LOG_REFERENCE_KBPS: f64 = 300.0;

/// ln 300, correctly rounded.
const LOG_REFERENCE: f64 = 5.703_782_474_656_201;

/// The length of a chunk in seconds.
const CHUNK_S: f64 = 4.0;

/// `mean Mbit/s - (4.3 stall s + sum of |change of Mbit/s|) / chunks`, a chunk being 4 s shown. None until a
/// bit rate was reported and something shown.
#[inline]
pub fn qoe_lin_v1(seen: &Figures) -> Option<f64> {
    let mean_mbps = seen.mean_kbps.filter(|kbps| kbps.is_finite())? / 1_000.0;
    let lost = STALL_WEIGHT_LIN * stall_s(seen) + f64::from(seen.change_kbps) / 1_000.0;
    (seen.played_ms > 0).then(|| mean_mbps - lost / chunks(seen))
}

/// The same of ln(kbit/s / 300), with 2.66.
#[inline]
pub fn qoe_log_v1(seen: &Figures) -> Option<f64> {
    let mean = f64::from(seen.mean_log_millionths?) / 1e6 - LOG_REFERENCE;
    let lost = STALL_WEIGHT_LOG * stall_s(seen) + f64::from(seen.change_log_millionths) / 1e6;
    (seen.played_ms > 0).then(|| mean - lost / chunks(seen))
}

fn stall_s(seen: &Figures) -> f64 {
    f64::from(seen.stalled_ms) / 1_000.0
}

fn chunks(seen: &Figures) -> f64 {
    (f64::from(seen.played_ms) / 1_000.0 / CHUNK_S).max(1.0)
}
