//! The vectors of a candidate set: what a viewer's vector is compared with.

use alloc::vec::Vec;

use kernels::{ByteMatrix, Query, dot_bytes, unscaled};

/// One vector a title, as bytes, and the number by which the tower knows the title.
#[derive(Clone, Debug, PartialEq)]
pub struct Vectors {
    /// A row a title; of one that the tower does not know the average of those that it knows, which is what its score
    /// is then, too. It counts only where a row of another title speaks for it.
    pub matrix: ByteMatrix,
    /// The tower's number of each title, [`Vectors::UNKNOWN`] where it knows none.
    pub items: Vec<u32>,
}

impl Vectors {
    /// In place of a number: the tower does not know the title.
    pub const UNKNOWN: u32 = u32::MAX;

    /// The tower's number of a title.
    pub fn item(&self, index: usize) -> Option<u32> {
        self.items.get(index).copied().filter(|&item| item != Self::UNKNOWN)
    }

    /// Titles that the tower knows.
    pub fn known(&self) -> usize {
        self.items.iter().filter(|&&item| item != Self::UNKNOWN).count()
    }

    /// Products of a viewer's vector, rounded to seven bits, with every row, and the power of two that they are still
    /// to be multiplied with.
    pub(crate) fn rounded(&self, viewer: &[f32]) -> (Vec<f32>, f32) {
        let query = Query::quantise(viewer);
        (unscaled(&self.matrix, &query), query.scale())
    }

    /// The product of a viewer's vector as it is with a row of bytes.
    pub(crate) fn exact(&self, viewer: &[f32], index: usize) -> f32 {
        dot_bytes(viewer, self.matrix.row(index)) * self.matrix.scales()[index]
    }
}
