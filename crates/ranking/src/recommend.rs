//! From a question to picks.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kernels::top_of;

use crate::eligibility::Eligibility;
use crate::features::{self, Sources};
use crate::layout::{How, Placed, Pool, lay_out, place};
use crate::limits::{HISTORY_WINDOW_MAX, RESCORED, SLATE_POOL};
use crate::merge::{Scale, merge};
use crate::order::keep_best;
use crate::request::{Answer, Pick, Reason, Request};
use crate::rows::{self, RowScores, Watched};
use crate::{Blend, Candidates, Slate, TitleId, Vectors};
use crate::{Error, Rules};

/// The models of a release, run by whoever asks.
pub trait Models {
    /// Puts candidates in order: one logit each. Asked when the rules give it a pool.
    ///
    /// # Errors
    ///
    /// The code of what failed.
    fn score(&mut self, shortlist: &Shortlist<'_>) -> Result<Vec<f32>, ModelError>;

    /// The vector of whoever watched these items of the tower, oldest first and not empty. Asked when the rules say
    /// how to blend and the candidates have vectors.
    ///
    /// # Errors
    ///
    /// The code of what failed.
    fn encode(&mut self, items: &[u32]) -> Result<Vec<f32>, ModelError>;
}

/// The candidates of a pool, and for whom they are put in order.
#[derive(Clone, Copy, Debug)]
pub struct Shortlist<'a> {
    /// The viewer's vector; empty where nobody was encoded.
    pub viewer: &'a [f32],
    /// The tower's item of each candidate; [`Vectors::UNKNOWN`] where it knows none.
    pub items: &'a [u32],
    /// One row of [`features::COLUMNS`] a candidate.
    pub features: &'a [f32],
}

/// A model that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelError {
    /// Its stable code.
    pub code: String,
}

/// Answers `k` picks while `k` titles pass the filters; an unknown viewer is not an error.
///
/// Each model is asked once, and only when something is known of the viewer.
///
/// # Errors
///
/// When `k` or the history is out of range, or a model fails.
pub fn recommend(
    candidates: &Candidates,
    rules: &Rules,
    request: &Request,
    models: Option<&mut dyn Models>,
) -> Result<Answer, Error> {
    request.check()?;
    let eligibility = Eligibility::new(candidates, request);
    let eligible = eligibility.count();
    let mut ordered = Ordered::new(candidates, rules, request, &eligibility, models)?;
    if rules.slate().is_merged() {
        ordered.merge(candidates, rules.slate(), &eligibility);
    }
    let picks = ordered.picks(candidates, rules, request, &eligibility);
    Ok(Answer { picks, eligible, ranked: ordered.ranked })
}

/// The best eligible candidates in order: of which a list is laid out.
pub(crate) struct Ordered {
    best: Vec<(f32, u32)>,
    // The first so many have scores of one scale.
    own: usize,
    // Of the first so many.
    scale: Scale,
    // By rising index: what was mixed in.
    merged: Vec<(u32, Reason)>,
    // Rising: what was taken by popularity.
    filled: Vec<u32>,
    recent: Vec<Watched>,
    row_scores: Vec<f32>,
    pub(crate) ranked: bool,
    popular: Reason,
    pub(crate) is_personal: bool,
}

