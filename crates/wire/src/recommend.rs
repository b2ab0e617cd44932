//! `POST /v1/recommend`.

use serde::{Deserialize, Serialize};

use crate::text::{check_label, check_time};
use crate::{Refusal, TimingsUs, limits};

/// What to show a viewer?
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecommendRequest {
    /// Whose stored history to use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub viewer: Option<u32>,
    /// Titles watched, oldest first; wins over the viewer's stored history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<Vec<u32>>,
    /// Titles never to show, of any number and order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<u32>,
    /// Picks wanted, 1 to 100.
    #[serde(default = "k_default")]
    pub k: u32,
    /// Where the viewer is; the node's own region without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Highest age rating to show, in years.
    #[serde(default = "maturity_max_default")]
    pub maturity_max: u8,
    /// When the answer is shown; now without it. Unix time, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_unix_ms: Option<u64>,
    /// What the place that explores is drawn by, in a release that explores; the node draws one without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u32>,
}

impl Default for RecommendRequest {
    fn default() -> Self {
        Self {
            viewer: None,
            history: None,
            exclude: Vec::new(),
            k: k_default(),
            region: None,
            maturity_max: maturity_max_default(),
            at_unix_ms: None,
            seed: None,
        }
    }
}

impl RecommendRequest {
    /// Checks what needs no catalogue: `k`, the length of the history, the region's form, the time.
    pub fn validate(&self) -> Result<(), Refusal> {
        if self.k == 0 || self.k > limits::K_MAX {
            return Err(ranking::Error::KOutOfRange { k: self.k }.into());
        }
        let titles = self.history.as_ref().map_or(0, Vec::len);
        if titles > limits::HISTORY_MAX {
            return Err(ranking::Error::HistoryTooLong { titles }.into());
        }
        check_label("region", self.region.as_deref())?;
        check_time("at_unix_ms", self.at_unix_ms)
    }
}

fn k_default() -> u32 {
    10
}

fn maturity_max_default() -> u8 {
    18
}

/// What to show, in the order to show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecommendAnswer {
    /// Finds the request in the node's log.
    pub request_id: String,
    /// The release that answered.
    pub generation: u64,
    /// Whether the node has not heard from its origin for long.
    pub stale: bool,
    /// Whether the candidates came from the answer cache.
    pub cached: bool,
    /// The region whose candidates were ordered.
    pub region: String,
    /// Whether the ranker ordered the best of them.
    pub ranked: bool,
    /// Candidates that passed the filters.
    pub eligible: u32,
    /// `k` of them, or all that the filters leave.
    pub picks: Vec<Pick>,
    /// Where the time went.
    pub timings_us: TimingsUs,
}

/// A title to show.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pick {
    /// Its number in the catalogue.
    pub title: u32,
    /// Its name.
    pub name: String,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub year: Option<u16>,
    /// Higher is better; comparable within one answer only.
    pub score: f32,
    /// Why it was picked.
    pub reason: Reason,
    /// The probability with which it was drawn for this place, above 0 to 1; none for a place that is not drawn. To
    /// learn from a shown title what another choice would have brought, its outcome is weighed by one over this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub propensity: Option<f32>,
}

/// Why a title was picked, or a row is on the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The sort of reason.
    pub kind: ReasonKind,
    /// The watched title that led here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<u32>,
    /// For people, in English.
    pub text: String,
}

/// The sort of reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReasonKind {
    /// The row of a watched title contributed most.
    BecauseYouWatched,
    /// What was watched as a whole speaks for it, no title alone.
    PickedForYou,
    /// Nothing is known of the viewer: what the region watches.
    PopularForNewViewer,
    /// No row of the history leads anywhere: what the region watches.
    PopularWithoutMatch,
    /// The personal picks did not fill the list: what the region watches.
    PopularToFill,
    /// The viewer has begun it.
    ContinueWatching,
    /// The region watches it more than usual.
    Trending,
    /// It came to the region of late.
    New,
    /// An operator gave it this place.
    Pinned,
    /// An operator promotes it.
    Promoted,
    /// It was drawn, to learn what else the viewer would like.
    Explored,
}

impl ReasonKind {
    /// The reason for people, in English; `watched` is the name of the title that led here.
    pub fn text(self, watched: Option<&str>) -> String {
        match (self, watched) {
            (Self::BecauseYouWatched, Some(name)) => format!("Because you watched {name}"),
            (Self::BecauseYouWatched, None) => "Because of what you watched".to_owned(),
            (Self::PickedForYou, _) => "Picked for you".to_owned(),
            (Self::PopularForNewViewer, _) => "Popular in your region".to_owned(),
            (Self::PopularWithoutMatch, _) => {
                "Popular in your region, nothing like it watched yet".to_owned()
            }
            (Self::PopularToFill, _) => "Popular in your region, to fill the row".to_owned(),
            (Self::ContinueWatching, _) => "Continue watching".to_owned(),
            (Self::Trending, _) => "Trending in your region".to_owned(),
            (Self::New, _) => "New in your region".to_owned(),
            (Self::Pinned, _) => "Featured".to_owned(),
            (Self::Promoted, _) => "Promoted".to_owned(),
            (Self::Explored, _) => "Something different".to_owned(),
        }
    }
}
