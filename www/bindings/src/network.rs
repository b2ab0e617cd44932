//! Runs a ranker of dense layers with the same bits as the component's tract.
//!
//! A sum runs over the inputs in rising order, products and sums are rounded one by one, and the bias
//! comes last: that is what tract's kernels without fused operations do for one row and one output.

use ranking::{RankerError, features};

use crate::{Refusal, onnx};

/// One step of a network.
#[derive(Clone, Debug)]
pub(crate) enum Layer {
    /// Weights, a row for each input.
    Dense {
        /// Numbers that come in; above 0.
        inputs: usize,
        /// Numbers that go out; above 0.
        outputs: usize,
        /// `inputs · outputs` of them.
        weights: Vec<f32>,
    },
    /// Added to the numbers.
    Bias(Vec<f32>),
    /// What is negative becomes 0.
    Relu,
}

/// A network from a row of features to one logit.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    // Invariant: each layer fits the one before it, the first takes the features, the last gives one.
    layers: Vec<Layer>,
}

impl Network {
    /// Of an ONNX file.
    pub(crate) fn decode(model: &[u8]) -> Result<Self, Refusal> {
        let layers = onnx::layers(model)?;
        let mut width = features::COLUMNS;
        for layer in &layers {
            let fits = match layer {
                Layer::Dense { inputs, .. } => *inputs == width,
                Layer::Bias(biases) => biases.len() == width,
                Layer::Relu => true,
            };
            if !fits {
                return Err(Refusal::new("ranker-signature", &"the layers do not fit each other"));
            }
            if let Layer::Dense { outputs, .. } = layer {
                width = *outputs;
            }
        }
        if width != 1 {
            return Err(Refusal::new("ranker-signature", &"a ranker gives one logit a row"));
        }
        Ok(Self { layers })
    }

    fn logit(&self, row: &[f32]) -> f32 {
        let mut numbers = row.to_vec();
        for layer in &self.layers {
            match layer {
                Layer::Dense { outputs, weights, .. } => numbers = dense(&numbers, weights, *outputs),
                Layer::Bias(biases) => {
                    numbers.iter_mut().zip(biases).for_each(|(number, bias)| *number += bias);
                }
                Layer::Relu => numbers.iter_mut().for_each(|number| *number = number.max(0.0)),
            }
        }
        numbers[0]
    }
}

fn dense(numbers: &[f32], weights: &[f32], outputs: usize) -> Vec<f32> {
    let mut sums = vec![0.0; outputs];
    for (number, weights) in numbers.iter().zip(weights.chunks_exact(outputs)) {
        sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += number * weight);
    }
    sums
}

/// A network at work; what `ranking::recommend` asks.
pub(crate) struct AtWork<'a>(pub(crate) &'a Network);

impl ranking::Ranker for AtWork<'_> {
    fn score(&mut self, features: &[f32]) -> Result<Vec<f32>, RankerError> {
        Ok(features.chunks_exact(features::COLUMNS).map(|row| self.0.logit(row)).collect())
    }
}
