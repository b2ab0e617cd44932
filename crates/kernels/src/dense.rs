//! A layer of floats: rows times a matrix of weights, plus a bias.

use alloc::vec::Vec;

use crate::row::add;
use crate::{MatrixError, Panels};

/// The weights of a layer of `inputs` to `outputs`.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    panels: Panels,
    bias: Vec<f32>,
}

impl Dense {
    /// Takes weights of `inputs × outputs`, input by input, and a bias an output.
    ///
    /// # Errors
    ///
    /// When there is nothing, or the shapes do not fit.
    pub fn new(inputs: usize, weights: &[f32], bias: &[f32]) -> Result<Self, MatrixError> {
        let outputs = bias.len();
        if inputs == 0 || outputs == 0 {
            return Err(MatrixError::Columns { columns: inputs.min(outputs) });
        }
        if inputs.checked_mul(outputs) != Some(weights.len()) {
            return Err(MatrixError::Shape { values: weights.len() });
        }
        let mut panels = Panels::default();
        panels.reset(inputs, outputs);
        for (input, weights) in weights.chunks_exact(outputs).enumerate() {
            panels.set_input(input, weights);
        }
        Ok(Self { panels, bias: bias.to_vec() })
    }

    /// Values a row of input has.
    pub fn inputs(&self) -> usize {
        self.panels.inputs()
    }

    /// Values a row of output has.
    pub fn outputs(&self) -> usize {
        self.panels.outputs()
    }

    /// `to = rows · weights + bias`, row by row.
    ///
    /// Each value is `(0 + r₀w₀ + r₁w₁ + …) + bias` in this order, every product and sum rounded.
    ///
    /// # Panics
    ///
    /// When `rows` is not whole rows, or `to` not as many.
    pub fn apply(&self, rows: &[f32], to: &mut [f32]) {
        self.panels.apply(self.inputs(), self.outputs(), rows, to);
        for to in to.chunks_exact_mut(self.outputs()) {
            add(to, &self.bias);
        }
    }

    /// `sums += row · weights` for one row, without the bias: each sum goes on in the order of the inputs.
    ///
    /// # Panics
    ///
    /// When the row or the sums are longer than the layer's inputs or outputs.
    pub fn accumulate(&self, row: &[f32], sums: &mut [f32]) {
        self.panels.accumulate(row, sums);
    }
}

#[cfg(test)]
#[allow(clippy::needless_pass_by_value, reason = "quickcheck passes values")]
mod tests {
    use alloc::vec;

    use quickcheck::{Arbitrary, Gen, QuickCheck};

    use super::*;

    #[derive(Clone, Debug)]
    struct Case {
        inputs: usize,
        weights: Vec<f32>,
        bias: Vec<f32>,
        rows: Vec<f32>,
    }

    impl Arbitrary for Case {
        fn arbitrary(g: &mut Gen) -> Self {
            let (inputs, outputs) = (usize::arbitrary(g) % 20 + 1, usize::arbitrary(g) % 20 + 1);
            let rows = usize::arbitrary(g) % 11;
            let mut numbers =
                |count: usize| (0..count).map(|_| f32::from(i16::arbitrary(g)) / 977.0).collect();
            let (weights, bias, rows) = (numbers(inputs * outputs), numbers(outputs), numbers(rows * inputs));
            Self { inputs, weights, bias, rows }
        }
    }

    #[test]
    fn every_value_is_the_sum_in_the_order_of_the_inputs_bit_for_bit() {
        fn holds(case: Case) -> bool {
            let layer = Dense::new(case.inputs, &case.weights, &case.bias).unwrap();
            let outputs = case.bias.len();
            let mut found = vec![0.0; case.rows.len() / case.inputs * outputs];
            layer.apply(&case.rows, &mut found);
            let expected = case.rows.chunks_exact(case.inputs).flat_map(|row| {
                let (weights, bias) = (&case.weights, &case.bias);
                (0..outputs).map(move |output| {
                    let terms = row
                        .iter()
                        .enumerate()
                        .map(|(input, value)| value * weights[input * outputs + output]);
                    terms.fold(0.0, |sum, term| sum + term) + bias[output]
                })
            });
            found.iter().map(|value| value.to_bits()).eq(expected.map(f32::to_bits))
        }
        QuickCheck::new().tests(500).quickcheck(holds as fn(Case) -> bool);
    }

    #[test]
    fn sums_go_on_in_the_order_of_the_inputs_bit_for_bit() {
        fn holds(case: Case, start: f32) -> bool {
            let (inputs, outputs) = (case.inputs, case.bias.len() * 5);
            let weights: Vec<f32> = case.weights.iter().cycle().take(inputs * outputs).copied().collect();
            let layer = Dense::new(inputs, &weights, &vec![9.0; outputs]).unwrap();
            let row: Vec<f32> = case.weights.iter().rev().cycle().take(inputs).copied().collect();
            let mut found = vec![start; outputs];
            layer.accumulate(&row, &mut found);
            let expected = (0..outputs).map(|output| {
                let terms =
                    row.iter().enumerate().map(|(input, value)| value * weights[input * outputs + output]);
                terms.fold(start, |sum, term| sum + term)
            });
            start.is_nan() || found.iter().map(|value| value.to_bits()).eq(expected.map(f32::to_bits))
        }
        QuickCheck::new().quickcheck(holds as fn(Case, f32) -> bool);
    }

    #[test]
    fn a_part_of_the_panels_gives_what_a_smaller_layer_would_however_they_were_filled() {
        fn holds(case: Case, by_output: bool, inputs: usize, outputs: usize) -> bool {
            let (all_inputs, all_outputs) = (case.inputs, case.bias.len());
            let (inputs, outputs) = (inputs % all_inputs + 1, outputs % all_outputs + 1);
            let mut panels = Panels::default();
            panels.reset(3, 70);
            panels.reset(all_inputs, all_outputs);
            let weight = |input: usize, output: usize| case.weights[input * all_outputs + output];
            if by_output {
                for output in 0..all_outputs {
                    let weights: Vec<f32> = (0..all_inputs).map(|input| weight(input, output)).collect();
                    panels.set_output(output, &weights);
                }
            } else {
                for input in 0..all_inputs {
                    panels.set_input(input, &case.weights[input * all_outputs..][..all_outputs]);
                }
            }
            let rows: Vec<f32> =
                case.rows.chunks_exact(all_inputs).flat_map(|row| &row[..inputs]).copied().collect();
            let smaller: Vec<f32> =
                (0..inputs * outputs).map(|place| weight(place / outputs, place % outputs)).collect();
            let layer = Dense::new(inputs, &smaller, &vec![0.0; outputs]).unwrap();
            let mut expected = vec![0.0; rows.len() / inputs * outputs];
            let mut found = expected.clone();
            layer.apply(&rows, &mut expected);
            panels.apply(inputs, outputs, &rows, &mut found);
            found == expected
        }
        QuickCheck::new().tests(500).quickcheck(holds as fn(Case, bool, usize, usize) -> bool);
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused() {
        assert_eq!(Dense::new(0, &[], &[1.0]), Err(MatrixError::Columns { columns: 0 }));
        assert_eq!(Dense::new(2, &[1.0; 3], &[1.0; 2]), Err(MatrixError::Shape { values: 3 }));
    }
}
