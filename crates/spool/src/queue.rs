//! What waits to be written: bounded by its bytes, taken out in groups.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::{Lane, SpoolError, limits};

/// Called once, with the number of the frame or why there is none.
pub(crate) type Done = Box<dyn FnOnce(Result<u64, SpoolError>) + Send>;

/// One payload that waits.
pub(crate) struct Append {
    pub(crate) at_unix_ms: u64,
    pub(crate) records: u32,
    pub(crate) payload: Vec<u8>,
    pub(crate) payload_sum: u32,
    pub(crate) done: Done,
}

/// What the writer does next.
#[derive(Default)]
pub(crate) struct Work {
    /// In the order of [`Lane::ALL`].
    pub(crate) appends: [Vec<Append>; 2],
    /// Something was acknowledged, or the time has come to look for what is old.
    pub(crate) has_chores: bool,
    /// Nothing will come any more.
    pub(crate) is_last: bool,
}

/// The queue.
#[derive(Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    more: Condvar,
}

#[derive(Default)]
struct Waiting {
    appends: [VecDeque<Append>; 2],
    bytes: usize,
    has_chores: bool,
    is_closed: bool,
}

impl Queue {
    /// Takes one in unless there is too much already.
    pub(crate) fn push(&self, lane: Lane, append: Append, bytes_max: usize) -> Result<(), SpoolError> {
        let mut waiting = self.lock();
        if waiting.is_closed {
            return Err(SpoolError::Closed);
        }
        if waiting.bytes + append.payload.len() > bytes_max {
            return Err(SpoolError::Full { waiting_bytes: waiting.bytes });
        }
        waiting.bytes += append.payload.len();
        waiting.appends[lane.index()].push_back(append);
        drop(waiting);
        self.more.notify_one();
        Ok(())
    }

    /// Lets the writer look after what was acknowledged or is old.
    pub(crate) fn ask_for_chores(&self) {
        self.lock().has_chores = true;
        self.more.notify_one();
    }

    /// Lets nothing in any more.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.more.notify_one();
    }

    pub(crate) fn waiting_bytes(&self) -> usize {
        self.lock().bytes
    }

    /// Waits until there is something to do; a group of each lane at most.
    pub(crate) fn take(&self) -> Work {
        let mut waiting = self.lock();
        loop {
            let is_empty = waiting.appends.iter().all(VecDeque::is_empty);
            if !is_empty || waiting.has_chores || waiting.is_closed {
                break;
            }
            waiting = self.more.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        let mut work = Work { has_chores: std::mem::take(&mut waiting.has_chores), ..Work::default() };
        for lane in Lane::ALL {
            let group = take_group(&mut waiting.appends[lane.index()]);
            waiting.bytes -= group.iter().map(|append| append.payload.len()).sum::<usize>();
            work.appends[lane.index()] = group;
        }
        work.is_last = waiting.is_closed && waiting.appends.iter().all(VecDeque::is_empty);
        work
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first is always taken, the others while the group stays within its limits.
fn take_group(appends: &mut VecDeque<Append>) -> Vec<Append> {
    let mut bytes = 0;
    let within = |append: &&Append| {
        bytes += append.payload.len();
        bytes <= limits::GROUP_BYTES_MAX
    };
    let count = appends.iter().take(limits::GROUP_FRAMES_MAX).take_while(within).count();
    let count = count.max(1).min(appends.len());
    appends.drain(..count).collect()
}

impl fmt::Debug for Queue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Queue").field("waiting_bytes", &self.waiting_bytes()).finish_non_exhaustive()
    }
}
