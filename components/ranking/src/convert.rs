//! WIT to domain and back.

use alloc::string::ToString;
use alloc::vec::Vec;

use ranking::limits::{HISTORY_MAX, PAIRS_MAX};
use ranking::{
    Answer, Blend, Candidates, Error, Factors, ModelError, Reason, Request, Rules, Scored, Vectors,
};
use release::CandidateFile;

use crate::loaded::Loaded;
use crate::wit::exports::frontrow::edge::ranking as exports;
use crate::wit::frontrow::edge::inference;

pub(crate) fn rules(rules: exports::Rules) -> Result<Rules, exports::LoadError> {
    let refused = |rule: &str| exports::LoadError::RuleOutOfRange(rule.to_string());
    let blend = rules.blend.map(|blend| Blend::new(blend.weight, blend.floor)).transpose();
    let blend = blend.map_err(|_| refused("blend"))?;
    let own = Rules::new(rules.recency_tau, rules.history_window, rules.ranker_pool);
    own.map(|own| own.with_blend(blend)).map_err(|error| refused(error.rule))
}

pub(crate) fn candidates(bytes: &[u8]) -> Result<Candidates, exports::LoadError> {
    match CandidateFile::decode(bytes) {
        Ok(file) => Ok(file.candidates),
        Err(error) => Err(exports::LoadError::CandidatesMalformed(error.to_string())),
    }
}

pub(crate) fn factors(bytes: &[u8]) -> Result<Factors, exports::LoadError> {
    release::decode_factors(bytes).map_err(|error| exports::LoadError::FactorsMalformed(error.to_string()))
}

pub(crate) fn loaded(loaded: &Loaded) -> exports::Loaded {
    exports::Loaded {
        titles: count(loaded.candidates.len()),
        rows: count(loaded.candidates.rows()),
        viewers: count(loaded.factors.as_ref().map_or(0, Factors::viewers)),
        vectors: count(loaded.candidates.columns().vectors.as_ref().map_or(0, Vectors::known)),
    }
}

pub(crate) fn request(request: exports::Request) -> Request {
    Request {
        history: request.history,
        exclude: request.exclude,
        k: request.k,
        at_unix_ms: request.at_unix_ms,
        maturity_max_years: request.maturity_max,
    }
}

pub(crate) fn answer(answer: Answer) -> exports::Answer {
    let picks = answer.picks.into_iter().map(|pick| exports::Pick {
        title: pick.title,
        score: pick.score,
        reason: match pick.reason {
            Reason::BecauseYouWatched(title) => exports::Reason::BecauseYouWatched(title),
            Reason::PickedForYou => exports::Reason::PickedForYou,
            Reason::PopularForNewViewer => exports::Reason::PopularForNewViewer,
            Reason::PopularWithoutMatch => exports::Reason::PopularWithoutMatch,
            Reason::PopularToFill => exports::Reason::PopularToFill,
        },
    });
    exports::Answer { picks: picks.collect(), eligible: answer.eligible, ranked: answer.ranked }
}

pub(crate) fn scored(scored: Vec<Scored>) -> Vec<exports::Scored> {
    scored.into_iter().map(|one| exports::Scored { title: one.title, score: one.score }).collect()
}

pub(crate) fn error(error: Error) -> exports::Error {
    match error {
        Error::KOutOfRange { k } => exports::Error::KOutOfRange(k),
        Error::HistoryTooLong { .. } => exports::Error::HistoryTooLong(count(HISTORY_MAX)),
        Error::TooManyPairs { .. } => exports::Error::TooManyPairs(count(PAIRS_MAX)),
        Error::Vector { width } => exports::Error::Vector(count(width)),
        Error::Inference { code } => exports::Error::Inference(code),
    }
}

pub(crate) fn model_error(error: &inference::Error) -> ModelError {
    let code = match error {
        inference::Error::NotLoaded => "not-loaded",
        inference::Error::Ragged(_) => "ragged",
        inference::Error::TooManyRows(_) => "too-many-rows",
        inference::Error::NotFinite(_) => "not-finite",
        inference::Error::Failed(_) => "failed",
        inference::Error::UnknownItem(_) => "unknown-item",
        inference::Error::NoItems => "no-items",
        inference::Error::State => "state",
    };
    ModelError { code: code.to_string() }
}

pub(crate) fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