impl Ordered {
    /// Asks the sources, then the ranker.
    pub(crate) fn new(
        candidates: &Candidates,
        rules: &Rules,
        request: &Request,
        eligibility: &Eligibility<'_>,
        mut models: Option<&mut dyn Models>,
    ) -> Result<Self, Error> {
        let recent = rows::recent(candidates, rules, &request.history);
        let by_rows = rows::sum(candidates, &recent);
        let row_scores = &by_rows.scores;
        let pool = if models.is_some() { rules.ranker_pool() } else { 0 };
        let k = if rules.slate().is_plain() { 0 } else { SLATE_POOL }.max(request.k as usize);
        let wanted = k.max(pool);

        let viewer = match (&mut models, rules.blend(), &candidates.columns.vectors) {
            (Some(models), Some(blend), Some(vectors)) => {
                let viewer = encode(candidates, vectors, &request.history, *models)?;
                viewer.map(|viewer| Compared { viewer, blend, vectors })
            }
            _ => None,
        };
        let mut best = match &viewer {
            Some(compared) => compared.best(eligibility, &by_rows, wanted),
            None => personal(eligibility, row_scores, wanted),
        };
        let is_personal = !best.is_empty();
        let missing = wanted.saturating_sub(best.len());
        let lowest = best.last().map_or(f32::MAX, |&(score, _)| score);
        let is_taken = |index: u32| best.iter().any(|&(_, taken)| taken == index);
        // Few enough to search: only where less was found than asked for.
        let fill = popular(candidates, eligibility, missing, is_taken);
        let first_filled = best.len();
        // Popular titles score −1 to 0: below every positive row score, but not below every logarithm.
        if lowest > 0.0 {
            best.extend(fill);
        } else {
            best.extend(behind(lowest, fill));
        }

        let ranked = is_personal && pool > 0;
        let mut filled: Vec<u32> = best[first_filled..].iter().map(|&(_, index)| index).collect();
        filled.sort_unstable();
        let mut own = if is_personal { first_filled } else { best.len() };
        if let (true, Some(models)) = (ranked, models) {
            own = best.len().min(pool);
            best.truncate(own.max(k));
            let viewer = viewer.as_ref().map_or(&[][..], |compared| &compared.viewer);
            let sources = Sources::new(rules, &recent, row_scores);
            best = Ranked { candidates, sources, viewer }.rank(best, own, models)?;
        }
        let scale = match (is_personal, ranked || viewer.is_some()) {
            (false, _) => Scale::Popularity,
            (true, true) => Scale::Logits,
            (true, false) => Scale::Chances,
        };
        let popular = match (request.history.is_empty(), is_personal) {
            (true, _) => Reason::PopularForNewViewer,
            (false, false) => Reason::PopularWithoutMatch,
            (false, true) => Reason::PopularToFill,
        };
        let row_scores = by_rows.scores;
        let merged = Vec::new();
        Ok(Self { best, own, scale, merged, filled, recent, row_scores, ranked, popular, is_personal })
    }

    /// Mixes in what the slate gives a share; what had no score of the list's own scale stays behind.
    fn merge(&mut self, candidates: &Candidates, slate: &Slate, eligibility: &Eligibility<'_>) {
        let rest = self.best.split_off(self.own);
        let merged = merge(candidates, slate.settings(), eligibility, (&self.best, self.scale));
        let is_merged = |index: u32| merged.best.iter().any(|&(_, at)| at == index);
        let rest: Vec<(f32, u32)> = rest.into_iter().filter(|&(_, index)| !is_merged(index)).collect();
        let lowest = merged.best.last().map_or(0.0, |&(score, _)| score);
        self.own = merged.best.len();
        self.best = merged.best;
        self.best.extend(behind(lowest, rest));
        self.merged = merged.reasons;
    }

    /// The list.
    pub(crate) fn picks(
        &self,
        candidates: &Candidates,
        rules: &Rules,
        request: &Request,
        eligibility: &Eligibility<'_>,
    ) -> Vec<Pick> {
        let (slate, count) = (rules.slate(), request.k as usize);
        if slate.is_plain() {
            let head = self.best.iter().take(count);
            return head.map(|&(score, index)| self.pick(candidates, index, score, How::Ordered)).collect();
        }
        let placed = self.placed(candidates, slate, eligibility, count);
        let pool = Pool { ordered: &self.best, own: self.own };
        let laid = lay_out(&candidates.columns, slate, &pool, &placed, count, request.seed);
        laid.into_iter().map(|laid| self.pick(candidates, laid.index, laid.score, laid.how)).collect()
    }

