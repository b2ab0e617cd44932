//! States of a batch, and such that nobody wrote.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod any;

use any::Any;
use quickcheck::quickcheck;
use session::packed::{MARK, STATE_VERSION};
use session::{Codec, Event, EventKind, KINDS, SavedError, Screen, Session, limits};
use units::{Kbps, Millis, UnixMillis};

const BEGIN_MS: u64 = 1_700_000_000_000;

fn state(session: &Session) -> Vec<u8> {
    let mut state = Vec::new();
    session.pack_into(&mut state);
    state
}

fn folded(events: &[Event]) -> Session {
    let mut session = Session::default();
    session.fold(events.to_vec()).unwrap();
    session
}

/// A session without stalls, that reports as most do.
fn watched() -> Session {
    let report = |kind, number: u32, at_ms: u64| Event {
        sequence: Some(number),
        position: Some(Millis::new(at_ms)),
        duration: Some(Millis::new(7_200_000)),
        rate: Some(Kbps::new(3_000)),
        buffer: Some(Millis::new(14_000)),
        ..Event::new(kind, UnixMillis::new(BEGIN_MS + at_ms))
    };
    let beats = (2..100).map(|number| report(EventKind::Heartbeat, number, u64::from(number) * 10_000));
    let begin = [report(EventKind::Start, 0, 0), report(EventKind::FirstFrame, 1, 800)];
    folded(&begin.into_iter().chain(beats).collect::<Vec<_>>())
}

fn check_refused(bytes: &[u8]) {
    assert_eq!(Session::unpack(bytes), Err(SavedError::Malformed), "{bytes:02x?}");
}

/// The state of a session of which nothing is known, with groups and flags set and bytes appended.
fn with(groups: u32, flags: u64, tail: &[u8]) -> Vec<u8> {
    let mut bytes = vec![MARK, STATE_VERSION];
    bytes.extend(&groups.to_le_bytes()[..3]);
    bytes.extend(&flags.to_le_bytes()[..5]);
    bytes.extend([0; 16]);
    bytes.extend(tail);
    bytes
}

