//! Sessions with the domain's own fold in the component's place.

use std::cell::Cell;
use std::collections::BTreeSet;

use wire::EventKind::{self, Heartbeat, Start, Stop};

use super::*;

const IDLE: Duration = Duration::from_secs(300);

fn event(session: &str, number: u32, kind: EventKind) -> Event<'static> {
    let at = 1_000 + u64::from(number);
    Event {
        viewer: Some(7),
        title: Some(4),
        ..Event::new(format!("e{number}"), session.to_owned(), kind, at)
    }
}

fn native(batch: &[u8]) -> Result<Vec<u8>, InvokeError> {
    Ok(::session::packed::fold_batch(batch).expect("a sound batch"))
}

fn call(now: Instant, fold: &dyn Fn(&[u8]) -> Result<Vec<u8>, InvokeError>) -> Call<'_> {
    Call { generation: 1, arm: "stable", now, now_unix_ms: 2_000, fold }
}

/// The fates of a request's events, as a letter each.
fn send(sessions: &Sessions, told: &[(&str, u32, EventKind)], now: Instant) -> (String, Outcome) {
    send_by(sessions, told, &call(now, &native))
}

fn send_by(sessions: &Sessions, told: &[(&str, u32, EventKind)], call: &Call<'_>) -> (String, Outcome) {
    let events: Vec<Event<'_>> =
        told.iter().map(|(session, number, kind)| event(session, *number, *kind)).collect();
    let outcome = sessions.fold(&events.iter().collect::<Vec<_>>(), call);
    let letter = |fate: &Fate| match fate {
        Fate::Accepted => 'a',
        Fate::Duplicate => 'd',
        Fate::Refused(_) => 'r',
    };
    (outcome.fates.iter().map(letter).collect(), outcome)
}

fn view(sessions: &Sessions, session: &str) -> Option<SessionView> {
    sessions.view(session, &call(Instant::now(), &native)).expect("a view")
}

/// The viewer of session "a" goes to another node.
fn carry_over(from: &Sessions, to: &Sessions, now: Instant) {
    let carried = from.carry("a").expect("a session");
    to.adopt("a", carried, &call(now, &native)).expect("room, and a state it knows");
}

fn sweep(sessions: &Sessions, now: Instant) -> Vec<SessionRecord> {
    sessions.sweep(Some(IDLE), &call(now, &native))
}

#[test]
fn an_event_counts_once_however_often_it_comes() {
    let (sessions, now) = (Sessions::new(10), Instant::now());
    assert_eq!(send(&sessions, &[("a", 1, Start), ("a", 2, Heartbeat), ("a", 1, Start)], now).0, "aad");
    assert_eq!(send(&sessions, &[("a", 2, Heartbeat), ("a", 3, Heartbeat)], now).0, "da");
    assert_eq!(view(&sessions, "a").expect("a session").summary.events, 3);
    // The same id in another session is another event.
    assert_eq!(send(&sessions, &[("b", 1, Start)], now).0, "a");
}

#[test]
fn an_event_that_could_not_be_stored_counts_when_it_comes_again() {
    let (sessions, now) = (Sessions::new(10), Instant::now());
    let told = [("a", 1, Start), ("a", 2, Heartbeat)];
    send(&sessions, &told, now);
    sessions.forget([event("a", 2, Heartbeat), event("nobody", 1, Start)].iter());
    assert_eq!(send(&sessions, &told, now).0, "da");
    // One that ended is remembered by its late events as well.
    send(&sessions, &[("a", 3, Stop)], now);
    sessions.forget([event("a", 3, Stop)].iter());
    assert_eq!(send(&sessions, &[("a", 1, Start), ("a", 3, Stop)], now).0, "da");
}

