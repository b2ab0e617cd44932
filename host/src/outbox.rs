//! What goes to the origin: safe on the disk before a player is told that it counts, sent when the origin takes it.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use spool::{Cursor, Frames, Lane, Notice, Replay, Settings, Spool, SpoolError, Status};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};
use tracing::{error, info, warn};
use wire::{DecisionRecord, Records};

use crate::limits;
use crate::metrics::Metrics;
use crate::node::unix_ms;

/// The spool of a node, and who waits for it.
#[derive(Debug)]
pub struct Outbox {
    spool: Spool,
    more: Arc<[Notify; 2]>,
    // KiB of bodies whose events are not on the disk yet.
    room: Arc<Semaphore>,
    decisions: Mutex<Vec<DecisionRecord>>,
}

/// How much it may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Bytes on the disk; above it the oldest events go, then the oldest records.
    pub bytes_max: u64,
    /// What is older goes. Milliseconds.
    pub age_ms_max: u64,
    /// What the origin has stays as long, for a node that starts again. Milliseconds.
    pub keep_ms: u64,
}

/// Something on its way to the disk.
#[derive(Debug)]
#[must_use = "it is safe only when this says so"]
pub struct Storing(oneshot::Receiver<Result<u64, SpoolError>>);

impl Storing {
    /// Waits until it is safe, on a thread that may wait.
    pub fn wait(self) -> Result<(), SpoolError> {
        self.0.blocking_recv().unwrap_or(Err(SpoolError::Closed)).map(drop)
    }

    /// Waits until it is safe.
    pub async fn done(self) -> Result<(), SpoolError> {
        self.0.await.unwrap_or(Err(SpoolError::Closed)).map(drop)
    }
}

