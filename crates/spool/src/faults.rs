//! A disk that fails when a test says so.

use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use crate::device::{Device, Disk, Output};
use crate::{Cursor, Lane, Settings, Spool, SpoolError};

/// What fails next; all of it goes well by itself.
#[derive(Clone, Default)]
struct Faults(Arc<Mutex<Plan>>);

#[derive(Default)]
struct Plan {
    // Bytes that are still taken before writing fails.
    full_after: Option<usize>,
    create: Option<io::ErrorKind>,
    open: Option<io::ErrorKind>,
    rename: Option<io::ErrorKind>,
    sync: Option<io::ErrorKind>,
    sync_folder: Option<io::ErrorKind>,
    cut: Option<io::ErrorKind>,
    opens: usize,
    folder_syncs: usize,
    syncs: usize,
}

struct Faulty {
    file: Box<dyn Output>,
    faults: Faults,
}

fn fail(kind: Option<io::ErrorKind>) -> io::Result<()> {
    kind.map_or(Ok(()), |kind| Err(kind.into()))
}

impl Faults {
    fn set(&self, change: impl FnOnce(&mut Plan)) {
        change(&mut self.0.lock().expect("a plan"));
    }

    fn get<T>(&self, read: impl FnOnce(&Plan) -> T) -> T {
        read(&self.0.lock().expect("a plan"))
    }
}

impl Device for Faults {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>> {
        fail(self.get(|plan| plan.create))?;
        Ok(Box::new(Faulty { file: Disk.create(path)?, faults: self.clone() }))
    }

    fn open(&self, path: &Path) -> io::Result<(Box<dyn Output>, u64)> {
        self.set(|plan| plan.opens += 1);
        fail(self.get(|plan| plan.open))?;
        let (file, bytes) = Disk.open(path)?;
        Ok((Box::new(Faulty { file, faults: self.clone() }), bytes))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fail(self.get(|plan| plan.rename))?;
        Disk.rename(from, to)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.set(|plan| plan.folder_syncs += 1);
        fail(self.get(|plan| plan.sync_folder))?;
        Disk.sync_folder(folder)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        Disk.remove(path)
    }
}

impl Output for Faulty {
    fn write(&mut self, at: u64, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let Some(left) = self.faults.get(|plan| plan.full_after) else { return self.file.write(at, parts) };
        if left == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        // A part of the first part, as a disk does that is nearly full.
        let first = parts.iter().find(|part| !part.is_empty()).expect("something to write");
        let written = self.file.write(at, &[IoSlice::new(&first[..first.len().min(left)])])?;
        self.faults.set(|plan| plan.full_after = Some(left - written));
        Ok(written)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.faults.set(|plan| plan.syncs += 1);
        fail(self.faults.get(|plan| plan.sync))?;
        self.file.sync()
    }

    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        fail(self.faults.get(|plan| plan.cut))?;
        self.file.cut(bytes)
    }
}

const NOW: u64 = 1_800_000_000_000;

struct Scene {
    folder: tempfile::TempDir,
    faults: Faults,
    spool: Spool,
}

impl Scene {
    fn new() -> Self {
        Self::with(Settings::new(1))
    }

    fn with(settings: Settings) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let faults = Faults::default();
        let (spool, _) =
            Spool::open_on(folder.path(), settings, NOW, Box::new(faults.clone())).expect("a new spool");
        Self { folder, faults, spool }
    }

    fn hand_over(&self, payload: &[u8]) -> Receiver<Result<u64, SpoolError>> {
        let (told, answer) = channel();
        let done = move |result| told.send(result).expect("somebody waits");
        self.spool.append(Lane::Events, NOW, 1, payload.to_vec(), done).expect("room");
        answer
    }

    fn append(&self, payload: &[u8]) -> Result<u64, SpoolError> {
        self.hand_over(payload).recv().expect("an answer")
    }

    fn reopened(self) -> Vec<Vec<u8>> {
        drop(self.spool);
        let (spool, recovered) = Spool::open(self.folder.path(), Settings::new(2), NOW).expect("the spool");
        assert_eq!(recovered.damaged_bytes, 0);
        let frames = spool.read(Lane::Events, Cursor::after(0), usize::MAX).expect("readable");
        frames.frames.into_iter().map(|frame| frame.payload).collect()
    }
}

fn code(result: Result<u64, SpoolError>) -> &'static str {
    result.expect_err("a refusal").code()
}

