//! What one fold added to what is known of a session.

use units::{Millis, UnixMillis};

/// What one fold added to what is known of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Delta {
    /// Newest event of the session before this fold; none for the session's first. A session counts once
    /// in each window it was active in.
    pub previous_at: Option<UnixMillis>,
    /// From start to the first frame, when that became known now.
    pub startup: Option<Millis>,
    /// Time in which media was shown.
    pub played: Millis,
    /// Time spent waiting after the first frame.
    pub stalled: Millis,
    /// Times playback ran dry.
    pub stalls: u32,
    /// Errors reported.
    pub errors: u32,
    /// Whether these are the first errors of the session.
    pub is_first_error: bool,
    /// Changes of bit rate.
    pub switches: u32,
    /// Frames not shown.
    pub dropped_frames: u32,
    /// Bit rate times time, in kbit/s times ms, over `rated`.
    pub rate_sum: u64,
    /// Time in which a bit rate was known.
    pub rated: Millis,
    /// Sum of the reported buffer levels in milliseconds.
    pub buffer_sum: u64,
    /// Buffer levels reported.
    pub buffers: u32,
    /// What the session came to, when it ended now.
    pub end: Option<End>,
}

/// What a session came to, when it ended or had been silent for long.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct End {
    /// Share of the title up to the furthest position, 0 to 1; none without the title's length.
    pub completion: Option<f64>,
    /// Score `session-v1`, 0 to 100.
    pub session_v1: Option<f64>,
    /// Mean opinion score, 1 to 5.
    pub mos: Option<f64>,
    /// stalled / (played + stalled), 0 to 1.
    pub rebuffer_ratio: Option<f64>,
    /// Time-weighted mean bit rate in kbit/s.
    pub mean_kbps: Option<f64>,
}

/// Totals of a session so far: what a delta is the difference of.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Seen {
    /// Newest event.
    pub newest_at: Option<UnixMillis>,
    /// From start to the first frame.
    pub startup: Option<Millis>,
    /// Time in which media was shown.
    pub played: Millis,
    /// Time spent waiting after the first frame.
    pub stalled: Millis,
    /// Times playback ran dry.
    pub stalls: u32,
    /// Errors reported.
    pub errors: u32,
    /// Changes of bit rate.
    pub switches: u32,
    /// Frames not shown.
    pub dropped_frames: u32,
    /// Bit rate times time, in kbit/s times ms, over `rated`.
    pub rate_sum: u64,
    /// Time in which a bit rate was known.
    pub rated: Millis,
    /// Sum of the reported buffer levels in milliseconds.
    pub buffer_sum: u64,
    /// Buffer levels reported.
    pub buffers: u32,
    /// Whether playback has ended.
    pub ended: bool,
}

impl Delta {
    /// What came to a session between two looks at it; [`Seen::default`] is one before its first event.
    ///
    /// A total that went down counts as unchanged. `end` is asked what a session that ended now came to.
    pub fn between(before: &Seen, after: &Seen, end: impl FnOnce() -> End) -> Self {
        let errors = after.errors.saturating_sub(before.errors);
        Self {
            previous_at: before.newest_at,
            startup: after.startup.filter(|_| before.startup.is_none()),
            played: after.played.saturating_sub(before.played),
            stalled: after.stalled.saturating_sub(before.stalled),
            stalls: after.stalls.saturating_sub(before.stalls),
            errors,
            is_first_error: before.errors == 0 && errors > 0,
            switches: after.switches.saturating_sub(before.switches),
            dropped_frames: after.dropped_frames.saturating_sub(before.dropped_frames),
            rate_sum: after.rate_sum.saturating_sub(before.rate_sum),
            rated: after.rated.saturating_sub(before.rated),
            buffer_sum: after.buffer_sum.saturating_sub(before.buffer_sum),
            buffers: after.buffers.saturating_sub(before.buffers),
            end: (after.ended && !before.ended).then(end),
        }
    }
}

/// The nearest whole number; 0 for less than that and for what is not a number.
pub(crate) fn whole(value: f64) -> u64 {
    // A cast saturates, and makes 0 of what is not a number.
    (value + 0.5) as u64
}

#[cfg(test)]
mod tests {
    use quickcheck::quickcheck;
    use units::{Millis, UnixMillis};

    use super::{Delta, End, Seen, whole};

    fn seen(played_ms: u32, kbps: u16, events: u8, errors: u8) -> Seen {
        Seen {
            newest_at: Some(UnixMillis::new(1_000)),
            played: Millis::new(u64::from(played_ms)),
            rate_sum: u64::from(kbps) * u64::from(played_ms),
            rated: Millis::new(u64::from(played_ms)),
            buffer_sum: 10_000 * u64::from(events),
            buffers: u32::from(events),
            errors: u32::from(errors),
            ..Seen::default()
        }
    }

    #[test]
    fn the_first_look_is_all_new() {
        let delta = Delta::between(&Seen::default(), &seen(2_000, 3_000, 4, 1), End::default);
        assert_eq!(delta.previous_at, None);
        assert_eq!((delta.rate_sum, delta.rated), (6_000_000, Millis::new(2_000)));
        assert_eq!((delta.buffer_sum, delta.buffers), (40_000, 4));
        assert!(delta.is_first_error);
        assert_eq!(delta.end, None);
    }

    #[test]
    fn a_startup_and_an_end_count_once() {
        let end = End { completion: Some(0.5), ..End::default() };
        let before = seen(0, 0, 1, 0);
        let after = Seen { startup: Some(Millis::new(300)), ended: true, ..before };
        let first = Delta::between(&before, &after, || end);
        assert_eq!((first.startup, first.end), (Some(Millis::new(300)), Some(end)));
        let second = Delta::between(&after, &after, || end);
        assert_eq!((second.startup, second.end), (None, None));
    }

    quickcheck! {
        fn weights_add_up_to_the_session(first: (u32, u16, u8, u8), more: (u32, u8, u8), kbps: u16) -> bool {
            let before = seen(first.0 / 2, first.1, first.2 / 2, first.3 / 2);
            let after = seen(
                first.0 / 2 + more.0 / 2,
                kbps.max(first.1),
                first.2 / 2 + more.1 / 2,
                first.3 / 2 + more.2 / 2,
            );
            let one = Delta::between(&Seen::default(), &before, End::default);
            let two = Delta::between(&before, &after, End::default);
            let all = Delta::between(&Seen::default(), &after, End::default);
            one.rate_sum + two.rate_sum == all.rate_sum
                && one.rated.saturating_add(two.rated) == all.rated
                && one.buffer_sum + two.buffer_sum == all.buffer_sum
                && one.buffers + two.buffers == all.buffers
                && one.errors + two.errors == all.errors
                && u8::from(one.is_first_error) + u8::from(two.is_first_error) == u8::from(all.is_first_error)
        }
    }

    #[test]
    fn totals_that_went_down_add_nothing() {
        let delta = Delta::between(&seen(5_000, 3_000, 9, 3), &seen(10, 3_000, 1, 0), End::default);
        assert_eq!((delta.played, delta.rate_sum, delta.errors), (Millis::ZERO, 0, 0));
        assert!(!delta.is_first_error);
    }

    #[test]
    fn what_is_not_a_number_counts_as_nothing() {
        assert_eq!([f64::NAN, -7.0, f64::NEG_INFINITY].map(whole), [0, 0, 0]);
        assert_eq!(whole(f64::INFINITY), u64::MAX);
        assert_eq!([0.4, 0.5, 2.5].map(whole), [0, 1, 3]);
    }
}
