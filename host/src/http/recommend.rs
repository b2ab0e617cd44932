//! `POST /v1/recommend`.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::header::HeaderMap;
use axum::response::Response;
use wire::{RecommendAnswer, RecommendRequest};

use super::asked::{Asked, Form, message};
use super::errors::ApiError;
use super::invoke::Stages;
use super::question::Asking;
use crate::node::Node;

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
    let asking = Arc::new(Asking::new(&node, &settings, request, Vec::new())?);
    let (answer, cached) = asking
        .answered(&node, &node.answers, &mut stages, |generation, asking| {
            generation.recommend(&asking.region, &asking.request)
        })
        .await?;
    asking.log(&node, &asked.request_id, std::iter::once(&*answer.picks));
    Ok(Form::Json.answer(&RecommendAnswer {
        request_id: asked.request_id.to_string(),
        generation: asking.serving.generation.number(),
        stale: node.is_stale(Instant::now()),
        cached,
        region: asking.region.clone(),
        ranked: answer.ranked,
        eligible: answer.eligible,
        picks: asking.named(&answer.picks),
        timings_us: stages.timings(),
    }))
}
