//! Titles as vectors, and the index that finds them.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::saved::hexadecimal;
use super::{Built, Description, FaissIndex, RetrievalError, Storage, VectorIndex, build_for_recall};
use crate::limits::NEIGHBOURS_MAX;

/// What a model says of each title: any model whose score is an inner product.
#[derive(Clone, Debug)]
pub struct TitleVectors {
    model: &'static str,
    // Invariant: strictly rising, one a vector.
    title_ids: Vec<u32>,
    dimensions: usize,
    vectors: Vec<f32>,
}

impl TitleVectors {
    /// `model` names where they come from; `title_ids` rise, and there is one for each row of `vectors`.
    ///
    /// # Errors
    ///
    /// When titles and rows do not go together.
    pub fn new(
        model: &'static str,
        title_ids: Vec<u32>,
        dimensions: usize,
        vectors: Vec<f32>,
    ) -> Result<Self, RetrievalError> {
        if dimensions == 0 || !vectors.len().is_multiple_of(dimensions) {
            return Err(RetrievalError::Ragged { numbers: vectors.len(), dimensions });
        }
        let rows = vectors.len() / dimensions;
        if rows != title_ids.len() || title_ids.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(RetrievalError::Titles { titles: title_ids.len(), vectors: rows });
        }
        Ok(Self { model, title_ids, dimensions, vectors })
    }

    /// Of the numbers, in hexadecimal.
    fn sha256(&self) -> String {
        let mut hasher = Sha256::new();
        for number in &self.vectors {
            hasher.update(number.to_le_bytes());
        }
        hexadecimal(&hasher.finalize())
    }
}

/// A title found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Near {
    /// The title.
    pub title: u32,
    /// The inner product of its vector and the query; an estimate unless the storage is flat.
    pub similarity: f32,
}

/// The index of all titles. Searches wait for each other: FAISS uses all cores for a batch, one for a query.
#[derive(Debug)]
pub struct TitleIndex {
    pub(super) title_ids: Vec<u32>,
    pub(super) description: Description,
    // The crate's search with lists wants the index for itself.
    pub(super) index: Mutex<FaissIndex>,
}

impl TitleIndex {
    /// Indexes the titles so that `recall_at_10` of the ten nearest are found, measured on `queries`: rows as long as
    /// the titles' vectors, of those who will ask.
    ///
    /// # Errors
    ///
    /// When there are none, or too many; when a number is not finite.
    pub fn build(titles: TitleVectors, queries: &[f32], recall_at_10: f64) -> Result<Self, RetrievalError> {
        let vectors_sha256 = titles.sha256();
        let TitleVectors { model, title_ids, dimensions, vectors } = titles;
        let width = padded(dimensions);
        let (vectors, queries) = (pad(&vectors, dimensions, width), pad(queries, dimensions, width));
        let built: Built<FaissIndex> = build_for_recall(&vectors, width, &queries, recall_at_10)?;
        let description = Description {
            model: model.to_owned(),
            dimensions,
            storage: built.index.storage(),
            probes: built.probes,
            recall_at_10: built.recall_at_10,
            vectors_sha256,
        };
        Ok(Self { title_ids, description, index: Mutex::new(built.index) })
    }

    /// What the index is.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// How the vectors are kept.
    pub fn storage(&self) -> Storage {
        self.description.storage
    }

    /// Whether it is of these very vectors. An index of others would not fail: it would only find the wrong titles.
    pub fn is_of(&self, titles: &TitleVectors) -> bool {
        self.title_ids == titles.title_ids && self.description.vectors_sha256 == titles.sha256()
    }

    /// How many titles there are.
    pub fn titles(&self) -> usize {
        self.title_ids.len()
    }

    /// The `k` titles with the largest inner product that are not excluded, best first, ties by the lower number;
    /// fewer where fewer exist or the lists compared hold fewer.
    ///
    /// # Errors
    ///
    /// When the query has other dimensions or a number that is not finite; when `k` is none or too large.
    pub fn nearest(&self, query: &[f32], k: usize, exclude: &[u32]) -> Result<Vec<Near>, RetrievalError> {
        let dimensions = self.description.dimensions;
        if query.len() != dimensions {
            return Err(RetrievalError::Ragged { numbers: query.len(), dimensions });
        }
        if k == 0 || k > NEIGHBOURS_MAX {
            return Err(RetrievalError::K { k });
        }
        let known = exclude.iter().filter(|title| self.title_ids.binary_search(title).is_ok());
        let excluded: HashSet<u32> = known.copied().collect();
        let query = pad(query, dimensions, padded(dimensions));
        // What is excluded may be all of the best, so as many more are looked for.
        let wanted = (k + excluded.len()).min(NEIGHBOURS_MAX);
        let found = {
            // A search that panicked has changed nothing.
            let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
            index.search(&query, wanted)?
        };
        let near = found.into_iter().flatten().filter_map(|neighbour| {
            let title = *self.title_ids.get(neighbour.index)?;
            Some(Near { title, similarity: neighbour.similarity })
        });
        let mut near: Vec<Near> = near.filter(|near| !excluded.contains(&near.title)).collect();
        near.sort_by(|a, b| b.similarity.total_cmp(&a.similarity).then(a.title.cmp(&b.title)));
        near.truncate(k);
        Ok(near)
    }
}

/// FAISS compares eight numbers at once only where all vectors are whole eights; zeros change no product.
pub(super) fn padded(dimensions: usize) -> usize {
    dimensions.next_multiple_of(8)
}

fn pad(rows: &[f32], dimensions: usize, width: usize) -> Vec<f32> {
    let mut padded = Vec::with_capacity(rows.len() / dimensions * width);
    for row in rows.chunks_exact(dimensions) {
        padded.extend_from_slice(row);
        padded.resize(padded.len() + width - dimensions, 0.0);
    }
    padded
}
