//! What players' standards tell beyond start, stall and stop.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use EventKind::{
    AdEnd, AdStart, Background, BitrateChange, BufferingEnd, BufferingStart, Error, FirstFrame, Foreground,
    Heartbeat, Pause, Resume, SeekEnd, SeekStart, Start, Stop,
};
use qoe::Summary;
use session::{Codec, Event, EventKind, Phase, Screen, Session};
use units::{Kbps, Millis, UnixMillis};

const BEGIN_MS: u64 = 1_700_000_000_000;

fn event(at_ms: u64, kind: EventKind) -> Event {
    Event::new(kind, UnixMillis::new(BEGIN_MS + at_ms))
}

/// Kinds at milliseconds after the beginning.
fn told(events: &[(u64, EventKind)]) -> Summary {
    folded(&events.iter().map(|(at_ms, kind)| event(*at_ms, *kind)).collect::<Vec<_>>())
}

fn folded(events: &[Event]) -> Summary {
    let mut session = Session::default();
    session.fold(events.to_vec()).unwrap();
    session.summary()
}

/// Played, stalled, paused, sought, background and ad time, and stalls.
fn check(events: &[(u64, EventKind)], times: [u64; 6], stalls: u32) {
    let seen = told(events);
    let found = [seen.played, seen.stalled, seen.paused, seen.sought, seen.background, seen.ads];
    assert_eq!((found.map(Millis::get), seen.stalls), (times, stalls), "{events:?}");
}

#[test]
fn a_pause_is_neither_played_nor_stalled() {
    let begin = [(0, Start), (500, FirstFrame), (1_500, Pause)];
    check(&[&begin[..], &[(9_500, Resume), (10_500, Stop)]].concat(), [2_000, 0, 8_000, 0, 0, 0], 0);
    check(&[&begin[..], &[(9_500, Stop)]].concat(), [1_000, 0, 8_000, 0, 0, 0], 0);
    // A buffer that runs dry in a pause harms nobody until the viewer goes on.
    let dry = [(2_000, BufferingStart), (5_000, BufferingEnd), (6_000, Resume), (7_000, Stop)];
    check(&[&begin[..], &dry].concat(), [2_000, 0, 4_500, 0, 0, 0], 0);
}

#[test]
fn waiting_for_what_was_jumped_to_is_the_seek_and_no_stall() {
    let begin = [(0, Start), (0, FirstFrame), (1_000, SeekStart)];
    let within = [(1_100, BufferingStart), (2_000, BufferingEnd), (2_000, SeekEnd), (3_000, Stop)];
    check(&[&begin[..], &within].concat(), [2_000, 0, 0, 1_000, 0, 0], 0);
    let beyond = [(1_100, BufferingStart), (1_200, SeekEnd), (2_500, BufferingEnd), (3_500, Stop)];
    check(&[&begin[..], &beyond].concat(), [2_000, 0, 0, 1_500, 0, 0], 0);
    let moves = [(1_100, BufferingStart), (2_500, Resume), (3_500, Stop)];
    check(&[&begin[..], &moves].concat(), [2_000, 0, 0, 1_500, 0, 0], 0);
}

#[test]
fn a_viewer_who_jumps_out_of_a_stall_ends_it() {
    let events = [
        (0, Start),
        (0, FirstFrame),
        (1_000, BufferingStart),
        (3_000, SeekStart),
        (3_500, SeekEnd),
        (4_000, BufferingEnd),
        (5_000, BufferingStart),
        (6_000, BufferingEnd),
        (7_000, Stop),
    ];
    check(&events, [3_000, 3_000, 0, 1_000, 0, 0], 2);
}

#[test]
fn background_and_ads_are_apart() {
    let events = [
        (0, Start),
        (0, FirstFrame),
        (1_000, Background),
        (2_000, BufferingStart),
        (4_000, BufferingEnd),
        (5_000, Foreground),
        (6_000, AdStart),
        (6_500, BufferingStart),
        (7_000, BufferingEnd),
        (21_000, AdEnd),
        (22_000, Stop),
    ];
    check(&events, [3_000, 0, 0, 0, 4_000, 15_000], 0);
}

