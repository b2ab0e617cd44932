//! Finds the highest rate that a server holds.

use anyhow::Result;

/// Between two rates of the climb.
const STEP: f64 = 1.5;
/// Halvings of the last step of the climb: it ends within 1.5^(1/8), or 5 %, of the true rate.
const HALVINGS: u32 = 3;
/// A server that holds less than this is not measured.
const RATE_MIN_PER_S: f64 = 10.0;

/// Climbs from `first` until a rate is not held, then closes in; 0 when not even a small rate is held.
///
/// No rate above `most` is tried.
pub(crate) fn climb(first: f64, most: f64, mut holds: impl FnMut(f64) -> Result<bool>) -> Result<f64> {
    let mut above = first.min(most);
    let mut held = 0.0;
    while holds(above)? {
        held = above;
        if above >= most {
            return Ok(held);
        }
        above = (above * STEP).min(most);
    }
    while held == 0.0 {
        let below = above / STEP;
        if below < RATE_MIN_PER_S {
            return Ok(0.0);
        }
        if holds(below)? {
            held = below;
        } else {
            above = below;
        }
    }
    for _ in 0..HALVINGS {
        let between = (held * above).sqrt();
        if holds(between)? {
            held = between;
        } else {
            above = between;
        }
    }
    Ok(held)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(first: f64, most: f64, truth: f64) -> (f64, usize) {
        let mut asked = 0;
        let found = climb(first, most, |rate| {
            asked += 1;
            Ok(rate <= truth)
        });
        (found.unwrap(), asked)
    }

    #[test]
    fn ends_just_below_the_highest_rate_that_is_held() {
        for truth in [15.0, 140.0, 500.0, 4_321.0, 30_000.0] {
            let (found, asked) = found(500.0, 50_000.0, truth);
            assert!(found <= truth && found > truth / 1.06, "{found} of {truth}");
            assert!(asked < 20, "{asked}");
        }
    }

    #[test]
    fn stays_within_its_bounds() {
        assert_eq!(found(500.0, 2_000.0, 1e9).0, 2_000.0);
        assert_eq!(found(500.0, 400.0, 1e9).0, 400.0);
        assert_eq!(found(500.0, 50_000.0, 1.0).0, 0.0);
    }

    #[test]
    fn an_error_ends_the_climb() {
        assert!(climb(500.0, 1_000.0, |_| anyhow::bail!("gone")).is_err());
    }
}
