//! Where an id stands in a column, found by one multiplication instead of a search.

use core::hash::{BuildHasherDefault, Hasher};

use hashbrown::HashMap;

/// The place of each id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places(HashMap<u32, u32, BuildHasherDefault<IdHasher>>);

impl Places {
    /// Of ids that are each there once.
    pub(crate) fn new(ids: &[u32]) -> Self {
        Self(ids.iter().copied().zip(0..).collect())
    }

    pub(crate) fn get(&self, id: u32) -> Option<usize> {
        self.0.get(&id).map(|&place| place as usize)
    }
}

/// Spreads ids by one multiplication (Knuth, TAOCP 3, 6.4). Whoever can choose the ids signs the release.
#[derive(Clone, Copy, Debug, Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u32(u32::from(byte));
        }
    }

    fn write_u32(&mut self, id: u32) {
        self.0 = (self.0 ^ u64::from(id)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}
