//! A folder, a spool in it, and what is read back.

use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;

use spool::{Cursor, Frame, Lane, Recovered, Settings, Spool, SpoolError};

pub(crate) const NOW: u64 = 1_800_000_000_000;

pub(crate) fn open(folder: &Path, settings: Settings) -> (Spool, Recovered) {
    Spool::open(folder, settings, NOW).expect("a spool")
}

/// The segments of a folder, oldest first within a lane.
pub(crate) fn segments(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<_> = entries.filter(|path| path.extension().is_some_and(|is| is == "seg")).collect();
    paths.sort_unstable();
    paths
}

/// Stores one payload and waits until it is safe.
pub(crate) fn append(spool: &Spool, lane: Lane, now: u64, payload: &[u8]) -> Result<u64, SpoolError> {
    let (told, answer) = channel();
    spool.append(lane, now, 1, payload.to_vec(), move |result| told.send(result).expect("somebody waits"))?;
    answer.recv().expect("an answer")
}

/// All frames behind a cursor, of all epochs.
pub(crate) fn read_all(spool: &Spool, lane: Lane, mut cursor: Cursor, bytes_max: usize) -> Vec<Frame> {
    let mut all = Vec::new();
    loop {
        let read = spool.read(lane, cursor, bytes_max).expect("readable");
        if read.frames.is_empty() {
            return all;
        }
        assert!(read.frames.iter().all(|frame| frame.epoch == read.epoch));
        cursor = read.next;
        assert_eq!(cursor.sequence(), read.frames.last().expect("a frame").sequence);
        all.extend(read.frames);
    }
}

pub(crate) fn payloads(frames: &[Frame]) -> Vec<&[u8]> {
    frames.iter().map(|frame| &*frame.payload).collect()
}

/// Waits until the writer has done what it was asked, with a deadline.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = std::time::Instant::now();
    while !is_so() {
        assert!(begin.elapsed().as_secs() < 20, "{what} did not come");
        std::thread::yield_now();
    }
}