#[test]
fn the_layout_is_as_documented() {
    let start = Event { sequence: Some(7), ..Event::new(EventKind::Start, UnixMillis::new(0x0102_0304)) };
    let screen = Event { screen: Some(Screen::Tv), ..Event::new(EventKind::Pause, start.at) };
    let mut expected = vec![0xc1, 2, 0b1001, 0, 0b1000];
    // Starting, with a pause and a television; a newest event, a newest number, a start and when the pause began.
    expected.extend([1 << 4, 4 << 5, 0b111, 1 << 5, 0]);
    expected.extend([4, 3, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0]);
    expected.extend([7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    expected.extend([4, 3, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expected.extend([4, 3, 2, 1, 0, 0, 0, 0]);
    assert_eq!(state(&folded(&[start, screen])), expected);
}

#[test]
fn a_session_of_which_nothing_is_known_is_its_head() {
    assert_eq!(state(&Session::default()), with(0, 0, &[]));
    assert_eq!(Session::unpack(&with(0, 0, &[])), Ok(Session::default()));
    assert_eq!(Session::restore_any(&[]), Ok(Session::default()));
}

#[test]
fn a_session_of_heartbeats_is_short() {
    assert!(state(&watched()).len() <= 200, "{}", state(&watched()).len());
}

#[test]
fn a_state_is_refused_when_cut_or_continued() {
    let bytes = state(&watched());
    (0..bytes.len()).for_each(|length| check_refused(&bytes[..length]));
    check_refused(&[&bytes[..], &[0]].concat());
}

#[test]
fn what_no_fold_writes_is_refused() {
    check_refused(&with(1 << 20, 0, &[])); // No such group.
    check_refused(&with(0, 1 << 31, &[])); // No such flag.
    check_refused(&with(0, 7 << 10, &[])); // No such codec.
    check_refused(&with(0, 5 << 13, &[])); // No such screen.
    check_refused(&with(0, 1 << 17, &[])); // A newest number that was not seen.
    check_refused(&with(0, 1 << 28, &[])); // A highest bit rate of 0.
    check_refused(&with(0, 1 << 23, &[])); // A title of no length.
    check_refused(&with(1, 0, &[1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])); // A newest number that is not there.
    check_refused(&with(1 << 2, 1 << 21, &[0; 8])); // A group that holds nothing.
    let picture =
        |millionths: u32| with(1 << 5, 1 << 20, &[&millionths.to_le_bytes()[..], &[0; 24]].concat());
    assert!(Session::unpack(&picture(1_000_000)).is_ok());
    check_refused(&picture(1_000_001)); // Better than the original.
    let rate = |kbps: u32, log: u32| {
        with(1 << 4, 0, &[&kbps.to_le_bytes()[..], &log.to_le_bytes(), &[0; 20]].concat())
    };
    assert!(Session::unpack(&rate(u32::MAX, 22_180_710)).is_ok());
    check_refused(&rate(u32::MAX, 22_180_711)); // No logarithm is greater.
    check_refused(&rate(1, 1)); // ln 1 is 0.
}

#[test]
fn another_version_is_refused() {
    let mut bytes = state(&watched());
    bytes[1] += 1;
    check_refused(&bytes);
    assert_eq!(Session::restore_any(&bytes), Err(SavedError::Malformed));
}

#[test]
fn the_longest_state_fits_the_limit() {
    let absurd = |kind, at| Event {
        sequence: Some(u32::MAX),
        position: Some(Millis::new(u64::MAX)),
        duration: Some(Millis::new(u64::MAX)),
        rate: Some(Kbps::new(u32::MAX)),
        top_rate: Some(Kbps::new(u32::MAX)),
        throughput: Some(Kbps::new(u32::MAX)),
        buffer: Some(Millis::new(u64::MAX)),
        latency: Some(Millis::new(u64::MAX)),
        startup: Some(Millis::new(u64::MAX)),
        stalled: Some(Millis::new(u64::MAX)),
        stalled_more: Some(Millis::new(u64::MAX)),
        buffering_events: Some(u32::MAX),
        dropped_frames: Some(u32::MAX),
        width: Some(u16::MAX),
        height: Some(1),
        frame_rate_milli: Some(u32::MAX),
        codec: Some(Codec::Other),
        screen: Some(Screen::Tv),
        ..Event::new(kind, UnixMillis::new(at))
    };
    let mut session = folded(&KINDS.map(|kind| absurd(kind, u64::MAX)));
    session.fold(KINDS.map(|kind| absurd(kind, u64::MAX - 1)).to_vec()).unwrap();
    assert!(state(&session).len() <= limits::STATE_BYTES_MAX);
    assert_eq!(Session::unpack(&state(&session)), Ok(session));
}

quickcheck! {
    fn both_forms_are_of_the_same_session(before: Vec<Any>, after: Vec<Any>) -> bool {
        let events = |any: &[Any]| any.iter().map(|any| any.0).collect::<Vec<_>>();
        let mut session = folded(&events(&before));
        let mut again = Session::restore_any(&state(&session)).unwrap();
        let is_same = again == session && Session::restore_any(&session.save()) == Ok(again.clone());
        session.fold(events(&after)).unwrap();
        again.fold(events(&after)).unwrap();
        is_same && again.save() == session.save()
    }

    fn malformed_bytes_never_panic(bytes: Vec<u8>, groups: u32, flags: u64) -> bool {
        let framed = with(groups & 0x7_ffff, flags & 0x1fff_ffff, &bytes);
        let is_own_form = |bytes: &[u8]| Session::unpack(bytes).map_or(true, |session| state(&session) == bytes);
        is_own_form(&bytes) && is_own_form(&framed)
    }

    fn a_flipped_byte_is_refused_or_another_session_of_this_one_form(index: usize, byte: u8) -> bool {
        let mut bytes = state(&watched());
        let index = index % bytes.len();
        bytes[index] = byte;
        Session::unpack(&bytes).map_or(true, |session| state(&session) == bytes)
    }

    fn a_state_that_is_cut_is_refused(events: Vec<Any>, length: usize) -> bool {
        let bytes = state(&folded(&events.iter().map(|any| any.0).collect::<Vec<_>>()));
        Session::unpack(&bytes[..length % bytes.len()]) == Err(SavedError::Malformed)
    }
}
