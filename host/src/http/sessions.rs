//! `GET /v1/sessions/{id}`.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use wire::SessionAnswer;

use super::asked::{Asked, Form};
use super::errors::ApiError;
use super::invoke::Stages;
use crate::node::Node;

pub(super) async fn answer(
    State(node): State<Arc<Node>>,
    Extension(asked): Extension<Asked>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, ApiError> {
    let Path(session_id) = path?;
    let stages = Stages::begin();
    let unknown = || ApiError::new(StatusCode::NOT_FOUND, "session-unknown", "this node has no such session");
    let serving = node.serving.load_full().ok_or_else(unknown)?;
    let view =
        node.view(&serving, &session_id).map_err(|error| ApiError::from(&error))?.ok_or_else(unknown)?;
    Ok(Form::Json.answer(&SessionAnswer {
        request_id: asked.request_id.to_string(),
        generation: view.generation,
        session_id,
        viewer: view.viewer,
        title: view.title,
        ended: view.ended,
        summary: view.summary,
        scores: view.scores,
        timings_us: stages.timings(),
    }))
}
