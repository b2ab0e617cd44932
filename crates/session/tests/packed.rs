//! Events and folds as bytes.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod any;

use any::Any;
use quickcheck::quickcheck;
use session::packed::{
    EVENT_BYTES, Folded, PackedError, Status, VERSION, begin_batch, begin_session, fold_batch, folded,
    mean_buffer_ms, mean_kbps, pack_event, pack_session, pack_session_records, unpack_event,
};
use session::{Event, EventKind, Phase, Session, limits};
use units::{Millis, UnixMillis};

fn packed(event: &Event) -> [u8; EVENT_BYTES] {
    let mut bytes = Vec::new();
    pack_event(event, &mut bytes);
    bytes.try_into().unwrap()
}

/// As a record can hold it.
fn cut(event: Event) -> Event {
    let cut = |length: Option<Millis>| length.map(|ms| ms.min(limits::TOTAL_MAX));
    Event { buffer: cut(event.buffer), latency: cut(event.latency), ..event }
}

fn plain(events: &[Any]) -> Vec<Event> {
    events.iter().map(|any| cut(any.0)).collect()
}

fn batch(sessions: &[(&[u8], &[Event])]) -> Vec<u8> {
    let mut batch = begin_batch();
    sessions.iter().for_each(|(state, events)| pack_session(state, events, &mut batch).unwrap());
    batch
}

/// What became of each session of a sound batch.
fn read(answer: &[u8]) -> Vec<Result<Folded<'_>, Status>> {
    folded(answer).unwrap().map(Result::unwrap).collect()
}

fn packed_state(session: &Session) -> Vec<u8> {
    let mut state = Vec::new();
    session.pack_into(&mut state);
    state
}

