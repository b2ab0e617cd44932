//! Events that are folded and not yet on the disk.
//!
//! An event that comes again is known from the moment its first copy is folded. It must not be acknowledged before that
//! copy is on the disk: a node that ended in between would have neither.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// What is on its way; as many tickets as requests that the spool has room for.
#[derive(Debug, Default)]
pub struct InFlight {
    open: Mutex<Open>,
    ended: Notify,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    tickets: BTreeSet<u64>,
    failures: u64,
}

/// One request's events; dropped without a word, they were not stored.
#[derive(Debug)]
pub struct Ticket {
    of: Arc<InFlight>,
    number: u64,
    failures_before: u64,
    is_stored: bool,
}

/// What has to be over before an event that came again may be acknowledged.
#[derive(Clone, Copy, Debug)]
pub struct Before {
    number: u64,
    failures: u64,
}

impl InFlight {
    /// Before anything is folded.
    pub fn begin(self: &Arc<Self>) -> Ticket {
        let mut open = self.lock();
        let number = open.next;
        open.next += 1;
        open.tickets.insert(number);
        Ticket { of: Arc::clone(self), number, failures_before: open.failures, is_stored: false }
    }

    /// Waits until everything that began before is over; false when some of it was not stored.
    pub async fn settled(&self, before: Before) -> bool {
        loop {
            let mut ended = pin!(self.ended.notified());
            // From here on no end is missed.
            ended.as_mut().enable();
            {
                let open = self.lock();
                if open.tickets.first().is_none_or(|&first| first >= before.number) {
                    return open.failures == before.failures;
                }
            }
            ended.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// Everything that began up to now; taken when the request's events are folded.
    pub fn before(&self) -> Before {
        Before { number: self.of.lock().next, failures: self.failures_before }
    }

    /// They are on the disk, or there were none.
    pub fn stored(mut self) {
        self.is_stored = true;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut open = self.of.lock();
        open.tickets.remove(&self.number);
        open.failures += u64::from(!self.is_stored);
        drop(open);
        self.of.ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// What it says without waiting; none while it waits.
    fn poll(in_flight: &InFlight, before: Before) -> Option<bool> {
        match pin!(in_flight.settled(before)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(all_stored) => Some(all_stored),
            Poll::Pending => None,
        }
    }

    #[test]
    fn a_repeat_waits_for_all_that_began_before_it_and_for_nothing_later() {
        let in_flight = Arc::new(InFlight::default());
        let (first, second) = (in_flight.begin(), in_flight.begin());
        let repeat = in_flight.begin();
        let before = repeat.before();
        let later = in_flight.begin();
        repeat.stored();
        assert_eq!(poll(&in_flight, before), None);
        second.stored();
        assert_eq!(poll(&in_flight, before), None);
        first.stored();
        assert_eq!(poll(&in_flight, before), Some(true));
        later.stored();
    }

    #[test]
    fn a_repeat_of_what_was_not_stored_is_not_acknowledged() {
        let in_flight = Arc::new(InFlight::default());
        let first = in_flight.begin();
        let repeat = in_flight.begin();
        let before = repeat.before();
        repeat.stored();
        drop(first);
        assert_eq!(poll(&in_flight, before), Some(false));
        // A failure of before does not follow those who come later.
        let again = in_flight.begin();
        let before = again.before();
        again.stored();
        assert_eq!(poll(&in_flight, before), Some(true));
    }

    #[tokio::test]
    async fn whoever_waits_is_woken_by_the_end() {
        let in_flight = Arc::new(InFlight::default());
        let first = in_flight.begin();
        let repeat = in_flight.begin();
        let before = repeat.before();
        repeat.stored();
        let (settled, ()) = tokio::join!(in_flight.settled(before), async { first.stored() });
        assert!(settled);
    }
}