#[test]
fn a_full_disk_refuses_and_takes_again_when_there_is_room() {
    for room in 0..200 {
        let scene = Scene::new();
        scene.append(b"before").expect("stored");
        scene.faults.set(|plan| plan.full_after = Some(room));
        let during = scene.append(&[7; 100]);
        scene.faults.set(|plan| plan.full_after = None);
        let after = scene.append(b"after").expect("stored");
        let mut expected = vec![b"before".to_vec()];
        match during {
            Ok(sequence) => {
                assert!(sequence < after && room >= 132);
                expected.push(vec![7; 100]);
            }
            Err(error) => assert_eq!(error.code(), "spool-disk-full"),
        }
        expected.push(b"after".to_vec());
        assert_eq!(scene.reopened(), expected, "room for {room} bytes");
    }
}

#[test]
fn a_segment_that_cannot_be_made_refuses_and_the_next_is_made() {
    let scene = Scene::new();
    scene.faults.set(|plan| plan.create = Some(io::ErrorKind::StorageFull));
    assert_eq!(code(scene.append(b"one")), "spool-disk-full");
    scene.faults.set(|plan| plan.create = None);
    // Not even its header fits.
    scene.faults.set(|plan| plan.full_after = Some(20));
    assert_eq!(code(scene.append(b"two")), "spool-disk-full");
    scene.faults.set(|plan| plan.full_after = None);
    scene.append(b"three").expect("stored");
    assert_eq!(scene.reopened(), [b"three"]);
}

#[test]
fn the_folder_is_synced_before_the_first_frame_of_a_segment_is_answered() {
    let scene = Scene::new();
    // The header fits, the frame does not: the name is not on the disk yet.
    scene.faults.set(|plan| plan.full_after = Some(60));
    assert_eq!(code(scene.append(b"one")), "spool-disk-full");
    scene.faults.set(|plan| plan.full_after = None);
    assert_eq!(scene.faults.get(|plan| plan.folder_syncs), 0);
    scene.append(b"two").expect("stored");
    assert_eq!(scene.faults.get(|plan| (plan.folder_syncs, plan.syncs)), (1, 1));
    scene.append(b"three").expect("stored");
    assert_eq!(scene.faults.get(|plan| (plan.folder_syncs, plan.syncs)), (1, 2));
}

#[test]
fn where_nothing_can_be_written_over_new_files_are_made() {
    let fail = Some(io::ErrorKind::Other);
    let plans: [fn(&mut Plan, Option<io::ErrorKind>); 2] =
        [|plan, fail| plan.open = fail, |plan, fail| plan.rename = fail];
    for plan in plans {
        let scene = Scene::with(Settings { segment_bytes: 64 << 10, bytes_max: 4 << 16, ..Settings::new(1) });
        let store = |number| scene.append(&[number; 10_000]).expect("stored");
        for number in 0..40 {
            store(number);
        }
        assert!(scene.faults.get(|plan| plan.opens) > 0);
        scene.faults.set(|faults| plan(faults, fail));
        for number in 40..80 {
            store(number);
        }
        let newest = scene.reopened();
        assert!(newest.ends_with(&[vec![78; 10_000], vec![79; 10_000]]));
    }
}

#[test]
fn a_failed_sync_breaks_the_spool_until_it_is_opened_anew() {
    for is_folder in [false, true] {
        let scene = Scene::new();
        scene.faults.set(|plan| match is_folder {
            true => plan.sync_folder = Some(io::ErrorKind::Other),
            false => plan.sync = Some(io::ErrorKind::Other),
        });
        assert_eq!(code(scene.append(b"one")), "spool-broken");
        scene.faults.set(|plan| *plan = Plan::default());
        // The next sync would go well and mean nothing.
        let refused = scene.spool.append(Lane::Records, NOW, 1, b"two".to_vec(), |_| ());
        assert_eq!(refused.expect_err("a refusal").code(), "spool-broken");
        assert!(scene.spool.status().is_broken);
        assert_eq!(scene.faults.get(|plan| plan.syncs), 0);
        drop(scene.spool);
        let (spool, _) = Spool::open(scene.folder.path(), Settings::new(2), NOW).expect("the spool");
        assert!(!spool.status().is_broken);
    }
}

#[test]
fn a_remainder_that_cannot_be_taken_back_breaks_the_spool() {
    let scene = Scene::new();
    scene.append(b"one").expect("stored");
    scene.faults.set(|plan| (plan.full_after, plan.cut) = (Some(50), Some(io::ErrorKind::Other)));
    assert_eq!(code(scene.append(&[1; 100])), "spool-broken");
    assert_eq!(scene.reopened(), [b"one"]);
}

#[test]
fn a_caller_that_panics_harms_nobody_else() {
    let scene = Scene::new();
    let done = |_: Result<u64, SpoolError>| panic!("told to");
    scene.spool.append(Lane::Events, NOW, 1, b"one".to_vec(), done).expect("room");
    scene.append(b"two").expect("stored");
}
