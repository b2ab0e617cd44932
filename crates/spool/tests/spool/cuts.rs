//! A folder that was cut or damaged anywhere.

use std::fs;
use std::path::Path;

use quickcheck::QuickCheck;
use spool::{Cursor, Frame, Lane, Settings, Spool};

use crate::scene::{append, open, payloads, read_all, segments};

fn copy(from: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for path in segments(from) {
        fs::copy(&path, folder.path().join(path.file_name().expect("a name"))).expect("copied");
    }
    folder
}

/// With room for eight segments, in which frames are written over soon.
fn full(epoch: u64) -> Settings {
    Settings { segment_bytes: 64 << 10, bytes_max: 8 * (64 << 10), ..Settings::new(epoch) }
}

/// Stores an event. All have one length, so that a frame of a file's former life begins where one of its next does.
fn store(spool: &Spool, number: u8) {
    append(spool, Lane::Events, crate::scene::NOW, &[number; 3_000]).expect("stored");
}

/// Two epochs of events, the first in several segments.
fn written() -> (tempfile::TempDir, Vec<Frame>) {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = |epoch| Settings { segment_bytes: 64 << 10, ..Settings::new(epoch) };
    for (epoch, count, bytes) in [(1, 12, 20_000), (2, 5, 30)] {
        let (spool, _) = open(folder.path(), settings(epoch));
        for number in 0..count {
            append(&spool, Lane::Events, crate::scene::NOW, &vec![number; bytes]).expect("stored");
        }
    }
    let (spool, _) = open(folder.path(), settings(3));
    let frames = read_all(&spool, Lane::Events, spool.cursor(Lane::Events), 1 << 20);
    assert_eq!(frames.len(), 17);
    drop(spool);
    (folder, frames)
}

#[test]
fn a_cut_at_any_byte_of_the_tail_costs_only_what_was_not_finished() {
    let (folder, frames) = written();
    let last = segments(folder.path()).pop().expect("a segment");
    let length = fs::metadata(&last).expect("its length").len();
    assert_eq!(length, 48 + 5 * (32 + 30));
    for cut in 0..=length {
        let copied = copy(folder.path());
        let torn = copied.path().join(last.file_name().expect("a name"));
        fs::OpenOptions::new().write(true).open(&torn).and_then(|file| file.set_len(cut)).expect("cut");
        let whole = usize::try_from(cut.saturating_sub(48) / 62).expect("small");
        let (spool, recovered) = open(copied.path(), Settings::new(9));
        let found = read_all(&spool, Lane::Events, spool.cursor(Lane::Events), 10_000);
        assert!(found == frames[..12 + whole], "cut at {cut}");
        assert_eq!(recovered.damaged_bytes + recovered.damaged_segments, 0);
        // What comes next is numbered above it and found after another start, which finds nothing to repair.
        let next = append(&spool, Lane::Events, crate::scene::NOW, b"next").expect("stored");
        assert!(next > found.last().expect("a frame").sequence);
        drop(spool);
        let (spool, recovered) = open(copied.path(), Settings::new(10));
        assert_eq!((recovered.frames, recovered.torn_bytes), (12 + whole as u64 + 1, 0));
        let again = read_all(&spool, Lane::Events, spool.cursor(Lane::Events), 10_000);
        assert!(again[..again.len() - 1] == found);
        assert_eq!(again.last().map(|frame| (&*frame.payload, frame.epoch)), Some((&b"next"[..], 9)));
    }
}

