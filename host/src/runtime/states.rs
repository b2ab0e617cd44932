//! What was computed for histories that may go on: a tower's keys and values.
//!
//! Kept by the items themselves, so nobody gets what belongs to another history; bounded in bytes, the least recently
//! used goes first.

use std::collections::hash_map::RandomState;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;

/// States of one release's tower.
#[derive(Debug)]
pub(super) struct EncoderStates {
    bytes_max: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    states: LruCache<Box<[u32]>, Encoded, RandomState>,
    bytes: usize,
}

#[derive(Clone, Debug)]
struct Encoded {
    user: Arc<[f32]>,
    state: Arc<[f32]>,
}

impl EncoderStates {
    /// Up to so many bytes; 0 keeps nothing.
    pub(super) fn new(bytes_max: usize) -> Self {
        let kept = Kept { states: LruCache::unbounded_with_hasher(RandomState::new()), bytes: 0 };
        Self { bytes_max, kept: Mutex::new(kept) }
    }

    /// Whether nothing would be kept.
    pub(super) fn keeps_nothing(&self) -> bool {
        self.bytes_max == 0
    }

    /// The vector of exactly this history.
    pub(super) fn user(&self, items: &[u32]) -> Option<Vec<f32>> {
        self.find(items).map(|encoded| encoded.user.to_vec())
    }

    /// How many of the items are known, and their state; empty for none.
    ///
    /// Looks back a few items only: who comes back has seen one more, or some.
    pub(super) fn longest_before(&self, items: &[u32]) -> (usize, Vec<f32>) {
        let shortest = items.len().saturating_sub(STEPS_BACK_MAX).max(1);
        let found =
            (shortest..items.len()).rev().find_map(|known| Some((known, self.find(&items[..known])?)));
        found.map_or_else(|| (0, Vec::new()), |(known, encoded)| (known, encoded.state.to_vec()))
    }

    /// Keeps a history's state; one larger than everything allowed is not kept.
    pub(super) fn keep(&self, items: &[u32], user: &[f32], state: Vec<f32>) {
        let bytes = bytes(items.len(), user.len() + state.len());
        if bytes > self.bytes_max {
            return;
        }
        let encoded = Encoded { user: user.into(), state: state.into() };
        let mut kept = self.lock();
        if let Some((old_items, old)) = kept.states.push(items.into(), encoded) {
            kept.bytes -= old.bytes(&old_items);
        }
        kept.bytes += bytes;
        while kept.bytes > self.bytes_max
            && let Some((old_items, old)) = kept.states.pop_lru()
        {
            kept.bytes -= old.bytes(&old_items);
        }
    }

    fn find(&self, items: &[u32]) -> Option<Encoded> {
        if self.keeps_nothing() {
            return None;
        }
        self.lock().states.get(items).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // A panic elsewhere leaves at worst a count of bytes that is too high.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Encoded {
    fn bytes(&self, items: &[u32]) -> usize {
        bytes(items.len(), self.user.len() + self.state.len())
    }
}

fn bytes(items: usize, numbers: usize) -> usize {
    items * size_of::<u32>() + numbers * size_of::<f32>() + ENTRY_BYTES
}

/// What an entry takes besides its numbers: about, with the allocations' own.
const ENTRY_BYTES: usize = 256;

/// Items that may have been added since a state was kept.
const STEPS_BACK_MAX: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_history_and_the_longest_part_of_a_longer_one() {
        let states = EncoderStates::new(1 << 20);
        states.keep(&[1], &[0.1], vec![1.0]);
        states.keep(&[1, 2, 3], &[0.3], vec![1.0, 2.0, 3.0]);
        assert_eq!(states.user(&[1, 2, 3]), Some(vec![0.3]));
        assert_eq!(states.user(&[1, 2]), None);
        assert_eq!(states.longest_before(&[1, 2, 3]), (1, vec![1.0]));
        assert_eq!(states.longest_before(&[1, 2, 3, 4, 5]), (3, vec![1.0, 2.0, 3.0]));
        assert_eq!(states.longest_before(&[1, 3, 3, 4]), (1, vec![1.0]));
        assert_eq!(states.longest_before(&[1, 9, 9, 9, 9, 9]), (0, vec![]), "too far back");
        assert_eq!(states.longest_before(&[1]), (0, vec![]));
        assert_eq!(states.longest_before(&[]), (0, vec![]));
    }

    #[test]
    fn stays_within_its_bytes_and_lets_the_least_used_go() {
        let one = bytes(1, 11);
        let states = EncoderStates::new(3 * one);
        for item in 0..3 {
            states.keep(&[item], &[0.5], vec![0.0; 10]);
        }
        states.keep(&[0], &[0.7], vec![0.0; 10]);
        states.keep(&[3], &[0.5], vec![0.0; 10]);
        assert_eq!(states.user(&[0]), Some(vec![0.7]));
        assert_eq!((states.user(&[1]), states.lock().bytes), (None, 3 * one));
        states.keep(&[4], &[0.5], vec![0.0; 10_000]);
        assert_eq!((states.user(&[4]), states.lock().states.len()), (None, 3));
        let none = EncoderStates::new(0);
        none.keep(&[1], &[0.5], vec![0.0; 10]);
        assert_eq!(none.user(&[1]), None);
    }
}
