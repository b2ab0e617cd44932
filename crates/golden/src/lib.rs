//! Questions with the answers that every form of Frontrow gives, bit for bit: the native crates, the
//! components in a node, the bindings in a browser.
//!
//! Inputs and answers are the JSON of `wire`. The expected answers come from Python (`scripts/`), which
//! knows the documentation of the domain crates and not their code. Tests in other languages read the
//! files of `data/` themselves.
//!
//! | kind | input | expected |
//! |---|---|---|
//! | [`Kind::Recommend`] | `RecommendRequest` | `RankedAnswer` |
//! | [`Kind::LaidOut`] | `RecommendRequest` | `RankedAnswer` |
//! | [`Kind::Home`] | `HomeRequest` | `RankedPage` |
//! | [`Kind::Predict`] | list of `{viewer, title}` | list of ratings |
//! | [`Kind::TopRated`] | `{viewer, n, exclude}` | list of `{title, score}` |
//! | [`Kind::Bitrate`] | `BitrateInput` | `BitrateDecision` |
//! | [`Kind::Events`] | list of `PlaybackEvent`, folded by one call | `SessionReport` |
//!
//! A question that must be refused expects `{"refused": code}`. Questions about titles are asked of
//! [`candidates`] and [`factors`] under [`rules`], those for lists laid out and for pages under [`slate_rules`],
//! without a ranker. [`models`] asks a release with a tower and a ranker.

pub mod models;
pub mod sized;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A question and its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Unique.
    pub name: String,
    /// Who is asked.
    pub kind: Kind,
    /// The question.
    pub input: Value,
    /// The answer.
    pub expected: Value,
}

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The ranking by rows and popularity.
    Recommend,
    /// The same, its list laid out.
    LaidOut,
    /// The rows of a page.
    Home,
    /// The factor model, about pairs.
    Predict,
    /// The factor model, about all titles.
    TopRated,
    /// The choice of a rung.
    Bitrate,
    /// A new session.
    Events,
}

/// All cases.
pub fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("../data/cases.json")).expect("the tests of this crate read it")
}

/// The candidate set that is asked, as a file of a release.
pub fn candidates() -> &'static [u8] {
    include_bytes!("../data/candidates.safetensors")
}

/// The factor model that is asked, as a file of a release.
pub fn factors() -> &'static [u8] {
    include_bytes!("../data/factors.safetensors")
}

/// Histories of the model's viewers, as a file of a release; no case asks them.
pub fn histories() -> &'static [u8] {
    include_bytes!("../data/histories.safetensors")
}

/// How sources are weighed, as the entry of a manifest.
pub fn rules() -> &'static str {
    include_str!("../data/rules.json")
}

/// The same with a slate: variety, a cap, titles pinned and promoted, and a place that explores.
pub fn slate_rules() -> &'static str {
    include_str!("../data/slate.json")
}

/// The weight that each age must have under [`rules`], correctly rounded to f32.
pub fn recency_weights() -> Vec<f32> {
    serde_json::from_str(include_str!("../data/recency.json")).expect("the tests of this crate read it")
}
