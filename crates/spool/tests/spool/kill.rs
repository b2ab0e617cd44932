//! A process that is killed while it stores.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use spool::{Cursor, Lane, Settings};

use crate::scene::{NOW, open, read_all, segments};

const FOLDER: &str = "FRONTROW_SPOOL_TEST_FOLDER";
const EPOCH: &str = "FRONTROW_SPOOL_TEST_EPOCH";

/// Payload of a frame, so that it can be told from its number.
fn payload(epoch: u64, place: u64) -> Vec<u8> {
    format!("{epoch} {place} ").repeat(1 + (place % 160) as usize).into_bytes()
}

/// So small that it is full after a round or two.
fn settings(epoch: u64) -> Settings {
    Settings { segment_bytes: 64 << 10, bytes_max: 10 * (64 << 10), ..Settings::new(epoch) }
}

/// The origin is so many frames of a lane behind: fewer than a spool holds, so that none is dropped.
const BEHIND: u64 = 100;

/// More at once would fill the spool with what was not told yet.
const WAITING_BYTES: usize = 30_000;

/// Not a test of its own: what the test below starts as another process, and kills.
#[test]
fn child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let epoch: u64 = std::env::var(EPOCH).expect("an epoch").parse().expect("a number");
    let (spool, _) = open(Path::new(&folder), settings(epoch));
    let output = Arc::new(Mutex::new(std::io::stdout()));
    let told: Arc<[AtomicU64; 2]> = Arc::default();
    for place in 0.. {
        // Far more events than records: their numbers lie apart, and files go from the one to the other.
        let which = usize::from(place % 8 > 0);
        let lane = Lane::ALL[which];
        let (output, telling) = (Arc::clone(&output), Arc::clone(&told));
        let done = move |result: Result<u64, spool::SpoolError>| {
            let sequence = result.expect("stored");
            // One write, so that a line is whole or not there.
            let line = format!("{} {epoch} {sequence} {place}\n", lane.name());
            output.lock().expect("a stream").write_all(line.as_bytes()).expect("somebody listens");
            telling[which].store(sequence, Ordering::SeqCst);
        };
        spool.append(lane, NOW, 1, payload(epoch, place), done).expect("room");
        let status = spool.status().lanes[which];
        assert_eq!(status.dropped.frames, 0);
        while spool.status().waiting_bytes > WAITING_BYTES {
            std::thread::yield_now();
        }
        let told = told[which].load(Ordering::SeqCst);
        spool.acknowledge(lane, epoch, told.saturating_sub(BEHIND));
    }
}

#[test]
fn nothing_stored_is_lost_when_a_process_that_writes_over_old_segments_is_killed_again_and_again() {
    const ROUNDS: u64 = 12;
    let folder = tempfile::tempdir().expect("a folder");
    let mut acknowledged: BTreeMap<(String, u64), (u64, u64)> = BTreeMap::new();
    for epoch in 1..=ROUNDS {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "kill::child", "--nocapture", "--test-threads=1"])
            .env(FOLDER, folder.path())
            .env(EPOCH, epoch.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a child");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let mut told = 0;
        for line in lines {
            let Ok(line) = line else { break };
            let words: Vec<&str> = line.split(' ').collect();
            // The test harness has lines of its own, and puts its first before ours.
            let [lane, of, sequence, place] = words[words.len().saturating_sub(4)..] else { continue };
            let (Ok(of), Ok(sequence), Ok(place)) = (of.parse::<u64>(), sequence.parse(), place.parse())
            else {
                continue;
            };
            acknowledged.insert((lane.to_owned(), sequence), (of, place));
            told += 1;
            // Another moment each time; what it told before it died still counts.
            if told == 200 + epoch * 137 {
                child.kill().expect("killed");
            }
        }
        assert!(told >= 200 + epoch * 137, "the child was killed while it stored, not before");
        child.wait().expect("gone");
    }
    let reused_bytes = |path: &std::path::PathBuf| std::fs::read(path).expect("a segment")[40..44] != [0; 4];
    assert!(segments(folder.path()).iter().any(reused_bytes), "segments were written over");
    // What is noted of segments says the same as the segments.
    drop(open(folder.path(), settings(ROUNDS + 1)));
    let (_, noted) = open(folder.path(), settings(ROUNDS + 1));
    std::fs::remove_file(folder.path().join("closed")).expect("notes");
    let (spool, recovered) = open(folder.path(), settings(ROUNDS + 1));
    assert_eq!(noted, recovered);
    assert_eq!(recovered.damaged_bytes + recovered.damaged_segments, 0);
    for lane in Lane::ALL {
        let mut places = BTreeMap::new();
        for frame in read_all(&spool, lane, Cursor::after(0), 1 << 16) {
            // Whatever is there is something that was handed over, once.
            let text = String::from_utf8(frame.payload.clone()).expect("text");
            let place = text.split(' ').nth(1).expect("a place").parse().expect("a number");
            assert_eq!(frame.payload, payload(frame.epoch, place));
            assert!(places.insert((frame.epoch, place), frame.sequence).is_none(), "a frame came twice");
        }
        let newest =
            acknowledged.keys().filter(|(of, _)| of == lane.name()).map(|(_, sequence)| *sequence).max();
        let sent = newest.expect("frames of both lanes").saturating_sub(BEHIND);
        for ((of_lane, sequence), (epoch, place)) in &acknowledged {
            // What the origin has may have gone.
            if of_lane == lane.name() && *sequence > sent {
                assert_eq!(places.get(&(*epoch, *place)), Some(sequence), "{of_lane} {sequence} is lost");
            }
        }
    }
}
