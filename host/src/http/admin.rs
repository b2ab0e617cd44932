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

/// The alerts that are raised, and the last that turned.
pub(super) async fn alerts(State(node): State<Arc<Node>>) -> Response {
    Form::Json.answer(&node.watch.answer())
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
        outbox: node.outbox.as_ref().map(|outbox| OutboxStatus::of(&outbox.status())),
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

/// What goes to the origin.
#[derive(Serialize)]
struct OutboxStatus {
    records: LaneStatus,
    events: LaneStatus,
    broken: bool,
}

#[derive(Serialize)]
struct LaneStatus {
    bytes: u64,
    waiting_frames: u64,
    dropped_records: u64,
}

impl OutboxStatus {
    fn of(status: &spool::Status) -> Self {
        let [records, events] = status.lanes.map(|lane| LaneStatus {
            bytes: lane.bytes,
            waiting_frames: lane.last.saturating_sub(lane.acknowledged),
            dropped_records: lane.dropped.records,
        });
        Self { records, events, broken: status.is_broken }
    }
}
