//! What a planning policy is to make the most of.

use crate::InputError;

/// The worth of a chunk: the utility of its rung − `stall` × seconds of waiting − `change` × change of
/// utility. With [`Utility::Mbps`], 4.3 and 1 this is the QoE-lin of Yin et al. (SIGCOMM 2015) and of
/// Pensieve (SIGCOMM 2017), which is what [`Weights::LINEAR`] holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights {
    // Invariant: finite, 0 to WEIGHT_MAX.
    stall: f64,
    change: f64,
    utility: Utility,
}

/// What a rung is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Utility {
    /// Its bit rate in Mbit/s.
    Mbps,
    /// The natural logarithm of its bit rate over that of the lowest rung.
    Log,
}

impl Weights {
    /// QoE-lin: a second of waiting costs 4.3 Mbit/s for one chunk.
    pub const LINEAR: Self = Self { stall: 4.3, change: 1.0, utility: Utility::Mbps };

    /// QoE-log: a second of waiting costs 2.66, the logarithm of a ladder of 14 to 1.
    pub const LOG: Self = Self { stall: 2.66, change: 1.0, utility: Utility::Log };

    /// Checks that the weights are numbers from 0 to 1,000.
    pub fn new(utility: Utility, stall: f64, change: f64) -> Result<Self, InputError> {
        let range = 0.0..=WEIGHT_MAX;
        if !range.contains(&stall) || !range.contains(&change) {
            return Err(InputError::WeightOutOfRange);
        }
        Ok(Self { stall, change, utility })
    }

    /// Cost of a second of waiting.
    pub fn stall(&self) -> f64 {
        self.stall
    }

    /// Cost of a change by one unit of utility, up or down.
    pub fn change(&self) -> f64 {
        self.change
    }

    /// What a rung is worth.
    pub fn utility(&self) -> Utility {
        self.utility
    }
}

impl Default for Weights {
    fn default() -> Self {
        Self::LINEAR
    }
}

/// A weight above it would lose the rest of the sum in rounding.
const WEIGHT_MAX: f64 = 1_000.0;

#[cfg(test)]
mod tests {
    use super::{Utility, Weights};
    use crate::InputError;

    #[test]
    fn refuses_what_is_no_weight() {
        for (stall, change) in [(f64::NAN, 1.0), (1.0, -0.1), (f64::INFINITY, 1.0), (1.0, 1_000.1)] {
            assert_eq!(Weights::new(Utility::Mbps, stall, change), Err(InputError::WeightOutOfRange));
        }
        assert_eq!(Weights::new(Utility::Mbps, 4.3, 1.0), Ok(Weights::LINEAR));
    }
}
