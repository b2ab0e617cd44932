//! The region's table of network speed to picture height.

use alloc::vec::Vec;

use crate::{InputError, limits};

/// One line of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpeedRule {
    /// Holds from this speed on, in Mbit/s; finite, not negative.
    pub mbps_min: f64,
    /// Picture height to show, in pixels.
    pub height: u16,
}

/// A region's table; may be empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    // Invariant: at most RULES_MAX lines, speeds finite, not negative and strictly rising.
    lines: Vec<SpeedRule>,
}

impl Rules {
    /// Checks the lines: not too many, speeds finite, not negative and strictly rising, so that no two
    /// lines can claim one speed.
    pub fn new(lines: Vec<SpeedRule>) -> Result<Self, InputError> {
        if lines.len() > limits::RULES_MAX {
            return Err(InputError::TooMany { max: limits::RULES_MAX });
        }
        let mut above = None;
        for (index, line) in lines.iter().enumerate() {
            let speed = line.mbps_min;
            if !speed.is_finite() || speed < 0.0 || above.is_some_and(|above| speed <= above) {
                return Err(InputError::RuleNotRising { index });
            }
            above = Some(speed);
        }
        Ok(Self { lines })
    }

    /// The lines, slowest first.
    pub fn lines(&self) -> &[SpeedRule] {
        &self.lines
    }

    /// Returns the index of the line with the greatest speed not above `mbps`; none below the first.
    pub fn at(&self, mbps: f64) -> Option<usize> {
        self.lines.iter().rposition(|line| line.mbps_min <= mbps)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::{Rules, SpeedRule};
    use crate::{InputError, limits};

    fn check(speeds: &[f64], expected: Result<(), InputError>) {
        let lines = speeds.iter().map(|&mbps_min| SpeedRule { mbps_min, height: 480 }).collect();
        assert_eq!(Rules::new(lines).map(|_| ()), expected, "{speeds:?}");
    }

    #[test]
    fn refuses_a_table_in_which_two_lines_could_hold() {
        check(&[], Ok(()));
        check(&[0.0, 5.0, 10.0], Ok(()));
        check(&[0.0, 5.0, 5.0], Err(InputError::RuleNotRising { index: 2 }));
        check(&[-1.0], Err(InputError::RuleNotRising { index: 0 }));
        check(&[0.0, f64::NAN], Err(InputError::RuleNotRising { index: 1 }));
        check(&[0.0, f64::INFINITY], Err(InputError::RuleNotRising { index: 1 }));
        let limit = limits::RULES_MAX;
        check(&vec![0.0; limit + 1], Err(InputError::TooMany { max: limit }));
    }
}
