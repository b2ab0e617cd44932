//! The index by FAISS.
//!
//! Johnson, Douze, Jégou: Billion-scale similarity search with GPUs, IEEE Transactions on Big Data 7(3),
//! 2021. Similarity is the inner product; lists are those of Jégou, Douze, Schmid: Product quantization for
//! nearest neighbor search, IEEE PAMI 33(1), 2011.

use std::path::Path;

use faiss::index::IndexImpl;
use faiss::index::autotune::ParameterSpace;
use faiss::index::io::{read_index, write_index};
use faiss::{Index, MetricType, index_factory};

use super::{Neighbour, RetrievalError, Storage, VectorIndex};
use crate::limits::{NEIGHBOURS_MAX, RESULTS_MAX, VECTOR_DIMENSIONS_MAX, VECTORS_MAX};

/// FAISS.
#[derive(Debug)]
pub struct FaissIndex {
    index: IndexImpl,
    storage: Storage,
}

impl VectorIndex for FaissIndex {
    fn build(vectors: &[f32], dimensions: usize, storage: Storage) -> Result<Self, RetrievalError> {
        let count = check(vectors, dimensions)?;
        let storage = storage.fitting(count);
        let width = u32::try_from(dimensions).map_err(|_| RetrievalError::Dimensions { dimensions })?;
        let mut index = index_factory(width, description(storage, width)?, MetricType::InnerProduct)?;
        if !index.is_trained() {
            index.train(vectors)?;
        }
        index.add(vectors)?;
        Ok(Self { index, storage })
    }

    fn search(&mut self, queries: &[f32], k: usize) -> Result<Vec<Vec<Neighbour>>, RetrievalError> {
        let count = check(queries, self.index.d() as usize)?;
        if k == 0 || k > NEIGHBOURS_MAX {
            return Err(RetrievalError::K { k });
        }
        let k = k.min(self.vectors());
        if count.checked_mul(k).is_none_or(|results| results > RESULTS_MAX) {
            return Err(RetrievalError::TooManyResults { queries: count, k });
        }
        let found = self.index.search(queries, k)?;
        let rows = found.labels.chunks(k).zip(found.distances.chunks(k));
        let neighbour = |(label, &similarity): (&faiss::Idx, &f32)| {
            // Lists that hold fewer than `k` leave places without a vector.
            let index = usize::try_from(label.get()?).ok()?;
            Some(Neighbour { index, similarity })
        };
        let row = |(labels, similarities): (&[_], &[f32])| {
            labels.iter().zip(similarities).filter_map(neighbour).collect()
        };
        Ok(rows.map(row).collect())
    }

    fn set_probes(&mut self, probes: u32) -> Result<(), RetrievalError> {
        if let Some(lists) = self.storage.lists() {
            let probes = probes.clamp(1, lists);
            ParameterSpace::new()?.set_index_parameter(&self.index, "nprobe", probes)?;
        }
        Ok(())
    }

    fn storage(&self) -> Storage {
        self.storage
    }

    fn vectors(&self) -> usize {
        usize::try_from(self.index.ntotal()).unwrap_or(usize::MAX)
    }

    fn dimensions(&self) -> usize {
        self.index.d() as usize
    }

    fn save(&self, path: &Path) -> Result<(), RetrievalError> {
        Ok(write_index(&self.index, text(path)?)?)
    }

    fn load(path: &Path, storage: Storage) -> Result<Self, RetrievalError> {
        let index = read_index(text(path)?).map_err(|error| RetrievalError::BadFile {
            path: path.to_path_buf(),
            reason: error.to_string(),
        })?;
        Ok(Self { index, storage })
    }
}

/// How many vectors there are, all of them sound.
fn check(vectors: &[f32], dimensions: usize) -> Result<usize, RetrievalError> {
    if dimensions == 0 || dimensions > VECTOR_DIMENSIONS_MAX {
        return Err(RetrievalError::Dimensions { dimensions });
    }
    if !vectors.len().is_multiple_of(dimensions) {
        return Err(RetrievalError::Ragged { numbers: vectors.len(), dimensions });
    }
    let count = vectors.len() / dimensions;
    if count == 0 {
        return Err(RetrievalError::Empty);
    }
    if count > VECTORS_MAX {
        return Err(RetrievalError::TooManyVectors { vectors: count });
    }
    // One such number makes every similarity to its vector incomparable, and order with it.
    match vectors.iter().position(|number| !number.is_finite()) {
        Some(place) => Err(RetrievalError::NotFinite { place }),
        None => Ok(count),
    }
}

/// In the words of FAISS.
fn description(storage: Storage, dimensions: u32) -> Result<String, RetrievalError> {
    Ok(match storage {
        Storage::Flat => "Flat".to_owned(),
        Storage::Sq8 => "SQ8".to_owned(),
        Storage::IvfSq8 { lists } => format!("IVF{lists},SQ8"),
        Storage::IvfPq { lists, code_bytes } if code_bytes > 0 && dimensions.is_multiple_of(code_bytes) => {
            // Without "np" most of the training would go into an order of codes that only Hamming distances use.
            format!("IVF{lists},PQ{code_bytes}np")
        }
        Storage::IvfPq { code_bytes, .. } => {
            return Err(RetrievalError::CodeBytes { dimensions: dimensions as usize, code_bytes });
        }
    })
}

/// FAISS opens files by text.
fn text(path: &Path) -> Result<&str, RetrievalError> {
    path.to_str().ok_or_else(|| RetrievalError::BadFile {
        path: path.to_path_buf(),
        reason: "the path is not UTF-8".to_owned(),
    })
}
