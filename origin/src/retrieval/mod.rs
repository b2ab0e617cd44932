//! Finds the nearest of many vectors: the titles that fit a viewer best, out of the whole catalogue.
//!
//! [`FaissIndex`] searches, [`choose`] says how it should keep its vectors, [`TitleIndex`] knows which title
//! each vector is, and [`Corpus`] answers for viewers and titles.

mod build;
mod choose;
mod corpus;
mod error;
mod faiss;
mod saved;
#[cfg(test)]
mod tests;
mod titles;

pub use build::{Built, build_for_recall};
pub use choose::{RECALL_AT_10_DEFAULT, choose};
pub use corpus::{Corpus, Query, title_vectors, viewer_vector};
pub use error::RetrievalError;
pub use faiss::FaissIndex;
pub use saved::Description;
pub use titles::{Near, TitleIndex, TitleVectors};

use std::path::Path;

use serde::{Deserialize, Serialize};

/// How vectors are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Storage {
    /// As they are: exact.
    Flat,
    /// A byte a number: a quarter of the memory, every vector still compared.
    Sq8,
    /// In lists around centroids, a byte a number; only the lists nearest to the query are compared.
    IvfSq8 {
        /// Centroids.
        lists: u32,
    },
    /// In lists around centroids, a byte for several numbers.
    IvfPq {
        /// Centroids.
        lists: u32,
        /// Bytes of a vector; a divisor of its numbers.
        code_bytes: u32,
    },
}

impl Storage {
    /// Its stable name, for programs and labels.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flat => "flat",
            Self::Sq8 => "sq8",
            Self::IvfSq8 { .. } => "ivf-sq8",
            Self::IvfPq { .. } => "ivf-pq",
        }
    }

    /// Its lists; none where every vector is compared.
    pub fn lists(self) -> Option<u32> {
        match self {
            Self::Flat | Self::Sq8 => None,
            Self::IvfSq8 { lists } | Self::IvfPq { lists, .. } => Some(lists),
        }
    }

    /// Vectors that its training needs to be more than noise.
    pub fn vectors_min(self) -> usize {
        match self {
            Self::Flat | Self::Sq8 => 1,
            Self::IvfSq8 { lists } => VECTORS_PER_CENTROID_MIN * lists as usize,
            // Each byte of a code names one of 256 centroids.
            Self::IvfPq { lists, .. } => VECTORS_PER_CENTROID_MIN * lists.max(256) as usize,
        }
    }

    /// Itself, or a byte a number where so few vectors could not be trained on.
    pub fn fitting(self, vectors: usize) -> Self {
        if vectors < self.vectors_min() { Self::Sq8 } else { self }
    }
}

/// Below this a centroid follows single vectors; FAISS itself warns below 39.
const VECTORS_PER_CENTROID_MIN: usize = 20;

/// A vector found: its place in the order of building, and its inner product with the query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    /// Its place.
    pub index: usize,
    /// The inner product; an estimate unless the storage is flat.
    pub similarity: f32,
}

/// An index of vectors, whatever library keeps it.
pub trait VectorIndex: Sized {
    /// Builds an index of `vectors`, row by row, each of `dimensions` numbers; where they are too few to train
    /// lists on, with a byte a number instead.
    ///
    /// # Errors
    ///
    /// When there are none, too many, or no whole ones; when a number is not finite; when the storage does not
    /// go with their length.
    fn build(vectors: &[f32], dimensions: usize, storage: Storage) -> Result<Self, RetrievalError>;

    /// For each query the `k` vectors with the largest inner product, best first; fewer where fewer exist or
    /// the lists compared hold fewer.
    ///
    /// # Errors
    ///
    /// When a query has other dimensions or a number that is not finite, or too much is asked for at once.
    fn search(&mut self, queries: &[f32], k: usize) -> Result<Vec<Vec<Neighbour>>, RetrievalError>;

    /// Compares the vectors of so many lists from now on; of no effect where there are none.
    ///
    /// # Errors
    ///
    /// When the library refuses.
    fn set_probes(&mut self, probes: u32) -> Result<(), RetrievalError>;

    /// How the vectors are kept.
    fn storage(&self) -> Storage;

    /// How many vectors there are.
    fn vectors(&self) -> usize;

    /// Numbers a vector has.
    fn dimensions(&self) -> usize;

    /// Writes the index to a file, the lists compared included.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    fn save(&self, path: &Path) -> Result<(), RetrievalError>;

    /// Reads an index that this origin wrote with this storage; never one from outside, the format is not made
    /// for it.
    ///
    /// # Errors
    ///
    /// When the file is not an index.
    fn load(path: &Path, storage: Storage) -> Result<Self, RetrievalError>;
}
