//! Sessions told as events.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod any;

use any::Any;
use qoe::Summary;
use quickcheck::quickcheck;
use session::{Event, EventKind, FoldError, Phase, Session, limits};
use units::{Kbps, Millis, UnixMillis};

const BEGIN_MS: u64 = 1_700_000_000_000;

/// An event `at_ms` after the beginning.
fn event(kind: EventKind, at_ms: u64) -> Event {
    Event::new(kind, UnixMillis::new(BEGIN_MS + at_ms))
}

fn playing_from(at_ms: u64) -> [Event; 2] {
    [event(EventKind::Start, 0), event(EventKind::FirstFrame, at_ms)]
}

fn folded(calls: &[&[Event]]) -> Session {
    let mut session = Session::default();
    calls.iter().for_each(|events| session.fold(events.to_vec()).unwrap());
    session
}

fn summary(calls: &[&[Event]]) -> Summary {
    folded(calls).summary()
}

/// Played and stalled time.
fn times(calls: &[&[Event]]) -> (u64, u64) {
    let summary = summary(calls);
    (summary.played.get(), summary.stalled.get())
}

#[test]
fn a_session_told_in_full_gives_its_summary() {
    let heartbeat = |at_ms, position_s: u64, kbps, buffer_ms| Event {
        position: Some(Millis::new(position_s * 1_000)),
        rate: Some(Kbps::new(kbps)),
        buffer: Some(Millis::new(buffer_ms)),
        dropped_frames: Some(position_s as u32 / 10),
        ..event(EventKind::Heartbeat, at_ms)
    };
    let summary = summary(&[&[
        Event { duration: Some(Millis::new(240_000)), ..event(EventKind::Start, 0) },
        Event { rate: Some(Kbps::new(1_000)), ..event(EventKind::FirstFrame, 800) },
        heartbeat(30_800, 30, 5_000, 10_000),
        event(EventKind::BufferingStart, 40_800),
        event(EventKind::BufferingEnd, 43_800),
        event(EventKind::Error, 50_000),
        heartbeat(63_800, 60, 5_000, 20_000),
        heartbeat(93_800, 90, 2_500, 30_000),
        heartbeat(123_800, 120, 2_500, 0),
        event(EventKind::Stop, 124_800),
    ]]);
    let expected = Summary {
        startup: Some(Millis::new(800)),
        played: Millis::new(121_000),
        stalled: Millis::new(3_000),
        stalls: 1,
        dropped_frames: 12,
        errors: 1,
        switches: 2,
        // (30 s of 1,000 + 60 s of 5,000 + 31 s of 2,500) / 121 s.
        mean_kbps: Some(407_500_000.0 / 121_000.0),
        mean_buffer_ms: Some(15_000.0),
        position: Millis::new(120_000),
        position_max: Millis::new(120_000),
        duration: Some(Millis::new(240_000)),
        events: 10,
        ended: true,
        // What else there is has its own tests.
        ..summary
    };
    assert_eq!(summary, expected);
    assert_eq!(qoe::score(&summary).completion, Some(0.5));
}

#[test]
fn startup_is_the_first_frame_and_not_the_first_heartbeat() {
    let calls: [&[Event]; 2] = [&playing_from(800), &[event(EventKind::Heartbeat, 30_000)]];
    assert_eq!(summary(&calls).startup, Some(Millis::new(800)));
    assert_eq!(summary(&[&[event(EventKind::Start, 0), event(EventKind::Heartbeat, 30_000)]]).startup, None);
    assert_eq!(summary(&[&[event(EventKind::FirstFrame, 800)]]).startup, None, "unknown without a start");
}

#[test]
fn a_startup_has_a_bound() {
    assert_eq!(summary(&[&playing_from(u64::MAX / 2)]).startup, Some(limits::STARTUP_MAX));
}

#[test]
fn waiting_for_the_first_frame_is_not_a_stall() {
    let summary = summary(&[&[
        event(EventKind::Start, 0),
        event(EventKind::BufferingStart, 10),
        event(EventKind::BufferingEnd, 900),
        event(EventKind::FirstFrame, 900),
        event(EventKind::Stop, 1_900),
    ]]);
    assert_eq!((summary.stalls, summary.stalled.get(), summary.played.get()), (0, 0, 1_000));
}