#[test]
fn a_stall_counts_once_it_is_seen_and_goes_on() {
    let events = [
        (0, Start),
        (0, FirstFrame),
        (1_000, Background),
        (2_000, BufferingStart),
        (5_000, Foreground),
        (6_000, Pause),
        (7_000, Resume),
        (8_000, Stop),
    ];
    check(&events, [2_000, 1_000, 1_000, 0, 4_000, 0], 1);
}

#[test]
fn ads_before_the_first_frame_are_no_startup() {
    let seen = told(&[(0, Start), (200, AdStart), (15_200, AdEnd), (16_000, FirstFrame), (20_000, Stop)]);
    assert_eq!((seen.startup, seen.ads.get()), (Some(Millis::new(1_000)), 15_000));
}

#[test]
fn pictures_that_move_are_the_first_frame_of_a_player_that_tells_none() {
    let seen = told(&[(0, Start), (900, Resume), (1_900, Stop)]);
    assert_eq!((seen.startup, seen.played.get()), (Some(Millis::new(900)), 1_000));
}

#[test]
fn the_players_own_startup_goes_before_ours() {
    let measured = Event { startup: Some(Millis::new(640)), ..event(10_000, Heartbeat) };
    let seen = folded(&[event(0, Start), event(900, FirstFrame), measured, event(11_000, Stop)]);
    assert_eq!(seen.startup, Some(Millis::new(640)));
    let seen = folded(&[event(0, Start), measured, event(11_000, Stop)]);
    assert_eq!((seen.startup, seen.played.get()), (Some(Millis::new(640)), 1_000), "and shows that it plays");
}

fn so_far(at_ms: u64, ms: u64) -> Event {
    Event { stalled: Some(Millis::new(ms)), ..event(at_ms, Heartbeat) }
}

fn since(at_ms: u64, ms: u64) -> Event {
    Event { stalled_more: Some(Millis::new(ms)), ..event(at_ms, Heartbeat) }
}

/// Played and stalled time, stalls, and the longest.
fn check_stalls(events: &[Event], expected: (u64, u64, u32, u64)) {
    let begin = [event(0, Start), event(0, FirstFrame)];
    let seen = folded(&[&begin[..], events].concat());
    let found = (seen.played.get(), seen.stalled.get(), seen.stalls, seen.stall_longest.get());
    assert_eq!(found, expected, "{events:?}");
}

#[test]
fn stalls_told_by_their_time_alone_are_taken_out_of_what_was_played() {
    check_stalls(
        &[so_far(10_000, 0), so_far(20_000, 3_000), so_far(30_000, 3_000)],
        (27_000, 3_000, 1, 3_000),
    );
    check_stalls(&[since(10_000, 0), since(20_000, 3_000), since(30_000, 500)], (26_500, 3_500, 2, 3_000));
}

#[test]
fn a_stall_told_in_every_way_is_one_stall_of_the_players_own_length() {
    let pair = [event(5_000, BufferingStart), event(7_900, BufferingEnd)];
    check_stalls(&[&pair[..], &[so_far(10_000, 3_000)]].concat(), (7_000, 3_000, 1, 2_900));
    check_stalls(&[&pair[..], &[so_far(10_000, 2_500)]].concat(), (7_500, 2_500, 1, 2_900));
    check_stalls(&[&pair[..], &[since(10_000, 3_000)]].concat(), (7_000, 3_000, 1, 2_900));
    let both = Event { stalled_more: Some(Millis::new(3_000)), ..so_far(10_000, 3_000) };
    check_stalls(&[&pair[..], &[both]].concat(), (7_000, 3_000, 1, 2_900));
}

#[test]
fn a_measure_that_starts_again_adds_to_what_was_there() {
    check_stalls(&[so_far(10_000, 3_000), so_far(20_000, 1_000)], (16_000, 4_000, 2, 3_000));
}

#[test]
fn a_measure_longer_than_what_passed_is_cut() {
    check_stalls(&[so_far(10_000, 60_000)], (0, 10_000, 1, 10_000));
}

