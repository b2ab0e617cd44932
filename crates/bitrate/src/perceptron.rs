//! A small learnt function: what the last downloads looked like in, where the next throughput may lie out.
//!
//! Two hidden layers of 16. Single precision, sums in a fixed order and nothing but additions and products, so that
//! every form of Frontrow gets the same bits. `frontrow-evaluate fit` trains it; 800 numbers ship with the crate.

use core::array::from_fn;

/// Numbers that go in: see [`Views`](crate::views::Views).
pub const INPUTS: usize = 23;

/// Units of each hidden layer.
pub const HIDDEN: usize = 16;

/// Numbers that come out: see [`Activations::outlook`].
pub const OUTPUTS: usize = 7;

/// Numbers of a [`Perceptron`].
pub const PERCEPTRON_LEN: usize = HIDDEN * (INPUTS + 1) + HIDDEN * (HIDDEN + 1) + OUTPUTS * (HIDDEN + 1);

/// Outcomes of a chunk's throughput that are told apart.
pub const OUTCOMES: usize = 5;

/// A unit below zero passes on this share, so that it can be learnt back.
pub const LEAK: f32 = 0.05;

/// The weights of the function.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Perceptron {
    // Invariant: finite. Layer by layer: the biases of its units, then for each input its weights to them.
    weights: [f32; PERCEPTRON_LEN],
}

/// All that happens in a [`Perceptron`] for one input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Activations {
    /// Of the first hidden layer.
    pub first: [f32; HIDDEN],
    /// Of the second.
    pub second: [f32; HIDDEN],
    /// What comes out.
    pub out: [f32; OUTPUTS],
}

/// Where the throughput may lie, as differences of natural logarithms from the level that the input was told
/// from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outlook {
    /// Of the next chunk, rising: the quantiles of 5, 20, 50, 80 and 95 %.
    pub outcomes: [f32; OUTCOMES],
    /// The usual throughput of the five chunks after it.
    pub after: f32,
    /// How much of the next chunk's distance from its median will stay in those five, 0 to 1.
    pub stays: f32,
}

impl Perceptron {
    /// What ships.
    pub const SHIPPED: Self = Self { weights: crate::shipped_perceptron::WEIGHTS };

    /// Takes the weights; none when one is not finite or beyond 1,000.
    pub fn from_weights(weights: [f32; PERCEPTRON_LEN]) -> Option<Self> {
        let is_fine = |weight: &f32| (-WEIGHT_MAX..=WEIGHT_MAX).contains(weight);
        weights.iter().all(is_fine).then_some(Self { weights })
    }

    /// The weights, layer by layer: the biases of its units, then for each input its weights to them.
    pub fn weights(&self) -> &[f32; PERCEPTRON_LEN] {
        &self.weights
    }

    /// Runs the layers.
    pub fn run(&self, inputs: &[f32; INPUTS]) -> Activations {
        let mut weights = &self.weights[..];
        let first = layer(&mut weights, inputs).map(passed_on);
        let second = layer(&mut weights, &first).map(passed_on);
        let out = layer(&mut weights, &second);
        Activations { first, second, out }
    }
}

impl Activations {
    /// Reads the outputs: the median, the distances between neighbouring outcomes (below it two, above it two), what
    /// comes after, and what stays.
    pub fn outlook(&self) -> Outlook {
        let [median, below, far_below, above, far_above, after, stays] = self.out;
        let low = median - distance(below);
        let high = median + distance(above);
        Outlook {
            outcomes: [low - distance(far_below), low, median, high, high + distance(far_above)],
            after,
            stays: if stays > 0.0 { if stays < 1.0 { stays } else { 1.0 } } else { 0.0 },
        }
    }
}

/// Above zero whatever comes out, and nearly what comes out where that is above zero.
pub fn distance(out: f32) -> f32 {
    if out > 0.0 { DISTANCE_MIN + out } else { DISTANCE_MIN / (1.0 - out / DISTANCE_MIN) }
}

/// The slope of [`distance`].
pub fn distance_slope(out: f32) -> f32 {
    let shrunk = 1.0 - out / DISTANCE_MIN;
    if out > 0.0 { 1.0 } else { 1.0 / (shrunk * shrunk) }
}

fn layer<const UNITS: usize>(weights: &mut &[f32], inputs: &[f32]) -> [f32; UNITS] {
    let mut sums: [f32; UNITS] = *taken(weights);
    for input in inputs {
        let row: &[f32; UNITS] = taken(weights);
        sums = from_fn(|unit| sums[unit] + row[unit] * input);
    }
    sums
}

fn taken<'a, const COUNT: usize>(weights: &mut &'a [f32]) -> &'a [f32; COUNT] {
    let (taken, rest) = weights.split_first_chunk().expect("PERCEPTRON_LEN adds up all layers");
    *weights = rest;
    taken
}

fn passed_on(sum: f32) -> f32 {
    if sum > 0.0 { sum } else { LEAK * sum }
}

/// Two outcomes are at least about so far apart.
const DISTANCE_MIN: f32 = 0.02;

/// No sum of products of inputs and weights of this size leaves the numbers.
const WEIGHT_MAX: f32 = 1e3;

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use quickcheck::quickcheck;

    use super::{INPUTS, PERCEPTRON_LEN, Perceptron};

    #[test]
    fn what_ships_is_finite_and_a_weight_that_is_not_is_refused() {
        assert_eq!(Perceptron::from_weights(*Perceptron::SHIPPED.weights()), Some(Perceptron::SHIPPED));
        let mut weights = [0.0; PERCEPTRON_LEN];
        weights[7] = f32::NAN;
        assert_eq!(Perceptron::from_weights(weights), None);
    }

    #[test]
    fn without_weights_all_outcomes_are_near_nothing() {
        let none = Perceptron::from_weights([0.0; PERCEPTRON_LEN]).unwrap();
        let outlook = none.run(&[1.0; INPUTS]).outlook();
        assert_eq!(outlook.outcomes, [-0.04, -0.02, 0.0, 0.02, 0.04]);
    }

    quickcheck! {
        fn outcomes_rise_and_are_finite(seed: Vec<i16>) -> bool {
            let number = |index: usize| f32::from(*seed.get(index % seed.len().max(1)).unwrap_or(&0)) / 1e4;
            let outlook = Perceptron::SHIPPED.run(&core::array::from_fn(number)).outlook();
            outlook.outcomes.windows(2).all(|pair| pair[0] < pair[1] && pair[1].is_finite())
                && (0.0..=1.0).contains(&outlook.stays)
        }
    }
}
