//! A ranker of the usual size: vectors of viewer and candidate and the features, 256 and 128 units, one logit.

use frontrow_origin::train::onnx::{Layer, chain};
use frontrow_origin::train::random::Random;
use ranking::features::COLUMNS;

/// Units of each layer behind the first.
const UNITS: [usize; 3] = [256, 128, 1];

/// Numbers of a candidate: two vectors of so many and the features.
pub(crate) fn columns(width: usize) -> usize {
    2 * width + COLUMNS
}

/// The ONNX file for vectors of so many numbers; its weights are random, of the size that keeps the signal's (He et
/// al., 2015).
pub(crate) fn onnx(width: usize) -> Vec<u8> {
    let mut random = Random::new(5);
    let mut inputs = columns(width);
    let mut layers = Vec::new();
    for outputs in UNITS {
        let size = (2.0 / inputs as f64).sqrt();
        let weights: Vec<f32> = (0..inputs * outputs).map(|_| (random.normal() * size) as f32).collect();
        layers.push((weights, vec![0.01; outputs]));
        inputs = outputs;
    }
    let layers: Vec<Layer<'_>> = layers.iter().map(|(weights, biases)| Layer { weights, biases }).collect();
    chain(&layers)
}
