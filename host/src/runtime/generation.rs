//! A prepared release: what can be asked of its components.

use super::error::InvokeError;
use super::{bitrate, qoe, ranking};

/// A release ready to answer. Share it in an `Arc`; dropping the last one frees its code and images.
#[derive(Debug)]
pub struct Generation {
    number: u64,
}

impl Generation {
    /// The release's number.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The regions it answers for, in order of name.
    pub fn regions(&self) -> impl Iterator<Item = &str> {
        std::iter::empty()
    }

    /// Whether answers are ordered by a ranker.
    pub fn has_ranker(&self) -> bool {
        false
    }

    /// What the region's candidate set turned out to hold.
    pub fn loaded(&self, _region: &str) -> Option<ranking::Loaded> {
        None
    }

    /// Picks titles of a region for a viewer; the answer has been checked against the request.
    pub fn recommend(
        &self,
        _region: &str,
        _request: &ranking::Request,
    ) -> Result<ranking::Answer, InvokeError> {
        Err(InvokeError::UnknownRegion)
    }

    /// Predicts one rating a pair, in order.
    pub fn predict(&self, _pairs: &[ranking::Pair]) -> Result<Vec<f32>, InvokeError> {
        Err(InvokeError::UnknownRegion)
    }

    /// The `n` titles with the highest predicted rating, without the excluded ones.
    pub fn top_rated(
        &self,
        _viewer: u32,
        _n: u32,
        _exclude: &[u32],
    ) -> Result<Vec<ranking::Scored>, InvokeError> {
        Err(InvokeError::UnknownRegion)
    }

    /// Chooses the rung to fetch next.
    pub fn decide(&self, _input: &bitrate::Input) -> Result<bitrate::Decision, InvokeError> {
        Err(InvokeError::UnknownRegion)
    }

    /// `decide` for each input, in order, in one instance; the outer error is of the whole call.
    pub fn decide_batch(
        &self,
        _inputs: &[bitrate::Input],
    ) -> Result<Vec<Result<bitrate::Decision, bitrate::Error>>, InvokeError> {
        Err(InvokeError::UnknownRegion)
    }

    /// Folds events into a saved session; an empty state begins one.
    pub fn fold(&self, _state: &[u8], _events: &[qoe::Event]) -> Result<qoe::Folded, InvokeError> {
        Err(InvokeError::UnknownRegion)
    }

    /// Scores a summary.
    pub fn score(&self, _summary: &qoe::Summary) -> Result<qoe::Scores, InvokeError> {
        Err(InvokeError::UnknownRegion)
    }

    /// Runs the ranker over row-major features: one logit a row.
    pub fn infer(&self, _features: &[f32]) -> Result<Vec<f32>, InvokeError> {
        Err(InvokeError::UnknownRegion)
    }
}
