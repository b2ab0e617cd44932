//! Batches of folds as the host writes and reads them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use session::Session;
use wire::packed::{EVENT_BYTES, FoldBatch, SESSION_EVENTS_MAX, folded, pack_event};
use wire::{Event, EventKind, PlaybackEvent, SessionReport};

fn fold(batch: &FoldBatch) -> Vec<u8> {
    session::packed::fold_batch(batch.bytes()).unwrap()
}

fn report(kind: EventKind, number: u32) -> PlaybackEvent {
    let at_ms = u64::from(number) * 10_000;
    PlaybackEvent {
        sequence: Some(number),
        position_ms: Some(at_ms),
        kbps: Some(3_000),
        buffer_ms: Some(12_000),
        ..PlaybackEvent::new(kind, 1_700_000_000_000 + at_ms)
    }
}

/// The same as a player sends it.
fn sent(report: PlaybackEvent) -> Event<'static> {
    Event {
        sequence: report.sequence,
        position_ms: report.position_ms,
        kbps: report.kbps,
        buffer_ms: report.buffer_ms,
        ..Event::new("e", "s", report.kind, report.at_unix_ms)
    }
}

#[test]
fn events_added_one_by_one_are_those_of_a_list() {
    let reports = [report(EventKind::Start, 0), report(EventKind::Heartbeat, 1)];
    let (mut listed, mut single, mut packed) = Default::default();
    let mut records = Vec::new();
    reports.iter().for_each(|report| pack_event(report, &mut records));
    FoldBatch::add(&mut listed, b"", &reports).unwrap();
    FoldBatch::add_packed(&mut packed, b"", &records).unwrap();
    FoldBatch::begin_session(&mut single, b"").unwrap();
    reports.iter().for_each(|report| single.event(&sent(*report)));
    single.end_session().unwrap();
    assert_eq!(listed.bytes(), single.bytes());
    assert_eq!(listed.bytes(), packed.bytes());
    assert_eq!((single.sessions(), single.events()), (1, 2));
}

#[test]
fn what_windows_count_comes_always_and_the_rest_when_it_is_asked_for() {
    let reports =
        [report(EventKind::Start, 0), report(EventKind::FirstFrame, 1), report(EventKind::Heartbeat, 2)];
    let mut batch = FoldBatch::with_capacity(2);
    batch.add(b"", &reports).unwrap();
    let answer = fold(&batch);
    let live = folded(&answer).unwrap().pop().unwrap().unwrap();
    let session = Session::restore_any(live.state).unwrap();
    let summary = SessionReport::from(&session).summary;
    let seen = live.seen;
    assert_eq!(live.full, None);
    assert_eq!((seen.played_ms, seen.startup_ms, seen.events), (10_000, Some(10_000), 3));
    assert_eq!((seen.rate_sum, seen.rated_ms), (30_000_000, 10_000));
    assert_eq!((seen.mean_kbps(), seen.mean_buffer_ms()), (summary.mean_kbps, summary.mean_buffer_ms));
    let mut batch = FoldBatch::default();
    batch.add(live.state, &[]).unwrap();
    let answer = fold(&batch);
    let asked = folded(&answer).unwrap().pop().unwrap().unwrap();
    let (summary, scores) = *asked.full.unwrap();
    assert_eq!(SessionReport { summary, scores }, SessionReport::from(&session));
    assert_eq!((asked.state, asked.seen), (live.state, live.seen));
}

#[test]
fn a_refused_session_leaves_the_batch_as_it_was() {
    let mut batch = FoldBatch::default();
    batch.add(b"", &[report(EventKind::Start, 0)]).unwrap();
    let before = batch.bytes().to_vec();
    assert!(batch.add(&vec![0; 1 << 16], &[]).is_err());
    assert!(batch.add_packed(b"", &[0; EVENT_BYTES + 1]).is_err());
    assert!(batch.add(b"", &vec![report(EventKind::Heartbeat, 1); 1 << 16]).is_err());
    batch.begin_session(b"begun, not ended").unwrap();
    batch.event(&sent(report(EventKind::Start, 0)));
    batch.begin_session(b"").unwrap();
    batch.event(&sent(report(EventKind::Start, 0)));
    batch.end_session().unwrap();
    assert_eq!((batch.sessions(), batch.events()), (2, 2));
    assert_eq!(batch.bytes(), [&before[..], &before[4..]].concat());
}

#[test]
fn without_a_session_an_event_is_lost() {
    let mut batch = FoldBatch::default();
    batch.event(&sent(report(EventKind::Start, 0)));
    batch.end_session().unwrap();
    assert_eq!((batch.bytes(), batch.events()), (FoldBatch::default().bytes(), 0));
}

#[test]
fn too_many_events_of_a_session_are_the_components_to_refuse() {
    let mut batch = FoldBatch::default();
    batch.add(b"", &vec![report(EventKind::Heartbeat, 1); SESSION_EVENTS_MAX + 1]).unwrap();
    let answer = fold(&batch);
    assert_eq!(folded(&answer).unwrap()[0].as_ref().unwrap_err().code, "too-many-events");
}
