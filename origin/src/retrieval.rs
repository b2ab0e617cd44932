//! Finds the nearest of many vectors, by FAISS.
//!
//! Johnson, Douze, Jégou: Billion-scale similarity search with GPUs, IEEE Transactions on Big Data 7(3),
//! 2021. Similarity is the inner product.

use std::path::Path;

use faiss::index::IndexImpl;
use faiss::index::io::{read_index, write_index};
use faiss::{Index, MetricType, index_factory};

/// Why an index could not be built or asked.
#[derive(Debug, thiserror::Error)]
pub enum RetrievalError {
    /// The numbers are not whole vectors.
    #[error("{numbers} numbers are not vectors of {dimensions}")]
    Ragged {
        /// How many numbers.
        numbers: usize,
        /// Numbers a vector has.
        dimensions: usize,
    },
    /// FAISS says no.
    #[error("FAISS: {0}")]
    Faiss(#[from] faiss::error::Error),
}

impl RetrievalError {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Ragged { .. } => "vectors-ragged",
            Self::Faiss(_) => "faiss",
        }
    }
}

/// How vectors are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// As they are: exact.
    Flat,
    /// A byte a number: a quarter of the memory, recall above 0.99 on real factors.
    Sq8,
}

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
    /// Builds an index of `vectors`, row by row, each of `dimensions` numbers.
    ///
    /// # Errors
    ///
    /// When the numbers are not whole vectors or the library refuses them.
    fn build(vectors: &[f32], dimensions: usize, storage: Storage) -> Result<Self, RetrievalError>;

    /// The `k` vectors with the largest inner product, or all that exist, best first.
    ///
    /// # Errors
    ///
    /// When the query has other dimensions.
    fn search(&mut self, query: &[f32], k: usize) -> Result<Vec<Neighbour>, RetrievalError>;

    /// Writes the index to a file.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    fn save(&self, path: &Path) -> Result<(), RetrievalError>;

    /// Reads an index that this origin wrote; never one from outside, the format is not made for it.
    ///
    /// # Errors
    ///
    /// When the file is not an index.
    fn load(path: &Path) -> Result<Self, RetrievalError>;
}

/// FAISS.
pub struct FaissIndex {
    index: IndexImpl,
}

impl VectorIndex for FaissIndex {
    fn build(vectors: &[f32], dimensions: usize, storage: Storage) -> Result<Self, RetrievalError> {
        if dimensions == 0 || !vectors.len().is_multiple_of(dimensions) {
            return Err(RetrievalError::Ragged { numbers: vectors.len(), dimensions });
        }
        let description = match storage {
            Storage::Flat => "Flat",
            Storage::Sq8 => "SQ8",
        };
        let width = u32::try_from(dimensions)
            .map_err(|_| RetrievalError::Ragged { numbers: vectors.len(), dimensions })?;
        let mut index = index_factory(width, description, MetricType::InnerProduct)?;
        if !index.is_trained() {
            index.train(vectors)?;
        }
        index.add(vectors)?;
        Ok(Self { index })
    }

    fn search(&mut self, query: &[f32], k: usize) -> Result<Vec<Neighbour>, RetrievalError> {
        let dimensions = self.index.d() as usize;
        if query.len() != dimensions {
            return Err(RetrievalError::Ragged { numbers: query.len(), dimensions });
        }
        let exist = usize::try_from(self.index.ntotal()).unwrap_or(usize::MAX);
        let found = self.index.search(query, k.min(exist))?;
        let neighbours = found.labels.iter().zip(&found.distances).filter_map(|(label, &similarity)| {
            let index = usize::try_from(label.get()?).ok()?;
            Some(Neighbour { index, similarity })
        });
        Ok(neighbours.collect())
    }

    fn save(&self, path: &Path) -> Result<(), RetrievalError> {
        Ok(write_index(&self.index, path.to_string_lossy())?)
    }

    fn load(path: &Path) -> Result<Self, RetrievalError> {
        Ok(Self { index: read_index(path.to_string_lossy())? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIMENSIONS: usize = 32;

    /// Equal numbers on every machine: a linear congruential generator (Knuth's MMIX).
    fn vectors(count: usize) -> Vec<f32> {
        let mut state = 7_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..count * DIMENSIONS).map(|_| next()).collect()
    }

    fn exact(vectors: &[f32], query: &[f32], k: usize) -> Vec<usize> {
        let product = |row: &[f32]| row.iter().zip(query).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        let mut scored: Vec<_> = vectors.chunks(DIMENSIONS).map(product).enumerate().collect();
        scored.sort_by(|a, b| b.1.total_cmp(&a.1));
        scored.into_iter().take(k).map(|(index, _)| index).collect()
    }

    fn recall(storage: Storage) -> f64 {
        let all = vectors(2_000);
        let mut index = FaissIndex::build(&all, DIMENSIONS, storage).unwrap();
        let mut hits = 0;
        for query in all.chunks(DIMENSIONS).take(50) {
            let expected = exact(&all, query, 10);
            let found = index.search(query, 10).unwrap();
            hits += found.iter().filter(|neighbour| expected.contains(&neighbour.index)).count();
        }
        hits as f64 / 500.0
    }

    #[test]
    fn flat_finds_exactly_what_a_full_scan_finds() {
        assert!(recall(Storage::Flat) >= 0.998, "only rounding of equal sums may differ");
    }

    #[test]
    fn a_byte_a_number_finds_nearly_all() {
        assert!(recall(Storage::Sq8) >= 0.95);
    }

    #[test]
    fn asks_for_no_more_than_there_is() {
        let all = vectors(3);
        let mut index = FaissIndex::build(&all, DIMENSIONS, Storage::Flat).unwrap();
        assert_eq!(index.search(&all[..DIMENSIONS], 10).unwrap().len(), 3);
    }

    #[test]
    fn an_index_read_back_answers_as_before() {
        let all = vectors(100);
        let mut index = FaissIndex::build(&all, DIMENSIONS, Storage::Sq8).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        index.save(file.path()).unwrap();
        let mut again = FaissIndex::load(file.path()).unwrap();
        let query = &all[..DIMENSIONS];
        assert_eq!(index.search(query, 10).unwrap(), again.search(query, 10).unwrap());
    }

    #[test]
    fn vectors_of_another_length_are_refused() {
        assert!(matches!(
            FaissIndex::build(&[0.0; 33], DIMENSIONS, Storage::Flat),
            Err(RetrievalError::Ragged { numbers: 33, dimensions: DIMENSIONS })
        ));
        let mut index = FaissIndex::build(&vectors(2), DIMENSIONS, Storage::Flat).unwrap();
        assert!(matches!(index.search(&[0.0; 3], 1), Err(RetrievalError::Ragged { .. })));
    }
}
