//! The scores `session-v1` and `window-v1`.
//!
//! Source: the real-time analytics of the Netflix-clone seed. `session-v1` is the formula of its event
//! consumer, `window-v1` that of its stream job; the seed's texts mix the two up, so each is named here.
//! Both take the startup term linearly to 0 at two seconds, and `window-v1` the stall term to 0 at a
//! ratio of one percent: that is how they are defined, however harsh.

use units::Millis;

use crate::{
    Figures, SPI_SHIPPED, SpiVerdict, Summary, mos_v1, mux_style_v1, qoe_lin_v1, qoe_log_v1, spi_style_v1,
};

/// Scores of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Scores {
    /// See [`session_v1`]; 0 to 100.
    pub session_v1: f64,
    /// See [`window_v1`]; 0 to 100.
    pub window_v1: f64,
    /// See [`rebuffer_ratio`]; 0 to 1.
    pub rebuffer_ratio: f64,
    /// See [`completion`]; 0 to 1, none without the title's length.
    pub completion: Option<f64>,
    /// See [`qoe_lin_v1`]; in Mbit/s, at most the mean bit rate.
    pub qoe_lin_v1: Option<f64>,
    /// See [`qoe_log_v1`].
    pub qoe_log_v1: Option<f64>,
    /// See [`mux_style_v1`]; 0 to 100.
    pub mux_style_v1: f64,
    /// See [`spi_style_v1`], by [`SPI_SHIPPED`].
    pub spi_style_v1: Option<SpiVerdict>,
    /// See [`mos_v1`]; 1 to 5.
    pub mos_v1: Option<f64>,
}

/// Scores a session.
pub fn score(summary: &Summary) -> Scores {
    score_figures(&Figures::from(summary))
}

/// Scores what is read of a session.
#[inline]
pub fn score_figures(seen: &Figures) -> Scores {
    let [session_v1, window_v1] = score_pair(seen);
    Scores {
        session_v1,
        window_v1,
        rebuffer_ratio: rebuffer_ratio_of(seen),
        completion: seen
            .duration_ms
            .and_then(|ms| completion(Millis::new(seen.position_max_ms), Millis::new(ms))),
        qoe_lin_v1: qoe_lin_v1(seen),
        qoe_log_v1: qoe_log_v1(seen),
        mux_style_v1: mux_style_v1(seen),
        spi_style_v1: spi_style_v1(seen, &SPI_SHIPPED),
        mos_v1: mos_v1(seen),
    }
}

/// [`session_v1`] and [`window_v1`] alone.
#[inline]
pub fn score_pair(seen: &Figures) -> [f64; 2] {
    let rebuffer_ratio = rebuffer_ratio_of(seen);
    let startup = seen.startup_ms.map(|ms| Millis::new(u64::from(ms)));
    let mean_kbps = seen.mean_kbps.unwrap_or(0.0);
    let (stalls, dropped_frames) = (seen.stalls, seen.dropped_frames);
    let mean_buffer_s = seen.mean_buffer_ms.unwrap_or(0.0) / 1000.0;
    [
        session_v1(&SessionFigures { startup, stalls, mean_kbps, dropped_frames }),
        window_v1(&WindowFigures { startup, rebuffer_ratio, mean_kbps, mean_buffer_s }),
    ]
}

/// [`rebuffer_ratio`] of 32 bits each, whose sum is exact.
#[inline]
pub(crate) fn rebuffer_ratio_of(seen: &Figures) -> f64 {
    let stalled = f64::from(seen.stalled_ms);
    let total = f64::from(seen.played_ms) + stalled;
    if total == 0.0 { 0.0 } else { stalled / total }
}

/// What `session-v1` reads.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SessionFigures {
    /// From start to the first frame; none when it never came.
    pub startup: Option<Millis>,
    /// Times playback ran dry.
    pub stalls: u32,
    /// Mean bit rate in kbit/s; 0 when none was reported.
    pub mean_kbps: f64,
    /// Frames not shown.
    pub dropped_frames: u32,
}

