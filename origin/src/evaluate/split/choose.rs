//! Settings of the models without an order in time, chosen on a part of what they learn from.

use serde::Serialize;

use super::measure::{Blended, Pair, Scores, SplitFigures, measure};
use crate::train::TrainError;
use crate::train::ease::{Ease, Together, viewer_weights};
use crate::train::implicit::{self, ImplicitFactors};
use crate::train::limits::{EASE_ITEMS_MAX, SEARCH_VIEWERS_MAX, SPLIT_SEARCH_ITEMS_MAX};
use crate::train::penalty::{DROPOUTS, LAMBDAS, Penalty, climb};
use crate::train::random::Random;
use crate::train::ridge;

/// What shapes EASE.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct EaseSettings {
    /// See [`Penalty`].
    pub lambda: f32,
    /// See [`Penalty`].
    pub dropout: f32,
    /// A viewer of n titles weighs n^−evenness.
    pub evenness: f32,
}

/// What shapes the factors.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FactorSettings {
    /// Factors of a viewer or an item.
    pub factors: usize,
    /// Passes over both sides.
    pub epochs: u32,
    /// What each item counts as not watched, against 1 as watched.
    pub unseen_weight: f32,
    /// λ.
    pub regularisation: f32,
    /// A viewer of n titles weighs n^−evenness.
    pub evenness: f32,
}

/// Settings and what they were worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Choice<S> {
    pub(super) settings: S,
    pub(super) validation: SplitFigures,
}

/// The best so far, and everything that was tried.
struct Search<S> {
    best: Choice<S>,
    tried: Vec<S>,
}

/// A tenth of each viewer's training titles, drawn at random, held out.
pub(super) fn parted(pairs: &[Pair]) -> Vec<Pair> {
    let mut random = Random::new(SEED);
    let mut part = |pair: &Pair| {
        let (held_out, watched) = pair.watched.iter().partition(|_| random.uniform() < HELD_OUT_SHARE);
        Pair { watched, held_out, unknown: 0 }
    };
    pairs.iter().map(&mut part).collect()
}

/// Fits EASE to `pairs`, over no more than so many items: the most watched.
pub(super) fn ease(
    items: usize,
    items_max: usize,
    pairs: &[Pair],
    settings: EaseSettings,
) -> Result<Ease, TrainError> {
    let EaseSettings { lambda, dropout, evenness } = settings;
    Ok(together(items, items_max, pairs, evenness).into_ease(Penalty { lambda, dropout })?)
}

fn together(items: usize, items_max: usize, pairs: &[Pair], evenness: f32) -> Together {
    let watched = watched(pairs);
    let weights = viewer_weights(&watched, evenness);
    let mut with_column = ridge::columns(&counts(items, pairs), 1, items_max);
    with_column.sort_unstable();
    Together::new(items, with_column, &watched, &weights)
}

/// How many viewers watched each item.
pub(super) fn counts(items: usize, pairs: &[Pair]) -> Vec<u32> {
    let mut counts = vec![0; items];
    pairs.iter().flat_map(|pair| &pair.watched).for_each(|&item| counts[item as usize] += 1);
    counts
}

fn watched(pairs: &[Pair]) -> Vec<&[u32]> {
    pairs.iter().map(|pair| pair.watched.as_slice()).collect()
}

/// Climbs over λ, dropout and λ again, then asks whether viewers should all count alike.
pub(super) fn choose_ease(items: usize, parted: &[Pair]) -> Result<Choice<EaseSettings>, TrainError> {
    let judges = judges(parted);
    let mut of = EVENNESS.map(|evenness| (evenness, None));
    let mut attempt = |settings: EaseSettings| -> Result<SplitFigures, TrainError> {
        let EaseSettings { lambda, dropout, evenness } = settings;
        let (_, counted) = of.iter_mut().find(|(known, _)| *known == evenness).expect("one of them");
        let counted: &Together =
            counted.get_or_insert_with(|| together(items, SPLIT_SEARCH_ITEMS_MAX, parted, evenness));
        let (_, figures) = measure(judges, &counted.solve(Penalty { lambda, dropout })?);
        tracing::debug!(?settings, recall = figures.recall_at_20, ndcg = figures.ndcg_at_20, "tried EASE");
        Ok(figures)
    };
    let first = EaseSettings { lambda: 320.0, dropout: 0.5, evenness: EVENNESS[1] };
    let mut search = Search::new(first, attempt(first)?);
    search.climb(&LAMBDAS, |settings| &mut settings.lambda, &mut attempt)?;
    search.climb(&DROPOUTS, |settings| &mut settings.dropout, &mut attempt)?;
    search.climb(&LAMBDAS, |settings| &mut settings.lambda, &mut attempt)?;
    search.climb(&EVENNESS, |settings| &mut settings.evenness, &mut attempt)?;
    Ok(search.best)
}

