//! From a question to picks.

use alloc::string::String;
use alloc::vec::Vec;

use crate::eligibility::Eligibility;
use crate::order::keep_best;
use crate::request::{Answer, Error, Pick, Reason, Request, Rules};
use crate::rows::{self, Watched};
use crate::{Candidates, TitleId, features};

/// Puts candidates in order by a model of its own.
pub trait Ranker {
    /// Returns one logit a row of [`features::COLUMNS`] features.
    ///
    /// # Errors
    ///
    /// The code of what failed.
    fn score(&mut self, features: &[f32]) -> Result<Vec<f32>, RankerError>;
}

/// A ranker that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RankerError {
    /// Its stable code.
    pub code: String,
}

/// Answers `k` picks while `k` titles pass the filters; an unknown viewer is not an error.
///
/// The ranker is asked once, and only when something is known of the viewer.
///
/// # Errors
///
/// When `k` or the history is out of range, or the ranker fails.
pub fn recommend(
    candidates: &Candidates,
    rules: &Rules,
    request: &Request,
    ranker: Option<&mut dyn Ranker>,
) -> Result<Answer, Error> {
    request.check()?;
    let eligibility = Eligibility::new(candidates, request);
    let recent = rows::recent(candidates, rules, &request.history);
    let scores = rows::sum(candidates, &recent);
    let ranker = ranker.filter(|_| rules.ranker_pool() > 0);
    let k = request.k as usize;
    let wanted = if ranker.is_some() { k.max(rules.ranker_pool()) } else { k };

    let (mut best, eligible) = personal(&eligibility, &scores);
    let is_personal = !best.is_empty();
    keep_best(&mut best, wanted);
    fill_with_popular(candidates, &eligibility, &scores, &mut best, wanted);

    let ranker = ranker.filter(|_| is_personal);
    let ranked = ranker.is_some();
    let personal_scores = scores;
    if let Some(ranker) = ranker {
        let pool = best.len().min(rules.ranker_pool());
        best.truncate(pool.max(k));
        best = rank(candidates, &recent, &personal_scores, best, pool, ranker)?;
    }
    best.truncate(k);
    let popular = match (request.history.is_empty(), is_personal) {
        (true, _) => Reason::PopularForNewViewer,
        (false, false) => Reason::PopularWithoutMatch,
        (false, true) => Reason::PopularToFill,
    };
    let picks = best.into_iter().map(|(score, index)| {
        let reason = if personal_scores[index as usize] > 0.0 {
            rows::strongest(candidates, &recent, index)
                .map_or(popular, |watched| Reason::BecauseYouWatched(title(candidates, watched)))
        } else {
            popular
        };
        Pick { title: title(candidates, index as usize), score, reason }
    });
    Ok(Answer { picks: picks.collect(), eligible, ranked })
}

/// The scores by which [`recommend`] orders without a ranker, before any filter: one a title.
///
/// For measuring quality on the whole catalogue with the very code that serves.
pub fn row_scores(candidates: &Candidates, rules: &Rules, history: &[TitleId]) -> Vec<f32> {
    rows::sum(candidates, &rows::recent(candidates, rules, history))
}

/// Eligible candidates that a row leads to, and the number of all eligible ones.
fn personal(eligibility: &Eligibility<'_>, scores: &[f32]) -> (Vec<(f32, u32)>, u32) {
    let mut best = Vec::new();
    let mut eligible = 0;
    for (index, &score) in (0_u32..).zip(scores) {
        if eligibility.allows(index as usize) {
            eligible += 1;
            if score > 0.0 {
                best.push((score, index));
            }
        }
    }
    (best, eligible)
}

/// Popular titles score −1 to 0, below every personal pick.
fn fill_with_popular(
    candidates: &Candidates,
    eligibility: &Eligibility<'_>,
    scores: &[f32],
    best: &mut Vec<(f32, u32)>,
    wanted: usize,
) {
    let missing = wanted.saturating_sub(best.len());
    let popular = candidates.by_popularity.iter().copied().filter(|&index| {
        let index = index as usize;
        // NaN cannot be: rows, scales and recency are finite and bounded.
        scores[index] <= 0.0 && eligibility.allows(index)
    });
    best.extend(popular.take(missing).map(|index| (candidates.popular_scores[index as usize], index)));
}

/// Puts the first `pool` in the ranker's order; what is beyond it stays behind.
fn rank(
    candidates: &Candidates,
    recent: &[Watched],
    personal_scores: &[f32],
    mut best: Vec<(f32, u32)>,
    pool: usize,
    ranker: &mut dyn Ranker,
) -> Result<Vec<(f32, u32)>, Error> {
    let rest = best.split_off(pool);
    let indexes: Vec<u32> = best.iter().map(|&(_, index)| index).collect();
    let features = features::table(candidates, recent, personal_scores, &indexes);
    let logits = ranker.score(&features).map_err(|error| Error::Inference { code: error.code })?;
    if logits.len() != pool || logits.iter().any(|logit| !logit.is_finite()) {
        return Err(Error::Inference { code: String::from("nonsense-logits") });
    }
    let mut ranked: Vec<(f32, u32)> = logits.into_iter().zip(indexes).collect();
    keep_best(&mut ranked, pool);
    let floor = ranked.last().map_or(0.0, |&(logit, _)| logit);
    ranked.extend(behind(floor, rest));
    Ok(ranked)
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

fn title(candidates: &Candidates, index: usize) -> TitleId {
    candidates.columns.title_ids[index]
}
