//! What to show.

use std::cell::RefCell;

use inference::OneViewer;
use ranking::features::COLUMNS;
use ranking::{Candidates, Factors, Rules};
use release::{CandidateFile, RulesEntry, decode_factors};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::wasm_bindgen;
use wire::{HomeRequest, RankedAnswer, RankedPage, RecommendRequest};

use crate::models::{self, AtWork, Ranker};
use crate::{Refusal, json};

/// The candidates of one region, decoded.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Ranking {
    region: String,
    candidates: Candidates,
    factors: Option<Factors>,
    ranker: Option<Ranker>,
    // A browser has one viewer.
    tower: Option<RefCell<OneViewer>>,
    // Without what needs a model that is not there.
    rules: Rules,
}

/// What the files turned out to hold.
#[derive(Serialize)]
struct Description<'a> {
    region: &'a str,
    titles: usize,
    rows: usize,
    viewers: usize,
    ranker: bool,
    tower: bool,
}

/// A viewer and a title.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    viewer: u32,
    title: u32,
}

/// A title and its predicted rating.
#[derive(Serialize)]
struct Scored {
    title: u32,
    score: f32,
}

#[wasm_bindgen]
impl Ranking {
    /// Decodes a candidate set and, if there are any, a factor model, an ONNX ranker and an ONNX tower; `rules` is
    /// a manifest's entry.
    pub fn load(
        candidates: &[u8],
        factors: Option<Vec<u8>>,
        ranker: Option<Vec<u8>>,
        tower: Option<Vec<u8>>,
        rules: &str,
    ) -> Result<Self, Refusal> {
        let rules: RulesEntry = json::parse(rules)?;
        let rules = rules.rules().map_err(|error| Refusal::new("rule-out-of-range", &error))?;
        let refuse = |error: release::FileError| Refusal::new(error.code(), &error);
        let file = CandidateFile::decode(candidates).map_err(refuse)?;
        let factors = factors.map(|bytes| decode_factors(&bytes).map_err(refuse)).transpose()?;
        let tower = tower.map(|bytes| models::tower(&bytes)).transpose()?;
        let ranker = ranker.map(|bytes| Ranker::read(&bytes, tower.as_ref())).transpose()?;
        let tower = tower.map(|tower| RefCell::new(OneViewer::new(tower)));
        let rules = AtWork { ranker: ranker.as_ref(), tower: tower.as_ref() }.rules(rules);
        Ok(Self { region: file.region, candidates: file.candidates, factors, ranker, tower, rules })
    }

    /// What the files hold.
    pub fn describe(&self) -> String {
        json::write(&Description {
            region: &self.region,
            titles: self.candidates.len(),
            rows: self.candidates.rows(),
            viewers: self.factors.as_ref().map_or(0, Factors::viewers),
            ranker: self.ranker.is_some(),
            tower: self.tower.is_some(),
        })
    }

    /// Answers a `wire::RecommendRequest` with a `wire::RankedAnswer`. There are no stored histories
    /// here, so a viewer's number changes nothing.
    pub fn recommend(&self, request: &str, now_unix_ms: f64) -> Result<String, Refusal> {
        let request: RecommendRequest = json::parse(request)?;
        request.validate()?;
        self.check_region(request.region.as_deref())?;
        let question = request.into_domain(&[], millis(now_unix_ms));
        let mut models = self.models();
        let answer = ranking::recommend(&self.candidates, &self.rules, &question, Some(&mut models))?;
        Ok(json::write(&RankedAnswer::from(&answer)))
    }

    /// Answers a `wire::HomeRequest` with a `wire::RankedPage`, likewise.
    pub fn home(&self, request: &str, now_unix_ms: f64) -> Result<String, Refusal> {
        let request: HomeRequest = json::parse(request)?;
        request.validate()?;
        self.check_region(request.region.as_deref())?;
        let question = request.into_domain(&[], millis(now_unix_ms));
        let mut models = self.models();
        let page = ranking::home(&self.candidates, &self.rules, &question, Some(&mut models))?;
        Ok(json::write(&RankedPage::from(&page)))
    }

    /// The ranker's logits of whole rows of features, one a row; see `ranking::features`.
    pub fn logits(&self, features: &[f32]) -> Result<Vec<f32>, Refusal> {
        let ranker = self.ranker.as_ref();
        let ranker = ranker.ok_or_else(|| Refusal::new("no-ranker", &"no ranker was loaded"))?;
        if !features.len().is_multiple_of(COLUMNS) {
            return Err(Refusal::new("ragged", &format!("{} features are not whole rows", features.len())));
        }
        Ok(ranker.logits(features))
    }

    /// Predicts a rating for each of a list of viewers and titles.
    pub fn predict(&self, pairs: &str) -> Result<String, Refusal> {
        let factors = self.factors()?;
        let pairs: Vec<Pair> = json::parse_list(pairs)?;
        let pairs: Vec<(u32, u32)> = pairs.iter().map(|pair| (pair.viewer, pair.title)).collect();
        Ok(json::write(&factors.predict(&pairs)?))
    }

    /// The `n` titles with the highest predicted rating for a viewer.
    #[wasm_bindgen(js_name = topRated)]
    pub fn top_rated(&self, viewer: u32, n: u32, exclude: &[u32]) -> Result<String, Refusal> {
        let rated = self.factors()?.top_rated(viewer, n as usize, exclude);
        let rated: Vec<Scored> =
            rated.iter().map(|rated| Scored { title: rated.title, score: rated.score }).collect();
        Ok(json::write(&rated))
    }
}

impl Ranking {
    fn models(&self) -> AtWork<'_> {
        AtWork { ranker: self.ranker.as_ref(), tower: self.tower.as_ref() }
    }

    fn check_region(&self, asked: Option<&str>) -> Result<(), Refusal> {
        match asked.filter(|region| *region != self.region) {
            Some(_) => {
                Err(Refusal::new("region-unknown", &format!("these candidates are for {}", self.region)))
            }
            None => Ok(()),
        }
    }

    fn factors(&self) -> Result<&Factors, Refusal> {
        self.factors.as_ref().ok_or_else(|| Refusal::new("no-factors", &"no factor model was loaded"))
    }
}

#[allow(clippy::cast_possible_truncation, reason = "`as` saturates, and NaN becomes 0")]
#[allow(clippy::cast_sign_loss, reason = "`as` saturates")]
fn millis(unix_ms: f64) -> u64 {
    unix_ms as u64
}