#[test]
fn events_of_many_sessions_are_told_apart_in_one_request() {
    let (sessions, now) = (Sessions::new(1_000), Instant::now());
    let names: Vec<String> = (0..50).map(|number| format!("s{number}")).collect();
    let told: Vec<_> =
        names.iter().flat_map(|name| [(name.as_str(), 1, Start), (name, 2, Heartbeat)]).collect();
    assert_eq!(send(&sessions, &told, now).0, "a".repeat(100));
    assert_eq!(sessions.live(), 50);
    assert!(names.iter().all(|name| view(&sessions, name).is_some_and(|view| view.summary.events == 2)));
}

#[test]
fn a_stop_ends_a_session_and_its_record_comes_once() {
    let (sessions, now) = (Sessions::new(10), Instant::now());
    send(&sessions, &[("a", 1, Start)], now);
    assert_eq!((sessions.live(), sessions.viewers_since(0, 10).total), (1, 1));
    let (_, outcome) = send(&sessions, &[("a", 2, Stop)], now);
    let record = &outcome.ended[0];
    assert_eq!((record.session_id.as_str(), record.viewer, record.generation), ("a", Some(7), 1));
    assert_eq!((record.started_unix_ms, record.ended_unix_ms), (1_001, 1_002));
    assert_eq!((sessions.live(), sessions.viewers_since(0, 10).total), (0, 0));
    assert!(
        send(&sessions, &[("a", 3, Heartbeat)], now).1.ended.is_empty(),
        "a late event ends nothing again"
    );
    assert_eq!(sessions.live(), 0);
}

#[test]
fn a_session_that_changes_while_its_events_are_folded_is_folded_again() {
    let (sessions, now) = (Sessions::new(10), Instant::now());
    send(&sessions, &[("a", 1, Start), ("c", 1, Start)], now);
    let others_came = Cell::new(false);
    let fold = |batch: &[u8]| {
        if !others_came.replace(true) {
            assert_eq!(send(&sessions, &[("a", 2, Heartbeat), ("b", 7, Start)], now).0, "aa");
        }
        native(batch)
    };
    let told = [("a", 2, Heartbeat), ("a", 3, Heartbeat), ("b", 8, Heartbeat), ("c", 2, Stop)];
    let (fates, outcome) = send_by(&sessions, &told, &call(now, &fold));
    assert_eq!((fates.as_str(), outcome.ended.len()), ("daaa", 1));
    let events = ["a", "b", "c"].map(|session| view(&sessions, session).expect("a session").summary.events);
    assert_eq!(events, [3, 2, 2]);
    assert_eq!((sessions.live(), sessions.viewers_since(0, 10).total), (2, 2));
}

#[test]
fn an_event_that_many_bring_at_once_counts_once() {
    const SENDERS: u32 = 4;
    let (sessions, now) = (Sessions::new(10), Instant::now());
    let told: Vec<_> =
        (0..200).map(|number| (["a", "b", "c"][number as usize % 3], number, Heartbeat)).collect();
    let all_at_once = std::sync::Barrier::new(SENDERS as usize);
    let accepted: usize = std::thread::scope(|scope| {
        let send_all = || {
            all_at_once.wait();
            let fates = told.chunks(20).map(|some| send(&sessions, some, now).0);
            fates.map(|fates| fates.matches('a').count()).sum::<usize>()
        };
        let senders: Vec<_> = (0..SENDERS).map(|_| scope.spawn(send_all)).collect();
        senders.into_iter().map(|sender| sender.join().expect("no panic")).sum()
    });
    assert_eq!(accepted, told.len());
    let events = ["a", "b", "c"].map(|session| view(&sessions, session).expect("a session").summary.events);
    assert_eq!((events.iter().sum::<u32>(), sessions.live()), (200, 3));
}

#[test]
fn a_session_that_moves_keeps_its_beginning() {
    let (here, there, now) = (Sessions::new(10), Sessions::new(10), Instant::now());
    send(&here, &[("a", 1, Start), ("a", 2, Heartbeat)], now);
    carry_over(&here, &there, now);
    let (_, outcome) = send(&there, &[("a", 5, Stop)], now);
    let record = &outcome.ended[0];
    assert_eq!((record.started_unix_ms, record.ended_unix_ms), (1_001, 1_005));
    assert_eq!(record.summary.events, 3);
}

