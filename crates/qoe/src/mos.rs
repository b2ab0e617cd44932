//! `mos-v1`: what people would say, 1 (bad) to 5 (excellent).
//!
//! An own closed form, `1 + 4 × pictures × stalls × startup × rest`, each factor between 0 and 1. Factors
//! and not a sum, because a good picture does not make up for a player that waits, and a bad picture
//! leaves less to lose. The forms are those of published effects; no coefficient is taken from a standard
//! and, but for the wait before a short clip, none was fitted to a rated set. `evaluate/README.md` says what
//! it was held against.
//!
//! - *Pictures.* [`crate::picture`], weighed over time: the mean, the last quarter of a minute (recency: Hands and
//!   Avons 2001; the hysteresis in Seshadrinathan and Bovik 2011) and the worst five seconds (peak and end:
//!   Kahneman and others 1993). Falls of quality annoy beyond the quality they lead to, rises do not
//!   (LIVE-NFLX; Duanmu and others 2017).
//! - *Stalls.* An exponential of their number and length (Hossfeld and others 2011; the IQX hypothesis of
//!   Fiedler and others 2010), here `(1 + x/4)^-4`, which is within a few hundredths of `exp(-x)`
//!   where it counts and has no foot. A wait of five seconds in a short clip leaves three quarters. In a long
//!   session the same stall weighs less, but the time stalled of late and the longest stall of all do not:
//!   they are remembered.
//! - *Startup.* Far milder than stalling of the same length, for viewers expect it: five seconds before a clip of a
//!   minute cost a twelfth (Hossfeld and others 2012). The shorter what they wait for, the less mild: before ten
//!   seconds the same wait costs a sixth to a fifth (Duanmu and others 2017), so from a minute down to ten seconds it
//!   counts by one over the root of the clip's length.
//! - *Rest.* Frames not shown, and an error that ended it.

use crate::Figures;

/// The estimate; none before anything was shown. Where nothing is known of the pictures they count as
/// middling.
#[inline]
pub fn mos_v1(seen: &Figures) -> Option<f64> {
    let good = pictures(seen) * stalls(seen) * startup(seen) * rest(seen);
    (seen.played_ms > 0).then_some(1.0 + 4.0 * good)
}

fn pictures(seen: &Figures) -> f64 {
    let [mean, recent, worst] = seen.pictures_millionths.unwrap_or(PICTURES_UNKNOWN).map(share);
    let falls = f64::from(seen.falls_millionths) / 1e6 / diluted(seen, FALLS_MINUTE);
    (MEAN * mean + RECENT * recent + WORST * worst) / (1.0 + FALLS * falls)
}

/// A share of the whole, however large the number in a forged record.
fn share(millionths: u32) -> f64 {
    f64::from(millionths.min(1_000_000)) / 1e6
}

fn stalls(seen: &Figures) -> f64 {
    let s = |ms: u32| f64::from(ms) / 1_000.0;
    let all = STALL_EACH * f64::from(seen.stalls) + STALL_SECOND * s(seen.stalled_ms);
    let kept =
        STALL_RECENT_SECOND * s(seen.stall_recent_ms) + STALL_LONGEST_SECOND * s(seen.stall_longest_ms);
    let base = 1.0 + (all / diluted(seen, STALLS_MINUTE) + kept) / 4.0;
    let square = base * base;
    1.0 / (square * square)
}

fn startup(seen: &Figures) -> f64 {
    let waited_s = f64::from(seen.startup_ms.unwrap_or(0)) / 1_000.0;
    let shown_s = (f64::from(seen.played_ms) / 1_000.0).clamp(STARTUP_SHOWN_S_MIN, STARTUP_SHOWN_S);
    1.0 / (1.0 + STARTUP_SECOND * waited_s * libm::sqrt(STARTUP_SHOWN_S / shown_s))
}

fn rest(seen: &Figures) -> f64 {
    let frames = f64::from(seen.played_ms) / 1_000.0 * 30.0 + 1.0;
    let dropped = f64::from(seen.dropped_frames) / frames;
    let ended_well = if seen.failed { FAILED } else { 1.0 };
    ended_well / (1.0 + DROPPED * dropped)
}

/// What is told of a session is weighed as that of a clip of the laboratory in its first minute; each
/// minute more lets it weigh less.
fn diluted(seen: &Figures, each_minute: f64) -> f64 {
    1.0 + each_minute * (f64::from(seen.played_ms) / 60_000.0 - 1.0).max(0.0)
}

/// A picture of middling quality.
const PICTURES_UNKNOWN: [u32; 3] = [600_000; 3];

const MEAN: f64 = 0.60;
const RECENT: f64 = 0.25;
const WORST: f64 = 0.15;

/// Of a fall from the original to nothing, within a minute; an hour dilutes it eightfold.
const FALLS: f64 = 0.20;
const FALLS_MINUTE: f64 = 0.12;

/// Of each stall, and of each second, within a minute; an hour dilutes both twentyfold.
const STALL_EACH: f64 = 0.07;
const STALL_SECOND: f64 = 0.025;
const STALLS_MINUTE: f64 = 0.35;

/// Of each second as it fades, and of each second of the longest: neither is diluted by a long session.
const STALL_RECENT_SECOND: f64 = 0.010;
const STALL_LONGEST_SECOND: f64 = 0.010;

/// Of each second before a minute or more.
const STARTUP_SECOND: f64 = 0.018;
const STARTUP_SHOWN_S: f64 = 60.0;

/// Nothing is known of waits for less: a session that has just begun is scored as a clip of this length.
const STARTUP_SHOWN_S_MIN: f64 = 10.0;

/// Every tenth frame missing costs a quarter.
const DROPPED: f64 = 3.0;

/// What an error at the end leaves.
const FAILED: f64 = 0.4;