impl Outbox {
    /// Opens the spool in `folder`, or makes one. `epoch` is random and of this process alone.
    pub fn open(
        folder: &Path,
        epoch: u64,
        capacity: Capacity,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, SpoolError> {
        let more: Arc<[Notify; 2]> = Arc::default();
        let told = (Arc::clone(&more), Arc::clone(metrics));
        let settings = Settings {
            bytes_max: capacity.bytes_max,
            segment_bytes: (capacity.bytes_max / limits::SPOOL_SEGMENTS)
                .clamp(limits::SPOOL_SEGMENT_BYTES_MIN, limits::SPOOL_SEGMENT_BYTES_MAX),
            age_ms_max: capacity.age_ms_max,
            keep_ms: capacity.keep_ms,
            waiting_bytes_max: limits::SPOOL_WAITING_BYTES_MAX,
            notify: Arc::new(move |notice| tell(&notice, &told.0, &told.1)),
            ..Settings::new(epoch)
        };
        let (spool, recovered) = Spool::open(folder, settings, unix_ms())?;
        if recovered.frames > 0 {
            info!(
                recovered.frames,
                recovered.records, recovered.unacknowledged_frames, "the spool was opened"
            );
        }
        if recovered.damaged_bytes > 0 || recovered.damaged_segments > 0 || recovered.odd_files_count > 0 {
            warn!(?recovered, "the spool was damaged");
        }
        let room = Arc::new(Semaphore::new(limits::SPOOL_WAITING_BYTES_MAX / 2 / KIB));
        Ok(Self { spool, more, room, decisions: Mutex::default() })
    }

    /// Room for the events of a body; none when the disk does not keep up. Taken before they are folded: what was
    /// folded must be stored.
    pub fn room_for(&self, body_bytes: usize) -> Option<OwnedSemaphorePermit> {
        let kib = u32::try_from(body_bytes.div_ceil(KIB)).ok()?;
        Arc::clone(&self.room).try_acquire_many_owned(kib).ok()
    }

    /// Whether nothing is taken any more, until the node starts again.
    pub fn is_broken(&self) -> bool {
        self.spool.is_broken()
    }

    /// Stores events of players; `stored` is called once they are on the disk, and dropped if they never are.
    pub fn store_events(
        &self,
        count: usize,
        payload: Vec<u8>,
        stored: impl FnOnce() + Send + 'static,
    ) -> Result<Storing, SpoolError> {
        self.store(Lane::Events, count, payload, stored)
    }

    /// Stores records.
    pub fn store_records(&self, records: &Records) -> Result<Storing, SpoolError> {
        self.store(Lane::Records, records.len(), wire::write_records(records), || ())
    }

    fn store(
        &self,
        lane: Lane,
        records: usize,
        payload: Vec<u8>,
        stored: impl FnOnce() + Send + 'static,
    ) -> Result<Storing, SpoolError> {
        let (done, storing) = oneshot::channel();
        let records = u32::try_from(records).unwrap_or(u32::MAX);
        // Whoever asked may be gone when it is stored.
        let answer = |written: Result<u64, SpoolError>| {
            if written.is_ok() {
                stored();
            }
            let _ = done.send(written);
        };
        self.spool.append(lane, unix_ms(), records, payload, answer)?;
        Ok(Storing(storing))
    }

    /// Stores records, some of them a frame.
    pub fn store_all(&self, records: Records) -> Vec<Storing> {
        let store = |records: Records| {
            self.store_records(&records)
                .inspect_err(|error| warn!(%error, records = records.len(), "records were not stored"))
                .ok()
        };
        in_frames(records).into_iter().filter_map(store).collect()
    }

    /// Remembers a decision; [`Outbox::take_decisions`] gives it back. False when too many wait.
    pub fn note_decision(&self, decision: DecisionRecord) -> bool {
        let mut decisions = self.decisions.lock().unwrap_or_else(PoisonError::into_inner);
        let has_room = decisions.len() < limits::DECISIONS_WAITING_MAX;
        if has_room {
            decisions.push(decision);
        }
        has_room
    }

    /// The decisions since the last time.
    pub fn take_decisions(&self) -> Vec<DecisionRecord> {
        std::mem::take(&mut *self.decisions.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Behind what the origin has of a lane.
    pub fn cursor(&self, lane: Lane) -> Cursor {
        self.spool.cursor(lane)
    }

    /// What comes next of a lane; reads from the disk.
    pub fn read(&self, lane: Lane, after: Cursor) -> std::io::Result<Frames> {
        let frames = self.spool.read(lane, after, limits::BATCH_PAYLOAD_BYTES)?;
        if frames.damaged_bytes > 0 {
            warn!(
                lane = lane.name(),
                frames.damaged_bytes, "the spool was damaged: what lay there is not sent"
            );
        }
        Ok(frames)
    }

    /// What is still there since a time; reads from the disk.
    pub fn replay(&self, lane: Lane, since_unix_ms: u64) -> Replay {
        self.spool.replay(lane, since_unix_ms, limits::REPLAY_BYTES_MAX)
    }

    /// The origin has all up to this frame.
    pub fn acknowledge(&self, lane: Lane, epoch: u64, sequence: u64) {
        self.spool.acknowledge(lane, epoch, sequence);
    }

    /// Lets go of what is too old.
    pub fn sweep(&self) {
        self.spool.sweep(unix_ms());
    }

    /// Waits until there may be more of a lane.
    pub async fn more(&self, lane: Lane) {
        self.more[place(lane)].notified().await;
    }

    /// How it is.
    pub fn status(&self) -> Status {
        self.spool.status()
    }
}

const KIB: usize = 1 << 10;

/// What happens in the spool, told on its own thread.
fn tell(notice: &Notice, more: &[Notify; 2], metrics: &Metrics) {
    match notice {
        Notice::More(lane) => more[place(*lane)].notify_one(),
        Notice::Dropped { lane, dropped } => {
            warn!(
                lane = lane.name(),
                dropped.records, dropped.bytes, "the oldest were dropped, the origin has them not"
            );
            metrics.dropped(lane.name(), usize::try_from(dropped.records).unwrap_or(usize::MAX));
        }
        Notice::Broken(error) => {
            error!(%error, "the spool takes nothing any more until the node starts again");
        }
    }
}

fn place(lane: Lane) -> usize {
    match lane {
        Lane::Records => 0,
        Lane::Events => 1,
    }
}

/// Parts that fit a frame each.
fn in_frames(records: Records) -> Vec<Records> {
    let Records { sessions, windows, decisions } = records;
    let max = limits::FRAME_RECORDS_MAX;
    let of = |sessions: &[_]| Records { sessions: sessions.to_vec(), ..Records::default() };
    let mut parts: Vec<Records> = sessions.chunks(max).map(of).collect();
    parts.extend(
        windows.chunks(max).map(|windows| Records { windows: windows.to_vec(), ..Records::default() }),
    );
    parts.extend(
        decisions
            .chunks(max)
            .map(|decisions| Records { decisions: decisions.to_vec(), ..Records::default() }),
    );
    parts
}