#[test]
fn a_numbered_report_counts_once() {
    let numbered = |at_ms, sequence, kind| Event { sequence: Some(sequence), ..event(at_ms, kind) };
    let seen = folded(&[
        numbered(0, 1, Start),
        numbered(500, 2, FirstFrame),
        numbered(600, 3, Error),
        numbered(600, 3, Error),
        numbered(9_000, 6, Stop),
    ]);
    assert_eq!((seen.errors, seen.events, seen.lost, seen.repeated), (1, 4, 2, 1));
}

#[test]
fn an_error_fails_a_session_only_where_nothing_moves_after_it() {
    let at =
        |at_ms, position_ms| Event { position: Some(Millis::new(position_ms)), ..event(at_ms, Heartbeat) };
    let begin = [event(0, Start), event(0, FirstFrame), at(1_000, 1_000), event(2_000, Error)];
    let ended = |events: &[Event]| folded(&[&begin[..], events].concat()).failed;
    assert!(ended(&[event(2_100, Stop)]));
    assert!(ended(&[at(3_000, 1_000), event(3_100, Stop)]));
    assert!(!ended(&[at(3_000, 2_000), event(3_100, Stop)]));
    assert!(!ended(&[event(3_000, Resume), event(3_100, Stop)]));
    assert!(!ended(&[]), "it has not ended");
}

#[test]
fn what_is_shown_is_weighed_by_the_time_it_is_shown() {
    let shown = |at_ms, kind, kbps, height, frame_rate_milli| Event {
        rate: Some(Kbps::new(kbps)),
        height: Some(height),
        frame_rate_milli: Some(frame_rate_milli),
        codec: Some(Codec::Avc),
        screen: Some(Screen::Desktop),
        ..event(at_ms, kind)
    };
    let seen = folded(&[
        event(0, Start),
        shown(1_000, FirstFrame, 1_000, 360, 25_000),
        shown(11_000, BitrateChange, 5_000, 1_080, 50_000),
        shown(41_000, BitrateChange, 1_000, 360, 25_000),
        event(41_000, Stop),
    ]);
    assert_eq!(seen.mean_kbps, Some(4_000.0));
    assert_eq!(seen.mean_height, Some(900.0));
    assert_eq!(seen.mean_frame_rate, Some(43.75));
    // 10 s of a million bits over 640 x 360 x 25 and 30 s of five over 1,920 x 1,080 x 50, in millionths.
    assert_eq!(seen.mean_bits_per_pixel, Some((10.0 * 173_611.0 + 30.0 * 48_225.0) / 40.0 / 1e6));
    assert_eq!((seen.switches, seen.change_kbps), (2, 8_000));
    assert_eq!(seen.change_log, 2.0 * 1.609_438);
    // 360 lines are stretched by 2 to 1,080, for a quarter of the time.
    assert_eq!(seen.upscaling.map(|seen| (seen.mean, seen.max)), Some((0.5, 2.0)));
    let pictures = seen.pictures.unwrap();
    assert!(pictures.worst < pictures.mean && pictures.mean < pictures.recent, "{pictures:?}");
}

#[test]
fn stalls_fade_as_the_title_goes_on_but_the_longest_stays() {
    let stall =
        [event(0, Start), event(0, FirstFrame), event(1_000, BufferingStart), event(5_000, BufferingEnd)];
    let after = |ms: u64| folded(&[&stall[..], &[event(5_000 + ms, Stop)]].concat());
    assert_eq!(after(0).stall_recent.get(), 4_000);
    assert_eq!(after(15_000).stall_recent.get(), 1_471, "a third");
    let late = after(240_000);
    assert_eq!((late.stall_recent.get(), late.stall_longest.get()), (0, 4_000));
    assert_eq!(late.stall_ago, Some(Millis::new(240_000)));
}

#[test]
fn what_comes_late_does_not_count_a_pause_twice() {
    let mut session = Session::default();
    session.fold(vec![event(0, Start), event(0, FirstFrame), event(10_000, Heartbeat)]).unwrap();
    session.fold(vec![event(2_000, Pause), event(5_000, Resume), event(12_000, Stop)]).unwrap();
    assert_eq!(session.phase(), Phase::Ended);
    assert_eq!((session.summary().played.get(), session.summary().paused.get()), (12_000, 0));
}
