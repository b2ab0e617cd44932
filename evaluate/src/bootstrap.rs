//! How sure a difference between two policies is.

use serde::Serialize;

use crate::score::percentile;

/// Samples drawn from the traces.
const DRAWS: usize = 10_000;

/// Where the drawing begins: the same intervals in every run.
const SEED: u64 = 20_170_821;

/// The mean difference of two policies on the same traces, with its 95 % interval.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Paired {
    /// The policy counted positive.
    pub(crate) a: String,
    /// The policy counted negative.
    pub(crate) b: String,
    /// Mean over traces of the QoE-lin of `a` less that of `b`.
    pub(crate) mean_difference: f64,
    /// 2.5th percentile of the means of drawn traces.
    pub(crate) low95: f64,
    /// 97.5th percentile of the means of drawn traces.
    pub(crate) high95: f64,
}

/// Draws whole traces with replacement, so that a trace on which both fare badly counts for neither.
pub(crate) fn paired(a: (&str, &[f64]), b: (&str, &[f64])) -> Paired {
    let differences: Vec<f64> = a.1.iter().zip(b.1).map(|(a, b)| a - b).collect();
    let count = differences.len();
    let mut random = Random::new(SEED);
    let mut draw = || (0..count).map(|_| differences[random.below(count)]).sum::<f64>() / count as f64;
    let means: Vec<f64> = (0..DRAWS).map(|_| draw()).collect();
    Paired {
        a: a.0.to_owned(),
        b: b.0.to_owned(),
        mean_difference: differences.iter().sum::<f64>() / count as f64,
        low95: percentile(means.clone(), 0.025),
        high95: percentile(means, 0.975),
    }
}

/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): small, and the same on every machine.
pub(crate) struct Random {
    state: u64,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Below `count`, which is far below 2^53.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        (self.unit() * count as f64) as usize
    }

    /// From 0 to 1, both left out.
    pub(crate) fn unit(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Of the standard normal distribution (Box and Muller, 1958).
    pub(crate) fn normal(&mut self) -> f64 {
        (-2.0 * self.unit().ln()).sqrt() * (2.0 * std::f64::consts::PI * self.unit()).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::paired;

    #[test]
    fn a_constant_difference_has_no_width() {
        let found = paired(("a", &[2.0, 3.0, 4.0]), ("b", &[1.5, 2.5, 3.5]));
        assert_eq!((found.mean_difference, found.low95, found.high95), (0.5, 0.5, 0.5));
    }

    #[test]
    fn the_interval_holds_the_mean_and_is_the_same_in_every_run() {
        let a: Vec<f64> = (0..40).map(|index| f64::from(index % 7)).collect();
        let b = vec![2.0; 40];
        let found = paired(("a", &a), ("b", &b));
        assert!(found.low95 < found.mean_difference && found.mean_difference < found.high95, "{found:?}");
        assert_eq!(found, paired(("a", &a), ("b", &b)));
    }

    #[test]
    fn the_width_is_that_of_the_normal_law() {
        // Of n = 400 differences of variance 1, the interval of the mean is 2 × 1.96 / 20 wide.
        let a: Vec<f64> = (0..400).map(|index| if index % 2 == 0 { 1.0 } else { -1.0 }).collect();
        let found = paired(("a", &a), ("b", &vec![0.0; 400]));
        assert!((found.high95 - found.low95 - 0.196).abs() < 0.01, "{found:?}");
    }
}
