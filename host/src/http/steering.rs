//! `GET /v1/steering/hls` and `/v1/steering/dash`: which delivery network a player should use.
//!
//! The region's pathways come from the configuration, their loads from operators (`PUT /v1/steering/loads`) and, for
//! the pathway of this node, from the node itself.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Query, RawQuery, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use wire::encode_json;
use wire::steering::{self, Client, LoadsRequest, Protocol};

use super::asked::{Form, message};
use super::errors::ApiError;
use crate::node::Node;

/// What a player says beside the standard's own arguments.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    region: Option<String>,
    /// Anything that stays the same over a session: so that it stays where it is.
    session: Option<String>,
}

pub(super) async fn hls(
    node: State<Arc<Node>>,
    asked: Query<Asked>,
    query: RawQuery,
) -> Result<Response, ApiError> {
    answer(&node, Protocol::Hls, asked.0, query.0.as_deref().unwrap_or_default())
}

pub(super) async fn dash(
    node: State<Arc<Node>>,
    asked: Query<Asked>,
    query: RawQuery,
) -> Result<Response, ApiError> {
    answer(&node, Protocol::Dash, asked.0, query.0.as_deref().unwrap_or_default())
}

fn answer(node: &Node, protocol: Protocol, asked: Asked, query: &str) -> Result<Response, ApiError> {
    let settings = node.settings.load();
    let file = settings.steering.as_ref().ok_or_else(|| {
        ApiError::new(StatusCode::NOT_FOUND, "no-steering", "this node has no pathways to steer by")
    })?;
    let region = file.of(asked.region.as_deref().unwrap_or(&settings.region));
    // Who does not say who they are is someone new each time; where they fetch from still counts.
    let session = asked.session.unwrap_or_else(|| node.dice.trace_id());
    let client = Client::read(protocol, session, query);
    let own = (node.name.as_str(), node.load_permille());
    let manifest = node.loads.within(Instant::now(), own, |load| steering::manifest(region, &client, load));
    let mut response = encode_json(&manifest).into_response();
    let content_type = match protocol {
        Protocol::Hls => steering::MEDIA_TYPE,
        Protocol::Dash => "application/json",
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    // It is about this player and this moment.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// `PUT /v1/steering/loads`: what an operator's monitoring knows of the pathways.
pub(super) async fn loads(
    State(node): State<Arc<Node>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let within = node.settings.load().body;
    let request: LoadsRequest = message(&headers, &[Form::Json], body, within).await?;
    request.validate()?;
    node.loads.tell(&request, Instant::now());
    Ok(StatusCode::NO_CONTENT.into_response())
}