/// Fits factors to `pairs`.
pub(super) fn factors(
    items: usize,
    pairs: &[Pair],
    settings: FactorSettings,
) -> Result<ImplicitFactors, TrainError> {
    let FactorSettings { factors, epochs, unseen_weight, regularisation, evenness } = settings;
    let watched = watched(pairs);
    let weights = viewer_weights(&watched, evenness);
    let settings = implicit::Settings { factors, epochs, unseen_weight, regularisation, seed: SEED };
    Ok(implicit::fit(items, &watched, &weights, &settings)?)
}

/// Climbs over regularisation, the weight of what was not watched, and regularisation again.
pub(super) fn choose_factors(items: usize, parted: &[Pair]) -> Result<Choice<FactorSettings>, TrainError> {
    let judges = judges(parted);
    let mut attempt = |settings: FactorSettings| -> Result<SplitFigures, TrainError> {
        let (_, figures) = measure(judges, &factors(items, parted, settings)?);
        tracing::debug!(?settings, recall = figures.recall_at_20, ndcg = figures.ndcg_at_20, "tried factors");
        Ok(figures)
    };
    let implicit::Settings { factors, epochs, unseen_weight, regularisation, .. } =
        implicit::Settings::default();
    let first = FactorSettings { factors, epochs, unseen_weight, regularisation, evenness: EVENNESS[1] };
    let mut search = Search::new(first, attempt(first)?);
    search.climb(&REGULARISATIONS, |settings| &mut settings.regularisation, &mut attempt)?;
    search.climb(&UNSEEN_WEIGHTS, |settings| &mut settings.unseen_weight, &mut attempt)?;
    search.climb(&REGULARISATIONS, |settings| &mut settings.regularisation, &mut attempt)?;
    search.climb(&EVENNESS, |settings| &mut settings.evenness, &mut attempt)?;
    Ok(search.best)
}

/// Tries blends of both models as they are without the validation titles.
pub(super) fn choose_share(
    items: usize,
    parted: &[Pair],
    ease_settings: EaseSettings,
    factor_settings: FactorSettings,
) -> Result<Choice<f32>, TrainError> {
    let judges = judges(parted);
    let first = ease(items, EASE_ITEMS_MAX, parted, ease_settings)?;
    let second = factors(items, parted, factor_settings)?;
    let blended = Blended::new([&first as &dyn Scores, &second], judges, 0.0);
    let of = |tenths: u8| {
        let share = f32::from(tenths) / 10.0;
        let (_, validation) = measure(judges, &blended.with_share(share));
        tracing::debug!(
            share,
            recall = validation.recall_at_20,
            ndcg = validation.ndcg_at_20,
            "tried a blend"
        );
        Choice { settings: share, validation }
    };
    let best = (0..=10).map(of).reduce(|best, choice| {
        if choice.validation.worth() > best.validation.worth() { choice } else { best }
    });
    Ok(best.expect("eleven were tried"))
}

impl<S: Copy + PartialEq> Search<S> {
    fn new(settings: S, validation: SplitFigures) -> Self {
        Self { best: Choice { settings, validation }, tried: vec![settings] }
    }

    fn climb(
        &mut self,
        scale: &[f32],
        setting: impl Fn(&mut S) -> &mut f32,
        attempt: &mut impl FnMut(S) -> Result<SplitFigures, TrainError>,
    ) -> Result<(), TrainError> {
        let from = self.best.settings;
        climb(from, scale, setting, |settings| {
            if self.tried.contains(&settings) {
                return Ok(false);
            }
            self.tried.push(settings);
            let validation = attempt(settings)?;
            let is_better = validation.worth() > self.best.validation.worth();
            if is_better {
                self.best = Choice { settings, validation };
            }
            Ok(is_better)
        })
    }
}

/// Models learn from all viewers; settings are judged by the first of the file alone where it has more. The first, because
/// factors know viewers by their place.
fn judges(pairs: &[Pair]) -> &[Pair] {
    &pairs[..pairs.len().min(SEARCH_VIEWERS_MAX)]
}

/// A tenth: the less there is left to learn from, the better heavy penalties look, and the models under test have it all.
const HELD_OUT_SHARE: f64 = 0.1;
const EVENNESS: [f32; 2] = [0.0, 0.5];
const REGULARISATIONS: [f32; 7] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1];
const UNSEEN_WEIGHTS: [f32; 5] = [0.01, 0.03, 0.1, 0.3, 1.0];
const SEED: u64 = 42;
