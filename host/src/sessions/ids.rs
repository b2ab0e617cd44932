//! The last event ids of a session, to know a repeated event by.

use std::collections::VecDeque;

use crate::limits;

/// What of an id's keyed hash is kept: with a hundred ids beside it, a new one is mistaken for a repeated one once in
/// three trillion events.
pub(super) type Id = [u16; 3];

/// Oldest first.
#[derive(Debug, Default)]
pub(super) struct Ids {
    known: VecDeque<Id>,
    /// Whether so many came at once that one answer lost is more than [`limits::EVENT_IDS_MAX`] of them ago.
    in_bulk: bool,
}

impl Ids {
    pub(super) fn of(hash: u64) -> Id {
        [hash as u16, (hash >> 16) as u16, (hash >> 32) as u16]
    }

    /// A little of the newest.
    pub(super) fn newest(&self) -> u8 {
        self.known.back().map_or(0, |id| id[0] as u8)
    }

    pub(super) fn contains(&self, id: Id) -> bool {
        self.known.contains(&id)
    }

    pub(super) fn forget(&mut self, id: Id) {
        self.known.retain(|known| *known != id);
    }

    /// So many come at once.
    pub(super) fn expect(&mut self, count: usize) {
        self.in_bulk |= count > limits::EVENTS_AT_ONCE;
    }

    pub(super) fn remember(&mut self, id: Id) {
        let most = if self.in_bulk { limits::EVENT_IDS_BULK_MAX } else { limits::EVENT_IDS_MAX };
        if self.known.len() == most {
            self.known.pop_front();
        } else if self.known.len() == self.known.capacity() {
            // In small steps: most sessions are short, and there are a million of them.
            self.known.reserve_exact(IDS_STEP);
        }
        self.known.push_back(id);
    }
}

const IDS_STEP: usize = 10;
