//! Numbers, reading, acknowledging, replaying.

use std::sync::{Arc, Mutex};

use spool::{Cursor, Lane, Notice, Settings, Spool, SpoolError};

use crate::scene::{NOW, append, open, payloads, read_all, wait_until};

#[test]
fn what_was_stored_is_read_in_its_order_and_in_any_portions() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Settings { segment_bytes: 64 << 10, ..Settings::new(1) };
    let (spool, recovered) = open(folder.path(), settings);
    assert_eq!(recovered, spool::Recovered::default());
    let written: Vec<Vec<u8>> = (0..300_usize).map(|number| vec![number as u8; number * 7]).collect();
    for (number, payload) in written.iter().enumerate() {
        assert_eq!(append(&spool, Lane::Events, NOW, payload).expect("stored"), number as u64 + 1);
    }
    assert!(spool.status().lanes[1].segments > 1);
    assert_eq!(read_all(&spool, Lane::Records, spool.cursor(Lane::Records), 1_000), []);
    for bytes_max in [0, 1, 100, 2_000, 100_000, usize::MAX] {
        let frames = read_all(&spool, Lane::Events, spool.cursor(Lane::Events), bytes_max);
        assert!(payloads(&frames) == written, "{bytes_max} bytes at a time");
        assert!(frames.iter().all(|frame| frame.epoch == 1 && frame.at_unix_ms == NOW && frame.records == 1));
        // From the middle, without the place of a reading before.
        let frames = read_all(&spool, Lane::Events, Cursor::after(150), bytes_max);
        assert!(payloads(&frames) == written[150..]);
    }
}

#[test]
fn a_portion_holds_no_more_than_asked_unless_one_frame_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let (spool, _) = open(folder.path(), Settings::new(1));
    for bytes in [10, 10, 500, 10] {
        append(&spool, Lane::Records, NOW, &vec![0; bytes]).expect("stored");
    }
    let mut cursor = spool.cursor(Lane::Records);
    for expected in [2, 1, 1, 0] {
        let read = spool.read(Lane::Records, cursor, 25).expect("readable");
        assert_eq!(read.frames.len(), expected);
        cursor = read.next;
    }
}

#[test]
fn lanes_count_apart_and_a_later_epoch_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    for epoch in [5, 3, 9] {
        let (spool, _) = open(folder.path(), Settings::new(epoch));
        append(&spool, Lane::Events, NOW, &[epoch as u8]).expect("stored");
        append(&spool, Lane::Events, NOW, &[epoch as u8]).expect("stored");
        append(&spool, Lane::Records, NOW, &[epoch as u8]).expect("stored");
    }
    let (spool, recovered) = open(folder.path(), Settings::new(4));
    assert_eq!((recovered.frames, recovered.records, recovered.unacknowledged_frames), (9, 9, 9));
    let numbers = |lane| {
        let frames = read_all(&spool, lane, spool.cursor(lane), 1 << 20);
        frames.iter().map(|frame| (frame.epoch, frame.sequence)).collect::<Vec<_>>()
    };
    assert_eq!(numbers(Lane::Events), [(5, 1), (5, 2), (3, 3), (3, 4), (9, 5), (9, 6)]);
    assert_eq!(numbers(Lane::Records), [(5, 1), (3, 2), (9, 3)]);
    // One answer is of one epoch: a batch has one.
    let read = spool.read(Lane::Events, spool.cursor(Lane::Events), 1 << 20).expect("readable");
    assert_eq!((read.epoch, read.frames.len()), (5, 2));
}

#[test]
fn what_is_acknowledged_is_not_read_again_even_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let (spool, _) = open(folder.path(), Settings::new(1));
    for payload in [b"one", b"two"] {
        append(&spool, Lane::Events, NOW, payload).expect("stored");
    }
    spool.acknowledge(Lane::Events, 1, 1);
    assert_eq!(spool.cursor(Lane::Events), Cursor::after(1));
    drop(spool);
    let (spool, recovered) = open(folder.path(), Settings::new(2));
    assert_eq!((recovered.frames, recovered.unacknowledged_frames), (2, 1));
    let frames = read_all(&spool, Lane::Events, spool.cursor(Lane::Events), 1 << 20);
    assert_eq!(payloads(&frames), [b"two"]);
}

#[test]
fn an_acknowledgement_says_nothing_about_another_epoch() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(append(&open(folder.path(), Settings::new(1)).0, Lane::Events, NOW, b"one"));
    let (spool, _) = open(folder.path(), Settings::new(2));
    append(&spool, Lane::Events, NOW, b"two").expect("stored");
    // The origin knows a hundred of epoch 1: this folder was set back to an image from before they were stored.
    spool.acknowledge(Lane::Events, 1, 100);
    let frames = read_all(&spool, Lane::Events, spool.cursor(Lane::Events), 1 << 20);
    assert_eq!(payloads(&frames), [b"two"]);
    spool.acknowledge(Lane::Events, 77, 100);
    assert_eq!(spool.cursor(Lane::Events), Cursor::after(1));
    spool.acknowledge(Lane::Events, 2, 100);
    assert_eq!(spool.cursor(Lane::Events), Cursor::after(2));
}

