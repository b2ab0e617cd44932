//! Which of the numbered reports of a player came, came again, or never came.

use crate::limits;

/// Sequence numbers seen, as the newest and those among the 64 up to it.
///
/// A number that was seen is refused. So is one that is older than 64 before the newest in both number and
/// time, for nobody knows any more whether it was seen; an older number in a newer report is a player that
/// numbers anew. What a start jumps over is not lost: a player that comes back to a title has told of others
/// in between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sequence {
    /// Numbers that were jumped over and never came.
    pub(crate) lost: u32,
    /// Reports refused.
    pub(crate) repeated: u32,
    pub(crate) newest: Option<u32>,
    /// Bit `n` is the number `newest - n`. Invariant: bit 0 is set where there is a newest.
    pub(crate) seen: u64,
}

impl Sequence {
    /// Whether the report of this number is to be folded. `is_late`: it is older in time than another; `is_start`: it
    /// begins the playback.
    pub(crate) fn take(&mut self, number: u32, is_late: bool, is_start: bool) -> bool {
        let Some(newest) = self.newest else {
            (self.newest, self.seen) = (Some(number), 1);
            return true;
        };
        if number > newest {
            let rise = number - newest;
            if rise > limits::SEQUENCE_RISE_MAX {
                (self.newest, self.seen) = (Some(number), 1);
                return true;
            }
            if is_start {
                (self.newest, self.seen) = (Some(number), 1);
                return true;
            }
            self.lost = self.lost.saturating_add(rise - 1);
            self.seen = self.seen.checked_shl(rise).unwrap_or(0) | 1;
            self.newest = Some(number);
            return true;
        }
        let age = newest - number;
        if age >= u64::BITS {
            if is_late {
                self.repeated = self.repeated.saturating_add(1);
            } else {
                (self.newest, self.seen) = (Some(number), 1);
            }
            return !is_late;
        }
        let bit = 1 << age;
        if self.seen & bit != 0 {
            self.repeated = self.repeated.saturating_add(1);
            return false;
        }
        self.seen |= bit;
        self.lost = self.lost.saturating_sub(1);
        true
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use quickcheck::quickcheck;

    use super::Sequence;

    fn taken(numbers: &[u32]) -> (Vec<u32>, u32, u32) {
        let mut sequence = Sequence::default();
        let taken = numbers.iter().copied().filter(|number| sequence.take(*number, true, false)).collect();
        (taken, sequence.lost, sequence.repeated)
    }

    #[test]
    fn a_repeated_number_is_refused() {
        assert_eq!(taken(&[1, 2, 2, 1, 3]), ([1, 2, 3].to_vec(), 0, 2));
    }

    #[test]
    fn what_was_jumped_over_is_lost_until_it_comes() {
        assert_eq!(taken(&[1, 5]), ([1, 5].to_vec(), 3, 0));
        assert_eq!(taken(&[1, 5, 3, 4, 2]), ([1, 5, 3, 4, 2].to_vec(), 0, 0));
    }

    #[test]
    fn what_is_too_old_to_tell_is_refused() {
        assert_eq!(taken(&[0, 100, 36, 37]), ([0, 100, 37].to_vec(), 98, 1));
    }

    #[test]
    fn a_player_may_number_anew() {
        let mut sequence = Sequence::default();
        assert!([500, 0, 1, 4_000_000_000, 7].iter().all(|number| sequence.take(*number, false, false)));
        assert_eq!((sequence.lost, sequence.repeated), (0, 0));
    }

    #[test]
    fn what_a_start_jumps_over_was_told_of_others() {
        let mut sequence = Sequence::default();
        assert!(sequence.take(3, false, true) && sequence.take(4, false, false));
        assert!(sequence.take(40, false, true) && sequence.take(42, false, false));
        assert_eq!((sequence.lost, sequence.repeated), (1, 0));
        assert!(!sequence.take(40, false, true), "it came again");
        assert_eq!((sequence.lost, sequence.repeated), (1, 1));
    }

    quickcheck! {
        fn no_number_of_any_order_is_taken_twice(numbers: Vec<u8>) -> bool {
            let numbers: Vec<u32> = numbers.iter().map(|number| u32::from(*number)).collect();
            let (mut taken, _, repeated) = taken(&numbers);
            let count = taken.len();
            taken.sort_unstable();
            taken.dedup();
            taken.len() == count && count + repeated as usize == numbers.len()
        }

        fn losses_and_numbers_seen_fill_the_range(numbers: Vec<u8>) -> bool {
            // Within 64 of each other nothing is too old to tell.
            let numbers: Vec<u32> = numbers.iter().map(|number| u32::from(number % 64)).collect();
            let (Some(first), Some(last)) = (numbers.first(), numbers.iter().max()) else { return true };
            let (taken, lost, _) = taken(&numbers);
            let before = taken.iter().filter(|number| *number < first).count() as u32;
            // Those before the first are no losses made good, but can make a later loss look good.
            last - first < taken.len() as u32 + lost && lost + taken.len() as u32 - before <= last - first + 1 + before
        }
    }
}