/// `0.30 startup + 0.40 stalls + 0.20 bit rate + 0.10 drops`, each 0 to 100: 5 points a 100 ms of
/// startup (50 when unknown), 10 points a stall, 1 point a 50 kbit/s, 1 point a dropped frame.
pub fn session_v1(seen: &SessionFigures) -> f64 {
    let startup = startup_term(seen.startup);
    let stalls = percent(100.0 - 10.0 * f64::from(seen.stalls));
    let rate = percent(seen.mean_kbps / 50.0);
    let drops = percent(100.0 - f64::from(seen.dropped_frames));
    percent(0.30 * startup + 0.40 * stalls + 0.20 * rate + 0.10 * drops)
}

/// What `window-v1` reads.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WindowFigures {
    /// From start to the first frame, of a session, or the 95th percentile of many; none when unknown.
    pub startup: Option<Millis>,
    /// stalled / (played + stalled), 0 to 1.
    pub rebuffer_ratio: f64,
    /// Mean bit rate in kbit/s; 0 when none was reported.
    pub mean_kbps: f64,
    /// Mean buffer level in seconds; 0 when none was reported.
    pub mean_buffer_s: f64,
}

/// `0.30 startup + 0.40 ratio + 0.15 bit rate + 0.15 buffer`, each 0 to 100: 5 points a 100 ms of
/// startup (50 when unknown), 100 points a percent of stalling, 1 point a 50 kbit/s, 10 points a second
/// of buffer.
pub fn window_v1(seen: &WindowFigures) -> f64 {
    let startup = startup_term(seen.startup);
    let ratio = percent(100.0 - 10_000.0 * seen.rebuffer_ratio);
    let rate = percent(seen.mean_kbps / 50.0);
    let buffer = percent(10.0 * seen.mean_buffer_s);
    percent(0.30 * startup + 0.40 * ratio + 0.15 * rate + 0.15 * buffer)
}

/// `stalled / (played + stalled)`, 0 to 1; 0 when nothing was shown or waited for.
pub fn rebuffer_ratio(played: Millis, stalled: Millis) -> f64 {
    let total = played.saturating_add(stalled);
    if total == Millis::ZERO { 0.0 } else { stalled.get() as f64 / total.get() as f64 }
}

/// The share of the title up to the furthest position, 0 to 1; none for a title without a length.
pub fn completion(position_max: Millis, duration: Millis) -> Option<f64> {
    (duration != Millis::ZERO).then(|| (position_max.get() as f64 / duration.get() as f64).min(1.0))
}

/// Unknown is worth half, not nothing: players without a first-frame report would all look broken.
fn startup_term(startup: Option<Millis>) -> f64 {
    startup.map_or(50.0, |startup| percent(100.0 - startup.get() as f64 / 20.0))
}

