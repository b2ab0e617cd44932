//! `POST /v1/batches`: whose is it, is it sound, is it new, is it stored.

use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tracing::{debug, error, warn};
use wire::{Batch, BatchStored, Refusal};

use super::{Server, answer};
use crate::database::{DatabaseError, Moment};
use crate::ingest::{IngestError, Stored};
use crate::limits;
use crate::token::Token;

/// Why a batch was not taken.
enum Rejection {
    /// Its sender's doing.
    Refused(StatusCode, Refusal),
    /// Ours; the sender tries again later.
    Failed(DatabaseError),
}

impl Rejection {
    fn new(status: StatusCode, code: &'static str, message: &str) -> Self {
        Self::Refused(status, Refusal::new(code, message))
    }
}

impl From<IngestError> for Rejection {
    fn from(error: IngestError) -> Self {
        match error {
            IngestError::Refused(refusal) => Self::Refused(StatusCode::BAD_REQUEST, refusal),
            IngestError::Database(error) => Self::Failed(error),
        }
    }
}

impl From<DatabaseError> for Rejection {
    fn from(error: DatabaseError) -> Self {
        Self::Failed(error)
    }
}

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
    let body = read(request.into_body()).await?;
    let batch = decode(body).await?;
    if batch.node != node {
        let message = "the batch is of another node than the token";
        return Err(Rejection::new(StatusCode::FORBIDDEN, "node-mismatch", message));
    }
    let started = Instant::now();
    let now = Moment::now();
    let (stored, highest) = server.ingest.store(&batch, now).await?;
    match stored {
        Stored::New => {
            let (events, sessions) = (batch.events.len(), batch.sessions.len());
            server.metrics.stored(events, sessions, started.elapsed(), now.unix_s());
            debug!(node, batch.epoch, batch.sequence, events, sessions, "stored a batch");
        }
        Stored::Before => server.metrics.batch("duplicate"),
    }
    Ok(BatchStored { node, epoch: batch.epoch, sequence: highest })
}

/// The node that the token belongs to.
async fn authenticate(server: &Server, headers: &HeaderMap) -> Result<String, Rejection> {
    let refuse = |code, message| Rejection::new(StatusCode::UNAUTHORIZED, code, message);
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some((scheme, shown)) = value.and_then(|value| value.split_once(' ')) else {
        return Err(refuse("token-missing", "a batch needs `Authorization: Bearer …`"));
    };
    let wrong = || refuse("token-wrong", "the token is not a node's");
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(wrong());
    }
    let token = Token::parse(shown.trim()).ok_or_else(wrong)?;
    let kept_sha256 = server.database.node_token_sha256(token.node()).await?;
    // A name that nobody has takes as long as a wrong token.
    let is_known = token.is(&kept_sha256.unwrap_or([0; 32]));
    if is_known && kept_sha256.is_some() { Ok(token.node().to_owned()) } else { Err(wrong()) }
}

fn check_headers(headers: &HeaderMap) -> Result<(), Rejection> {
    let content_type = headers.get(header::CONTENT_TYPE).map(axum::http::HeaderValue::as_bytes);
    if content_type != Some(MSGPACK.as_bytes()) {
        let message = "a batch is application/msgpack";
        return Err(Rejection::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-type", message));
    }
    let length =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > wire::limits::BATCH_BYTES_MAX as u64) {
        return Err(too_large());
    }
    Ok(())
}

async fn read(body: Body) -> Result<Bytes, Rejection> {
    match tokio::time::timeout(limits::BODY_TIMEOUT, gather(body)).await {
        Ok(gathered) => gathered,
        Err(_) => Err(Rejection::new(StatusCode::REQUEST_TIMEOUT, "body-slow", "the body took too long")),
    }
}

/// The length in the header may be absent or a lie, so what arrives is counted.
async fn gather(body: Body) -> Result<Bytes, Rejection> {
    let mut stream = body.into_data_stream();
    let mut gathered = BytesMut::new();
    while let Some(chunk) = stream.next().await {
        let Ok(chunk) = chunk else {
            let message = "the body ended too early";
            return Err(Rejection::new(StatusCode::BAD_REQUEST, "body-broken-off", message));
        };
        if gathered.len() + chunk.len() > wire::limits::BATCH_BYTES_MAX {
            return Err(too_large());
        }
        gathered.extend_from_slice(&chunk);
    }
    Ok(gathered.freeze())
}

fn too_large() -> Rejection {
    let message = format!("a batch has at most {} bytes", wire::limits::BATCH_BYTES_MAX);
    Rejection::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", &message)
}

/// Apart from the tasks that serve: a large batch takes milliseconds to decode.
async fn decode(body: Bytes) -> Result<Batch, Rejection> {
    let decoded = tokio::task::spawn_blocking(move || {
        let batch: Batch = wire::decode_msgpack(&body, wire::limits::BATCH_BYTES_MAX)?;
        batch.validate().map(|()| batch)
    });
    match decoded.await {
        Ok(Ok(batch)) => Ok(batch),
        Ok(Err(refusal)) => Err(Rejection::Refused(StatusCode::BAD_REQUEST, refusal)),
        // A panic in decoding: the batch is at fault, and sending it again would not help.
        Err(_) => Err(Rejection::new(StatusCode::BAD_REQUEST, "msgpack-malformed", "cannot be decoded")),
    }
}
