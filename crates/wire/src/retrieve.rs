//! `POST /v1/retrieve`, of the origin: the best titles of the whole catalogue.

use serde::{Deserialize, Serialize};

use crate::{Refusal, limits};

/// Which titles are nearest? Exactly one of `vector`, `viewer` and `titles` asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetrieveRequest {
    /// A vector in the space of the model's viewers, as long as the model's vectors are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vector: Option<Vec<f32>>,
    /// A viewer whom the model knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub viewer: Option<u32>,
    /// Titles to find more like; they are not in the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub titles: Option<Vec<u32>>,
    /// Titles never to answer with, of any number and order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<u32>,
    /// Titles wanted, 1 to 1000.
    #[serde(default = "k_default")]
    pub k: u32,
}

impl Default for RetrieveRequest {
    fn default() -> Self {
        Self { vector: None, viewer: None, titles: None, exclude: Vec::new(), k: k_default() }
    }
}

impl RetrieveRequest {
    /// Checks what needs no model: who asks, `k`, and lengths. JSON has no numbers that are not finite.
    pub fn validate(&self) -> Result<(), Refusal> {
        let asking = [self.vector.is_some(), self.viewer.is_some(), self.titles.is_some()];
        if asking.into_iter().filter(|asks| *asks).count() != 1 {
            return Err(Refusal::new("query-not-one", "exactly one of vector, viewer and titles asks"));
        }
        if self.k == 0 || self.k > limits::RETRIEVE_K_MAX {
            let message = format!("k is {}, not from 1 to {}", self.k, limits::RETRIEVE_K_MAX);
            return Err(Refusal::new("k-out-of-range", message));
        }
        let numbers = self.vector.as_ref().map_or(0, Vec::len);
        if numbers > limits::VECTOR_NUMBERS_MAX {
            let message = format!("{numbers} numbers are above {}", limits::VECTOR_NUMBERS_MAX);
            return Err(Refusal::new("vector-length", message));
        }
        for (what, titles) in [("titles", self.titles.as_ref()), ("exclude", Some(&self.exclude))] {
            let count = titles.map_or(0, Vec::len);
            if count > limits::RETRIEVE_TITLES_MAX {
                let message = format!("{what} has {count} titles, above {}", limits::RETRIEVE_TITLES_MAX);
                return Err(Refusal::new("titles-too-many", message));
            }
        }
        Ok(())
    }
}

fn k_default() -> u32 {
    10
}

/// The nearest titles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RetrieveAnswer {
    /// Finds the request in the origin's log.
    pub request_id: String,
    /// What the vectors come from, as `factors`.
    pub model: String,
    /// How the index keeps them: `flat`, `sq8`, `ivf-sq8` or `ivf-pq`.
    pub storage: String,
    /// Best first; `k` of them, or all that there are.
    pub titles: Vec<RetrievedTitle>,
}

/// A title found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetrievedTitle {
    /// Its number in the catalogue.
    pub title: u32,
    /// The inner product with what asked: higher is nearer; an estimate unless `storage` is `flat`.
    pub score: f32,
}