#[test]
fn a_frame_that_is_torn_over_an_older_one_costs_itself_and_brings_nothing_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let (spool, _) = open(folder.path(), full(1));
    (0..200).for_each(|number| store(&spool, number));
    let before = copy(folder.path());
    store(&spool, 200);
    let after = copy(folder.path());
    let frames = read_all(&spool, Lane::Events, Cursor::after(0), 1 << 20);
    let newest = |folder: &Path| segments(folder).pop().expect("a segment");
    let name = newest(after.path()).file_name().expect("a name").to_owned();
    let (old, new) = (fs::read(before.path().join(&name)), fs::read(after.path().join(&name)));
    let (old, new) = (old.expect("the same segment"), new.expect("the newest"));
    assert_eq!(old.len(), new.len(), "it was written over");
    let at = old.iter().zip(&new).position(|(old, new)| old != new).expect("a frame more");
    let end = (48..new.len()).step_by(3_032).find(|end| *end > at).expect("its end");
    for cut in (at..end).step_by(101).chain([end - 1, end, end + 1, new.len()]) {
        let copied = copy(after.path());
        let torn = [&new[..cut], &old[cut..]].concat();
        fs::write(copied.path().join(&name), torn).expect("written");
        let (spool, recovered) = open(copied.path(), full(2));
        let found = read_all(&spool, Lane::Events, Cursor::after(0), 1 << 20);
        assert!(found == frames[..frames.len() - usize::from(cut < end)], "cut at {cut} of {at} to {end}");
        // Who can tell what is torn from what was there before?
        assert_eq!((recovered.torn_bytes, recovered.damaged_bytes, recovered.damaged_segments), (0, 0, 0));
        append(&spool, Lane::Events, crate::scene::NOW, b"next").expect("stored");
        let again = read_all(&spool, Lane::Events, Cursor::after(0), 1 << 20);
        assert!(
            again[..again.len() - 1] == found && again.last().is_some_and(|frame| frame.payload == b"next")
        );
    }
}

#[test]
fn what_is_torn_in_the_middle_of_a_group_over_older_frames_is_no_damage() {
    let folder = tempfile::tempdir().expect("a folder");
    let (spool, _) = open(folder.path(), full(1));
    (0..200).for_each(|number| store(&spool, number));
    let newest = || segments(folder.path()).pop().expect("a segment");
    // Until a segment begins, and five frames of it.
    let before = newest();
    while newest() == before {
        store(&spool, 200);
    }
    (201..205).for_each(|number| store(&spool, number));
    let frames = read_all(&spool, Lane::Events, Cursor::after(0), 1 << 20);
    let newest = newest();
    let mut bytes = fs::read(&newest).expect("the newest");
    assert!(bytes[40..44] != [0; 4], "it was written over");
    // The disk had the last frame of three before it had the one in the middle.
    let copied = copy(folder.path());
    let middle = 48 + 3 * 3_032;
    bytes[middle..middle + 1_000].fill(7);
    fs::write(copied.path().join(newest.file_name().expect("a name")), bytes).expect("written");
    let (spool, recovered) = open(copied.path(), full(2));
    assert_eq!((recovered.torn_bytes, recovered.damaged_bytes, recovered.damaged_segments), (3_032, 0, 0));
    let mut expected = frames;
    expected.remove(expected.len() - 2);
    assert!(read_all(&spool, Lane::Events, Cursor::after(0), 1 << 20) == expected);
}

#[test]
fn a_file_that_lost_its_new_name_is_no_damage() {
    let folder = tempfile::tempdir().expect("a folder");
    let (spool, _) = open(folder.path(), full(1));
    (0..200).for_each(|number| store(&spool, number));
    drop(spool);
    // As a power cut leaves it that comes between the header and the name.
    let newest = segments(folder.path()).pop().expect("a segment");
    fs::rename(&newest, folder.path().join("events-00000000000000000001.seg")).expect("renamed");
    let (spool, recovered) = open(folder.path(), full(2));
    assert_eq!((recovered.damaged_bytes, recovered.damaged_segments, recovered.odd_files_count), (0, 0, 0));
    assert!(!folder.path().join("events-00000000000000000001.seg").exists());
    let frames = read_all(&spool, Lane::Events, Cursor::after(0), 1 << 20);
    assert!(frames.windows(2).all(|pair| pair[0].sequence + 1 == pair[1].sequence));
}