    /// What the operator placed and this viewer may see.
    fn placed(
        &self,
        candidates: &Candidates,
        slate: &Slate,
        eligibility: &Eligibility<'_>,
        count: usize,
    ) -> Placed {
        let settings = slate.settings();
        let shown = |title: TitleId| {
            let index = candidates.index_of(title).filter(|&index| eligibility.allows(index))?;
            u32::try_from(index).ok()
        };
        let pinned = settings.pinned.iter();
        let pinned = pinned.filter_map(|pin| Some((place(pin.place, count)?, shown(pin.title)?)));
        let mut promoted: Vec<u32> = settings.promoted.iter().filter_map(|&title| shown(title)).collect();
        // Stable: those who are not among the best keep the operator's order.
        promoted
            .sort_by_key(|&index| self.best.iter().position(|&(_, at)| at == index).unwrap_or(usize::MAX));
        promoted.truncate(settings.promoted_max as usize);
        Placed { pinned: pinned.collect(), promoted }
    }

    fn pick(&self, candidates: &Candidates, index: u32, score: f32, how: How) -> Pick {
        let reason = match how {
            How::Ordered => self.reason(candidates, index),
            How::Pinned => Reason::Pinned,
            How::Promoted => Reason::Promoted,
            How::Explored(_) => Reason::Explored,
        };
        let propensity = match how {
            How::Explored(propensity) => Some(propensity),
            _ => None,
        };
        Pick { title: title(candidates, index as usize), score, reason, propensity }
    }

    fn reason(&self, candidates: &Candidates, index: u32) -> Reason {
        if let Ok(place) = self.merged.binary_search_by_key(&index, |&(index, _)| index) {
            return self.merged[place].1;
        }
        if self.filled.binary_search(&index).is_ok() {
            return self.popular;
        }
        let leads = self.row_scores[index as usize] > 0.0;
        let strongest = leads.then(|| rows::strongest(candidates, &self.recent, index)).flatten();
        strongest
            .map_or(Reason::PickedForYou, |watched| Reason::BecauseYouWatched(title(candidates, watched)))
    }

    /// What the ranker has ordered, or all there is.
    pub(crate) fn pool(&self) -> impl Iterator<Item = u32> {
        self.best.iter().take(self.own).map(|&(_, index)| index)
    }

    /// What the list as a whole is: personal, or popular for a reason.
    pub(crate) fn whole(&self) -> Reason {
        if self.is_personal { Reason::PickedForYou } else { self.popular }
    }
}

/// The scores by which [`recommend`] orders without any model, before any filter: one a title.
///
/// For measuring quality on the whole catalogue with the very code that serves.
pub fn row_scores(candidates: &Candidates, rules: &Rules, history: &[TitleId]) -> Vec<f32> {
    rows::sum(candidates, &rows::recent(candidates, rules, history)).scores
}

/// The viewer's vector; none when the tower knows nothing that was watched.
fn encode(
    candidates: &Candidates,
    vectors: &Vectors,
    history: &[TitleId],
    models: &mut dyn Models,
) -> Result<Option<Vec<f32>>, Error> {
    let known = |&title: &TitleId| vectors.item(candidates.index_of(title)?);
    let items: Vec<u32> = history.iter().filter_map(known).collect();
    if items.is_empty() {
        return Ok(None);
    }
    let viewer = models.encode(encoded(&items)).map_err(|error| Error::Inference { code: error.code })?;
    if viewer.len() != vectors.matrix.columns() || viewer.iter().any(|value| !value.is_finite()) {
        return Err(Error::Inference { code: "nonsense-vector".to_string() });
    }
    Ok(Some(viewer))
}

/// The part of a history that a tower is shown: its newest 151 to 200 items, all of one that is no longer.
///
/// It begins at the same item for fifty views, though 200 are what any tower sees at most: as long as it does, whoever
/// keeps a tower's state goes on from it with each view.
pub fn encoded(items: &[u32]) -> &[u32] {
    let beyond = items.len().saturating_sub(HISTORY_WINDOW_MAX as usize);
    &items[beyond.next_multiple_of(ENCODED_STRIDE)..]
}

/// Views after which what a tower is shown begins later: one in so many is encoded anew, and no more are left out.
const ENCODED_STRIDE: usize = 50;

/// A viewer's vector, and what it is compared with.
struct Compared<'a> {
    viewer: Vec<f32>,
    blend: Blend,
    vectors: &'a Vectors,
}

