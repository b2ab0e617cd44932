//! Learns the ranker from validation views, and judges it on viewers it did not learn from.

use inference::Models;
use ranking::{Candidates, Request, Rules, pool};
use rayon::prelude::*;

use super::limits::RANKER_VIEWERS_MAX;
use super::mlp::{Example, Items, Mlp, Settings};
use super::rank::{Place, Quality, Tally};
use super::score::{View, newest, views};
use super::sequences::Sequences;
use crate::native::AtWork;

/// Candidates of a pool: as many as a node can lay out.
pub const POOL: u32 = ranking::limits::RANKER_POOL_MAX;

/// A network and what it was judged by; every viewer was judged by a network that had not seen them.
#[derive(Clone, Debug)]
pub struct Trained {
    /// Learned from all examples.
    pub mlp: Mlp,
    /// Order by the network.
    pub ranked: Quality,
    /// Order by what the pool was made with, for the same viewers.
    pub unranked: Quality,
}

impl Trained {
    /// Whether a release is better with the network than without it.
    pub fn is_worth_shipping(&self) -> bool {
        self.ranked.worth() > self.unranked.worth()
    }
}

/// Learns from the view before the newest `held_out` of each viewer; candidates and tower must know neither. Where the
/// models are a tower the rules say how to blend, and the network sees vectors.
///
/// None when no pool holds the view it should lead to.
///
/// # Errors
/// As [`ranking::recommend`].
pub fn train(
    candidates: &Candidates,
    rules: &Rules,
    models: &Models,
    sequences: &Sequences,
    held_out: usize,
) -> Result<Option<Trained>, ranking::Error> {
    let views = views(sequences, held_out, RANKER_VIEWERS_MAX);
    let example = |view: &View<'_>| example(candidates, rules, models, sequences, view);
    let pools: Vec<Option<Example>> = views.par_iter().map(example).collect::<Result<_, _>>()?;
    if pools.iter().all(Option::is_none) {
        return Ok(None);
    }
    let (items, settings) = match models.tower() {
        Some(tower) => (Items::of(tower), Settings::OF_VECTORS),
        None => (Items::default(), Settings::OF_FEATURES),
    };
    // The last of these learns from everybody.
    let mut networks: Vec<Mlp> = (0..=FOLDS)
        .into_par_iter()
        .map(|left_out| {
            let others = pools.iter().enumerate().filter(|(viewer, _)| viewer % FOLDS != left_out);
            let examples: Vec<&Example> = others.filter_map(|(_, pool)| pool.as_ref()).collect();
            Mlp::train(&examples, &items, &settings)
        })
        .collect();
    let mut unranked = Tally::default();
    for pool in &pools {
        unranked.add(pool.as_ref().map_or(Place::Nowhere, |pool| Place::At(pool.target)));
    }
    let mlp = networks.pop().expect("there is one network more than folds");
    let judged = STRENGTHS.map(|strength| (strength, judge(&networks, strength, &pools, &items)));
    let best = judged.into_iter().max_by(|a, b| a.1.worth().total_cmp(&b.1.worth()));
    let (strength, ranked) = best.expect("there are strengths");
    Ok(Some(Trained { mlp: mlp.softened(strength), ranked, unranked: unranked.quality() }))
}

/// What these networks make of the pools, each of those of its fold.
fn judge(networks: &[Mlp], strength: f32, pools: &[Option<Example>], items: &Items) -> Quality {
    let networks: Vec<Mlp> = networks.iter().map(|mlp| mlp.clone().softened(strength)).collect();
    let place_in = |(viewer, pool): (usize, &Option<Example>)| {
        let ranked = |pool: &Example| place(&networks[viewer % FOLDS].score(pool, items), pool.target);
        pool.as_ref().map_or(Place::Nowhere, ranked)
    };
    let places: Vec<Place> = pools.par_iter().enumerate().map(place_in).collect();
    let mut tally = Tally::default();
    places.into_iter().for_each(|place| tally.add(place));
    tally.quality()
}

/// The pool of a viewer, exactly as served; none where the view to look for is not in it.
fn example(
    candidates: &Candidates,
    rules: &Rules,
    models: &Models,
    sequences: &Sequences,
    &(target, history): &View<'_>,
) -> Result<Option<Example>, ranking::Error> {
    let title = |&item: &u32| sequences.titles()[item as usize];
    let request = Request {
        history: newest(history).iter().map(title).collect(),
        exclude: history.iter().map(title).collect(),
        k: 1,
        at_unix_ms: 0,
        maturity_max_years: u8::MAX,
        seed: None,
    };
    let Some(pool) = pool(candidates, rules, &request, &mut AtWork(models))? else { return Ok(None) };
    let target = pool.titles.iter().position(|pooled| *pooled == title(target));
    let ranking::Pool { viewer, items, features, .. } = pool;
    Ok(target.map(|target| Example { viewer, items, features, target }))
}

/// Where the target stands by logit; equal logits keep the order of the pool.
fn place(logits: &[f32], target: usize) -> Place {
    let own = logits[target];
    let before = |&(place, &logit): &(usize, &f32)| logit > own || (logit == own && place < target);
    Place::At(logits.iter().enumerate().filter(before).count())
}

/// How much of a network counts: what few examples taught is often too much of it.
const STRENGTHS: [f32; 3] = [0.25, 0.5, 1.0];

/// Parts of the viewers, each judged by a network that learned from the others.
const FOLDS: usize = 3;
