//! The last event ids of a session, to know a repeated event by.

use std::collections::VecDeque;

use crate::limits;

/// What of an id's keyed hash is kept: with a hundred ids beside it, a new one is mistaken for a repeated one once in
/// three trillion events.
pub(super) type Id = [u16; 3];

/// Oldest first.
#[derive(Debug, Default)]
pub(super) struct Ids(VecDeque<Id>);

impl Ids {
    pub(super) fn of(hash: u64) -> Id {
        [hash as u16, (hash >> 16) as u16, (hash >> 32) as u16]
    }

    /// A little of the newest.
    pub(super) fn newest(&self) -> u8 {
        self.0.back().map_or(0, |id| id[0] as u8)
    }

    pub(super) fn contains(&self, id: Id) -> bool {
        self.0.contains(&id)
    }

    pub(super) fn forget(&mut self, id: Id) {
        self.0.retain(|known| *known != id);
    }

    pub(super) fn remember(&mut self, id: Id) {
        if self.0.len() == limits::EVENT_IDS_MAX {
            self.0.pop_front();
        } else if self.0.len() == self.0.capacity() {
            // In small steps: most sessions are short, and there are a million of them.
            self.0.reserve_exact(IDS_STEP);
        }
        self.0.push_back(id);
    }
}

const IDS_STEP: usize = 10;
