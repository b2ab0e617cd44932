//! `POST /v1/batches`: whose is it, is it sound, is it new, is it stored.

use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use tracing::{debug, error, warn};
use wire::limits::BATCH_BYTES_MAX;
use wire::{BatchStored, Refusal};

use super::rejection::Rejection;
use super::sender::authenticate;
use super::{Server, answer, body};
use crate::database::Moment;
use crate::ingest::Prepared;

/// Answers with the highest sequence stored, in MessagePack as it was asked.
pub(super) async fn store(State(server): State<Server>, request: Request) -> Response {
    match try_store(&server, request).await {
        Ok(stored) => {
            let body = wire::encode_msgpack(&stored);
            ([(header::CONTENT_TYPE, MSGPACK)], body).into_response()
        }
        Err(Rejection::Refused(status, refusal)) => {
            server.metrics.batch(refusal.code);
            let request_id = answer::request_id();
            warn!(request_id, code = refusal.code, "refused a batch: {}", refusal.message);
            answer::refusal_with_id(status, &refusal, &request_id)
        }
        Err(Rejection::Failed(cause)) => {
            server.metrics.batch(cause.code());
            let request_id = answer::request_id();
            error!(request_id, code = cause.code(), %cause, "could not store a batch");
            let refusal = Refusal::new(cause.code(), "the batch is not stored; send it again later");
            answer::refusal_with_id(StatusCode::SERVICE_UNAVAILABLE, &refusal, &request_id)
        }
    }
}

const MSGPACK: &str = "application/msgpack";

async fn try_store(server: &Server, request: Request) -> Result<BatchStored, Rejection> {
    // Whose it is comes before its body: a stranger costs us one row, not sixteen megabytes.
    let node = authenticate(server, request.headers()).await?;
    check_headers(request.headers())?;
    let Ok(_permit) = server.batches.try_acquire() else {
        return Err(Rejection::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "too many batches at once"));
    };
    let body = body::read(request.into_body(), BATCH_BYTES_MAX).await?;
    let started = Instant::now();
    let now = Moment::now();
    let batch = prepare(body, now).await?;
    if batch.node() != node {
        let message = "the batch is of another node than the token";
        return Err(Rejection::new(StatusCode::FORBIDDEN, "node-mismatch", message));
    }
    let receipt = server.ingest.store(&batch).await?;
    if receipt.frames == 0 {
        server.metrics.batch("duplicate");
    } else {
        server.metrics.stored(&receipt, started.elapsed(), now.unix_s());
        if receipt.refused > 0 {
            warn!(node, receipt.refused, "frames of a batch cannot be read; see the table refused_frames");
        }
        debug!(node, ?receipt, "stored a batch");
    }
    Ok(batch.stored(receipt.sequence))
}

fn check_headers(headers: &HeaderMap) -> Result<(), Rejection> {
    let content_type = headers.get(header::CONTENT_TYPE).map(axum::http::HeaderValue::as_bytes);
    if content_type != Some(MSGPACK.as_bytes()) {
        let message = "a batch is application/msgpack";
        return Err(Rejection::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-type", message));
    }
    body::check_length(headers, BATCH_BYTES_MAX)
}

/// Apart from the tasks that serve: a large batch takes milliseconds to read.
async fn prepare(body: Bytes, now: Moment) -> Result<Prepared, Rejection> {
    match tokio::task::spawn_blocking(move || Prepared::read(&body, now)).await {
        Ok(Ok(batch)) => Ok(batch),
        Ok(Err(refusal)) => Err(Rejection::Refused(StatusCode::BAD_REQUEST, refusal)),
        // A panic in reading: the batch is at fault, and sending it again would not help.
        Err(_) => Err(Rejection::new(StatusCode::BAD_REQUEST, "msgpack-malformed", "cannot be decoded")),
    }
}
