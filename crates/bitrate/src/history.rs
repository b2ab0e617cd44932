//! What a player measured: its last downloads.

use alloc::vec::Vec;

use units::Millis;

use crate::{InputError, Speed, limits};

/// One finished download of media.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Bytes received over the whole time from request to last byte, in kbit/s. A value that is negative
    /// or not finite is unknown, and the sample is left out.
    pub kbps: f64,
    /// From request to last byte; zero when unknown.
    pub took: Millis,
    /// Of it, until the first byte; zero when unknown.
    pub waited: Millis,
}

impl Sample {
    /// A download of which only the speed is known.
    pub fn of_speed(kbps: f64) -> Self {
        Self { kbps, took: Millis::ZERO, waited: Millis::ZERO }
    }

    fn is_known(&self) -> bool {
        self.kbps.is_finite() && self.kbps >= 0.0
    }
}

/// The last downloads of a session, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    // Invariant: at most SAMPLES_MAX, speeds finite and not negative.
    samples: Vec<Sample>,
}

impl History {
    /// Keeps the samples of known speed, oldest first.
    pub fn new(mut samples: Vec<Sample>) -> Result<Self, InputError> {
        if samples.len() > limits::SAMPLES_MAX {
            return Err(InputError::TooMany { max: limits::SAMPLES_MAX });
        }
        samples.retain(Sample::is_known);
        Ok(Self { samples })
    }

    /// Takes the place of what it held: of `packed` samples, oldest first, those of known speed among the newest
    /// `wanted`; all when that is fewer.
    pub(crate) fn refill<T>(
        &mut self,
        packed: &[T],
        sample: impl Fn(&T) -> Sample,
        wanted: usize,
    ) -> Result<(), InputError> {
        if packed.len() > limits::SAMPLES_MAX {
            return Err(InputError::TooMany { max: limits::SAMPLES_MAX });
        }
        let older = packed.len().saturating_sub(wanted);
        self.samples.clear();
        self.samples.extend(packed[older..].iter().map(&sample));
        self.samples.retain(Sample::is_known);
        if older > 0 && self.samples.len() < wanted {
            self.samples.clear();
            self.samples.extend(packed.iter().map(&sample));
            self.samples.retain(Sample::is_known);
        }
        Ok(())
    }

    /// Downloads of which only the speed is known, in kbit/s, oldest first.
    pub fn of_speeds(samples_kbps: &[f64]) -> Result<Self, InputError> {
        Self::new(samples_kbps.iter().copied().map(Sample::of_speed).collect())
    }

    /// The samples of known speed, oldest first.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// The speed that the newest samples tell.
    pub fn speed(&self) -> Speed {
        Speed::of(&self.samples)
    }

    /// The same, lower where they have just become slower.
    pub fn cautious_speed(&self) -> Speed {
        Speed::cautious(&self.samples)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::{History, Sample};
    use crate::{InputError, limits};

    fn check(packed: &[f64], wanted: usize, expected: &[f64]) {
        let mut history = History::of_speeds(&[7.0]).unwrap();
        history.refill(packed, |kbps| Sample::of_speed(*kbps), wanted).unwrap();
        let kbps: Vec<f64> = history.samples().iter().map(|sample| sample.kbps).collect();
        assert_eq!(kbps, expected, "{wanted} of {packed:?}");
    }

    #[test]
    fn a_refill_holds_the_newest_of_known_speed() {
        check(&[1.0, 2.0, 3.0], 2, &[2.0, 3.0]);
        check(&[1.0, 2.0, 3.0], 9, &[1.0, 2.0, 3.0]);
        check(&[], 2, &[]);
    }

    #[test]
    fn older_ones_make_up_for_a_refill_with_unknown_speeds() {
        check(&[1.0, 2.0, f64::NAN, 4.0], 2, &[1.0, 2.0, 4.0]);
        check(&[1.0, -1.0], 1, &[1.0]);
    }

    #[test]
    fn a_refill_has_the_limit_of_a_history() {
        let packed = [0.0; limits::SAMPLES_MAX + 1];
        let refilled = History::default().refill(&packed, |kbps| Sample::of_speed(*kbps), 1);
        assert_eq!(refilled, Err(InputError::TooMany { max: limits::SAMPLES_MAX }));
    }
}
