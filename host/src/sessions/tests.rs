//! Sessions with a component that only counts.

use super::*;
use wire::EventKind;

const IDLE: Duration = Duration::from_secs(300);

fn event(session: &str, number: u32, kind: EventKind) -> Event {
    let json = format!(
        r#"{{"event_id":"e{number}","session_id":"{session}","kind":"start","at_unix_ms":{},"viewer":7}}"#,
        1_000 + u64::from(number)
    );
    let mut event: Event = wire::decode_json(json.as_bytes(), 1_000).expect("a sound event");
    event.kind = kind;
    event
}

/// The state is the number of events so far; `stop` ends it.
fn count(state: &[u8], events: &[qoe::Event]) -> Result<qoe::Folded, InvokeError> {
    let stopped_before = state.last() == Some(&1);
    let events_so_far = u32::from(state.first().copied().unwrap_or(0)) + events.len() as u32;
    let ended = stopped_before || events.iter().any(|event| event.kind == qoe::EventKind::Stop);
    let summary = qoe::Summary { events: events_so_far, ended, ..nothing() };
    let scores = qoe::Scores {
        session_v1: 88.0,
        window_v1: 50.0,
        rebuffer_ratio: 0.0,
        completion: None,
        qoe_lin_v1: None,
        qoe_log_v1: None,
        mux_style_v1: 0.0,
        spi_style_v1: None,
        mos_v1: None,
    };
    Ok(qoe::Folded { state: vec![events_so_far as u8, u8::from(ended)], summary, scores })
}

fn nothing() -> qoe::Summary {
    qoe::Summary {
        startup_ms: None,
        played_ms: 0,
        stalled_ms: 0,
        paused_ms: 0,
        sought_ms: 0,
        background_ms: 0,
        ads_ms: 0,
        stalls: 0,
        stall_longest_ms: 0,
        stall_recent_ms: 0,
        stall_ago_ms: None,
        dropped_frames: 0,
        errors: 0,
        switches: 0,
        change_kbps: 0,
        change_log: 0.0,
        mean_kbps: None,
        mean_log: None,
        top_kbps: None,
        mean_buffer_ms: None,
        mean_throughput_kbps: None,
        mean_latency_ms: None,
        mean_height: None,
        mean_frame_rate: None,
        mean_bits_per_pixel: None,
        began_ms: None,
        position_ms: 0,
        position_max_ms: 0,
        duration_ms: None,
        events: 0,
        lost: 0,
        repeated: 0,
        ended: false,
        failed: false,
        pictures: None,
        upscaling: None,
        screen: None,
    }
}

fn send(sessions: &Sessions, session: &str, numbers: &[(u32, EventKind)], now: Instant) -> Fold {
    let events: Vec<Event> = numbers.iter().map(|(number, kind)| event(session, *number, *kind)).collect();
    sessions.fold(session, &events.iter().collect::<Vec<_>>(), 1, now, count).expect("a fold")
}

use EventKind::{Heartbeat, Start, Stop};

#[test]
fn an_event_counts_once_however_often_it_comes() {
    let (sessions, now) = (Sessions::new(10), Instant::now());
    assert_eq!(
        send(&sessions, "a", &[(1, Start), (2, Heartbeat), (1, Start)], now).fresh,
        [true, true, false]
    );
    assert_eq!(send(&sessions, "a", &[(2, Heartbeat), (3, Heartbeat)], now).fresh, [false, true]);
    assert_eq!(sessions.view("a").expect("a session").summary.events, 3);
    // The same id in another session is another event.
    assert_eq!(send(&sessions, "b", &[(1, Start)], now).fresh, [true]);
}

#[test]
fn the_number_of_viewers_follows_starts_and_ends_and_is_never_negative() {
    let (sessions, now) = (Sessions::new(10), Instant::now());
    send(&sessions, "a", &[(1, Start)], now);
    send(&sessions, "a", &[(2, Start)], now);
    send(&sessions, "b", &[(1, Heartbeat)], now);
    assert_eq!(sessions.live(), 2);
    assert!(send(&sessions, "a", &[(3, Stop)], now).ended.is_some());
    assert_eq!(send(&sessions, "a", &[(4, Stop)], now).ended, None);
    assert_eq!(send(&sessions, "a", &[(3, Stop)], now).ended, None);
    assert_eq!(sessions.live(), 1);
    assert!(send(&sessions, "c", &[(1, Start), (2, Stop)], now).ended.is_some());
    assert_eq!(sessions.live(), 1);
    assert_eq!(sessions.sweep(IDLE, now + IDLE * 2).len(), 1);
    assert_eq!(sessions.live(), 0);
}

