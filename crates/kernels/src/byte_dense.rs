//! A layer of bytes: rows quantised on the way in, exact sums, floats on the way out.

use alloc::vec;
use alloc::vec::Vec;

use crate::MatrixError;
use crate::bytes::{ByteMatrix, GROUP, STEP};
use crate::dot::{Dot, Rows};

/// The weights of a layer in eight bits, with a scale an output.
#[derive(Clone, Debug, PartialEq)]
pub struct ByteDense {
    weights: ByteMatrix,
    bias: Vec<f32>,
}

impl ByteDense {
    /// The nearest bytes to weights of `inputs × outputs`, input by input, with a bias an output.
    ///
    /// # Errors
    ///
    /// When there is nothing, the shapes do not fit, or a weight is not finite.
    pub fn quantise(inputs: usize, weights: &[f32], bias: &[f32]) -> Result<Self, MatrixError> {
        let outputs = bias.len();
        if outputs == 0 {
            return Err(MatrixError::Columns { columns: 0 });
        }
        if inputs.checked_mul(outputs) != Some(weights.len()) {
            return Err(MatrixError::Shape { values: weights.len() });
        }
        let of_output = |output| (0..inputs).map(move |input| weights[input * outputs + output]);
        let transposed: Vec<f32> = (0..outputs).flat_map(of_output).collect();
        Ok(Self { weights: ByteMatrix::quantise(inputs, &transposed)?, bias: bias.to_vec() })
    }

    /// Values a row of input has.
    pub fn inputs(&self) -> usize {
        self.weights.columns()
    }

    /// Values a row of output has.
    pub fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// `to = rows · weights + bias`, row by row, each row in seven bits with a scale of its own.
    ///
    /// A row without a negative value, as after ReLU, uses all seven bits for its size. Values are
    /// rounded to the nearest, ties to even; what is not finite counts as 0.
    ///
    /// # Panics
    ///
    /// When `rows` is not whole rows, or `to` not as many.
    pub fn apply(&self, rows: &[f32], to: &mut [f32]) {
        let count = rows.len() / self.inputs();
        assert!(rows.len() == count * self.inputs() && to.len() == count * self.outputs());
        let dot = Dot::best();
        let padded = self.outputs().next_multiple_of(GROUP);
        let mut scores = vec![0.0; padded];
        let mut bytes = vec![0; self.inputs().next_multiple_of(STEP)];
        let unshifted = vec![0; padded];
        let shifted = self.weights.padded(0, padded);
        for (row, to) in rows.chunks_exact(self.inputs()).zip(to.chunks_exact_mut(self.outputs())) {
            let (scale, is_shifted) = quantise_row(row, &mut bytes);
            let weights = if is_shifted { shifted } else { Rows { shifts: &unshifted, ..shifted } };
            dot.scores(weights, &bytes, &mut scores);
            for ((to, score), bias) in to.iter_mut().zip(&scores).zip(&self.bias) {
                *to = score * scale + bias;
            }
        }
    }
}

/// The scale of the bytes, and whether 64 was added to each.
fn quantise_row(row: &[f32], bytes: &mut [u8]) -> (f32, bool) {
    // Four lanes at a time; the largest does not depend on the order.
    let (mut largest, mut least) = (0.0_f32, 0.0_f32);
    for &value in row {
        largest = if value > largest { value } else { largest };
        least = if value < least { value } else { least };
    }
    let is_shifted = least < 0.0;
    let size = if largest > -least { largest } else { -least };
    let (steps, shift) = if is_shifted { (63.0, 64.0) } else { (127.0, 0.0) };
    if !(size > 0.0 && size < f32::INFINITY) {
        bytes[..row.len()].fill(if is_shifted { 64 } else { 0 });
        return (0.0, is_shifted);
    }
    let factor = steps / size;
    for (byte, value) in bytes.iter_mut().zip(row) {
        *byte = nearest(value * factor + shift);
    }
    (size / steps, is_shifted)
}

/// Rounds a number from 0 to 127 to the nearest, ties to even, without a call that has no vector form.
fn nearest(value: f32) -> u8 {
    // Above 2^23 a float has no fraction: adding it rounds, and the lowest bits are the number.
    let bits = (value + 8_388_608.0).to_bits();
    (bits & 127) as u8
}

#[cfg(test)]
#[allow(clippy::needless_pass_by_value, reason = "quickcheck passes values")]
mod tests {
    use quickcheck::QuickCheck;

    use super::*;

    #[test]
    fn outputs_are_near_those_of_floats() {
        fn holds(seed: u32, inputs: u8, has_negative: bool) -> bool {
            let (inputs, outputs, rows) = (usize::from(inputs) + 1, 7, 5);
            let mut state = u64::from(seed) | 1;
            let mut number = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 40) as f32 / 8_388_608.0 - 1.0
            };
            let weights: Vec<f32> = (0..inputs * outputs).map(|_| number()).collect();
            let bias: Vec<f32> = (0..outputs).map(|_| number()).collect();
            let rows: Vec<f32> =
                (0..rows * inputs).map(|_| if has_negative { number() } else { number().abs() }).collect();
            let layer = ByteDense::quantise(inputs, &weights, &bias).unwrap();
            let exact = crate::Dense::new(inputs, &weights, &bias).unwrap();
            let (mut found, mut expected) = (vec![0.0; 5 * outputs], vec![0.0; 5 * outputs]);
            layer.apply(&rows, &mut found);
            exact.apply(&rows, &mut expected);
            // Each term is off by at most half a step of either side; errors add like a random walk at
            // most ten standard deviations long.
            let tolerance = 10.0 * (inputs as f32).sqrt() / 63.0 / 2.0;
            found.iter().zip(&expected).all(|(a, b)| (a - b).abs() <= tolerance)
        }
        QuickCheck::new().tests(300).quickcheck(holds as fn(u32, u8, bool) -> bool);
    }

    #[test]
    fn what_is_not_finite_or_zero_gives_the_bias() {
        let layer = ByteDense::quantise(2, &[1.0, 1.0], &[0.5]).unwrap();
        for row in [[0.0, 0.0], [f32::INFINITY, 1.0], [f32::NEG_INFINITY, 1.0], [f32::NAN, 0.0]] {
            let mut to = [9.0];
            layer.apply(&row, &mut to);
            assert_eq!(to, [0.5]);
        }
    }

    #[test]
    fn halves_round_to_even() {
        let rounded = [0.0, 0.5, 1.5, 2.5, 126.4, 126.5, 127.0].map(nearest);
        assert_eq!(rounded, [0, 0, 2, 2, 126, 126, 127]);
    }
}
