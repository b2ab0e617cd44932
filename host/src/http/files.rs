//! What the browser form reads: the release's own files, and the node's ladder.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use wire::{RulesFile, Rung, encode_json};

use super::asked::Form;
use super::errors::{ApiError, has_version};
use crate::node::Node;
use crate::serving::{File, Serving};

/// Names the release that a file is of.
pub(super) const GENERATION: HeaderName = HeaderName::from_static("x-frontrow-generation");

/// How the release weighs sources and lays out lists in the region, as JSON: with it a browser ranks as the node does.
pub(super) const RULES: HeaderName = HeaderName::from_static("x-frontrow-rules");

/// What `GET /v1/ladder` says.
#[derive(Serialize)]
struct LadderAnswer<'a> {
    rungs: &'a [Rung],
    rules: &'a RulesFile,
}

/// `GET /v1/candidates/{region}`: the region's candidate set, as safetensors.
pub(super) async fn candidates(
    State(node): State<Arc<Node>>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Path(region) = path?;
    let serving = node.serving.load_full().ok_or_else(ApiError::no_generation)?;
    let known = serving.regions.get(&region).ok_or_else(|| {
        ApiError::new(StatusCode::NOT_FOUND, "region-unknown", "this release has no such region")
    })?;
    let mut response = answer(&serving, &known.candidates, "application/octet-stream", &headers);
    if let Ok(rules) = HeaderValue::from_bytes(&encode_json(&known.rules)) {
        response.headers_mut().insert(RULES, rules);
    }
    Ok(response)
}

/// `GET /v1/titles`: what the release's titles are called, as JSON.
pub(super) async fn titles(State(node): State<Arc<Node>>, headers: HeaderMap) -> Result<Response, ApiError> {
    let serving = node.serving.load_full().ok_or_else(ApiError::no_generation)?;
    Ok(answer(&serving, &serving.titles_file, "application/json", &headers))
}

/// `GET /v1/ranker`: the release's ranker, as ONNX.
pub(super) async fn ranker(State(node): State<Arc<Node>>, headers: HeaderMap) -> Result<Response, ApiError> {
    let serving = node.serving.load_full().ok_or_else(ApiError::no_generation)?;
    let ranker = serving.ranker.as_ref().ok_or_else(|| {
        ApiError::new(StatusCode::NOT_FOUND, "no-ranker", "this release orders by its rows alone")
    })?;
    Ok(answer(&serving, ranker, "application/octet-stream", &headers))
}

/// `GET /v1/tower`: the release's tower, as ONNX.
pub(super) async fn tower(State(node): State<Arc<Node>>, headers: HeaderMap) -> Result<Response, ApiError> {
    let serving = node.serving.load_full().ok_or_else(ApiError::no_generation)?;
    let tower = serving
        .tower
        .as_ref()
        .ok_or_else(|| ApiError::new(StatusCode::NOT_FOUND, "no-tower", "this release has no tower"))?;
    Ok(answer(&serving, tower, "application/octet-stream", &headers))
}

/// `GET /v1/ladder`: the renditions offered to a player that names none, and the tables of speed to height.
pub(super) async fn ladder(State(node): State<Arc<Node>>) -> Response {
    let settings = node.settings.load();
    Form::Json.answer(&LadderAnswer { rungs: &settings.ladder.rungs, rules: &settings.rules })
}

fn answer(serving: &Serving, file: &File, content_type: &'static str, headers: &HeaderMap) -> Response {
    let etag = format!("\"{}\"", file.sha256);
    let mut response = match has_version(headers, &etag) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => file.bytes.clone().into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    // A release may switch at any time: a copy is good only if the node says so.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(GENERATION, HeaderValue::from(serving.generation.number()));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(ETAG, etag);
    }
    response
}