#[test]
fn a_player_without_a_first_frame_report_plays_once_its_position_moves() {
    let heartbeat = |at_ms, position_ms| Event {
        position: Some(Millis::new(position_ms)),
        ..event(EventKind::Heartbeat, at_ms)
    };
    let resumed = Event { position: Some(Millis::new(9_000)), ..event(EventKind::Start, 0) };
    assert_eq!(
        times(&[&[resumed, heartbeat(1_000, 9_000), heartbeat(2_000, 9_500), heartbeat(5_000, 12_500)]]),
        (3_000, 0)
    );
}

#[test]
fn a_silence_counts_for_no_longer_than_the_limit() {
    let night = 8 * 3_600_000;
    let limit = limits::GAP_MAX.get();
    assert_eq!(times(&[&playing_from(0), &[event(EventKind::Heartbeat, night)]]), (limit, 0));
    let stalled = [event(EventKind::BufferingStart, 1_000), event(EventKind::BufferingEnd, night)];
    assert_eq!(times(&[&playing_from(0), &stalled]), (1_000, limit));
}

#[test]
fn cumulative_counters_are_read_as_such() {
    let count = |at_ms, count| Event { buffering_events: Some(count), ..event(EventKind::Heartbeat, at_ms) };
    let stalls = |counts: [u32; 4]| {
        let events = [0, 1, 2, 3].map(|index| count(1_000 * index as u64, counts[index]));
        summary(&[&events]).stalls
    };
    assert_eq!(stalls([0, 1, 1, 3]), 3);
    assert_eq!(stalls([3, 3, 0, 1]), 4);
}

#[test]
fn a_stall_told_as_event_and_as_count_is_one_stall() {
    let told = [
        event(EventKind::BufferingStart, 1_000),
        Event { buffering_events: Some(1), ..event(EventKind::BufferingEnd, 4_000) },
    ];
    let summary = summary(&[&playing_from(0), &told]);
    assert_eq!((summary.stalls, summary.stalled.get()), (1, 3_000));
}

#[test]
fn a_repeated_start_of_buffering_is_one_stall() {
    let told = [1_000, 2_000].map(|at_ms| event(EventKind::BufferingStart, at_ms));
    let summary = summary(&[&playing_from(0), &told, &[event(EventKind::BufferingEnd, 4_000)]]);
    assert_eq!((summary.stalls, summary.stalled.get()), (1, 3_000));
}

#[test]
fn a_late_event_does_not_turn_the_clock_or_the_position_back() {
    let at = |at_ms, position_ms| Event {
        position: Some(Millis::new(position_ms)),
        dropped_frames: Some(at_ms as u32),
        ..event(EventKind::Heartbeat, at_ms)
    };
    let summary = summary(&[&playing_from(0), &[at(20_000, 20_000)], &[at(10_000, 90_000)]]);
    assert_eq!(summary.played, Millis::new(20_000));
    assert_eq!((summary.position.get(), summary.position_max.get()), (20_000, 90_000));
    assert_eq!(summary.dropped_frames, 20_000, "an older reading is no restart");
}

#[test]
fn the_halves_of_a_stall_meet_in_any_order_of_arrival() {
    let [start, end] = [event(EventKind::BufferingStart, 5_000), event(EventKind::BufferingEnd, 8_000)];
    let later = event(EventKind::Heartbeat, 20_000);
    let expected = (17_000, 3_000);
    assert_eq!(times(&[&playing_from(0), &[start, end, later]]), expected, "in order");
    assert_eq!(times(&[&playing_from(0), &[later], &[start, end]]), expected, "both late");
    assert_eq!(times(&[&playing_from(0), &[later], &[end], &[start]]), expected, "both late, end first");
    assert_eq!(times(&[&playing_from(0), &[end, later], &[start]]), expected, "the start late");
    let between = event(EventKind::Heartbeat, 6_000);
    assert_eq!(
        times(&[&playing_from(0), &[between], &[start], &[end, later]]),
        expected,
        "late, then the end"
    );
}