/// Clamps to 0 to 100; what is not a number counts as 0.
fn percent(value: f64) -> f64 {
    if value > 0.0 { value.min(100.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use quickcheck::{Arbitrary, Gen, quickcheck};
    use units::Millis;

    use super::{SessionFigures, WindowFigures, completion, rebuffer_ratio, score, session_v1, window_v1};
    use crate::Summary;

    fn check_session(
        startup_ms: Option<u64>,
        stalls: u32,
        mean_kbps: f64,
        dropped_frames: u32,
        expected: f64,
    ) {
        let startup = startup_ms.map(Millis::new);
        let score = session_v1(&SessionFigures { startup, stalls, mean_kbps, dropped_frames });
        assert!((score - expected).abs() < 1e-9, "{score} is not {expected}");
    }

    fn check_window(startup_ms: u64, rebuffer_ratio: f64, mean_kbps: f64, mean_buffer_s: f64, expected: f64) {
        let startup = Some(Millis::new(startup_ms));
        let score = window_v1(&WindowFigures { startup, rebuffer_ratio, mean_kbps, mean_buffer_s });
        assert!((score - expected).abs() < 1e-9, "{score} is not {expected}");
    }

    #[test]
    fn session_v1_agrees_with_the_seed() {
        check_session(Some(800), 0, 5_000.0, 0, 88.0);
        check_session(None, 0, 5_000.0, 0, 85.0);
        check_session(Some(1_000), 3, 3_000.0, 10, 64.0);
    }

    #[test]
    fn window_v1_agrees_with_the_seed() {
        check_window(500, 0.0, 6_000.0, 20.0, 92.5);
        check_window(5_000, 0.05, 1_000.0, 2.0, 6.0);
        check_window(30_000, 0.5, 100.0, 0.5, 1.05);
        check_window(800, 0.0, 5_000.0, 15.0, 88.0);
        check_window(2_000, 0.005, 5_000.0, 10.0, 50.0);
    }

    #[test]
    fn a_startup_of_nothing_is_not_an_unknown_one() {
        check_session(Some(0), 0, 5_000.0, 0, 100.0);
    }

    #[test]
    fn the_rebuffer_ratio_divides_by_shown_and_waited_time() {
        assert_eq!(rebuffer_ratio(Millis::new(97_000), Millis::new(3_000)), 0.03);
        assert_eq!(rebuffer_ratio(Millis::ZERO, Millis::ZERO), 0.0);
        assert_eq!(rebuffer_ratio(Millis::ZERO, Millis::new(1)), 1.0);
    }

    #[test]
    fn completion_is_at_most_the_whole_title() {
        assert_eq!(completion(Millis::new(5_040), Millis::new(7_200)), Some(0.7));
        assert_eq!(completion(Millis::new(7_201), Millis::new(7_200)), Some(1.0));
        assert_eq!(completion(Millis::new(5), Millis::ZERO), None);
    }

    /// Any summary, nonsense included.
    #[derive(Clone, Debug)]
    struct Seen(Summary);

    impl Arbitrary for Seen {
        fn arbitrary(g: &mut Gen) -> Self {
            let ms = |g: &mut Gen| Millis::new(u64::arbitrary(g) >> (u32::arbitrary(g) % 64));
            Self(Summary {
                startup: bool::arbitrary(g).then(|| ms(g)),
                played: ms(g),
                stalled: ms(g),
                stalls: u32::arbitrary(g) >> (u32::arbitrary(g) % 32),
                dropped_frames: u32::arbitrary(g) >> (u32::arbitrary(g) % 32),
                mean_kbps: Option::arbitrary(g),
                mean_buffer_ms: Option::arbitrary(g),
                position_max: ms(g),
                duration: bool::arbitrary(g).then(|| ms(g)),
                ..Summary::default()
            })
        }
    }

    quickcheck! {
        fn every_score_is_within_its_range(seen: Seen) -> bool {
            let scores = score(&seen.0);
            let percent = |score: f64| (0.0..=100.0).contains(&score);
            let share = |score: f64| (0.0..=1.0).contains(&score);
            percent(scores.session_v1)
                && percent(scores.window_v1)
                && share(scores.rebuffer_ratio)
                && scores.completion.is_none_or(share)
        }

        fn a_longer_startup_never_raises_a_score(seen: Seen, more_ms: u32) -> bool {
            let Some(startup) = seen.0.startup else { return true };
            let longer = startup.saturating_add(Millis::new(u64::from(more_ms)));
            never_better(&seen.0, &Summary { startup: Some(longer), ..seen.0 })
        }

        fn more_stalling_never_raises_a_score(seen: Seen, stalls: u32, more_ms: u32) -> bool {
            let stalls = seen.0.stalls.saturating_add(stalls);
            let stalled = seen.0.stalled.saturating_add(Millis::new(u64::from(more_ms)));
            never_better(&seen.0, &Summary { stalls, stalled, ..seen.0 })
        }

        fn a_dropped_frame_never_raises_a_score(seen: Seen, frames: u32) -> bool {
            let dropped_frames = seen.0.dropped_frames.saturating_add(frames);
            never_better(&seen.0, &Summary { dropped_frames, ..seen.0 })
        }

        fn a_higher_bit_rate_never_lowers_a_score(seen: Seen, kbps: u16, more: u16) -> bool {
            let low = Summary { mean_kbps: Some(f64::from(kbps)), ..seen.0 };
            let high = Summary { mean_kbps: Some(f64::from(kbps) + f64::from(more)), ..seen.0 };
            never_better(&high, &low)
        }
    }

    fn never_better(before: &Summary, after: &Summary) -> bool {
        let (before, after) = (score(before), score(after));
        after.session_v1 <= before.session_v1 && after.window_v1 <= before.window_v1
    }
}
