//! The whole catalogue, asked by a viewer, by titles, or by a vector.
//!
//! Of the factor model, a title's vector is its factors and its bias, a viewer's the factors and a one: their inner
//! product is the predicted rating but for what is equal for all titles, so the nearest are the best rated.

use std::sync::Arc;

use ranking::Factors;

use super::{Near, RetrievalError, TitleIndex, TitleVectors};
use crate::limits::RECALL_QUERIES_MAX;

/// Who or what asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Query {
    /// A vector in the space of the model's viewers.
    Vector(Vec<f32>),
    /// A viewer whom the model knows.
    Viewer(u32),
    /// Titles to find more like; those that the model does not know are left out.
    Titles(Vec<u32>),
}

/// The model that knows viewers, and the index of its titles.
#[derive(Debug)]
pub struct Corpus {
    factors: Factors,
    index: Arc<TitleIndex>,
}

impl Corpus {
    /// Indexes the titles of a factor model, so that `recall_at_10` of what its viewers look for is found.
    ///
    /// # Errors
    ///
    /// As [`TitleIndex::build`].
    pub fn index_of(factors: &Factors, recall_at_10: f64) -> Result<TitleIndex, RetrievalError> {
        TitleIndex::build(title_vectors(factors)?, &viewer_sample(factors), recall_at_10)
    }

    /// The index is of these factors' titles.
    pub fn new(factors: Factors, index: Arc<TitleIndex>) -> Self {
        Self { factors, index }
    }

    /// The index.
    pub fn index(&self) -> &TitleIndex {
        &self.index
    }

    /// The `k` nearest titles that are not excluded, best first; titles that ask are excluded themselves.
    ///
    /// # Errors
    ///
    /// When the model knows the viewer or the titles not; as [`TitleIndex::nearest`].
    pub fn find(&self, query: &Query, k: usize, exclude: &[u32]) -> Result<Vec<Near>, RetrievalError> {
        match query {
            Query::Vector(vector) => self.index.nearest(vector, k, exclude),
            Query::Viewer(viewer) => {
                let vector =
                    viewer_vector(&self.factors, *viewer).ok_or(RetrievalError::ViewerUnknown(*viewer))?;
                self.index.nearest(&vector, k, exclude)
            }
            Query::Titles(titles) => {
                let vector = likeness(&self.factors, titles).ok_or(RetrievalError::TitlesUnknown)?;
                self.index.nearest(&vector, k, &[exclude, titles].concat())
            }
        }
    }
}

/// The titles of a factor model as vectors: factors, then the bias.
///
/// # Errors
///
/// Never for a checked model.
pub fn title_vectors(factors: &Factors) -> Result<TitleVectors, RetrievalError> {
    let columns = factors.columns();
    let rows = columns.title_factors.chunks_exact(columns.factors).zip(&columns.title_biases);
    let vectors = rows.flat_map(|(row, bias)| row.iter().chain([bias])).copied().collect();
    TitleVectors::new("factors", columns.title_ids.clone(), columns.factors + 1, vectors)
}

/// A viewer of a factor model as a vector that asks for the best rated titles: factors, then a one.
pub fn viewer_vector(factors: &Factors, viewer: u32) -> Option<Vec<f32>> {
    let columns = factors.columns();
    let place = columns.viewer_ids.binary_search(&viewer).ok()?;
    let row = &columns.viewer_factors[place * columns.factors..(place + 1) * columns.factors];
    Some(row.iter().copied().chain([1.0]).collect())
}

/// Viewers of a factor model, spread evenly, as many as show what an index finds.
fn viewer_sample(factors: &Factors) -> Vec<f32> {
    let ids = &factors.columns().viewer_ids;
    let step = ids.len().div_ceil(RECALL_QUERIES_MAX).max(1);
    ids.iter().step_by(step).filter_map(|&viewer| viewer_vector(factors, viewer)).flatten().collect()
}

/// The mean of the titles' factors; how well they are rated says nothing of what they are like.
fn likeness(factors: &Factors, titles: &[u32]) -> Option<Vec<f32>> {
    let columns = factors.columns();
    let places: Vec<usize> =
        titles.iter().filter_map(|title| columns.title_ids.binary_search(title).ok()).collect();
    if places.is_empty() {
        return None;
    }
    let mut sum = vec![0.0; columns.factors + 1];
    for place in &places {
        let row = &columns.title_factors[place * columns.factors..(place + 1) * columns.factors];
        for (sum, factor) in sum.iter_mut().zip(row) {
            *sum += factor / places.len() as f32;
        }
    }
    Some(sum)
}
