//! What operators ask: `/healthz`, `/readyz`, `/metrics`, `/status`.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::asked::Form;
use super::errors::ApiError;
use crate::node::Node;
use crate::sync::SyncStatus;

/// Whether the process answers.
pub(super) async fn healthz() -> Response {
    Form::Json.answer(&Health { ok: true })
}

/// Whether the node can decide: 503 before the first release.
pub(super) async fn readyz(State(node): State<Arc<Node>>) -> Result<Response, ApiError> {
    match node.serving.load().is_some() {
        true => Ok(Form::Json.answer(&Health { ok: true })),
        false => Err(ApiError::no_generation()),
    }
}

/// All counters, as OpenMetrics text.
pub(super) async fn metrics(State(node): State<Arc<Node>>) -> Response {
    let mut response = node.metrics.text(node.snapshot(Instant::now())).into_response();
    let openmetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(openmetrics));
    response
}

/// How the node is.
pub(super) async fn status(State(node): State<Arc<Node>>) -> Response {
    let serving = node.serving.load_full();
    Form::Json.answer(&Status {
        node: &node.name,
        version: env!("CARGO_PKG_VERSION"),
        generation: serving.as_ref().map(|serving| serving.generation.number()),
        manifest_sha256: serving.as_ref().map(|serving| serving.manifest_sha256.as_str()),
        regions: serving.as_ref().map(|serving| serving.generation.regions().collect()).unwrap_or_default(),
        ranker: serving.as_ref().is_some_and(|serving| serving.generation.has_ranker()),
        tower: serving.as_ref().is_some_and(|serving| serving.generation.has_tower()),
        stale: node.is_stale(Instant::now()),
        sync: node.sync.status(),
        sessions_live: node.sessions.live(),
        answers_kept: node.answers.len() + node.pages.len(),
        outbox: node
            .outbox
            .as_ref()
            .map(|outbox| OutboxStatus { waiting: outbox.len(), dropped: node.metrics.dropped_so_far() }),
    })
}

#[derive(Serialize)]
struct Health {
    ok: bool,
}

#[derive(Serialize)]
struct Status<'a> {
    node: &'a str,
    version: &'static str,
    generation: Option<u64>,
    manifest_sha256: Option<&'a str>,
    regions: Vec<&'a str>,
    ranker: bool,
    tower: bool,
    stale: bool,
    sync: SyncStatus,
    sessions_live: usize,
    answers_kept: usize,
    outbox: Option<OutboxStatus>,
}

#[derive(Serialize)]
struct OutboxStatus {
    waiting: usize,
    dropped: u64,
}