#[test]
fn a_session_that_comes_back_goes_on_from_what_the_other_node_knew() {
    let (here, there, now) = (Sessions::new(10), Sessions::new(10), Instant::now());
    send(&here, &[("a", 1, Start), ("a", 2, Heartbeat)], now);
    carry_over(&here, &there, now);
    send(&there, &[("a", 3, Heartbeat), ("a", 4, Heartbeat)], now);
    let old = here.carry("a").expect("a session");
    carry_over(&there, &here, now);
    assert_eq!(
        send(&here, &[("a", 2, Heartbeat), ("a", 5, Heartbeat)], now).0,
        "da",
        "its ids are known yet"
    );
    assert_eq!((here.live(), here.viewers_since(0, 10).total), (1, 1), "it is counted once");
    here.adopt("a", old, &call(now, &native)).expect("a state it knows");
    let (_, outcome) = send(&here, &[("a", 6, Stop)], now);
    let record = &outcome.ended[0];
    assert_eq!((record.summary.events, record.started_unix_ms, record.ended_unix_ms), (6, 1_001, 1_006));
    assert_eq!((here.live(), here.viewers_since(0, 10).total), (0, 0));
}

#[test]
fn a_session_that_ended_elsewhere_is_over_here_too() {
    let (here, there, now) = (Sessions::new(1), Sessions::new(1), Instant::now());
    send(&here, &[("a", 1, Start)], now);
    carry_over(&here, &there, now);
    send(&there, &[("a", 2, Stop)], now);
    carry_over(&there, &here, now);
    assert_eq!((here.live(), here.viewers_since(0, 10).total), (0, 0));
}

#[test]
fn an_end_that_is_known_here_is_not_undone_by_a_state_that_knows_more_but_not_that() {
    let (here, there, now) = (Sessions::new(10), Sessions::new(10), Instant::now());
    send(&here, &[("a", 1, Start)], now);
    carry_over(&here, &there, now);
    send(&there, &[("a", 2, Heartbeat), ("a", 3, Heartbeat)], now);
    assert_eq!(send(&here, &[("a", 9, Stop)], now).1.ended.len(), 1);
    carry_over(&there, &here, now);
    assert_eq!((here.live(), here.viewers_since(0, 10).total, here.events_of("a")), (0, 0, Some(2)));
}

#[test]
fn a_session_that_comes_back_still_has_the_title_that_the_other_node_was_not_told() {
    let (here, there, now) = (Sessions::new(10), Sessions::new(10), Instant::now());
    send(&here, &[("a", 1, Start)], now);
    let told =
        (2..5).map(|number| Event { title: None, ..event("a", number, Heartbeat) }).collect::<Vec<_>>();
    there.fold(&told.iter().collect::<Vec<_>>(), &call(now, &native));
    carry_over(&there, &here, now);
    assert_eq!((here.live(), here.viewers_since(0, 10).total), (1, 1));
    assert_eq!(view(&here, "a").expect("a session").title, Some(4));
}

#[test]
fn a_silent_session_is_closed_and_lives_again_with_its_next_event() {
    let (sessions, now) = (Sessions::new(10), Instant::now());
    send(&sessions, &[("a", 1, Start)], now);
    assert!(sweep(&sessions, now + IDLE).is_empty(), "not silent for longer than allowed");
    let closed = sweep(&sessions, now + IDLE + Duration::from_millis(1));
    assert_eq!((closed.len(), closed[0].summary.ended, sessions.live()), (1, false, 0));
    assert!(view(&sessions, "a").expect("kept for questions").ended);
    send(&sessions, &[("a", 2, Heartbeat)], now + IDLE);
    assert_eq!((sessions.live(), sessions.viewers_since(0, 10).total), (1, 1));
    assert_eq!(view(&sessions, "a").expect("a session").summary.events, 2);
}

