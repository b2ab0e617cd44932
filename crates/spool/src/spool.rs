//! The spool as its callers see it.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};

use crate::device::{Device, Disk};
use crate::folder::{self, Recovered};
use crate::queue::Append;
use crate::read::{self, Cursor, Frames, Replay};
use crate::segment::payload_sum;
use crate::writer::{Shared, Writer};
use crate::{Dropped, Lane, Settings, SpoolError, limits};

/// An open spool; when it is dropped, what waits is written first.
#[derive(Debug)]
pub struct Spool {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
    lock: File,
}

/// How a spool is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// In the order of [`Lane::ALL`].
    pub lanes: [LaneStatus; 2],
    /// Of payloads that wait to be written.
    pub waiting_bytes: usize,
    /// Whether it takes nothing any more.
    pub is_broken: bool,
}

/// How a lane is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaneStatus {
    /// Files.
    pub segments: usize,
    /// In them.
    pub bytes: u64,
    /// All frames up to this one are with the origin, or were dropped.
    pub acknowledged: u64,
    /// Of the newest frame.
    pub last: u64,
    /// Since it was opened.
    pub dropped: Dropped,
}

impl Spool {
    /// Opens the spool in `folder`, or makes one; repairs what a crash left. A finished segment is read only if its file
    /// is not as it was noted: damage in others is found when they are read, see [`Frames::damaged_bytes`].
    ///
    /// # Errors
    ///
    /// When a setting is out of range, another process holds the folder, or the disk fails.
    pub fn open(
        folder: &Path,
        settings: Settings,
        now_unix_ms: u64,
    ) -> Result<(Self, Recovered), SpoolError> {
        Self::open_on(folder, settings, now_unix_ms, Box::new(Disk))
    }

    pub(crate) fn open_on(
        folder: &Path,
        settings: Settings,
        now_unix_ms: u64,
        device: Box<dyn Device>,
    ) -> Result<(Self, Recovered), SpoolError> {
        settings.check()?;
        let (opened, recovered) = folder::open(folder, now_unix_ms)?;
        let shared = Arc::new(Shared::new(opened.path, settings, opened.index, now_unix_ms));
        let writer = Writer {
            shared: Arc::clone(&shared),
            device,
            acknowledged: opened.acknowledged,
            open: [None, None],
            spare: None,
        };
        let named = thread::Builder::new().name("spool".to_owned());
        let writer = named
            .spawn(move || writer.run())
            .map_err(|source| SpoolError::Folder { path: folder.to_owned(), source: Arc::new(source) })?;
        let spool = Self { shared, writer: Some(writer), lock: opened.lock };
        // What is too old or too much for today's settings.
        spool.sweep(now_unix_ms);
        Ok((spool, recovered))
    }

    /// Hands a payload over; returns at once. `done` is called on the writer's thread when the payload is safe on the
    /// disk, with the number of its frame, or with the reason why it is not stored; it must return at once and must
    /// not drop the spool.
    ///
    /// `records` is what the payload counts for when it has to be dropped; `now_unix_ms` is kept with it.
    ///
    /// # Errors
    ///
    /// When the payload is too large, too much waits already, or the spool is broken; `done` is not called then.
    pub fn append(
        &self,
        lane: Lane,
        now_unix_ms: u64,
        records: u32,
        payload: Vec<u8>,
        done: impl FnOnce(Result<u64, SpoolError>) + Send + 'static,
    ) -> Result<(), SpoolError> {
        if payload.len() > limits::FRAME_BYTES_MAX {
            return Err(SpoolError::TooLarge { bytes: payload.len() });
        }
        if let Some(error) = self.shared.broken.get() {
            return Err(SpoolError::Broken(Arc::clone(error)));
        }
        self.see(now_unix_ms);
        let payload_sum = payload_sum(&payload);
        let append = Append { at_unix_ms: now_unix_ms, records, payload, payload_sum, done: Box::new(done) };
        self.shared.queue.push(lane, append, self.shared.settings.waiting_bytes_max)
    }

    /// Behind what the origin has of a lane: where a sender begins.
    pub fn cursor(&self, lane: Lane) -> Cursor {
        Cursor::after(self.shared.index().lane(lane).acknowledged)
    }

    /// Reads on: frames of one epoch with up to `bytes_max` bytes of payload, or a single larger one; none when
    /// nothing waits, and [`crate::Notice::More`] tells when something does. Only what is safe on the disk is read.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub fn read(&self, lane: Lane, after: Cursor, bytes_max: usize) -> io::Result<Frames> {
        read::read(&self.shared, lane, after, bytes_max)
    }

    /// Notes that the origin has all frames of a lane up to this one. An epoch that is not in the folder says
    /// nothing; neither does a sequence above the last of its epoch, as an origin may name it to a folder that was set
    /// back.
    pub fn acknowledge(&self, lane: Lane, epoch: u64, sequence: u64) {
        if self.shared.index().lane_mut(lane).acknowledge(epoch, sequence) {
            self.shared.queue.ask_for_chores();
        }
    }

    /// The frames that are still there and were stored at or after `since_unix_ms`, acknowledged or not, oldest
    /// first: what a process needs that starts again. Whole segments from the newest back, `bytes_max` bytes at most.
    pub fn replay(&self, lane: Lane, since_unix_ms: u64, bytes_max: u64) -> Replay {
        Replay::new(&self.shared, lane, since_unix_ms, bytes_max)
    }

    /// Lets go of what is older than the settings allow. Otherwise that is done only when something comes in.
    pub fn sweep(&self, now_unix_ms: u64) {
        self.see(now_unix_ms);
        self.shared.queue.ask_for_chores();
    }

    /// Whether it takes nothing any more, see [`SpoolError::Broken`]; costs nothing.
    pub fn is_broken(&self) -> bool {
        self.shared.broken.get().is_some()
    }

    /// How it is.
    pub fn status(&self) -> Status {
        let index = self.shared.index();
        let lanes = Lane::ALL.map(|lane| {
            let lane = index.lane(lane);
            LaneStatus {
                segments: lane.segments.len(),
                bytes: lane.segments.iter().map(|segment| segment.bytes).sum(),
                acknowledged: lane.acknowledged,
                last: lane.last(),
                dropped: lane.dropped,
            }
        });
        drop(index);
        Status { lanes, waiting_bytes: self.shared.queue.waiting_bytes(), is_broken: self.is_broken() }
    }

    /// The latest time anyone told; a clock that is set back lets nothing grow old.
    fn see(&self, now_unix_ms: u64) {
        self.shared.now_unix_ms.fetch_max(now_unix_ms, Ordering::Relaxed);
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.shared.queue.close();
        let Some(writer) = self.writer.take() else { return };
        // Dropped by a `done`: the writer cannot wait for itself.
        if writer.thread().id() != thread::current().id() {
            let _ = writer.join();
            // Said aloud, since a child process that was just begun holds a copy of the handle for a moment.
            let _ = self.lock.unlock();
        }
    }
}