#[test]
fn the_layout_is_as_documented() {
    let event = Event {
        sequence: Some(0x0102_0304),
        position: Some(Millis::new(5)),
        height: Some(1_080),
        ..Event::new(EventKind::Stop, UnixMillis::new(0x0807_0605_0403_0201))
    };
    let bytes = packed(&event);
    assert_eq!(bytes[..8], [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(bytes[8..12], (1_u32 | 1 << 1 | 1 << 14).to_le_bytes());
    assert_eq!(bytes[12..16], [15, 0, 0, 0]);
    assert_eq!(bytes[18..28], [0x38, 0x04, 5, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(bytes[36..40], [4, 3, 2, 1]);
}

#[test]
fn an_absent_number_has_one_form() {
    let mut bytes = packed(&Event::new(EventKind::Start, UnixMillis::new(1)));
    assert!(unpack_event(&bytes).is_ok());
    bytes[40] = 1; // A bit rate that is not there.
    assert_eq!(unpack_event(&bytes), Err(PackedError::Record));
}

#[test]
fn a_session_that_nobody_saved_harms_no_other() {
    let start = [Event::new(EventKind::Start, UnixMillis::new(1))];
    let answer = fold_batch(&batch(&[(b"", &start), (b"not a state", &start), (b"", &[])])).unwrap();
    let sessions = read(&answer);
    assert_eq!(sessions[0].as_ref().unwrap().seen.events, 1);
    assert_eq!(sessions[1], Err(Status::State));
    assert_eq!(sessions[2].as_ref().unwrap().state, packed_state(&Session::default()));
}

#[test]
fn too_many_events_of_one_session_are_refused_alone() {
    let events = vec![Event::new(EventKind::Heartbeat, UnixMillis::new(1)); limits::EVENTS_MAX + 1];
    let answer = fold_batch(&batch(&[(b"", &events), (b"", &events[1..])])).unwrap();
    let sessions = read(&answer);
    assert_eq!(sessions[0], Err(Status::TooManyEvents));
    assert_eq!(sessions[1].as_ref().unwrap().seen.events, limits::EVENTS_MAX as u32);
}

#[test]
fn an_event_that_nobody_writes_is_refused_with_its_session() {
    let start = [Event::new(EventKind::Start, UnixMillis::new(1))];
    let mut bytes = batch(&[(b"", &start), (b"", &start)]);
    bytes[4 + 2 + 2 + 12] = 16; // No such kind.
    let sessions: Vec<_> =
        folded(&fold_batch(&bytes).unwrap()).unwrap().map(|read| read.unwrap().err()).collect();
    assert_eq!(sessions, [Some(Status::Event), None]);
}

#[test]
fn summary_and_scores_come_when_a_session_ends_and_when_they_are_asked_for() {
    let check = |state: &[u8], kinds: &[EventKind], is_full: bool| {
        let events: Vec<Event> = kinds.iter().map(|kind| Event::new(*kind, UnixMillis::new(1))).collect();
        let answer = fold_batch(&batch(&[(state, &events)])).unwrap();
        let sessions = read(&answer);
        let folded = sessions[0].as_ref().unwrap();
        assert_eq!(folded.full.is_some(), is_full, "{kinds:?}");
        folded.state.to_vec()
    };
    let live = check(b"", &[EventKind::Start, EventKind::Heartbeat], false);
    check(&live, &[], true);
    let ended = check(&live, &[EventKind::Stop], true);
    check(&ended, &[EventKind::Heartbeat], false); // It had ended.
    check(&ended, &[], true);
}

#[test]
fn a_session_that_is_taken_away_leaves_nothing() {
    let mut bytes = begin_batch();
    let open = begin_session(b"state", &mut bytes).unwrap();
    pack_event(&Event::new(EventKind::Start, UnixMillis::new(1)), &mut bytes);
    open.cancel(&mut bytes);
    assert_eq!(bytes, begin_batch());
    let open = begin_session(b"", &mut bytes).unwrap();
    bytes.push(0);
    assert_eq!(open.end(&mut bytes), Err(Status::Event));
    assert_eq!(pack_session(&vec![0; 1 << 16], &[], &mut bytes), Err(Status::State));
    assert_eq!(
        pack_session_records(b"", &vec![0; EVENT_BYTES << 16], &mut bytes),
        Err(Status::TooManyEvents)
    );
    assert_eq!(bytes, begin_batch());
}

#[test]
fn a_batch_that_is_cut_anywhere_is_refused_whole() {
    let start = [Event::new(EventKind::Start, UnixMillis::new(1))];
    let whole = batch(&[(b"", &start)]);
    for length in (0..whole.len()).filter(|length| *length != 4) {
        assert_eq!(fold_batch(&whole[..length]), Err(PackedError::Length(length)));
    }
}

#[test]
fn another_version_is_refused() {
    let mut bytes = begin_batch();
    bytes[0] = VERSION as u8 + 1;
    assert_eq!(fold_batch(&bytes), Err(PackedError::Version(VERSION + 1)));
    assert_eq!(folded(&bytes).err(), Some(PackedError::Version(VERSION + 1)));
}

#[test]
fn more_sessions_than_the_limit_are_refused_whole() {
    let many = vec![(&b""[..], &[][..]); limits::BATCH_SESSIONS_MAX + 1];
    assert_eq!(fold_batch(&batch(&many)), Err(PackedError::TooMany(limits::BATCH_SESSIONS_MAX)));
}

quickcheck! {
    fn an_event_is_read_as_it_was_written(any: Any) -> bool {
        unpack_event(&packed(&any.0)) == Ok(cut(any.0))
    }

    fn any_record_is_an_event_with_this_one_form_or_an_error(bytes: Vec<u8>, bits: u32) -> bool {
        let mut record = [0; EVENT_BYTES];
        bytes.iter().take(EVENT_BYTES).enumerate().for_each(|(index, byte)| record[index] = *byte);
        record[8..12].copy_from_slice(&(bits & 0x3_ffff).to_le_bytes());
        record[12] %= 20;
        unpack_event(&record).map_or(true, |event| packed(&event) == record)
    }

    fn a_batch_folds_as_each_session_by_itself(sessions: Vec<(Vec<Any>, Vec<Any>)>) -> bool {
        let sessions: Vec<(Session, Vec<Event>)> = sessions
            .iter()
            .map(|(before, events)| {
                let mut session = Session::default();
                session.fold(plain(before)).unwrap();
                (session, plain(events))
            })
            .collect();
        // A state may come in either form.
        let state = |(index, (session, _)): (usize, &(Session, Vec<Event>))| {
            if index % 2 == 0 { session.save() } else { packed_state(session) }
        };
        let states: Vec<Vec<u8>> = sessions.iter().enumerate().map(state).collect();
        let mut bytes = begin_batch();
        for ((_, events), state) in sessions.iter().zip(&states) {
            pack_session(state, events, &mut bytes).unwrap();
        }
        let answer = fold_batch(&bytes).unwrap();
        sessions.into_iter().zip(read(&answer)).all(|((mut session, events), folded)| {
            let folded = folded.unwrap();
            let had_ended = session.phase() == Phase::Ended;
            let is_asked = events.is_empty();
            session.fold(events).unwrap();
            let summary = session.summary();
            let is_full = is_asked || (summary.ended && !had_ended);
            let full = is_full.then(|| Box::new((summary, qoe::score(&summary))));
            folded.state == packed_state(&session)
                && folded.seen == session.seen()
                && folded.full == full
                && Session::restore_any(folded.state) == Ok(session)
        })
    }

    fn what_is_seen_is_what_the_summary_says(events: Vec<Any>) -> bool {
        let mut session = Session::default();
        session.fold(plain(&events)).unwrap();
        let (seen, summary) = (session.seen(), session.summary());
        seen.newest_at == session.newest_at()
            && (seen.startup, seen.played, seen.stalled) == (summary.startup, summary.played, summary.stalled)
            && (seen.stalls, seen.errors, seen.switches) == (summary.stalls, summary.errors, summary.switches)
            && (seen.dropped_frames, seen.events) == (summary.dropped_frames, summary.events)
            && (seen.ended, seen.failed) == (summary.ended, summary.failed)
            && mean_kbps(seen.kbps, seen.rate_sum, seen.rated) == summary.mean_kbps
            && mean_buffer_ms(seen.buffer_sum, seen.buffers) == summary.mean_buffer_ms
    }

    fn any_bytes_are_a_batch_or_an_error(bytes: Vec<u8>) -> bool {
        let framed = [&begin_batch()[..], &bytes].concat();
        let is_sound = |answer: Vec<u8>| folded(&answer).unwrap().all(|read| read.is_ok());
        fold_batch(&bytes).map_or(true, is_sound) && fold_batch(&framed).map_or(true, is_sound)
    }

    fn any_bytes_are_an_answer_or_an_error(bytes: Vec<u8>) -> bool {
        let mut framed = begin_batch();
        framed.extend(bytes);
        folded(&framed).unwrap().count() <= framed.len()
    }

    fn an_answer_that_is_cut_ends_in_an_error(events: Vec<Any>, length: usize) -> bool {
        let answer = fold_batch(&batch(&[(b"", &plain(&events))])).unwrap();
        let length = 5 + length % (answer.len() - 5);
        folded(&answer[..length]).unwrap().all(|read| read.is_err())
    }
}