#[test]
fn an_end_that_comes_late_ends_what_it_ends_at_its_own_time() {
    let later = event(EventKind::Heartbeat, 20_000);
    let stop = event(EventKind::Stop, 30_000);
    for (begins, ends) in [
        (EventKind::BufferingStart, EventKind::BufferingEnd),
        (EventKind::BufferingStart, EventKind::Resume),
        (EventKind::Pause, EventKind::Resume),
        (EventKind::SeekStart, EventKind::Resume),
        (EventKind::SeekStart, EventKind::SeekEnd),
        (EventKind::AdStart, EventKind::AdEnd),
        (EventKind::Background, EventKind::Foreground),
    ] {
        let [begins, ends] = [event(begins, 5_000), event(ends, 8_000)];
        let in_order = summary(&[&playing_from(0), &[begins, ends, later, stop]]);
        assert_eq!((in_order.played.get(), in_order.stalls), (27_000, in_order.stalled.get() as u32 / 3_000));
        for calls in [
            [&playing_from(0)[..], &[begins, later], &[ends], &[stop]],
            [&playing_from(0), &[begins], &[later], &[ends, stop]],
        ] {
            let late = summary(&calls);
            assert_eq!(late, Summary { stall_recent: late.stall_recent, ..in_order }, "{begins:?} {ends:?}");
        }
    }
}

#[test]
fn an_end_from_before_does_not_lift_what_was_laid_over_since() {
    let pauses = [event(EventKind::Pause, 5_000), event(EventKind::Pause, 10_000)];
    let late = [event(EventKind::Resume, 8_000)];
    let session = summary(&[&playing_from(0), &pauses, &late, &[event(EventKind::Heartbeat, 20_000)]]);
    assert_eq!((session.played.get(), session.paused.get()), (5_000, 15_000));
}

#[test]
fn a_stall_whose_end_was_lost_is_over_when_the_position_moves_in_it() {
    let at =
        |kind, at_ms, position_ms| Event { position: Some(Millis::new(position_ms)), ..event(kind, at_ms) };
    let told = [
        at(EventKind::Heartbeat, 4_000, 4_000),
        event(EventKind::BufferingStart, 5_000),
        // A second of it was played before the stall.
        at(EventKind::Heartbeat, 8_000, 5_000),
        at(EventKind::Heartbeat, 12_000, 5_000),
        at(EventKind::Heartbeat, 20_000, 11_000),
        at(EventKind::Heartbeat, 30_000, 21_000),
    ];
    let session = summary(&[&playing_from(0), &told]);
    assert_eq!((session.played.get(), session.stalled.get(), session.stalls), (21_000, 9_000, 1));
    assert_eq!(session.stall_longest.get(), 9_000);
}

#[test]
fn a_position_that_creeps_in_a_stall_does_not_end_it() {
    let at =
        |kind, at_ms, position_ms| Event { position: Some(Millis::new(position_ms)), ..event(kind, at_ms) };
    let told = [
        at(EventKind::BufferingStart, 5_000, 5_000),
        at(EventKind::Heartbeat, 8_000, 5_400),
        at(EventKind::Heartbeat, 12_000, 5_410),
        at(EventKind::BufferingEnd, 15_000, 5_410),
        at(EventKind::Heartbeat, 20_000, 10_410),
    ];
    assert_eq!(times(&[&playing_from(0), &told]), (10_000, 10_000));
}

#[test]
fn a_late_first_frame_counts_from_its_own_time() {
    let calls: [&[Event]; 3] = [
        &[event(EventKind::Start, 0)],
        &[event(EventKind::Heartbeat, 10_000)],
        &[event(EventKind::FirstFrame, 700), event(EventKind::Stop, 12_000)],
    ];
    assert_eq!(summary(&calls).startup, Some(Millis::new(700)));
    assert_eq!(times(&calls), (11_300, 0));
}

#[test]
fn nothing_happens_after_the_end() {
    let stop = [event(EventKind::Stop, 10_000)];
    let after = [event(EventKind::BufferingStart, 11_000), event(EventKind::Heartbeat, 60_000)];
    let session = folded(&[&playing_from(0), &stop, &after, &[event(EventKind::Start, 70_000)]]);
    assert_eq!(session.phase(), Phase::Ended);
    assert_eq!(session.newest_at(), Some(UnixMillis::new(BEGIN_MS + 10_000)));
    let summary = session.summary();
    assert_eq!((summary.played.get(), summary.stalled.get(), summary.stalls), (10_000, 0, 0));
    assert_eq!(summary.events, 6);
}