#[test]
fn damage_anywhere_loses_no_other_frame_invents_none_and_keeps_the_order() {
    let (folder, frames) = written();
    let paths = segments(folder.path());
    let property = move |which: usize, place: usize, flip: u8| {
        let copied = copy(folder.path());
        let path = &paths[which % paths.len()];
        let damaged = copied.path().join(path.file_name().expect("a name"));
        let mut bytes = fs::read(&damaged).expect("a segment");
        let place = place % bytes.len();
        bytes[place] ^= flip.max(1);
        fs::write(&damaged, bytes).expect("written");
        let (spool, recovered) = open(copied.path(), Settings::new(9));
        let found = read_all(&spool, Lane::Events, spool.cursor(Lane::Events), 10_000);
        let mut rest = frames.iter();
        let is_subsequence = found.iter().all(|frame| rest.any(|written| written == frame));
        let lost = frames.len() - found.len();
        // A damaged header costs its segment, anything else one frame.
        let is_one = lost <= if place < 48 { 5 } else { 1 };
        let is_told = recovered.damaged_bytes + recovered.damaged_segments + recovered.torn_bytes > 0;
        is_subsequence && is_one && is_told && spool.replay(Lane::Events, 0, u64::MAX).count() == found.len()
    };
    // A closure, since a copy of the folder is dear.
    QuickCheck::new().tests(300).quickcheck(Probe(std::sync::Arc::new(property)));
}

/// A property that knows a folder.
#[derive(Clone)]
struct Probe<F>(std::sync::Arc<F>);

impl<F: Fn(usize, usize, u8) -> bool + 'static> quickcheck::Testable for Probe<F> {
    fn result(&self, generator: &mut quickcheck::Gen) -> quickcheck::TestResult {
        let number = |generator: &mut _| <u32 as quickcheck::Arbitrary>::arbitrary(generator) as usize;
        let (which, place, flip) = (number(generator), number(generator), number(generator) as u8);
        quickcheck::TestResult::from_bool((self.0)(which, place, flip))
    }
}

#[test]
fn a_segment_that_is_damaged_while_it_is_open_is_read_around() {
    let folder = tempfile::tempdir().expect("a folder");
    let (spool, _) = open(folder.path(), Settings::new(1));
    let written: Vec<Vec<u8>> = (0..9).map(|number| vec![number; 100]).collect();
    for payload in &written {
        append(&spool, Lane::Events, crate::scene::NOW, payload).expect("stored");
    }
    let path = segments(folder.path()).remove(0);
    let mut bytes = fs::read(&path).expect("a segment");
    for place in [48 + 2 * 132 + 3, 48 + 5 * 132 + 40] {
        bytes[place] ^= 1;
    }
    fs::write(&path, bytes).expect("written");
    let expected: Vec<_> = [0, 1, 3, 4, 6, 7, 8].map(|number| written[number].clone()).to_vec();
    for bytes_max in [0, 150, 1_000, 1 << 20] {
        let found = read_all(&spool, Lane::Events, spool.cursor(Lane::Events), bytes_max);
        assert_eq!(payloads(&found), expected, "{bytes_max} bytes at a time");
    }
}

#[test]
fn odd_files_are_named_and_left_alone() {
    let (folder, frames) = written();
    let newest = segments(folder.path()).pop().expect("a segment");
    let odd = ["events-1.seg", "events-00000000000000000000.seg", "notes.txt", "records-x.seg"];
    for name in odd {
        fs::write(folder.path().join(name), "odd").expect("written");
    }
    fs::create_dir(folder.path().join("folder")).expect("made");
    // A segment under the name of another lane, and of another number.
    for name in ["records-00000000000000000013.seg", "events-00000000000000000099.seg"] {
        fs::copy(&newest, folder.path().join(name)).expect("copied");
    }
    let (spool, mut recovered) = open(folder.path(), Settings::new(9));
    recovered.odd_files.sort_unstable();
    let mut expected = odd.to_vec();
    expected.push("folder");
    expected.sort_unstable();
    assert_eq!(recovered.odd_files, expected);
    assert_eq!((recovered.odd_files_count, recovered.damaged_segments), (5, 2));
    assert!(read_all(&spool, Lane::Events, spool.cursor(Lane::Events), 1 << 20) == frames);
    assert_eq!(read_all(&spool, Lane::Records, spool.cursor(Lane::Records), 1 << 20), []);
    assert!(append(&spool, Lane::Events, crate::scene::NOW, b"next").expect("stored") > 99);
    assert!(odd.iter().all(|name| folder.path().join(name).exists()));
}
