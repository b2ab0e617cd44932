//! Opening a spool whose finished segments are noted.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use spool::{Frame, Lane, Recovered, Settings};

use crate::scene::{NOW, append, open, read_all, segments};

const NOTES: &str = "closed";

fn settings(epoch: u64) -> Settings {
    Settings { segment_bytes: 64 << 10, ..Settings::new(epoch) }
}

/// Twelve events in three segments or more, and two records.
fn write(folder: &Path, epoch: u64) {
    let (spool, _) = open(folder, settings(epoch));
    for number in 0..12 {
        append(&spool, Lane::Events, NOW + u64::from(number), &vec![number; 20_000]).expect("stored");
    }
    for number in 0..2 {
        append(&spool, Lane::Records, NOW, &[number; 30]).expect("stored");
    }
}

fn reopened(folder: &Path) -> (Vec<Frame>, Recovered) {
    let (spool, recovered) = open(folder, settings(9));
    let frames = Lane::ALL.map(|lane| read_all(&spool, lane, spool.cursor(lane), 50_000));
    (frames.concat(), recovered)
}

/// Changes bytes of a file and, where asked, sets its time back to what it was.
fn change(path: &Path, at: u64, is_secret: bool) {
    let file = OpenOptions::new().read(true).write(true).open(path).expect("the file");
    let changed = file.metadata().and_then(|metadata| metadata.modified()).expect("its time");
    file.write_all_at(&[0xa5; 8], at).expect("changed");
    // Whatever the file system's clock shows, it is another time.
    let later = changed + std::time::Duration::from_secs(1);
    file.set_modified(if is_secret { changed } else { later }).expect("its time");
}

#[test]
fn a_finished_segment_is_not_read_again_unless_its_file_has_changed() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), 1);
    let (all, recovered) = reopened(folder.path());
    assert_eq!((all.len(), recovered.frames, recovered.records), (14, 14, 14));
    assert_eq!(recovered.unacknowledged_frames, 14);

    // Damage that opening did not look at is found, and read around, when the frames are sent.
    change(&segments(folder.path())[0], 30_000, true);
    let (without, unread) = reopened(folder.path());
    assert_eq!(unread, recovered);
    let is_hurt = |frame: &Frame| frame.payload[0] == 1 && frame.payload.len() == 20_000;
    assert_eq!(without, all.iter().filter(|frame| !is_hurt(frame)).cloned().collect::<Vec<_>>());
    let (same, read) = reopened(folder.path());
    assert_eq!((&same, read.frames, read.damaged_bytes), (&without, 13, 20_032), "what was found is known");

    change(&segments(folder.path())[1], 30_000, false);
    let (fewer, read) = reopened(folder.path());
    assert_eq!((fewer.len(), read.frames, read.damaged_bytes), (12, 12, 2 * 20_032));
}

#[test]
fn a_reader_is_told_how_much_is_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), 1);
    for (segment, at) in [(0, 30_000), (1, 60_000), (2, 2_000)] {
        change(&segments(folder.path())[segment], at, true);
    }
    let (spool, _) = open(folder.path(), settings(2));
    for bytes_max in [1, 30_000, 50_000, 1 << 20] {
        let (mut cursor, mut lost, mut frames) = (spool.cursor(Lane::Events), 0, 0);
        loop {
            let read = spool.read(Lane::Events, cursor, bytes_max).expect("readable");
            lost += read.damaged_bytes;
            if read.frames.is_empty() {
                break;
            }
            frames += read.frames.len();
            cursor = read.next;
        }
        assert_eq!((frames, lost), (9, 3 * 20_032), "{bytes_max} bytes at once");
    }
}

#[test]
fn what_is_read_ends_with_a_frame_whatever_is_damaged_behind_it() {
    for hurt in [0, 1, 2] {
        let folder = tempfile::tempdir().expect("a folder");
        for epoch in 1..=3 {
            write(folder.path(), epoch);
        }
        let events: Vec<_> = segments(folder.path());
        let events: Vec<_> =
            events.iter().filter(|path| path.to_string_lossy().contains("events-")).collect();
        // The last frame of an epoch.
        let last = events[(events.len() / 3) * (hurt + 1) - 1];
        let length = fs::metadata(last).expect("its length").len();
        change(last, length - 100, true);
        let (spool, _) = open(folder.path(), settings(4));
        let frames = read_all(&spool, Lane::Events, spool.cursor(Lane::Events), 1 << 20);
        assert_eq!(frames.len(), 35);
    }
}

#[test]
fn notes_that_are_damaged_or_missing_or_of_another_folder_say_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), 1);
    let (all, recovered) = reopened(folder.path());
    let notes = folder.path().join(NOTES);
    let bytes = fs::read(&notes).expect("notes");
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        fs::write(&notes, damaged).expect("damaged");
        assert_eq!(reopened(folder.path()), (all.clone(), recovered.clone()), "byte {at}");
    }
    for length in [0, 3, 8, 12, bytes.len() - 1] {
        fs::write(&notes, &bytes[..length]).expect("cut");
        assert_eq!(reopened(folder.path()), (all.clone(), recovered.clone()), "{length} bytes");
    }
    fs::remove_file(&notes).expect("removed");
    assert_eq!(reopened(folder.path()), (all.clone(), recovered.clone()));

    // Of the same names, lengths and times, but of another epoch.
    let other = tempfile::tempdir().expect("a folder");
    write(other.path(), 2);
    for path in segments(folder.path()) {
        let time = fs::metadata(&path).and_then(|metadata| metadata.modified()).expect("its time");
        let file = OpenOptions::new().write(true).open(other.path().join(path.file_name().expect("a name")));
        file.and_then(|file| file.set_modified(time)).expect("its time");
    }
    fs::copy(&notes, other.path().join(NOTES)).expect("copied");
    let (others, _) = reopened(other.path());
    assert!(others.len() == 14 && others.iter().all(|frame| frame.epoch == 2));
}

#[test]
fn what_is_still_to_be_sent_is_counted_to_the_frame() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), 1);
    for acknowledged in 1..=12 {
        let (spool, _) = open(folder.path(), settings(9));
        spool.acknowledge(Lane::Events, 1, acknowledged);
        drop(spool);
        let (frames, recovered) = reopened(folder.path());
        assert_eq!(
            (frames.len() as u64, recovered.unacknowledged_frames),
            (14 - acknowledged, 14 - acknowledged)
        );
        assert_eq!(recovered.frames, 14);
    }
}
