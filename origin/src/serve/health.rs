//! Whether the process lives, and whether it can do its work.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::Server;
use crate::limits;

/// Answers as long as the process does.
pub(super) async fn alive() -> Response {
    Json(json!({"status": "ok"})).into_response()
}

/// 200 when the database answers, else 503.
pub(super) async fn ready(State(server): State<Server>) -> Response {
    let ping = tokio::time::timeout(limits::PING_TIMEOUT, server.database.ping());
    let database = matches!(ping.await, Ok(Ok(())));
    let status = if database { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({"ready": database, "database": database}))).into_response()
}
