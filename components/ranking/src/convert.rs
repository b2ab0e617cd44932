//! WIT to domain and back.

use alloc::string::ToString;
use alloc::vec::Vec;

use ranking::limits::{HISTORY_MAX, IN_PROGRESS_MAX, PAIRS_MAX};
use ranking::{
    Answer, Blend, Candidates, Error, Factors, HomeRequest, ModelError, Page, Pick, Pin, Progress, Reason,
    Request, Row, Rules, RulesError, Scored, Slate, SlateSettings, Vectors,
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
    let slate = slate(rules.slate).map_err(|error| refused(error.rule))?;
    own.map(|own| own.with_blend(blend).with_slate(slate)).map_err(|error| refused(error.rule))
}

fn slate(slate: exports::Slate) -> Result<Slate, RulesError> {
    Slate::new(SlateSettings {
        lambda: slate.lambda,
        trending_share: slate.trending_share,
        new_share: slate.new_share,
        genre_picks_max: slate.genre_picks_max,
        promoted_max: slate.promoted_max,
        exploration_place: slate.exploration_place,
        pinned: slate.pinned.iter().map(|pin| Pin { place: pin.place, title: pin.title }).collect(),
        promoted: slate.promoted,
    })
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
        seed: request.seed,
    }
}

pub(crate) fn home_request(asked: exports::HomeRequest) -> HomeRequest {
    let progress = |begun: &exports::Progress| Progress { title: begun.title, share: begun.share };
    let in_progress = asked.in_progress.iter().map(progress).collect();
    HomeRequest { request: request(asked.request), in_progress }
}

pub(crate) fn answer(answer: &Answer) -> exports::Answer {
    exports::Answer { picks: picks(&answer.picks), eligible: answer.eligible, ranked: answer.ranked }
}

pub(crate) fn page(page: &Page) -> exports::Page {
    let row = |row: &Row| exports::Row { reason: reason(row.reason), picks: picks(&row.picks) };
    exports::Page { rows: page.rows.iter().map(row).collect(), eligible: page.eligible, ranked: page.ranked }
}

fn picks(picks: &[Pick]) -> Vec<exports::Pick> {
    let pick = |pick: &Pick| exports::Pick {
        title: pick.title,
        score: pick.score,
        reason: reason(pick.reason),
        propensity: pick.propensity,
    };
    picks.iter().map(pick).collect()
}

fn reason(reason: Reason) -> exports::Reason {
    match reason {
        Reason::BecauseYouWatched(title) => exports::Reason::BecauseYouWatched(title),
        Reason::PickedForYou => exports::Reason::PickedForYou,
        Reason::PopularForNewViewer => exports::Reason::PopularForNewViewer,
        Reason::PopularWithoutMatch => exports::Reason::PopularWithoutMatch,
        Reason::PopularToFill => exports::Reason::PopularToFill,
        Reason::ContinueWatching => exports::Reason::ContinueWatching,
        Reason::Trending => exports::Reason::Trending,
        Reason::New => exports::Reason::New,
        Reason::Pinned => exports::Reason::Pinned,
        Reason::Promoted => exports::Reason::Promoted,
        Reason::Explored => exports::Reason::Explored,
    }
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
        Error::InProgressTooLong { .. } => exports::Error::InProgressTooLong(count(IN_PROGRESS_MAX)),
        Error::Share { index } => exports::Error::ShareOutOfRange(count(index)),
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
        inference::Error::Viewer(_) => "viewer",
        inference::Error::NoItems => "no-items",
        inference::Error::State => "state",
    };
    ModelError { code: code.to_string() }
}

pub(crate) fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
