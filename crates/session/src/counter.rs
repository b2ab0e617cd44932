//! A cumulative counter of a player, which may start again from zero.

/// Adds up what a cumulative counter has risen by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counter {
    pub(crate) last: u32,
    pub(crate) total: u32,
}

impl Counter {
    /// Takes the next reading. A lower one than before means that the player began again, so all of it
    /// is new.
    pub(crate) fn read(&mut self, reading: u32) {
        let risen = reading.checked_sub(self.last).unwrap_or(reading);
        self.total = self.total.saturating_add(risen);
        self.last = reading;
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use quickcheck::quickcheck;

    use super::Counter;

    fn total(readings: &[u32]) -> u32 {
        let mut counter = Counter::default();
        readings.iter().for_each(|&reading| counter.read(reading));
        counter.total
    }

    #[test]
    fn cumulative_readings_are_not_added_up() {
        assert_eq!(total(&[0, 1, 1, 3]), 3);
    }

    #[test]
    fn a_restart_from_zero_adds_to_what_was_there() {
        assert_eq!(total(&[3, 0, 1]), 4);
        assert_eq!(total(&[3, 2]), 5);
    }

    quickcheck! {
        fn rising_readings_total_the_last(readings: Vec<u32>) -> bool {
            let mut readings = readings;
            readings.sort_unstable();
            total(&readings) == readings.last().copied().unwrap_or(0)
        }

        fn no_reading_lowers_the_total(readings: Vec<u32>, next: u32) -> bool {
            let before = total(&readings);
            total(&[readings, Vec::from([next])].concat()) >= before
        }
    }
}
