//! Tests of the windows, beside them for their length.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use quickcheck::quickcheck;
use units::{Millis, UnixMillis};

use super::{Noted, Settings, SettingsError, Windows};
use crate::{Delta, Dimension, End, OTHER, Window, limits};

const MINUTE: u64 = 60_000;

fn at(minute: u64) -> UnixMillis {
    UnixMillis::new(minute * MINUTE)
}

fn played(ms: u64) -> Delta {
    Delta { played: Millis::new(ms), ..Delta::default() }
}

fn windows() -> Windows {
    Windows::new(Settings::default(), 7)
}

/// Start in minutes, dimension, value and time played of each.
fn shown(windows: &[Window]) -> Vec<(u64, Dimension, &str, u64)> {
    let line = |window: &Window| (window.start.get() / MINUTE, window.dimension, window.totals.played.get());
    windows.iter().map(|window| (line(window).0, line(window).1, &*window.value, line(window).2)).collect()
}

#[test]
fn an_event_counts_in_the_window_of_its_own_time() {
    let mut windows = windows();
    let title = [(Dimension::Title, "heat")];
    assert_eq!(windows.note(at(4), at(5), &title, &played(10)), Noted::Counted);
    assert_eq!(windows.note(at(5), at(5), &title, &played(200)), Noted::Counted);
    assert_eq!(windows.note(at(4), at(5), &[(Dimension::Region, "de")], &played(3_000)), Noted::Counted);
    assert_eq!(
        shown(&windows.drain()),
        [
            (0, Dimension::All, "all", 3_010),
            (0, Dimension::Title, "heat", 10),
            (0, Dimension::Region, "de", 3_000),
            (5, Dimension::All, "all", 200),
            (5, Dimension::Title, "heat", 200),
        ]
    );
    assert!(windows.is_empty());
}

#[test]
fn a_window_closes_when_its_lateness_has_passed_and_never_opens_again() {
    let mut windows = windows();
    windows.note(at(4), at(4), &[], &played(1));
    let over = UnixMillis::new(5 * MINUTE + 30_000);
    assert_eq!(windows.close(UnixMillis::new(over.get() - 1)), []);
    assert_eq!(windows.note(at(4), UnixMillis::new(over.get() - 1), &[], &played(1)), Noted::Counted);
    assert_eq!(windows.note(at(4), over, &[], &played(1)), Noted::Late);
    assert_eq!(shown(&windows.close(over)), [(0, Dimension::All, "all", 2)]);
    assert_eq!(windows.closed_until(), at(5));
    // Not even when the node's clock is set back.
    assert_eq!(windows.note(at(4), at(4), &[], &played(1)), Noted::Late);
    assert_eq!(windows.close(at(4)), []);
    assert_eq!(windows.closed_until(), at(5));
    assert_eq!((windows.counts().counted, windows.counts().late), (2, 2));
}

#[test]
fn a_time_too_far_ahead_does_not_count() {
    let mut windows = windows();
    assert_eq!(windows.note(at(11), at(10), &[], &played(1)), Noted::Counted);
    assert_eq!(windows.note(UnixMillis::new(11 * MINUTE + 1), at(10), &[], &played(1)), Noted::Ahead);
    assert_eq!(windows.note(UnixMillis::new(u64::MAX), at(10), &[], &played(1)), Noted::Ahead);
    assert_eq!((windows.counts().ahead, windows.counts().counted), (2, 1));
}

#[test]
fn at_the_end_of_time_nothing_breaks() {
    let mut windows = windows();
    let end = UnixMillis::new(u64::MAX);
    windows.note(end, end, &[(Dimension::Arm, "a")], &played(u64::MAX));
    windows.note(end, end, &[(Dimension::Arm, "a")], &played(u64::MAX));
    assert!(windows.close(end).len() <= 2);
}

#[test]
fn a_session_counts_once_in_each_window() {
    let mut windows = windows();
    let after = |previous| Delta { previous_at: Some(previous), ..Delta::default() };
    windows.note(at(1), at(1), &[], &Delta::default());
    windows.note(at(3), at(3), &[], &after(at(1)));
    // Late for the session: its newest event was already in this window or a later one.
    windows.note(at(2), at(3), &[], &after(at(3)));
    windows.note(at(5), at(5), &[], &after(at(3)));
    let end = Delta { end: Some(End::default()), ..after(at(5)) };
    windows.note(at(6), at(6), &[], &end);
    let totals: Vec<_> = windows.drain().into_iter().map(|window| window.totals).collect();
    assert_eq!((totals[0].sessions, totals[0].started, totals[0].ended), (1, 1, 0));
    assert_eq!((totals[1].sessions, totals[1].started, totals[1].ended), (1, 0, 1));
    assert_eq!((totals[0].figures().viewers, totals[1].figures().viewers), (1, 0));
}

#[test]
fn a_silent_session_counts_by_what_it_came_to_and_neither_came_nor_left() {
    let mut windows = windows();
    let title = [(Dimension::Title, "heat")];
    let end = End { session_v1: Some(88.0), rebuffer_ratio: Some(0.25), ..End::default() };
    assert_eq!(windows.note_silent(at(7), &title, &end), Noted::Counted);
    for window in windows.drain() {
        let totals = &window.totals;
        assert_eq!((totals.sessions, totals.started, totals.ended), (0, 0, 0), "{}", window.value);
        assert_eq!((window.start, totals.session_v1s, totals.rebuffer_ratio_ppm.count()), (at(5), 1, 1));
    }
    assert_eq!(windows.counts().counted, 1);
}

