//! Builds an index that finds a stated share of the nearest, and measures that it does.

use std::collections::HashSet;

use super::{Neighbour, RetrievalError, Storage, VectorIndex, choose};
use crate::limits::RECALL_QUERIES_MAX;

/// An index, and what it was measured to find.
#[derive(Debug)]
pub struct Built<I> {
    /// The index.
    pub index: I,
    /// Lists compared; none where every vector is.
    pub probes: Option<u32>,
    /// Share of the ten nearest found, the mean over the queries.
    pub recall_at_10: f64,
}

/// Builds the cheapest index that finds `recall_at_10` of the ten nearest of these queries: the storage that
/// [`choose()`] expects to, with as few lists compared as do, or the next more exact one.
///
/// Without queries the vectors stand for them. A few hundred of either are used, spread evenly.
///
/// # Errors
///
/// As [`VectorIndex::build`]; when the share is none.
pub fn build_for_recall<I: VectorIndex>(
    vectors: &[f32],
    dimensions: usize,
    queries: &[f32],
    recall_at_10: f64,
) -> Result<Built<I>, RetrievalError> {
    if !(0.0..=1.0).contains(&recall_at_10) {
        return Err(RetrievalError::Recall(recall_at_10));
    }
    let count = vectors.len() / dimensions.max(1);
    let mut storage = choose(count, dimensions, recall_at_10).fitting(count);
    if storage == Storage::Flat {
        return exact(vectors, dimensions);
    }
    let queries = spread(if queries.is_empty() { vectors } else { queries }, dimensions);
    let truth = exact::<I>(vectors, dimensions)?.index.search(&queries, AT)?;
    loop {
        let index = I::build(vectors, dimensions, storage)?;
        let built = with_probes(index, &queries, &truth, recall_at_10)?;
        if built.recall_at_10 >= recall_at_10 {
            return Ok(built);
        }
        storage = match storage {
            Storage::IvfPq { lists, .. } => Storage::IvfSq8 { lists },
            Storage::IvfSq8 { .. } => Storage::Sq8,
            Storage::Sq8 | Storage::Flat => return exact(vectors, dimensions),
        };
    }
}

fn exact<I: VectorIndex>(vectors: &[f32], dimensions: usize) -> Result<Built<I>, RetrievalError> {
    let index = I::build(vectors, dimensions, Storage::Flat)?;
    Ok(Built { index, probes: None, recall_at_10: 1.0 })
}

/// Doubles the lists compared until enough is found, or so many that comparing all would cost no more.
fn with_probes<I: VectorIndex>(
    mut index: I,
    queries: &[f32],
    truth: &[Vec<Neighbour>],
    wanted: f64,
) -> Result<Built<I>, RetrievalError> {
    let Some(lists) = index.storage().lists() else {
        let recall_at_10 = recall(&index.search(queries, AT)?, truth);
        return Ok(Built { index, probes: None, recall_at_10 });
    };
    let mut probes = 1;
    loop {
        index.set_probes(probes)?;
        let recall_at_10 = recall(&index.search(queries, AT)?, truth);
        if recall_at_10 >= wanted || probes >= lists / LISTS_PER_PROBE_MIN {
            return Ok(Built { index, probes: Some(probes), recall_at_10 });
        }
        probes *= 2;
    }
}

/// Share of the true neighbours that were found, over all queries.
fn recall(found: &[Vec<Neighbour>], truth: &[Vec<Neighbour>]) -> f64 {
    let wanted: usize = truth.iter().map(Vec::len).sum();
    let hits: usize = found
        .iter()
        .zip(truth)
        .map(|(found, truth)| {
            let truth: HashSet<usize> = truth.iter().map(|neighbour| neighbour.index).collect();
            found.iter().filter(|neighbour| truth.contains(&neighbour.index)).count()
        })
        .sum();
    hits as f64 / wanted.max(1) as f64
}

/// Rows spread evenly over all, as many as a measurement needs.
fn spread(rows: &[f32], dimensions: usize) -> Vec<f32> {
    let step = (rows.len() / dimensions).div_ceil(RECALL_QUERIES_MAX).max(1);
    rows.chunks_exact(dimensions).step_by(step).flatten().copied().collect()
}

/// Neighbours that recall looks at.
const AT: usize = 10;

/// With more than one list in four compared, a byte a number without lists is as quick and finds more.
const LISTS_PER_PROBE_MIN: u32 = 4;
