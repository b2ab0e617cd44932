//! Numbers that know their unit.
//!
//! Bare numbers cross the borders of the system (WIT, JSON, MessagePack); inside it a bit rate and a
//! duration cannot be mistaken for each other. Arithmetic saturates: a player's nonsense must not
//! wrap into a plausible number.
#![no_std]

use core::fmt;

/// A bit rate in kbit/s (1,000 bits a second).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kbps(u32);

impl Kbps {
    /// From kbit/s.
    pub const fn new(kbps: u32) -> Self {
        Self(kbps)
    }

    /// In kbit/s.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Kbps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} kbit/s", self.0)
    }
}

/// A length of time in milliseconds, of media or of waiting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(u64);

impl Millis {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// From milliseconds.
    pub const fn new(ms: u64) -> Self {
        Self(ms)
    }

    /// In milliseconds.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The sum, at most the longest time there is.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, zero when `other` is longer.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

/// A point in time: milliseconds since 1970-01-01 00:00 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(u64);

impl UnixMillis {
    /// From milliseconds since 1970.
    pub const fn new(unix_ms: u64) -> Self {
        Self(unix_ms)
    }

    /// In milliseconds since 1970.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The time since `earlier`, zero when that is later.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Millis {
        Millis(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms since 1970", self.0)
    }
}

#[cfg(test)]
mod tests {
    use quickcheck::quickcheck;

    use super::{Millis, UnixMillis};

    quickcheck! {
        fn what_is_added_can_be_taken_away_unless_it_reached_the_longest(a: u64, b: u64) -> bool {
            let (a, b) = (Millis::new(a), Millis::new(b));
            let sum = a.saturating_add(b);
            sum >= a && sum >= b && (sum.saturating_sub(b) == a || sum == Millis::new(u64::MAX))
        }

        fn of_two_lengths_one_difference_is_zero(a: u64, b: u64) -> bool {
            let (a, b) = (Millis::new(a), Millis::new(b));
            a.saturating_sub(b) == Millis::ZERO || b.saturating_sub(a) == Millis::ZERO
        }

        fn a_later_point_is_not_nearer(start: u64, a: u64, b: u64) -> bool {
            let since = |at: u64| UnixMillis::new(at).saturating_since(UnixMillis::new(start));
            since(a.max(b)) >= since(a.min(b))
        }
    }

    #[test]
    fn time_never_runs_backwards() {
        assert_eq!(UnixMillis::new(5).saturating_since(UnixMillis::new(3)), Millis::new(2));
        assert_eq!(UnixMillis::new(3).saturating_since(UnixMillis::new(5)), Millis::ZERO);
        assert_eq!(Millis::new(3).saturating_sub(Millis::new(5)), Millis::ZERO);
    }

    #[test]
    fn absurd_lengths_stop_at_the_longest() {
        assert_eq!(Millis::new(u64::MAX).saturating_add(Millis::new(1)), Millis::new(u64::MAX));
    }
}