#[test]
fn values_beyond_the_bound_count_as_other() {
    let mut windows = windows();
    let names: Vec<String> = (0..300).map(|index| format!("region-{index}")).collect();
    for name in names.iter().chain(&names) {
        windows.note(at(1), at(1), &[(Dimension::Region, name)], &played(1));
    }
    let long = "x".repeat(limits::VALUE_BYTES_MAX + 1);
    for value in [&*long, "", OTHER] {
        windows.note(at(1), at(1), &[(Dimension::Region, value)], &played(1));
    }
    assert_eq!(windows.counts().other, 2 * 44 + 2);
    let closed = windows.drain();
    assert_eq!(closed.len(), 1 + 256 + 1);
    let other = closed.iter().find(|window| &*window.value == OTHER).unwrap();
    assert_eq!(other.totals.played.get(), 2 * 44 + 3);
    assert!(closed.iter().filter(|window| window.value.starts_with("region-")).all(|window| {
        window.totals.played.get() == 2 // The first 256 were kept whole.
    }));
}

#[test]
fn the_same_name_in_two_dimensions_is_two_values() {
    let mut windows = windows();
    windows.note(at(1), at(1), &[(Dimension::Region, "a"), (Dimension::Arm, "a")], &played(1));
    windows.note(at(1), at(1), &[(Dimension::Arm, "a"), (Dimension::All, "all")], &played(10));
    let expected =
        [(0, Dimension::All, "all", 11), (0, Dimension::Region, "a", 1), (0, Dimension::Arm, "a", 11)];
    assert_eq!(shown(&windows.drain()), expected);
}

#[test]
fn windows_that_nobody_closes_stay_bounded() {
    let mut windows = windows();
    let noted = |windows: &mut Windows, window| windows.note(at(5 * window), at(5 * window), &[], &played(1));
    for window in 0..limits::OPEN_MAX as u64 {
        assert_eq!(noted(&mut windows, window), Noted::Counted);
    }
    assert_eq!(noted(&mut windows, 100), Noted::Full);
    assert_eq!(windows.len(), limits::OPEN_MAX);
    assert_eq!(windows.close(at(500)).len(), limits::OPEN_MAX);
    assert_eq!(noted(&mut windows, 100), Noted::Counted);
}

#[test]
fn settings_that_would_hold_windows_for_long_are_refused() {
    let (day, none) = (Millis::new(86_400_000), Millis::ZERO);
    assert_eq!(Settings::new(day, none), Err(SettingsError::TooLate { lateness: day }));
    assert_eq!(Settings::new(none, day), Err(SettingsError::TooFarAhead { ahead: day }));
    assert!(Settings::new(limits::LATENESS_MAX, limits::AHEAD_MAX).is_ok());
}

/// A delta of small numbers.
fn delta(seed: u32) -> Delta {
    Delta {
        previous_at: (!seed.is_multiple_of(3)).then(|| at(u64::from(seed % 11))),
        startup: seed.is_multiple_of(5).then(|| Millis::new(u64::from(seed % 7_919))),
        played: Millis::new(u64::from(seed % 30_000)),
        stalled: Millis::new(u64::from(seed % 977)),
        stalls: seed % 4,
        errors: seed % 2,
        is_first_error: seed % 2 == 1,
        switches: seed % 7,
        dropped_frames: seed % 13,
        rate_sum: u64::from(seed) * 31,
        rated: Millis::new(u64::from(seed % 30_000)),
        buffer_sum: u64::from(seed % 20_000),
        buffers: 1,
        end: seed.is_multiple_of(6).then(|| End {
            completion: Some(f64::from(seed % 100) / 99.0),
            session_v1: Some(f64::from(seed % 101)),
            mos: Some(1.0 + f64::from(seed % 5)),
            rebuffer_ratio: Some(f64::from(seed % 53) / 52.0),
            mean_kbps: Some(f64::from(seed % 9_973)),
        }),
    }
}

quickcheck! {
    fn windows_of_two_nodes_merge_to_those_of_one(folds: Vec<(u32, bool)>) -> bool {
        let (mut here, mut there, mut one) = (windows(), windows(), windows());
        let titles = ["heat", "ran", "m"];
        for &(seed, is_here) in &folds {
            let time = at(u64::from(seed % 12));
            let keys = [(Dimension::Title, titles[seed as usize % 3]), (Dimension::Arm, "control")];
            let node = if is_here { &mut here } else { &mut there };
            node.note(time, at(0).max(time), &keys, &delta(seed));
            one.note(time, at(0).max(time), &keys, &delta(seed));
        }
        let mut merged = here.drain();
        for window in there.drain() {
            if !merged.iter_mut().any(|mine| mine.merge(&window)) {
                merged.push(window);
            }
        }
        merged.sort_by(|a, b| (a.start, a.dimension, &a.value).cmp(&(b.start, b.dimension, &b.value)));
        merged == one.drain()
    }

    fn nothing_counts_twice_or_gets_lost(folds: Vec<(u16, u16, bool)>) -> bool {
        let mut windows = windows();
        let (mut expected, mut got, mut now) = (0_u64, 0_u64, 0_u64);
        let mut is_kept = true;
        let sum = |closed: Vec<Window>| -> u64 {
            let all = closed.iter().filter(|window| window.dimension == Dimension::All);
            all.map(|window| window.totals.played.get()).sum()
        };
        for (time, forward, close) in folds {
            now += u64::from(forward);
            let time = UnixMillis::new((now + 60_000).saturating_sub(u64::from(time) * 8));
            let noted = windows.note(time, UnixMillis::new(now), &[], &played(1));
            expected += u64::from(noted == Noted::Counted);
            if close {
                got += sum(windows.close(UnixMillis::new(now)));
            }
            is_kept &= windows.so_far().played.get() == expected;
        }
        got += sum(windows.drain());
        is_kept &= windows.so_far().played.get() == expected;
        is_kept && got == expected && expected == windows.counts().counted
    }
}