#[test]
fn windows_count_once_what_a_silent_session_came_to_and_not_what_is_put_down_with_the_node() {
    let (sessions, now) = (Sessions::new(1_000), Instant::now());
    send(&sessions, &[("a", 1, Start), ("b", 1, Start)], now);
    let counted = |sessions: &Sessions| (sessions.seen().session_v1s, sessions.seen().ended);
    sessions.sweep(None, &call(now, &native));
    assert_eq!((sessions.live(), counted(&sessions)), (0, (0, 0)));
    let later = now + limits::SILENCE;
    send(&sessions, &[("a", 2, Heartbeat), ("b", 2, Heartbeat), ("c", 1, Start)], now);
    assert_eq!(sweep(&sessions, now + IDLE + Duration::from_millis(1)).len(), 3);
    assert_eq!((sessions.live(), counted(&sessions)), (0, (0, 0)));
    // Who comes back in time is not counted twice, nor whoever comes back too late.
    send(&sessions, &[("a", 3, Heartbeat)], now + IDLE);
    sweep(&sessions, later);
    assert_eq!((sessions.live(), counted(&sessions)), (0, (2, 0)));
    send(&sessions, &[("a", 4, Stop), ("b", 3, Stop)], later);
    assert_eq!(counted(&sessions), (3, 2));
    // A node that ends counts whom it has not heard of for long.
    send(&sessions, &[("d", 1, Start), ("e", 1, Start)], now);
    assert_eq!(sweep(&sessions, now + IDLE + Duration::from_millis(1)).len(), 2);
    send(&sessions, &[("e", 2, Heartbeat)], now);
    sessions.sweep(None, &call(now, &native));
    assert_eq!((sessions.live(), counted(&sessions)), (0, (4, 2)));
}

#[test]
fn a_silent_session_counts_under_the_release_that_served_it() {
    let (sessions, now) = (Sessions::new(10), Instant::now());
    send(&sessions, &[("a", 1, Start)], now);
    let next = Call { generation: 2, arm: "canary", ..call(now + limits::SILENCE, &native) };
    assert_eq!(sessions.sweep(Some(IDLE), &next).len(), 1);
    let windows = sessions.drain_windows();
    let counted = windows.iter().filter(|window| window.totals.session_v1s > 0);
    let values: BTreeSet<_> = counted.map(|window| (window.dimension.name(), &*window.value)).collect();
    assert_eq!(values, BTreeSet::from([("all", "all"), ("generation", "1"), ("title", "4")]));
}

#[test]
fn what_a_silent_session_came_to_counts_when_there_is_no_room_for_it_any_more() {
    let (sessions, now) = (Sessions::new(10), Instant::now());
    let silent = now + IDLE + Duration::from_millis(1);
    for number in 0..200 {
        send(&sessions, &[(&format!("s{number}"), 1, Start)], now);
        sweep(&sessions, silent);
    }
    let kept = (0..200).filter(|number| view(&sessions, &format!("s{number}")).is_some()).count();
    assert!(kept < 200);
    assert_eq!(sessions.seen().session_v1s, 200 - kept as u64);
}

#[test]
fn no_more_sessions_than_allowed_begin_and_those_that_are_there_go_on() {
    let (sessions, now) = (Sessions::new(2), Instant::now());
    assert_eq!(send(&sessions, &[("a", 1, Start)], now).0, "a");
    assert_eq!(send(&sessions, &[("b", 1, Start)], now).0, "a");
    let (fates, outcome) = send(&sessions, &[("c", 1, Start), ("a", 2, Heartbeat)], now);
    assert_eq!(fates, "ra");
    assert!(matches!(&outcome.fates[0], Fate::Refused(error) if error.code() == "sessions-full"));
    send(&sessions, &[("a", 3, Stop)], now);
    assert_eq!(send(&sessions, &[("c", 1, Start)], now).0, "a");
}

