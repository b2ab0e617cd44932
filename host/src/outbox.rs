//! Events and ended sessions on their way to the origin: a bounded queue that never blocks a request.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use wire::{Event, SessionRecord};

use crate::limits;

/// The queue; when it is full the oldest go.
#[derive(Debug)]
pub struct Outbox {
    waiting: Mutex<Waiting>,
    more: Notify,
    events_max: usize,
    sessions_max: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    events: VecDeque<Event>,
    sessions: VecDeque<SessionRecord>,
}

/// What was dropped to make room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Events.
    pub events: usize,
    /// Ended sessions.
    pub sessions: usize,
}

/// What goes into one batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Load {
    /// In order of arrival.
    pub events: Vec<Event>,
    /// In order of their ends.
    pub sessions: Vec<SessionRecord>,
}

impl Outbox {
    /// Holds up to `events_max` events and `sessions_max` sessions.
    pub fn new(events_max: usize, sessions_max: usize) -> Self {
        Self { waiting: Mutex::default(), more: Notify::new(), events_max, sessions_max }
    }

    /// Takes a load in; returns at once.
    pub fn push(&self, load: Load) -> Dropped {
        let mut waiting = self.lock();
        waiting.events.extend(load.events);
        waiting.sessions.extend(load.sessions);
        let dropped = Dropped {
            events: waiting.events.len().saturating_sub(self.events_max),
            sessions: waiting.sessions.len().saturating_sub(self.sessions_max),
        };
        waiting.events.drain(..dropped.events);
        waiting.sessions.drain(..dropped.sessions);
        drop(waiting);
        self.more.notify_one();
        dropped
    }

    /// Takes the oldest out, as many as go into one batch; none when nothing waits.
    pub fn take(&self) -> Option<Load> {
        let mut waiting = self.lock();
        let events = waiting.events.len().min(limits::BATCH_ITEMS_MAX);
        let sessions = waiting.sessions.len().min(limits::BATCH_ITEMS_MAX - events);
        if events + sessions == 0 {
            return None;
        }
        Some(Load {
            events: waiting.events.drain(..events).collect(),
            sessions: waiting.sessions.drain(..sessions).collect(),
        })
    }

    /// Waits until something may be waiting.
    pub async fn more(&self) {
        self.more.notified().await;
    }

    /// Events and sessions waiting.
    pub fn len(&self) -> usize {
        let waiting = self.lock();
        waiting.events.len() + waiting.sessions.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(numbers: std::ops::Range<usize>) -> Load {
        let event = |number| {
            let json =
                format!(r#"{{"event_id":"{number}","session_id":"s","kind":"heartbeat","at_unix_ms":1}}"#);
            wire::decode_json(json.as_bytes(), 1_000).expect("a sound event")
        };
        Load { events: numbers.map(event).collect(), sessions: Vec::new() }
    }

    #[test]
    fn the_oldest_go_when_it_is_full() {
        let outbox = Outbox::new(3, 1);
        assert_eq!(outbox.push(events(0..2)), Dropped::default());
        assert_eq!(outbox.push(events(2..5)), Dropped { events: 2, sessions: 0 });
        assert_eq!(outbox.take(), Some(events(2..5)));
        assert_eq!(outbox.take(), None);
    }

    #[test]
    fn a_batch_is_bounded_and_the_rest_waits() {
        let outbox = Outbox::new(limits::BATCH_ITEMS_MAX * 2, 1);
        outbox.push(events(0..limits::BATCH_ITEMS_MAX + 1));
        assert_eq!(outbox.take().expect("a batch").events.len(), limits::BATCH_ITEMS_MAX);
        assert_eq!(outbox.len(), 1);
    }
}
