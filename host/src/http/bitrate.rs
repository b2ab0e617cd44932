//! `POST /v1/bitrate`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::header::HeaderMap;
use axum::response::Response;
use tracing::warn;
use wire::{BitrateAnswer, BitrateRequest};

use super::asked::{Asked, Form, message};
use super::errors::ApiError;
use super::invoke::Stages;
use crate::convert;
use crate::node::Node;

pub(super) async fn answer(
    State(node): State<Arc<Node>>,
    Extension(asked): Extension<Asked>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let settings = node.settings.load_full();
    let request: BitrateRequest = message(&headers, &[Form::Json], body, settings.body).await?;
    request.validate()?;
    let mut stages = Stages::begin();
    let serving = node.serving.load_full().ok_or_else(ApiError::no_generation)?;
    let region = request.region.as_deref().unwrap_or(&settings.region);
    let ladder = convert::ladder_of(&request, &settings.ladder);
    let input = convert::bitrate_input(&request, ladder, settings.rules.of(region));
    // Ten microseconds: a change of threads would cost as much.
    let decision = stages.call(&node, "bitrate", || serving.generation.decide(&input))?;
    let rung = usize::try_from(decision.rung).ok().and_then(|rung| ladder.get(rung)).ok_or_else(|| {
        warn!(rung = decision.rung, "the bitrate component names a rung that the ladder does not have");
        ApiError::internal()
    })?;
    Ok(Form::Json.answer(&BitrateAnswer {
        request_id: asked.request_id.to_string(),
        generation: serving.generation.number(),
        policy: request.policy,
        rung: decision.rung,
        id: rung.id.clone(),
        height: rung.height,
        kbps: rung.kbps,
        why: convert::why(decision.why),
        cdn_endpoint: Some(decision.cdn_endpoint).filter(|endpoint| !endpoint.is_empty()),
        timings_us: stages.timings(),
    }))
}
