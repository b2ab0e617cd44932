//! What goes when there is too much, or when it is too old.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, Mutex};

use spool::{Cursor, Dropped, Lane, Notice, Settings, Spool};

use crate::scene::{NOW, append, open, read_all, segments, wait_until};

const SEGMENT_BYTES: u64 = 64 << 10;

fn settings(bytes_max: u64) -> Settings {
    Settings { segment_bytes: SEGMENT_BYTES, bytes_max, ..Settings::new(1) }
}

fn fill(spool: &Spool, lane: Lane, frames: usize) {
    for number in 0..frames {
        append(spool, lane, NOW, &vec![number as u8; 10_000]).expect("stored");
    }
}

fn bytes_on_disk(folder: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(folder).expect("the folder");
    entries.map(|entry| entry.expect("an entry").metadata().expect("its length").len()).sum()
}

#[test]
fn the_oldest_events_go_before_any_record_and_all_are_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let told = Arc::new(Mutex::new(Dropped::default()));
    let teller = Arc::clone(&told);
    let notify = Arc::new(move |notice| {
        if let Notice::Dropped { lane, dropped } = notice {
            assert_eq!(lane, Lane::Events);
            let mut sum = teller.lock().expect("a sum");
            sum.frames += dropped.frames;
            sum.records += dropped.records;
            sum.bytes += dropped.bytes;
        }
    });
    let settings = Settings { notify, ..settings(10 * SEGMENT_BYTES) };
    let max = settings.bytes_max;
    let (spool, _) = open(folder.path(), settings);
    fill(&spool, Lane::Records, 30);
    fill(&spool, Lane::Events, 100);
    assert!(bytes_on_disk(folder.path()) <= max + 1_000);
    let records = read_all(&spool, Lane::Records, spool.cursor(Lane::Records), 1 << 20);
    assert_eq!(records.len(), 30);
    let events = read_all(&spool, Lane::Events, spool.cursor(Lane::Events), 1 << 20);
    let dropped = spool.status().lanes[1].dropped;
    assert_eq!(events.len() as u64 + dropped.frames, 100);
    assert_eq!((dropped.records, dropped.bytes), (dropped.frames, dropped.frames * 10_000));
    assert_eq!(events[0].sequence, dropped.frames + 1, "the oldest go");
    assert_eq!(*told.lock().expect("a sum"), dropped);
    assert_eq!(spool.status().lanes[0].dropped, Dropped::default());
}

/// Inodes of the segments.
fn files(folder: &std::path::Path) -> HashSet<u64> {
    segments(folder).iter().map(|path| std::fs::metadata(path).expect("its inode").ino()).collect()
}

#[test]
fn a_full_spool_writes_over_what_has_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let (spool, _) = open(folder.path(), settings(4 * SEGMENT_BYTES));
    fill(&spool, Lane::Events, 60);
    let mut seen = files(folder.path());
    for _ in 0..20 {
        fill(&spool, Lane::Events, 5);
        seen.extend(files(folder.path()));
        assert!(bytes_on_disk(folder.path()) <= 4 * SEGMENT_BYTES + 1_000);
    }
    assert!(seen.len() <= 6, "{} files for 14 segments", seen.len());
    let before = read_all(&spool, Lane::Events, spool.cursor(Lane::Events), 1 << 20);
    drop(spool);
    let (spool, recovered) = open(folder.path(), settings(4 * SEGMENT_BYTES));
    assert_eq!((recovered.torn_bytes, recovered.damaged_bytes, recovered.damaged_segments), (0, 0, 0));
    assert_eq!(read_all(&spool, Lane::Events, spool.cursor(Lane::Events), 1 << 20), before);
    assert_eq!(before.last().map(|frame| frame.sequence), Some(160));
}

#[test]
fn records_go_when_there_are_no_events_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let (spool, _) = open(folder.path(), settings(6 * SEGMENT_BYTES));
    fill(&spool, Lane::Events, 10);
    fill(&spool, Lane::Records, 100);
    let status = spool.status();
    assert_eq!(status.lanes[1].dropped.frames, 7, "all but what the writer still adds to");
    let records = read_all(&spool, Lane::Records, spool.cursor(Lane::Records), 1 << 20);
    assert_eq!(records.len() as u64 + status.lanes[0].dropped.frames, 100);
    assert!(status.lanes[0].dropped.frames > 0);
}