#[test]
fn a_component_that_fails_leaves_all_as_it_was() {
    let (sessions, now) = (Sessions::new(10), Instant::now());
    let fail = |_: &[u8]| Err(InvokeError::Deadline);
    let first = [event("a", 1, Start)];
    let outcome = sessions.fold(&first.iter().collect::<Vec<_>>(), &call(now, &fail));
    assert!(matches!(&outcome.fates[0], Fate::Refused(error) if error.code() == "deadline"));
    assert_eq!((sessions.live(), view(&sessions, "a")), (0, None));
    assert_eq!(send(&sessions, &[("a", 1, Start)], now).0, "a");

    sessions.fold(&[&event("a", 2, Heartbeat)], &call(now, &fail));
    assert_eq!(sessions.live(), 1);
    assert_eq!(send(&sessions, &[("a", 2, Heartbeat)], now).0, "a", "what was refused may come again");
}

#[test]
fn what_comes_twice_in_a_request_is_refused_twice_unless_it_was_known() {
    let (sessions, now) = (Sessions::new(10), Instant::now());
    send(&sessions, &[("a", 1, Start)], now);
    let fail = |_: &[u8]| Err(InvokeError::Deadline);
    let told = [("a", 1, Start), ("a", 2, Heartbeat), ("a", 2, Heartbeat), ("a", 1, Start)];
    assert_eq!(send_by(&sessions, &told, &call(now, &fail)).0, "drrd");
    assert_eq!(send(&sessions, &told, now).0, "dadd");
}

#[test]
fn an_answer_that_cannot_be_read_counts_nothing() {
    let (sessions, now) = (Sessions::new(10), Instant::now());
    for answer in [Vec::new(), vec![7; 3], native(wire::packed::FoldBatch::default().bytes()).expect("one")] {
        let lie = move |_: &[u8]| Ok(answer.clone());
        let outcome = sessions.fold(&[&event("a", 1, Start)], &call(now, &lie));
        assert!(matches!(&outcome.fates[0], Fate::Refused(error) if error.code() == "nonsense-answer"));
    }
    assert_eq!(sessions.live(), 0);
}

#[test]
fn a_state_that_the_component_does_not_know_starts_anew() {
    let (sessions, now) = (Sessions::new(10), Instant::now());
    send(&sessions, &[("a", 1, Start), ("a", 2, Heartbeat)], now);
    // Of another release: it knows no state but its own, and has none.
    let other = |batch: &[u8]| {
        let mut foreign = batch.to_vec();
        // Version, length of the state, and its first byte.
        if foreign[4] > 0 {
            foreign[6] ^= 0xff;
        }
        native(&foreign)
    };
    let outcome = sessions.fold(&[&event("a", 3, Heartbeat)], &Call { generation: 2, ..call(now, &other) });
    assert!(matches!(outcome.fates[0], Fate::Accepted));
    let view = view(&sessions, "a").expect("a session");
    assert_eq!((view.generation, view.summary.events), (2, 1));
}

#[test]
fn forgotten_event_ids_are_the_oldest_ones() {
    let (sessions, now) = (Sessions::new(10), Instant::now());
    let many = u32::try_from(limits::EVENT_IDS_MAX).expect("a small number");
    for number in 0..=many {
        send(&sessions, &[("a", number, Heartbeat)], now);
    }
    assert_eq!(send(&sessions, &[("a", 0, Heartbeat), ("a", many, Heartbeat)], now).0, "ad");
}

