//! From a node's spool into the database: whatever is cut, killed or sent again, each acknowledged event once.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;

use spool::{Settings, Spool};
use wire::{Event, EventKind};

use crate::batches::{encoded, now_unix_ms, send, stored};
use crate::stage::Stage;

fn open(folder: &Path, epoch: u64) -> Spool {
    let settings = Settings { segment_bytes: 64 << 10, ..Settings::new(epoch) };
    Spool::open(folder, settings, now_unix_ms()).expect("a spool").0
}

/// Stores one event and waits until it is safe: this is what a node answers its player by.
fn keep(spool: &Spool, name: &str) {
    let event = Event::new(name, "session-1", EventKind::Heartbeat, now_unix_ms());
    let (told, answer) = channel();
    let done = move |result| told.send(result).expect("somebody waits");
    let payload = wire::write_events(&[&event]);
    spool.append(spool::Lane::Events, now_unix_ms(), 1, payload, done).expect("room");
    answer.recv().expect("an answer").expect("stored");
}

/// Sends what is not acknowledged, a few frames at a time; `answered` says whether the answer to the nth batch comes.
async fn deliver(stage: &Stage, token: &str, spool: &Spool, answered: impl Fn(usize) -> bool) {
    let mut cursor = spool.cursor(spool::Lane::Events);
    for turn in 0.. {
        let read = spool.read(spool::Lane::Events, cursor, 400).expect("readable");
        if read.frames.is_empty() {
            return;
        }
        let frames: Vec<(u64, &[u8])> =
            read.frames.iter().map(|frame| (frame.sequence, &*frame.payload)).collect();
        let answer = stored(send(stage, token, encoded(read.epoch, &frames)).await).await;
        if !answered(turn) {
            return;
        }
        assert!(answer.sequence >= frames.last().expect("a frame").0);
        spool.acknowledge(spool::Lane::Events, answer.epoch, answer.sequence);
        cursor = read.next;
    }
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<_> = entries.filter(|path| path.extension().is_some_and(|is| is == "seg")).collect();
    paths.sort_unstable();
    paths
}

/// As it is on the disk now: what a crash, or an image, would keep.
fn image(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a folder");
    for entry in fs::read_dir(folder).expect("the folder") {
        let path = entry.expect("an entry").path();
        fs::copy(&path, copy.path().join(path.file_name().expect("a name"))).expect("copied");
    }
    copy
}

async fn check(stage: &Stage, node_epochs: &str, expected: &BTreeSet<String>) {
    let question = format!("select event_id from events where epoch in ({node_epochs})");
    let rows = stage.client.query(&question, &[]).await.unwrap();
    let found: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let distinct: BTreeSet<String> = found.iter().cloned().collect();
    assert_eq!(found.len(), distinct.len(), "an event is there twice");
    assert!(expected.is_subset(&distinct), "lost: {:?}", expected.difference(&distinct));
}

/// A spool is cut at one place after another of what was being written when the node died. Everything answered for is
/// in the part that is left; the node starts again, and sends all that it does not know to be stored.
#[tokio::test]
async fn a_spool_cut_anywhere_gives_each_acknowledged_event_once() {
    let stage = Stage::new("spooled_cut").await;
    let token = stage.token("edge-1").await;
    const EVENTS: usize = 12;
    let mut epoch = 100;
    for cut_step in 0..24_u64 {
        epoch += 10;
        let folder = tempfile::tempdir().expect("a folder");
        let spool = open(folder.path(), epoch);
        let mut lengths = Vec::new();
        for number in 0..EVENTS {
            keep(&spool, &format!("{epoch}-{number}"));
            lengths.push(fs::metadata(&segments(folder.path())[0]).expect("a segment").len());
            // Now and then the answer to a batch is lost with the connection: the frames go again.
            if number == 5 {
                deliver(&stage, token.text(), &spool, |turn| turn % 2 == 0 && cut_step % 3 == 0).await;
            }
        }
        drop(spool);
        // The node died while it wrote what is behind `cut`: it had answered for what is whole before it.
        let whole = *lengths.last().expect("a length");
        let cut = lengths[6] + (whole - lengths[6]) * cut_step / 23;
        let path = &segments(folder.path())[0];
        fs::OpenOptions::new().write(true).open(path).and_then(|file| file.set_len(cut)).expect("cut");
        let answered = lengths.iter().filter(|length| **length <= cut).count();
        let mut expected: BTreeSet<String> =
            (0..answered).map(|number| format!("{epoch}-{number}")).collect();
        // The first attempt after the start loses its answer as well.
        for attempt in 0..2 {
            let spool = open(folder.path(), epoch + 1 + attempt);
            keep(&spool, &format!("{epoch}-again-{attempt}"));
            expected.insert(format!("{epoch}-again-{attempt}"));
            deliver(&stage, token.text(), &spool, |turn| attempt > 0 || turn > 0).await;
        }
        check(&stage, &format!("{epoch}, {}, {}", epoch + 1, epoch + 2), &expected).await;
    }
}

/// A machine is set back to an old image: what it sends again is known, and what is new is not taken for the old.
#[tokio::test]
async fn a_node_set_back_to_an_old_image_repeats_no_number() {
    let stage = Stage::new("spooled_image").await;
    let token = stage.token("edge-1").await;
    let folder = tempfile::tempdir().expect("a folder");
    let spool = open(folder.path(), 1);
    let mut expected = BTreeSet::new();
    let mut keep_all = |spool: &Spool, names: &[&str]| {
        for name in names {
            keep(spool, name);
            expected.insert((*name).to_owned());
        }
        expected.clone()
    };
    keep_all(&spool, &["a", "b"]);
    let old = image(folder.path());
    keep_all(&spool, &["c", "d"]);
    deliver(&stage, token.text(), &spool, |_| true).await;
    drop(spool);
    let spool = open(old.path(), 2);
    let expected = keep_all(&spool, &["e", "f"]);
    deliver(&stage, token.text(), &spool, |_| true).await;
    check(&stage, "1, 2", &expected).await;
    assert_eq!(stage.count("select count(*) from events").await, 6);
}