#[test]
fn a_change_of_bit_rate_told_twice_is_one() {
    let rate = |kind, at_ms, kbps| Event { rate: Some(Kbps::new(kbps)), ..event(kind, at_ms) };
    let told = [
        rate(EventKind::BitrateChange, 0, 500),
        rate(EventKind::Heartbeat, 1_000, 1_000),
        rate(EventKind::BitrateChange, 1_001, 1_000),
        rate(EventKind::Heartbeat, 2_000, 0),
        event(EventKind::BitrateChange, 3_000),
    ];
    assert_eq!(summary(&[&told]).switches, 2);
}

#[test]
fn refuses_more_events_than_the_limit_whole() {
    let mut session = Session::default();
    let events = vec![event(EventKind::Error, 0); limits::EVENTS_MAX + 1];
    assert_eq!(session.fold(events), Err(FoldError::TooManyEvents));
    assert_eq!(session, Session::default());
}

fn plain(events: &[Any]) -> Vec<Event> {
    events.iter().map(|any| any.0).collect()
}

quickcheck! {
    fn the_order_within_a_call_does_not_matter(events: Vec<Any>) -> bool {
        let events = plain(&events);
        let reversed: Vec<Event> = events.iter().rev().copied().collect();
        folded(&[&events]) == folded(&[&reversed])
    }

    fn sorted_events_may_be_cut_into_calls_anywhere(events: Vec<Any>, cut: usize) -> bool {
        let mut events = plain(&events);
        events.sort_unstable();
        let (first, second) = events.split_at(if events.is_empty() { 0 } else { cut % events.len() });
        folded(&[&events]) == folded(&[first, second])
    }

    fn played_and_stalled_time_fit_between_the_oldest_and_the_newest_event(calls: Vec<Vec<Any>>) -> bool {
        let calls: Vec<Vec<Event>> = calls.iter().map(|events| plain(events)).collect();
        let times = || calls.iter().flatten().map(|event| event.at);
        let Some(newest) = times().max() else { return true };
        let span = newest.saturating_since(times().min().unwrap());
        let mut session = Session::default();
        calls.iter().for_each(|events| session.fold(events.clone()).unwrap());
        let summary = session.summary();
        summary.played.saturating_add(summary.stalled) <= span
    }

    fn facts_are_never_unlearnt(events: Vec<Any>, more: Vec<Any>) -> bool {
        let mut session = folded(&[&plain(&events)]);
        let before = session.summary();
        session.fold(plain(&more)).unwrap();
        let after = session.summary();
        before.position_max <= after.position_max
            && before.stalls <= after.stalls
            && before.dropped_frames <= after.dropped_frames
            && before.errors <= after.errors
            && before.switches <= after.switches
            && before.ended <= after.ended
    }

    fn the_mean_bit_rate_lies_between_the_reported_ones(events: Vec<Any>) -> bool {
        let rates = || events.iter().filter_map(|any| any.0.rate).map(|rate| f64::from(rate.get())).filter(|r| *r > 0.0);
        let lowest = rates().fold(f64::INFINITY, f64::min);
        let highest = rates().fold(0.0, f64::max);
        let Some(mean) = folded(&[&plain(&events)]).summary().mean_kbps else { return true };
        // The sums are exact; their quotient has two roundings of large integers and its own.
        lowest * (1.0 - 1e-15) <= mean && mean <= highest * (1.0 + 1e-15)
    }

    fn every_score_of_any_session_is_within_its_range(events: Vec<Any>) -> bool {
        let scores = qoe::score(&folded(&[&plain(&events)]).summary());
        (0.0..=100.0).contains(&scores.session_v1)
            && (0.0..=100.0).contains(&scores.window_v1)
            && (0.0..=1.0).contains(&scores.rebuffer_ratio)
            && (0.0..=100.0).contains(&scores.mux_style_v1)
            && scores.mos_v1.is_none_or(|mos| (1.0..=5.0).contains(&mos))
            && scores.qoe_lin_v1.is_none_or(f64::is_finite)
            && scores.qoe_log_v1.is_none_or(f64::is_finite)
    }

    fn a_saved_session_goes_on_as_if_it_had_never_been_saved(events: Vec<Any>, more: Vec<Any>) -> bool {
        let mut session = folded(&[&plain(&events)]);
        let mut restored = Session::restore(&session.save()).unwrap();
        session.fold(plain(&more)).unwrap();
        restored.fold(plain(&more)).unwrap();
        session == restored && session.save() == restored.save()
    }
}