#[test]
fn a_silent_session_is_closed_once_and_lives_again_with_its_next_event() {
    let (sessions, start) = (Sessions::new(10), Instant::now());
    send(&sessions, "a", &[(1, Start)], start);
    send(&sessions, "b", &[(1, Start)], start + IDLE / 2);
    assert!(sessions.sweep(IDLE, start + IDLE).is_empty(), "not yet");
    let closed = sessions.sweep(IDLE, start + IDLE + Duration::from_millis(1));
    assert_eq!(closed.len(), 1);
    assert_eq!(
        (closed[0].session_id.as_str(), closed[0].viewer, closed[0].started_unix_ms),
        ("a", Some(7), 1_001)
    );
    assert!(sessions.view("a").expect("kept for questions").ended);
    assert!(sessions.sweep(IDLE, start + IDLE + Duration::from_millis(2)).is_empty(), "closed once");

    // A repeated event does not wake it; a new one does, and nothing seen before is lost.
    assert_eq!(send(&sessions, "a", &[(1, Start)], start + IDLE * 2).fresh, [false]);
    assert_eq!(sessions.live(), 1);
    send(&sessions, "a", &[(2, Heartbeat)], start + IDLE * 2);
    assert_eq!(sessions.live(), 2);
    let view = sessions.view("a").expect("a session");
    assert_eq!((view.ended, view.summary.events), (false, 2));
}

#[test]
fn one_session_more_than_the_limit_is_refused_and_ended_ones_do_not_count() {
    let (sessions, now) = (Sessions::new(2), Instant::now());
    send(&sessions, "a", &[(1, Start)], now);
    send(&sessions, "b", &[(1, Start)], now);
    let third = event("c", 1, Start);
    let refused = sessions.fold("c", &[&third], 1, now, count).expect_err("no room");
    assert_eq!(refused.code(), "sessions-full");
    send(&sessions, "a", &[(2, Stop)], now);
    send(&sessions, "c", &[(1, Start)], now);
    assert_eq!(sessions.live(), 2);
}

#[test]
fn a_fold_that_fails_changes_nothing_and_can_be_tried_again() {
    let (sessions, now) = (Sessions::new(10), Instant::now());
    let first = event("a", 1, Start);
    let fail = |_: &[u8], _: &[qoe::Event]| Err(InvokeError::Deadline);
    assert_eq!(sessions.fold("a", &[&first], 1, now, fail).expect_err("fails").code(), "deadline");
    assert_eq!((sessions.live(), sessions.view("a")), (0, None));
    assert_eq!(send(&sessions, "a", &[(1, Start)], now).fresh, [true]);

    let second = event("a", 2, Heartbeat);
    assert!(sessions.fold("a", &[&second], 1, now, fail).is_err());
    assert_eq!(sessions.live(), 1);
    assert_eq!(send(&sessions, "a", &[(2, Heartbeat)], now).fresh, [true]);
}

#[test]
fn a_state_that_the_component_does_not_know_starts_anew() {
    let (sessions, now) = (Sessions::new(10), Instant::now());
    send(&sessions, "a", &[(1, Start), (2, Heartbeat)], now);
    let other_release = |state: &[u8], events: &[qoe::Event]| {
        if state.is_empty() {
            count(state, events)
        } else {
            Err(InvokeError::Qoe(qoe::Error::StateMalformed))
        }
    };
    let third = event("a", 3, Heartbeat);
    sessions.fold("a", &[&third], 2, now, other_release).expect("folds from the beginning");
    let view = sessions.view("a").expect("a session");
    assert_eq!((view.generation, view.summary.events), (2, 1));
}

#[test]
fn forgotten_event_ids_are_the_oldest_ones() {
    let (sessions, now) = (Sessions::new(10), Instant::now());
    let many = u32::try_from(limits::EVENT_IDS_MAX).expect("a small number");
    for number in 0..=many {
        send(&sessions, "a", &[(number, Heartbeat)], now);
    }
    assert_eq!(send(&sessions, "a", &[(0, Heartbeat), (many, Heartbeat)], now).fresh, [true, false]);
}
