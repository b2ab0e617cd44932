//! What a ranker is asked about, for those who train one.

use alloc::vec::Vec;

use crate::eligibility::Eligibility;
use crate::recommend::{ModelError, Models, Ordered, Shortlist, title};
use crate::request::Request;
use crate::{Candidates, Error, Rules, TitleId};

/// A pool in the order that the ranker is to change; see [`Shortlist`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pool {
    /// The candidates.
    pub titles: Vec<TitleId>,
    /// The viewer's vector; empty where nobody was encoded.
    pub viewer: Vec<f32>,
    /// The tower's item of each candidate.
    pub items: Vec<u32>,
    /// One row of [`crate::features::COLUMNS`] a candidate.
    pub features: Vec<f32>,
}

/// What [`crate::recommend`] would ask a ranker for the same request; none where it would not ask.
///
/// Of the models only the tower is asked.
///
/// # Errors
///
/// As [`crate::recommend`].
pub fn pool(
    candidates: &Candidates,
    rules: &Rules,
    request: &Request,
    models: &mut dyn Models,
) -> Result<Option<Pool>, Error> {
    request.check()?;
    let eligibility = Eligibility::new(candidates, request);
    let mut recorder = Recorder { models, seen: Pool::default() };
    let ordered = Ordered::new(candidates, rules, request, &eligibility, Some(&mut recorder))?;
    let titles = ordered.pool().map(|index| title(candidates, index as usize)).collect();
    Ok(ordered.ranked.then_some(Pool { titles, ..recorder.seen }))
}

/// Leaves the pool in its order and keeps what the ranker would have seen.
struct Recorder<'a> {
    models: &'a mut dyn Models,
    seen: Pool,
}

impl Models for Recorder<'_> {
    fn score(&mut self, shortlist: &Shortlist<'_>) -> Result<Vec<f32>, ModelError> {
        let Shortlist { viewer, items, features } = *shortlist;
        self.seen = Pool {
            titles: Vec::new(),
            viewer: viewer.to_vec(),
            items: items.to_vec(),
            features: features.to_vec(),
        };
        #[allow(clippy::cast_precision_loss, reason = "a pool has at most hundreds of candidates")]
        let falling = (0..items.len()).map(|place| -(place as f32));
        Ok(falling.collect())
    }

    fn encode(&mut self, items: &[u32]) -> Result<Vec<f32>, ModelError> {
        self.models.encode(items)
    }
}
