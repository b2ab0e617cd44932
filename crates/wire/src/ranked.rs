//! A ranking without a node: what the browser and the golden cases are answered, and the way of
//! questions and answers into the domain and back.

use serde::{Deserialize, Serialize};

use crate::{HomeRequest, ReasonKind, RecommendRequest, Refusal};

/// What to show, in the order to show it; names and texts are the caller's to add.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RankedAnswer {
    /// `k` of them, or all that the filters leave.
    pub picks: Vec<RankedPick>,
    /// Candidates that passed the filters.
    pub eligible: u32,
    /// Whether the ranker ordered the best of them.
    pub ranked: bool,
}

/// A title to show.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RankedPick {
    /// Its number in the catalogue.
    pub title: u32,
    /// Higher is better; comparable within one answer only.
    pub score: f32,
    /// Why it was picked.
    pub reason: RankedReason,
    /// The probability with which it was drawn for this place; none for a place that is not drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub propensity: Option<f32>,
}

/// The rows of a page, from its top; names and texts are the caller's to add.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RankedPage {
    /// None is empty; no title is in two of them.
    pub rows: Vec<RankedRow>,
    /// Candidates that passed the filters, those in progress left out.
    pub eligible: u32,
    /// Whether the ranker ordered the best of them.
    pub ranked: bool,
}

/// A row of a page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RankedRow {
    /// What its titles have in common.
    pub reason: RankedReason,
    /// In the order to show them; scores are comparable within the row only.
    pub picks: Vec<RankedPick>,
}

/// Why a title was picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RankedReason {
    /// The sort of reason.
    pub kind: ReasonKind,
    /// The watched title that led here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<u32>,
}

impl RecommendRequest {
    /// The domain's question; `stored_history` stands in for a history that the request leaves out, and
    /// `now_unix_ms` for its time. Viewer and region are the caller's to resolve.
    pub fn into_domain(self, stored_history: &[u32], now_unix_ms: u64) -> ranking::Request {
        ranking::Request {
            history: self.history.unwrap_or_else(|| stored_history.to_vec()),
            exclude: self.exclude,
            k: self.k,
            at_unix_ms: self.at_unix_ms.unwrap_or(now_unix_ms),
            maturity_max_years: self.maturity_max,
            seed: self.seed,
        }
    }
}

impl HomeRequest {
    /// As [`RecommendRequest::into_domain`].
    pub fn into_domain(self, stored_history: &[u32], now_unix_ms: u64) -> ranking::HomeRequest {
        let begun = self.in_progress.iter();
        let request = ranking::Request {
            history: self.history.unwrap_or_else(|| stored_history.to_vec()),
            exclude: self.exclude,
            k: self.k,
            at_unix_ms: self.at_unix_ms.unwrap_or(now_unix_ms),
            maturity_max_years: self.maturity_max,
            seed: self.seed,
        };
        let progress = |begun: &crate::Progress| ranking::Progress { title: begun.title, share: begun.share };
        ranking::HomeRequest { request, in_progress: begun.map(progress).collect() }
    }
}

impl From<&ranking::Answer> for RankedAnswer {
    fn from(answer: &ranking::Answer) -> Self {
        Self { picks: picks(&answer.picks), eligible: answer.eligible, ranked: answer.ranked }
    }
}

impl From<&ranking::Page> for RankedPage {
    fn from(page: &ranking::Page) -> Self {
        let row = |row: &ranking::Row| RankedRow { reason: row.reason.into(), picks: picks(&row.picks) };
        Self { rows: page.rows.iter().map(row).collect(), eligible: page.eligible, ranked: page.ranked }
    }
}

fn picks(picks: &[ranking::Pick]) -> Vec<RankedPick> {
    let pick = |pick: &ranking::Pick| RankedPick {
        title: pick.title,
        score: pick.score,
        reason: pick.reason.into(),
        propensity: pick.propensity,
    };
    picks.iter().map(pick).collect()
}

impl From<ranking::Reason> for RankedReason {
    fn from(reason: ranking::Reason) -> Self {
        let (kind, title) = match reason {
            ranking::Reason::BecauseYouWatched(title) => (ReasonKind::BecauseYouWatched, Some(title)),
            ranking::Reason::PickedForYou => (ReasonKind::PickedForYou, None),
            ranking::Reason::PopularForNewViewer => (ReasonKind::PopularForNewViewer, None),
            ranking::Reason::PopularWithoutMatch => (ReasonKind::PopularWithoutMatch, None),
            ranking::Reason::PopularToFill => (ReasonKind::PopularToFill, None),
            ranking::Reason::ContinueWatching => (ReasonKind::ContinueWatching, None),
            ranking::Reason::Trending => (ReasonKind::Trending, None),
            ranking::Reason::New => (ReasonKind::New, None),
            ranking::Reason::Pinned => (ReasonKind::Pinned, None),
            ranking::Reason::Promoted => (ReasonKind::Promoted, None),
            ranking::Reason::Explored => (ReasonKind::Explored, None),
        };
        Self { kind, title }
    }
}

impl From<ranking::Error> for Refusal {
    fn from(error: ranking::Error) -> Self {
        Self::new(error.code(), error.to_string())
    }
}
