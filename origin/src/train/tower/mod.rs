//! The two-tower model: a causal transformer turns a history into a viewer's vector, an item's vector is its row
//! of the embedding; their dot product orders the items.
//!
//! Pre-norm blocks (attention, then rectified units), no positions but a bias by age that each head learns: a
//! place looks the same whatever comes after it and wherever it stands, so keys and values of a history can be
//! kept and one more view costs one step ([`inference::Tower`] does). After Kang, McAuley, "Self-attentive sequential recommendation", 2018,
//! trained with cross-entropy over all items as by Klenitskiy, Vasilev, "Turning dross into gold loss", 2023.

mod attention;
mod learn;
mod network;
mod norm;
pub mod onnx;
pub mod search;
mod shape;
mod softmax;
#[cfg(test)]
mod tests;

pub use learn::{Learner, Settings};
pub use shape::{BlockPlaces, Layout, NormPlaces, Place, Shape};

use network::{Dropout, Tape};
use rayon::prelude::*;

use super::matrix;

/// A trained tower.
#[derive(Clone, Debug, PartialEq)]
pub struct Tower {
    shape: Shape,
    // Invariant: as long as the shape's layout, all finite.
    parameters: Vec<f32>,
}

impl Tower {
    /// Its sizes.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// All numbers, by [`Shape::layout`].
    pub fn parameters(&self) -> &[f32] {
        &self.parameters
    }

    /// One row an item.
    pub fn item_vectors(&self) -> &[f32] {
        self.shape.layout().item_vectors.of(&self.parameters)
    }

    /// The vector of whoever watched these items, oldest first; none for an empty history.
    ///
    /// # Panics
    /// When an item is not one of the tower's.
    pub fn encode(&self, history: &[u32]) -> Option<Vec<f32>> {
        if history.is_empty() {
            return None;
        }
        Some(self.encode_all(&[history]))
    }

    /// One row a history; none may be empty.
    ///
    /// # Panics
    /// When a history is empty, or an item is not one of the tower's.
    pub fn encode_all(&self, histories: &[&[u32]]) -> Vec<f32> {
        assert!(histories.iter().all(|history| !history.is_empty()), "an empty history has no vector");
        let layout = self.shape.layout();
        let encode = |tape: &mut Tape, histories: &[&[u32]]| -> Vec<f32> {
            tape.load(histories.iter().map(|history| self.newest(history)));
            tape.forward(&self.shape, &layout, &self.parameters, &mut Dropout::new(0.0, 0));
            let last = tape.spans().iter().map(|span| span.end - 1);
            let width = self.shape.width;
            last.flat_map(|row| tape.output[row * width..(row + 1) * width].to_vec()).collect()
        };
        let parts = histories.par_chunks(HISTORIES_AT_ONCE);
        let parts: Vec<Vec<f32>> = parts.map_init(Tape::default, encode).collect();
        parts.concat()
    }

    /// The dot products of each history's vector with every item's: one row a history.
    ///
    /// # Panics
    /// As [`Tower::encode_all`].
    pub fn scores(&self, histories: &[&[u32]]) -> Vec<f32> {
        let mut scores = vec![0.0; histories.len() * self.shape.items];
        let viewers = self.encode_all(histories);
        let width = self.shape.width;
        let items = matrix::rows(self.item_vectors(), width);
        let out = matrix::rows_mut(&mut scores, self.shape.items);
        matrix::set(out, matrix::rows(&viewers, width), items.transpose(), 1.0);
        scores
    }

    fn newest<'a>(&self, history: &'a [u32]) -> &'a [u32] {
        &history[history.len().saturating_sub(self.shape.window)..]
    }
}

/// Enough for large matrix products, few enough to stay near the processor.
const HISTORIES_AT_ONCE: usize = 16;