#[test]
fn of_a_player_that_sends_many_at_once_the_last_five_requests_are_known() {
    let (sessions, now) = (Sessions::new(10), Instant::now());
    let many = u32::try_from(limits::EVENT_IDS_MAX).expect("a small number");
    let request = |first: u32| -> Vec<(&str, u32, EventKind)> {
        (first * many..(first + 1) * many).map(|number| ("a", number, Heartbeat)).collect()
    };
    for first in 0..5 {
        assert!(send(&sessions, &request(first), now).0.bytes().all(|fate| fate == b'a'));
    }
    assert!(send(&sessions, &request(0), now).0.bytes().all(|fate| fate == b'd'), "its answer was lost");
    send(&sessions, &request(5), now);
    assert!(send(&sessions, &request(0), now).0.bytes().all(|fate| fate == b'a'), "so many are not kept");
}

#[test]
fn windows_count_what_sessions_saw_by_what_they_have_in_common() {
    let (sessions, now) = (Sessions::new(10), Instant::now());
    let told = [("a", 1, Start), ("b", 1, Start), ("a", 2, Stop)];
    send(&sessions, &told, now);
    let windows = sessions.drain_windows();
    let counted = |dimension: windows::Dimension, value: &str| {
        let window = windows.iter().find(|window| window.dimension == dimension && *window.value == *value);
        window.map(|window| (window.totals.started, window.totals.ended))
    };
    assert_eq!(counted(windows::Dimension::All, "all"), Some((2, 1)));
    assert_eq!(counted(windows::Dimension::Title, "4"), Some((2, 1)));
    assert_eq!(counted(windows::Dimension::Generation, "1"), Some((2, 1)));
    assert_eq!(counted(windows::Dimension::Arm, "stable"), Some((2, 1)));
    assert_eq!(counted(windows::Dimension::Region, "eu"), None);
}

#[test]
fn what_a_request_tells_of_several_windows_counts_in_each_of_them() {
    let (sessions, now) = (Sessions::new(10), Instant::now());
    let (length, window) = (windows::limits::WINDOW.get(), 1_000);
    let begin = window * length;
    // An hour ago, which is too late; before and behind the beginning of the window that is on.
    let told = [
        ("e1", Start, begin - 3_600_000),
        ("e2", EventKind::FirstFrame, begin - 3_600_000 + 500),
        ("e3", Heartbeat, begin - 3_600_000 + 10_500),
        ("e4", Heartbeat, begin - 20_000),
        ("e5", Heartbeat, begin - 1),
        ("e6", Heartbeat, begin + 9_999),
    ];
    // In any order.
    let events: Vec<Event<'_>> =
        told.iter().rev().map(|(id, kind, at)| Event::new(*id, "a", *kind, *at)).collect();
    let call = Call { now_unix_ms: begin + 10_000, ..call(now, &native) };
    let outcome = sessions.fold(&events.iter().collect::<Vec<_>>(), &call);
    assert!(outcome.fates.iter().all(|fate| matches!(fate, Fate::Accepted)));
    let view = view(&sessions, "a").expect("a session");
    assert_eq!(view.summary.events, 6);
    let counted = sessions.drain_windows();
    let played = |number: u64| {
        let all = |window: &&Window| {
            window.start.get() == number * length && window.dimension == windows::Dimension::All
        };
        counted.iter().find(all).map(|window| window.totals.played.get())
    };
    // A silence counts for five minutes at most, and in the window in which it ends.
    assert_eq!(played(window), Some(10_000));
    assert_eq!(played(window - 1), Some(300_000 + 19_999));
    assert_eq!((played(window - 12), sessions.deltas().late), (None, 1));
}

#[test]
fn a_recorded_session_is_retired_unless_it_went_on() {
    let (sessions, now) = (Sessions::new(10), Instant::now());
    send(&sessions, &[("a", 1, Start), ("b", 1, Start), ("b", 2, Heartbeat)], now);
    sessions.retire(&[("a".to_owned(), 1_001), ("b".to_owned(), 1_001), ("c".to_owned(), 9)].into());
    assert_eq!((sessions.live(), sessions.viewers_since(0, 10).total), (1, 1));
    assert!(view(&sessions, "a").expect("kept for questions").ended);
    assert!(!view(&sessions, "b").expect("a session").ended);
}
