//! Numbers that must differ but need not be secret: request ids, epochs, jitter.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A source of numbers; two of them, in one process or in two, give different ones.
#[derive(Debug, Default)]
pub struct Dice {
    // Keyed by the operating system's randomness.
    keys: RandomState,
    rolled: AtomicU64,
}

impl Dice {
    /// A new source.
    pub fn new() -> Self {
        Self::default()
    }

    /// Any number.
    pub fn roll(&self) -> u64 {
        self.keys.hash_one(self.rolled.fetch_add(1, Ordering::Relaxed))
    }

    /// What an exploration is drawn by.
    pub fn seed(&self) -> u32 {
        // The upper half; each half of a hash is as good as the other.
        u32::try_from(self.roll() >> 32).unwrap_or(0)
    }

    /// 32 hexadecimal digits, not all of them 0: a trace id of W3C trace context.
    pub fn trace_id(&self) -> String {
        format!("{:016x}{:016x}", self.roll(), self.roll() | 1)
    }

    /// What a capsule is sealed with: it should not come twice, and tells little if it does.
    pub fn nonce(&self) -> [u8; 12] {
        let (a, b) = (self.roll().to_le_bytes(), self.seed().to_le_bytes());
        std::array::from_fn(|place| if place < 8 { a[place] } else { b[place - 8] })
    }

    /// A time from nine to eleven tenths of `mean`, so that nodes do not march in step.
    pub fn vary(&self, mean: Duration) -> Duration {
        let share = u32::try_from(self.roll() % 201).unwrap_or(0) + 900;
        mean * share / 1_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_sources_give_different_numbers() {
        let (a, b) = (Dice::new(), Dice::new());
        assert_ne!(a.trace_id(), b.trace_id());
        assert_ne!(a.roll(), a.roll());
        assert_eq!(a.trace_id().len(), 32);
    }

    #[test]
    fn a_varied_time_stays_within_a_tenth() {
        let dice = Dice::new();
        for _ in 0..1_000 {
            let varied = dice.vary(Duration::from_secs(10));
            assert!((Duration::from_secs(9)..=Duration::from_secs(11)).contains(&varied), "{varied:?}");
        }
    }
}