impl Compared<'_> {
    /// The best eligible candidates by the blend: of those that the tower knows or a row leads to.
    ///
    /// Rounded products, all of them, say which few are worth the exact one; what is rounded differs from it by far
    /// less than the best differ from the first left out.
    fn best(&self, eligibility: &Eligibility<'_>, by_rows: &RowScores, wanted: usize) -> Vec<(f32, u32)> {
        let (mut rough, scale) = self.vectors.rounded(&self.viewer);
        // Twice where a row's weight took a sum back to zero: what is too high here is looked at and put right below.
        for &index in &by_rows.led_to {
            let score = &mut rough[index as usize];
            *score = self.blend.rough_score(by_rows.scores[index as usize], *score, scale);
        }
        let mut best = top_of(&rough, f32::NEG_INFINITY, wanted + RESCORED, |index| {
            let is_found = self.vectors.item(index).is_some() || by_rows.scores[index] > 0.0;
            is_found && eligibility.allows(index)
        });
        for (score, index) in &mut best {
            let tower = self.vectors.exact(&self.viewer, *index as usize);
            *score = self.blend.score(by_rows.scores[*index as usize], tower);
        }
        keep_best(&mut best, wanted);
        best
    }
}

/// The best eligible candidates that a row leads to.
fn personal(eligibility: &Eligibility<'_>, scores: &[f32], wanted: usize) -> Vec<(f32, u32)> {
    top_of(scores, 0.0, wanted, |index| eligibility.allows(index))
}

/// The most popular eligible titles that were not taken, with scores of −1 to 0.
fn popular(
    candidates: &Candidates,
    eligibility: &Eligibility<'_>,
    missing: usize,
    is_taken: impl Fn(u32) -> bool,
) -> Vec<(f32, u32)> {
    let popular = candidates.by_popularity.iter().copied();
    let popular =
        popular.filter(|&index| eligibility.allows(index as usize) && !is_taken(index)).take(missing);
    popular.map(|index| (candidates.popular_scores[index as usize], index)).collect()
}

/// What the ranker is told of a pool.
struct Ranked<'a> {
    candidates: &'a Candidates,
    sources: Sources<'a>,
    viewer: &'a [f32],
}

impl Ranked<'_> {
    /// Puts the first `pool` in the ranker's order; what is beyond it stays behind.
    fn rank(
        &self,
        mut best: Vec<(f32, u32)>,
        pool: usize,
        models: &mut dyn Models,
    ) -> Result<Vec<(f32, u32)>, Error> {
        let rest = best.split_off(pool);
        let indexes: Vec<u32> = best.iter().map(|&(_, index)| index).collect();
        let vectors = self.candidates.columns.vectors.as_ref();
        let item = |&index: &u32| {
            vectors.and_then(|vectors| vectors.item(index as usize)).unwrap_or(Vectors::UNKNOWN)
        };
        let items: Vec<u32> = indexes.iter().map(item).collect();
        let features = features::table(self.candidates, &self.sources, &best);
        let shortlist = Shortlist { viewer: self.viewer, items: &items, features: &features };
        let logits = models.score(&shortlist).map_err(|error| Error::Inference { code: error.code })?;
        if logits.len() != pool || logits.iter().any(|logit| !logit.is_finite()) {
            return Err(Error::Inference { code: "nonsense-logits".to_string() });
        }
        let mut ranked: Vec<(f32, u32)> = logits.into_iter().zip(indexes).collect();
        keep_best(&mut ranked, pool);
        let floor = ranked.last().map_or(0.0, |&(logit, _)| logit);
        ranked.extend(behind(floor, rest));
        Ok(ranked)
    }
}

/// Scores what the ranker did not see: below `floor`, in the order it has.
fn behind(floor: f32, rest: Vec<(f32, u32)>) -> impl Iterator<Item = (f32, u32)> {
    let mut above = floor;
    rest.into_iter().map(move |(score, index)| {
        // From 1 below the floor for the least popular up to the floor. Far from 0 such a step is lost
        // in f32, and equal scores would break the order: then the next number down is taken.
        above = (floor - 1.0 / (2.0 + score)).min(above.next_down()).max(f32::MIN);
        (above, index)
    })
}

pub(crate) fn title(candidates: &Candidates, index: usize) -> TitleId {
    candidates.columns.title_ids[index]
}
