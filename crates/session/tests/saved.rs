//! Saved sessions that nobody saved.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use quickcheck::quickcheck;
use session::{Codec, Event, EventKind, SavedError, Screen, Session, limits};
use units::{Kbps, Millis, UnixMillis};

fn saved() -> Vec<u8> {
    let event = |kind, at_ms: u64| Event {
        rate: Some(Kbps::new(2_500)),
        duration: Some(Millis::new(7_200_000)),
        ..Event::new(kind, UnixMillis::new(1_700_000_000_000 + at_ms))
    };
    let mut session = Session::default();
    session.fold(vec![event(EventKind::Start, 0), event(EventKind::FirstFrame, 800)]).unwrap();
    session.save()
}

fn check_refused(saved: &[u8]) {
    assert_eq!(Session::restore(saved), Err(SavedError::Malformed), "{saved:02x?}");
}

#[test]
fn no_bytes_are_a_session_that_has_not_begun() {
    assert_eq!(Session::restore(&[]), Ok(Session::default()));
}

#[test]
fn a_saved_session_is_refused_when_cut_or_continued() {
    let saved = saved();
    for length in 1..saved.len() {
        check_refused(&saved[..length]);
    }
    check_refused(&[&saved[..], &[0xc0]].concat());
}

#[test]
fn another_version_is_refused() {
    let mut saved = saved();
    assert_eq!(saved[3], 3, "an array of 81, then the version");
    saved[3] = 2;
    check_refused(&saved);
}

/// The saved form of a session that has not begun: one byte a field, after the version.
fn with(field: usize, bytes: &[u8]) -> Vec<u8> {
    let mut saved = Session::default().save();
    saved.splice(4 + field..=4 + field, bytes.iter().copied());
    saved
}

#[test]
fn what_no_fold_writes_is_refused() {
    assert_eq!(Session::default().save().len(), 4 + 80, "the bytes are where this test expects them");
    assert!(Session::restore(&with(8, &[7])).is_ok());
    check_refused(&with(0, &[4])); // No such phase.
    check_refused(&with(1, &[2])); // Neither true nor false.
    check_refused(&with(17, &[0xc0])); // No played time.
    check_refused(&with(17, &[0xff])); // Played for -1 ms.
    check_refused(&with(17, &[0xcf, 0, 0, 0, 1, 0, 0, 0, 0])); // Played for 50 days.
    check_refused(&with(10, &[7])); // A newest number that was not seen.
    check_refused(&with(45, &[6])); // No such codec.
    check_refused(&with(47, &[0xce, 0, 0x0f, 0x42, 0x41])); // A picture better than the original.
    check_refused(&with(68, &[0])); // A highest bit rate of 0.
    check_refused(&with(78, &[0])); // A title of no length.
    check_refused(&with(17, &[0x90])); // An array within.
}

#[test]
fn a_number_too_large_for_its_field_is_refused() {
    check_refused(&with(40, &[0xcf, 0, 0, 0, 1, 0, 0, 0, 0])); // Errors in more than 32 bits.
    check_refused(&with(42, &[0xce, 0, 1, 0, 0])); // A width in more than 16.
}

#[test]
fn an_endless_form_is_refused_before_it_is_read() {
    let mut saved = saved();
    saved.resize(limits::SAVED_BYTES_MAX + 1, 0);
    check_refused(&saved);
}

#[test]
fn the_longest_session_fits_the_limit() {
    let mut session = Session::default();
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
    let kinds = [EventKind::Start, EventKind::FirstFrame, EventKind::BufferingStart, EventKind::BufferingEnd];
    session.fold(kinds.map(|kind| absurd(kind, u64::MAX)).to_vec()).unwrap();
    session.fold(kinds.map(|kind| absurd(kind, u64::MAX - 1)).to_vec()).unwrap();
    assert_eq!(Session::restore(&session.save()), Ok(session));
}

quickcheck! {
    fn malformed_bytes_never_panic(bytes: Vec<u8>) -> bool {
        Session::restore(&bytes).is_ok_and(|session| session == Session::default()) == bytes.is_empty()
    }

    fn a_flipped_byte_never_panics_and_never_makes_an_unsaveable_session(index: usize, byte: u8) -> bool {
        let mut bytes = saved();
        let index = index % bytes.len();
        bytes[index] = byte;
        Session::restore(&bytes).is_err_and(|error| error == SavedError::Malformed)
            || Session::restore(&bytes).is_ok_and(|session| Session::restore(&session.save()) == Ok(session))
    }
}
