//! Layer norm (Ba, Kiros, Hinton, 2016) of rows, there and back.

use crate::train::vector::{NormSlopes, normalise, normalise_back, stretch};

/// What a layer norm keeps for the way back.
#[derive(Default)]
pub(super) struct Norm {
    // Rows of mean 0 and variance 1.
    hats: Vec<f32>,
    // One over the deviation, one a row.
    inverses: Vec<f32>,
}

impl Norm {
    /// Writes the normalised rows of `input` times `gain` plus `bias` to `output`.
    pub(super) fn forward(&mut self, input: &[f32], gain: &[f32], bias: &[f32], output: &mut Vec<f32>) {
        self.hats.resize(input.len(), 0.0);
        self.inverses.resize(input.len() / gain.len(), 0.0);
        normalise(input, gain.len(), &mut self.hats, &mut self.inverses);
        self.outputs(gain, bias, output);
    }

    /// Writes the output of the way there again.
    pub(super) fn outputs(&self, gain: &[f32], bias: &[f32], output: &mut Vec<f32>) {
        output.resize(self.hats.len(), 0.0);
        stretch(&self.hats, gain, bias, output);
    }

    /// Adds the slopes by input, gain and bias to theirs.
    pub(super) fn backward(&self, gain: &[f32], slopes: NormSlopes<'_>) {
        normalise_back(&self.hats, &self.inverses, gain, slopes);
    }
}
