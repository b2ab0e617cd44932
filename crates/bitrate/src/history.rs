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
}
