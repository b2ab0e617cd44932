//! What waits to be written: bounded by its bytes, taken out in groups.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

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
    // Whether whoever puts something in has to wake the writer.
    is_awaited: bool,
}

impl Waiting {
    fn is_idle(&self) -> bool {
        !self.is_closed && !self.has_chores && self.appends.iter().all(VecDeque::is_empty)
    }
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
        let is_awaited = waiting.is_awaited;
        drop(waiting);
        if is_awaited {
            self.more.notify_one();
        }
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

    /// Waits for `rest`, in which more may come, and then until there is something to do; a group of each lane at
    /// most.
    pub(crate) fn take(&self, rest: Duration) -> Work {
        let is_open = |waiting: &mut Waiting| !waiting.is_closed;
        let rested = self.more.wait_timeout_while(self.lock(), rest, is_open);
        let (mut waiting, _) = rested.unwrap_or_else(PoisonError::into_inner);
        waiting.is_awaited = true;
        let awaited = self.more.wait_while(waiting, |waiting| waiting.is_idle());
        let mut waiting = awaited.unwrap_or_else(PoisonError::into_inner);
        waiting.is_awaited = false;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn append(payload: Vec<u8>) -> Append {
        Append { at_unix_ms: 0, records: 1, payload, payload_sum: 0, done: Box::new(|_| ()) }
    }

    #[test]
    fn what_comes_while_the_writer_rests_is_one_group_and_an_end_cuts_the_rest_short() {
        let queue = Queue::default();
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| queue.take(Duration::from_secs(3_600)));
            for payload in [vec![1], vec![2]] {
                queue.push(Lane::Events, append(payload), 10).expect("room");
            }
            queue.close();
            let work = writer.join().expect("no panic");
            let group = &work.appends[Lane::Events.index()];
            assert_eq!(group.iter().map(|append| append.payload[0]).collect::<Vec<_>>(), [1, 2]);
            assert!(work.is_last);
        });
    }

    #[test]
    fn a_frame_wakes_a_writer_that_has_rested() {
        let queue = Queue::default();
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| queue.take(Duration::ZERO));
            queue.push(Lane::Records, append(vec![3]), 10).expect("room");
            let work = writer.join().expect("no panic");
            assert_eq!(work.appends[Lane::Records.index()].len(), 1);
            assert!(!work.is_last);
        });
    }
}
