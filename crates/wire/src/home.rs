//! `POST /v1/home`: the rows of a page.

use serde::{Deserialize, Serialize};

use crate::text::{check_label, check_time};
use crate::{Pick, Reason, Refusal, TimingsUs, limits};

/// What to show a viewer who opens the page?
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HomeRequest {
    /// Whose stored history to use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub viewer: Option<u32>,
    /// Titles watched, oldest first; wins over the viewer's stored history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<Vec<u32>>,
    /// Titles begun and where they stand, oldest first; of a title twice the newest counts. Without any, a node takes
    /// what it saw of the viewer's sessions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub in_progress: Vec<Progress>,
    /// Titles never to show, of any number and order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<u32>,
    /// Titles a row may hold, 1 to 100.
    #[serde(default = "k_default")]
    pub k: u32,
    /// Where the viewer is; the node's own region without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Highest age rating to show, in years.
    #[serde(default = "maturity_max_default")]
    pub maturity_max: u8,
    /// When the page is shown; now without it. Unix time, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_unix_ms: Option<u64>,
    /// What the place that explores is drawn by, in a release that explores; the node draws one without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u32>,
}

/// How far a title has been watched.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// Its number in the catalogue.
    pub title: u32,
    /// Share of it that has been watched, 0 to 1.
    pub share: f32,
}

impl Default for HomeRequest {
    fn default() -> Self {
        Self {
            viewer: None,
            history: None,
            in_progress: Vec::new(),
            exclude: Vec::new(),
            k: k_default(),
            region: None,
            maturity_max: maturity_max_default(),
            at_unix_ms: None,
            seed: None,
        }
    }
}

impl HomeRequest {
    /// Checks what needs no catalogue: `k`, lengths, shares, the region's form, the time.
    pub fn validate(&self) -> Result<(), Refusal> {
        if self.k == 0 || self.k > limits::K_MAX {
            return Err(ranking::Error::KOutOfRange { k: self.k }.into());
        }
        let titles = self.history.as_ref().map_or(0, Vec::len);
        if titles > limits::HISTORY_MAX {
            return Err(ranking::Error::HistoryTooLong { titles }.into());
        }
        let titles = self.in_progress.len();
        if titles > limits::IN_PROGRESS_MAX {
            return Err(ranking::Error::InProgressTooLong { titles }.into());
        }
        if let Some(index) = self.in_progress.iter().position(|begun| !(0.0..=1.0).contains(&begun.share)) {
            return Err(ranking::Error::Share { index }.into());
        }
        check_label("region", self.region.as_deref())?;
        check_time("at_unix_ms", self.at_unix_ms)
    }
}

fn k_default() -> u32 {
    20
}

fn maturity_max_default() -> u8 {
    18
}

/// The page, from its top.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HomeAnswer {
    /// Finds the request in the node's log.
    pub request_id: String,
    /// The release that answered.
    pub generation: u64,
    /// Whether the node has not heard from its origin for long.
    pub stale: bool,
    /// Whether the page came from the answer cache.
    pub cached: bool,
    /// The region whose candidates were ordered.
    pub region: String,
    /// Whether the ranker ordered the best of them.
    pub ranked: bool,
    /// Candidates that passed the filters, those in progress left out.
    pub eligible: u32,
    /// None is empty; no title is in two of them.
    pub rows: Vec<Row>,
    /// Where the time went.
    pub timings_us: TimingsUs,
}

/// A row of a page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// What its titles have in common; its text is the row's heading.
    pub reason: Reason,
    /// In the order to show them; scores are comparable within the row only.
    pub picks: Vec<Pick>,
}
