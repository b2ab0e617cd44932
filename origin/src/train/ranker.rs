//! Learns the ranker from validation views, and judges it on viewers it did not learn from.

use ranking::{Candidates, ModelError, Request, Rules, recommend};
use rayon::prelude::*;

use super::limits::RANKER_VIEWERS_MAX;
use super::mlp::{Example, Mlp, Settings};
use super::rank::{Place, Quality, Tally};
use super::sequences::Sequences;

/// Candidates of a pool: as many as one answer can name.
pub const POOL: u32 = ranking::limits::K_MAX;

/// A network and what it was judged by; every viewer was judged by a network that had not seen them.
#[derive(Clone, Debug)]
pub struct Trained {
    /// Learned from all examples.
    pub mlp: Mlp,
    /// Order by the network.
    pub ranked: Quality,
    /// Order by rows alone, for the same viewers.
    pub rows_alone: Quality,
}

impl Trained {
    /// Whether a release is better with the network than without it.
    pub fn is_worth_shipping(&self) -> bool {
        self.ranked.ndcg_at_10 >= self.rows_alone.ndcg_at_10
    }
}

/// Learns from the view before the newest `held_out` of each viewer; `candidates` must know neither.
///
/// None when no pool holds the view it should lead to.
///
/// # Errors
/// As [`recommend`].
pub fn train(
    candidates: &Candidates,
    rules: &Rules,
    sequences: &Sequences,
    held_out: usize,
    settings: &Settings,
) -> Result<Option<Trained>, ranking::Error> {
    let pools = pools(candidates, rules, sequences, held_out)?;
    if pools.iter().all(Option::is_none) {
        return Ok(None);
    }
    // The last of these learns from everybody.
    let mut networks: Vec<Mlp> = (0..=FOLDS)
        .into_par_iter()
        .map(|left_out| {
            let others = pools.iter().enumerate().filter(|(viewer, _)| viewer % FOLDS != left_out);
            let examples: Vec<&Example> = others.filter_map(|(_, pool)| pool.as_ref()).collect();
            Mlp::train(&examples, settings)
        })
        .collect();
    let (mut ranked, mut rows_alone) = (Tally::default(), Tally::default());
    for (viewer, pool) in pools.iter().enumerate() {
        let place_in = |pool: &Example| place(&networks[viewer % FOLDS].score(&pool.features), pool.target);
        ranked.add(pool.as_ref().map_or(Place::Nowhere, place_in));
        rows_alone.add(pool.as_ref().map_or(Place::Nowhere, |pool| Place::At(pool.target)));
    }
    let mlp = networks.pop().expect("there is one network more than folds");
    Ok(Some(Trained { mlp, ranked: ranked.quality(), rows_alone: rows_alone.quality() }))
}

/// The pool of each viewer who has a view to look for and a history; none where it is not in the pool.
fn pools(
    candidates: &Candidates,
    rules: &Rules,
    sequences: &Sequences,
    held_out: usize,
) -> Result<Vec<Option<Example>>, ranking::Error> {
    let mut pools = Vec::new();
    let views = || {
        let views = sequences.iter(held_out).filter_map(<[u32]>::split_last);
        views.filter(|(_, history)| !history.is_empty())
    };
    // Evenly over all viewers, whatever order they came in.
    let stride = views().count().div_ceil(RANKER_VIEWERS_MAX).max(1);
    for (&target, history) in views().step_by(stride) {
        let title = |&item: &u32| sequences.titles()[item as usize];
        let request = Request {
            history: newest(history, rules).iter().map(title).collect(),
            exclude: history.iter().map(title).collect(),
            k: POOL,
            at_unix_ms: 0,
            maturity_max_years: u8::MAX,
            seed: None,
        };
        let mut recorder = Recorder::default();
        let answer = recommend(candidates, rules, &request, Some(&mut recorder))?;
        let place = answer.picks.iter().position(|pick| pick.title == title(&target));
        let is_ranked = answer.ranked && !recorder.features.is_empty();
        pools.push(place.filter(|_| is_ranked).map(|target| Example { features: recorder.features, target }));
    }
    Ok(pools)
}

/// The part of a history that counts; the rest is only filtered.
fn newest<'a>(history: &'a [u32], rules: &Rules) -> &'a [u32] {
    &history[history.len().saturating_sub(rules.history_window())..]
}

/// Leaves the pool in its order and keeps what the ranker would have seen: exactly what serves.
#[derive(Default)]
struct Recorder {
    features: Vec<f32>,
}

impl ranking::Models for Recorder {
    fn score(&mut self, shortlist: &ranking::Shortlist<'_>) -> Result<Vec<f32>, ModelError> {
        self.features = shortlist.features.to_vec();
        Ok((0..shortlist.items.len()).map(|place| -(place as f32)).collect())
    }

    fn encode(&mut self, _: &[u32]) -> Result<Vec<f32>, ModelError> {
        // The rules of this training say no blend, so nobody asks.
        Err(ModelError { code: "not-loaded".to_owned() })
    }
}

/// Where the target stands by logit; equal logits keep the order of the pool.
fn place(logits: &[f32], target: usize) -> Place {
    let own = logits[target];
    let before = |&(place, &logit): &(usize, &f32)| logit > own || (logit == own && place < target);
    Place::At(logits.iter().enumerate().filter(before).count())
}

/// Parts of the viewers, each judged by a network that learned from the others.
const FOLDS: usize = 3;