#[test]
fn numbers_never_fall_behind_what_was_acknowledged() {
    let folder = tempfile::tempdir().expect("a folder");
    let (spool, _) = open(folder.path(), Settings::new(1));
    for _ in 0..3 {
        append(&spool, Lane::Events, NOW, b"old").expect("stored");
    }
    spool.acknowledge(Lane::Events, 1, 3);
    drop(spool);
    // Somebody removes the segments by hand.
    for entry in std::fs::read_dir(folder.path()).expect("the folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "seg") {
            std::fs::remove_file(path).expect("removed");
        }
    }
    let (spool, _) = open(folder.path(), Settings::new(2));
    assert_eq!(append(&spool, Lane::Events, NOW, b"new").expect("stored"), 4);
    let frames = read_all(&spool, Lane::Events, spool.cursor(Lane::Events), 1 << 20);
    assert_eq!(payloads(&frames), [b"new"]);
}

#[test]
fn many_threads_get_numbers_of_their_own_and_nothing_is_lost() {
    const THREADS: usize = 8;
    const EACH: usize = 200;
    let folder = tempfile::tempdir().expect("a folder");
    let (spool, _) = open(folder.path(), Settings { segment_bytes: 64 << 10, ..Settings::new(1) });
    let numbers = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let spool = &spool;
                scope.spawn(move || {
                    let store = |number: usize| {
                        let payload = format!("{thread} {number}").repeat(20).into_bytes();
                        (append(spool, Lane::Events, NOW, &payload).expect("stored"), payload)
                    };
                    (0..EACH).map(store).collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a thread")).collect::<Vec<_>>()
    });
    let mut expected = numbers;
    expected.sort_unstable();
    let read = read_all(&spool, Lane::Events, Cursor::after(0), 10_000);
    let found: Vec<_> = read.into_iter().map(|frame| (frame.sequence, frame.payload)).collect();
    assert_eq!(found.len(), THREADS * EACH);
    assert!(found == expected, "a number names what its caller stored");
}

#[test]
fn a_folder_belongs_to_one_spool() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, _) = open(folder.path(), Settings::new(1));
    let second = Spool::open(folder.path(), Settings::new(2), NOW);
    assert!(matches!(second, Err(SpoolError::Locked { .. })));
    drop(first);
    open(folder.path(), Settings::new(2));
}

#[test]
fn what_waits_is_bounded_and_a_large_payload_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Settings { waiting_bytes_max: 8 << 20, ..Settings::new(1) };
    let (spool, _) = open(folder.path(), settings);
    // The writer is held in the first answer, so that what comes after waits.
    let (go, held) = std::sync::mpsc::channel::<()>();
    let (entered, is_held) = std::sync::mpsc::channel();
    let hold = move |_| {
        entered.send(()).expect("somebody waits");
        held.recv().expect("told to go on");
    };
    spool.append(Lane::Events, NOW, 1, Vec::new(), hold).expect("room");
    is_held.recv().expect("the writer");
    let half = || spool.append(Lane::Events, NOW, 1, vec![0; 4 << 20], |_| ());
    half().expect("room");
    half().expect("room");
    assert_eq!(half().expect_err("full").code(), "spool-full");
    go.send(()).expect("the writer waits");
    wait_until("room", || half().is_ok());
    let large = spool.append(Lane::Events, NOW, 1, vec![0; (8 << 20) + 1], |_| ());
    assert_eq!(large.expect_err("too large").code(), "spool-frame-too-large");
}

#[test]
fn a_reader_is_told_that_there_is_more() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let folder = tempfile::tempdir().expect("a folder");
    let teller = Arc::clone(&told);
    let notify = Arc::new(move |notice| {
        if let Notice::More(lane) = notice {
            teller.lock().expect("a list").push(lane);
        }
    });
    let (spool, _) = open(folder.path(), Settings { notify, ..Settings::new(1) });
    append(&spool, Lane::Records, NOW, b"one").expect("stored");
    append(&spool, Lane::Events, NOW, b"one").expect("stored");
    drop(spool);
    assert_eq!(*told.lock().expect("a list"), [Lane::Records, Lane::Events]);
}

#[test]
fn a_replay_gives_what_is_recent_acknowledged_or_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = |epoch| Settings { segment_bytes: 64 << 10, ..Settings::new(epoch) };
    let (spool, _) = open(folder.path(), settings(1));
    for number in 0..100_u64 {
        append(&spool, Lane::Events, NOW + number, &vec![number as u8; 4_000]).expect("stored");
    }
    spool.acknowledge(Lane::Events, 1, 90);
    drop(spool);
    let (spool, _) = open(folder.path(), settings(2));
    let replayed = |since, bytes| {
        let frames = spool.replay(Lane::Events, since, bytes);
        frames.map(|frame| u64::from(frame.payload[0])).collect::<Vec<_>>()
    };
    assert_eq!(replayed(0, u64::MAX), (0..100).collect::<Vec<_>>());
    assert_eq!(replayed(NOW + 70, u64::MAX), (70..100).collect::<Vec<_>>());
    assert_eq!(replayed(NOW + 100, u64::MAX), []);
    // Whole segments from the newest back.
    let some = replayed(0, 200_000);
    assert_eq!(some.last(), Some(&99));
    assert!(some.len() > 20 && some.len() < 50, "{} frames", some.len());
}
