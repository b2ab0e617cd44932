//! The rows of a page, no title twice.
//!
//! In this order, each as far as it has titles that no row above it shows: what the viewer has begun; the list of
//! [`recommend`](crate::recommend), without trends and new titles mixed in; what goes with each of the newest watched titles; what the region watches more
//! than usual; what came to it last. A title in progress is continued or left out, and never recommended anew.

use alloc::vec::Vec;

use crate::bitset::Bitset;
use crate::candidates::new_from_s;
use crate::eligibility::Eligibility;
use crate::layout::{Placed, Pool, lay_out};
use crate::limits::{BECAUSE_PICKS_MIN, BECAUSE_ROWS_MAX, SLATE_POOL};
use crate::order::keep_best;
use crate::recommend::{Models, Ordered, title};
use crate::request::{HomeRequest, Page, Pick, Reason, Row};
use crate::{Candidates, Error, Rules, rows};

/// Answers a page: rows of up to `k` titles, none of them empty. A viewer who has seen everything gets no rows.
///
/// Each model is asked once, as by [`recommend`](crate::recommend).
///
/// # Errors
///
/// When `k`, the history, or a title in progress is out of range, or a model fails.
pub fn home(
    candidates: &Candidates,
    rules: &Rules,
    asked: &HomeRequest,
    models: Option<&mut dyn Models>,
) -> Result<Page, Error> {
    asked.check()?;
    let request = &asked.request;
    let mut eligibility = Eligibility::new(candidates, request);
    let continued = continued(candidates, asked, &eligibility);
    let begun = asked.in_progress.iter().filter_map(|progress| candidates.index_of(progress.title));
    begun.for_each(|index| eligibility.bar(index));
    let eligible = eligibility.count();
    let ordered = Ordered::new(candidates, rules, request, &eligibility, models)?;
    let top = ordered.picks(candidates, rules, request, &eligibility);

    let mut page = Laying { candidates, rules, k: request.k as usize, eligibility, rows: Vec::new() };
    page.push(Reason::ContinueWatching, continued);
    page.push(ordered.whole(), top);
    page.push_because(&request.history);
    let (trends, columns) = (candidates.columns.trends.as_deref().unwrap_or_default(), &candidates.columns);
    page.push_first(Reason::Trending, &candidates.by_trend, |index| trends[index]);
    #[allow(clippy::cast_precision_loss, reason = "days of thousands of years are exact")]
    page.push_first(Reason::New, &candidates.by_newness, |index| (new_from_s(columns, index) / DAY_S) as f32);
    Ok(Page { rows: page.rows, eligible, ranked: ordered.ranked })
}

/// What the viewer has begun and not finished, newest first; it may be shown though it has been watched.
fn continued(candidates: &Candidates, asked: &HomeRequest, eligibility: &Eligibility<'_>) -> Vec<Pick> {
    // Excluded, or already met with a newer position.
    let mut passed = Bitset::new(candidates.len());
    let excluded = asked.request.exclude.iter().filter_map(|&title| candidates.index_of(title));
    excluded.for_each(|index| passed.insert(index));
    let mut picks = Vec::new();
    for progress in asked.in_progress.iter().rev() {
        let Some(index) = candidates.index_of(progress.title) else { continue };
        let is_met = passed.contains(index);
        passed.insert(index);
        if is_met || progress.is_finished() || !eligibility.is_open(index) {
            continue;
        }
        #[allow(clippy::cast_precision_loss, reason = "at most a thousand titles are in progress")]
        let score = 1.0 / (picks.len() + 1) as f32;
        picks.push(Pick { title: progress.title, score, reason: Reason::ContinueWatching, propensity: None });
    }
    picks.truncate(asked.request.k as usize);
    picks
}

/// A page in the making.
struct Laying<'a> {
    candidates: &'a Candidates,
    rules: &'a Rules,
    k: usize,
    /// Without what the page shows already.
    eligibility: Eligibility<'a>,
    rows: Vec<Row>,
}

impl Laying<'_> {
    fn push(&mut self, reason: Reason, picks: Vec<Pick>) {
        for index in picks.iter().filter_map(|pick| self.candidates.index_of(pick.title)) {
            self.eligibility.bar(index);
        }
        if !picks.is_empty() {
            self.rows.push(Row { reason, picks });
        }
    }

    /// Rows for the newest watched titles whose rows lead to enough.
    fn push_because(&mut self, history: &[u32]) {
        let mut met = Vec::new();
        for watched in rows::recent(self.candidates, self.rules, history) {
            if met.len() == BECAUSE_ROWS_MAX {
                break;
            }
            if met.contains(&watched.index) {
                continue;
            }
            let mut entries = rows::entries(self.candidates, watched.index);
            entries.retain(|&(score, index)| score > 0.0 && self.eligibility.allows(index as usize));
            keep_best(&mut entries, SLATE_POOL);
            let reason = Reason::BecauseYouWatched(title(self.candidates, watched.index));
            let picks = self.laid(reason, &entries);
            if picks.len() >= BECAUSE_PICKS_MIN.min(self.k) {
                met.push(watched.index);
                self.push(reason, picks);
            }
        }
    }

    /// A row of the first eligible titles of an order.
    fn push_first(&mut self, reason: Reason, order: &[u32], score: impl Fn(usize) -> f32) {
        let eligible = order.iter().copied().filter(|&index| self.eligibility.allows(index as usize));
        let ordered: Vec<(f32, u32)> =
            eligible.take(SLATE_POOL).map(|index| (score(index as usize), index)).collect();
        let picks = self.laid(reason, &ordered);
        self.push(reason, picks);
    }

    /// Varied and capped as the list of recommendations, without what an operator placed there.
    fn laid(&self, reason: Reason, ordered: &[(f32, u32)]) -> Vec<Pick> {
        let pool = Pool { ordered, own: ordered.len() };
        let (columns, slate) = (&self.candidates.columns, self.rules.slate());
        let laid = lay_out(columns, slate, &pool, &Placed::default(), self.k, None);
        let pick = |index| title(self.candidates, index as usize);
        laid.iter()
            .map(|laid| Pick { title: pick(laid.index), score: laid.score, reason, propensity: None })
            .collect()
    }
}

const DAY_S: u64 = 86_400;
