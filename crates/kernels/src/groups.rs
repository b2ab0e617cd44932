//! The weights of a layer in the order in which products read them.

use alloc::vec;
use alloc::vec::Vec;

/// Outputs that are computed together.
pub(crate) const GROUP: usize = 4;

/// Group after group of outputs, and in each: for each `STEP` inputs the weights of each output, so that a product reads
/// straight on. Zeros where there is no input or output.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Groups<T, const STEP: usize> {
    steps: usize,
    weights: Vec<[T; STEP]>,
}

impl<T: Copy + Default, const STEP: usize> Groups<T, STEP> {
    /// Zeros for so many inputs, which are whole steps, and outputs, padded to whole groups.
    pub(crate) fn zeros(inputs: usize, outputs: usize) -> Self {
        let steps = inputs / STEP;
        Self { steps, weights: vec![[T::default(); STEP]; steps * outputs.next_multiple_of(GROUP)] }
    }

    /// Takes the weights of an output, step by step.
    pub(crate) fn set(&mut self, output: usize, weights: impl Iterator<Item = [T; STEP]>) {
        for (step, weights) in weights.enumerate().take(self.steps) {
            let place = self.place(output, step);
            self.weights[place] = weights;
        }
    }

    /// The weights of an output, input by input.
    pub(crate) fn of(&self, output: usize) -> impl Iterator<Item = T> {
        (0..self.steps).flat_map(move |step| self.weights[self.place(output, step)])
    }

    #[cfg(any(target_feature = "simd128", target_arch = "x86_64"))]
    pub(crate) fn as_ptr(&self) -> *const T {
        self.weights.as_ptr().cast()
    }

    fn place(&self, output: usize, step: usize) -> usize {
        (output / GROUP * self.steps + step) * GROUP + output % GROUP
    }
}