#[test]
fn what_is_only_kept_goes_first_and_does_not_count() {
    let folder = tempfile::tempdir().expect("a folder");
    let (spool, _) = open(folder.path(), settings(8 * SEGMENT_BYTES));
    fill(&spool, Lane::Records, 20);
    spool.acknowledge(Lane::Records, 1, 20);
    fill(&spool, Lane::Events, 40);
    let status = spool.status();
    assert_eq!(status.lanes.map(|lane| lane.dropped), [Dropped::default(); 2]);
    assert_eq!(read_all(&spool, Lane::Events, spool.cursor(Lane::Events), 1 << 20).len(), 40);
    assert!(status.lanes[0].segments < 3);
}

#[test]
fn what_was_acknowledged_goes_when_it_has_been_kept_long_enough() {
    let folder = tempfile::tempdir().expect("a folder");
    let (spool, _) = open(folder.path(), Settings { keep_ms: 1_000, ..settings(1 << 30) });
    fill(&spool, Lane::Events, 20);
    spool.acknowledge(Lane::Events, 1, 15);
    spool.sweep(NOW + 1_000);
    wait_until("the writer", || spool.replay(Lane::Events, 0, u64::MAX).count() == 20);
    spool.sweep(NOW + 1_001);
    wait_until("the end of the kept", || spool.replay(Lane::Events, 0, u64::MAX).count() < 20);
    // What is not acknowledged stays, and the rest of its segment with it.
    assert_eq!(read_all(&spool, Lane::Events, spool.cursor(Lane::Events), 1 << 20).len(), 5);
    spool.acknowledge(Lane::Events, 1, 20);
    wait_until("an empty folder", || spool.status().lanes[1].segments == 0);
    assert_eq!(spool.status().lanes[1].dropped, Dropped::default());
    assert_eq!(append(&spool, Lane::Events, NOW, b"next").expect("stored"), 21);
}

#[test]
fn what_is_too_old_goes_and_is_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let (spool, _) = open(folder.path(), Settings { age_ms_max: 5_000, ..settings(1 << 30) });
    fill(&spool, Lane::Records, 3);
    spool.acknowledge(Lane::Records, 1, 1);
    spool.sweep(NOW + 5_001);
    wait_until("the end of the old", || spool.status().lanes[0].dropped.frames == 2);
    let (next, spool) = (append(&spool, Lane::Records, NOW + 5_002, b"new").expect("stored"), spool);
    assert_eq!(next, 4);
    let left = read_all(&spool, Lane::Records, spool.cursor(Lane::Records), 1 << 20);
    assert_eq!(left.len(), 1);
    assert_eq!(read_all(&spool, Lane::Records, Cursor::after(0), 1 << 20), left);
}

#[test]
fn a_setting_out_of_range_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let check = |settings: Settings, named: &str| match Spool::open(folder.path(), settings, NOW) {
        Err(spool::SpoolError::Setting { field, .. }) => assert_eq!(field, named),
        other => panic!("{other:?}"),
    };
    check(Settings::new(u64::MAX), "epoch");
    check(Settings { segment_bytes: 1, ..Settings::new(1) }, "segment_bytes");
    check(Settings { segment_bytes: 1 << 30, ..Settings::new(1) }, "segment_bytes");
    check(settings(SEGMENT_BYTES * 4 - 1), "bytes_max");
    check(Settings { waiting_bytes_max: 1, ..Settings::new(1) }, "waiting_bytes_max");
}

#[test]
fn a_segment_is_kept_open_however_short_what_is_stored_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let (spool, _) = open(folder.path(), Settings { keep_ms: 0, ..settings(1 << 30) });
    for minute in 0..50 {
        append(&spool, Lane::Events, NOW + minute * 60_000, b"now and then").expect("stored");
    }
    assert_eq!(spool.status().lanes[1].segments, 1);
}
