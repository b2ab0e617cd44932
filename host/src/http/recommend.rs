//! `POST /v1/recommend`.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::http::header::HeaderMap;
use axum::response::Response;
use wire::{Pick, Reason, RecommendAnswer, RecommendRequest};

use super::asked::{Asked, Form, message};
use super::errors::ApiError;
use super::invoke::Stages;
use crate::answer_cache::Question;
use crate::convert;
use crate::node::{Node, unix_ms};
use crate::runtime::ranking;
use crate::serving::Serving;

pub(super) async fn answer(
    State(node): State<Arc<Node>>,
    Extension(asked): Extension<Asked>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let settings = node.settings.load_full();
    let request: RecommendRequest = message(&headers, &[Form::Json], body, settings.body).await?;
    request.validate()?;
    let mut stages = Stages::begin();
    // One release from here to the end: an answer never mixes two.
    let serving = node.serving.load_full().ok_or_else(ApiError::no_generation)?;
    let region = request.region.clone().unwrap_or_else(|| settings.region.clone());
    let Some(known) = serving.regions.get(&region) else {
        let text = format!("this release has no candidates for {region}");
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "region-unknown", text));
    };
    let at_unix_ms = request.at_unix_ms.unwrap_or_else(unix_ms);
    let history = match (request.history, request.viewer) {
        (Some(history), _) => history,
        (None, Some(viewer)) => serving.history_of(viewer).to_vec(),
        (None, None) => Vec::new(),
    };
    let mut exclude = request.exclude;
    exclude.sort_unstable();
    exclude.dedup();
    let key = Question {
        manifest_sha256: &serving.manifest_sha256,
        region: &region,
        window: known.window_at(at_unix_ms),
        history: &history,
        exclude: &exclude,
        k: request.k,
        maturity_max: request.maturity_max,
    }
    .key();
    let kept = node.answers.get(&key, settings.answer_ttl, Instant::now());
    node.metrics.looked_up(kept.is_some());
    let cached = kept.is_some();
    let answer = match kept {
        Some(kept) => kept,
        None => {
            let (k, maturity_max) = (request.k, request.maturity_max);
            let question = ranking::Request { history, exclude, k, at_unix_ms, maturity_max };
            let (release, place) = (Arc::clone(&serving), region.clone());
            let answer = stages
                .call_admitted(&node, "ranking", move || release.generation.recommend(&place, &question))
                .await?;
            let answer = Arc::new(answer);
            node.answers.put(key, Arc::clone(&answer), Instant::now());
            answer
        }
    };
    let picks = answer.picks.iter().map(|pick| named(&serving, pick)).collect();
    Ok(Form::Json.answer(&RecommendAnswer {
        request_id: asked.request_id.to_string(),
        generation: serving.generation.number(),
        stale: node.is_stale(Instant::now()),
        cached,
        region,
        ranked: answer.ranked,
        eligible: answer.eligible,
        picks,
        timings_us: stages.timings(),
    }))
}

fn named(serving: &Serving, pick: &ranking::Pick) -> Pick {
    let (kind, title) = convert::reason(&pick.reason);
    let known = serving.titles.get(pick.title);
    let text = kind.text(title.map(|title| name_of(serving, title)).as_deref());
    Pick {
        title: pick.title,
        name: name_of(serving, pick.title),
        year: known.and_then(|known| known.year),
        score: pick.score,
        reason: Reason { kind, title, text },
    }
}

fn name_of(serving: &Serving, title: u32) -> String {
    serving.titles.get(title).map_or_else(|| format!("Title {title}"), |known| known.name.clone())
}
