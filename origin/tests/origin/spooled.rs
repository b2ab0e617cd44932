//! From a node's spool into the database: whatever is cut, killed or sent again, each acknowledged event once.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;

use quickcheck::{Arbitrary, Gen};
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
    keep_long(spool, name, 0);
}

/// One whose error has a name of so many bytes, at most 64.
fn keep_long(spool: &Spool, name: &str, bytes: u8) {
    let error = "e".repeat(usize::from(bytes).min(64));
    let error_code = Some(error).filter(|error| !error.is_empty()).map(Into::into);
    let event = Event { error_code, ..Event::new(name, "session-1", EventKind::Heartbeat, now_unix_ms()) };
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

/// A node's life until it dies.
#[derive(Clone, Debug)]
struct Life {
    /// Bytes of the error's text, for each event that it answers for.
    events: Vec<u8>,
    /// Place of the event after which it sends what it has.
    sends_after: usize,
    /// Whether the answers to its batches come, of which the last says for all later ones.
    answered: Vec<bool>,
    /// Where it dies between there and the end of its last event, in 65,535ths.
    cut: u16,
}

impl Arbitrary for Life {
    fn arbitrary(g: &mut Gen) -> Self {
        let mut events = Vec::<u8>::arbitrary(g);
        events.truncate(24);
        events.push(u8::arbitrary(g));
        let sends_after = usize::arbitrary(g) % events.len();
        Self { events, sends_after, answered: Vec::arbitrary(g), cut: u16::arbitrary(g) }
    }
}

impl Life {
    fn is_answered(&self, turn: usize) -> bool {
        self.answered.get(turn).or(self.answered.last()).copied().unwrap_or(true)
    }

    /// Lives it, and dies: what is behind the cut was being written. Returns the events that it had answered for.
    async fn spend(&self, stage: &Stage, token: &str, folder: &Path, epoch: u64) -> BTreeSet<String> {
        let spool = open(folder, epoch);
        let name = |number: usize| format!("{epoch}-{number}");
        let mut lengths = Vec::new();
        for (number, bytes) in self.events.iter().enumerate() {
            keep_long(&spool, &name(number), *bytes);
            lengths.push(fs::metadata(&segments(folder)[0]).expect("a segment").len());
            if number == self.sends_after {
                deliver(stage, token, &spool, |turn| self.is_answered(turn)).await;
            }
        }
        drop(spool);
        // What was sent was whole.
        let [sent, whole] = [lengths[self.sends_after], lengths[lengths.len() - 1]];
        let cut = sent + (whole - sent) * u64::from(self.cut) / u64::from(u16::MAX);
        let path = &segments(folder)[0];
        fs::OpenOptions::new().write(true).open(path).and_then(|file| file.set_len(cut)).expect("cut");
        (0..lengths.len()).filter(|number| lengths[*number] <= cut).map(name).collect()
    }
}

/// Everything answered for is in the part that is left; the node starts again, and sends all that it does not know to be
/// stored.
#[tokio::test]
async fn a_spool_cut_anywhere_gives_each_acknowledged_event_once() {
    let stage = Stage::new("spooled_cut").await;
    let token = stage.token("edge-1").await;
    let mut g = Gen::new(24);
    for epoch in (100..).step_by(10).take(30) {
        let life = Life::arbitrary(&mut g);
        println!("{life:?}");
        let folder = tempfile::tempdir().expect("a folder");
        let mut expected = life.spend(&stage, token.text(), folder.path(), epoch).await;
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
