//! Takes in the body of a request, no longer and no slower than allowed.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

use super::rejection::Rejection;
use crate::limits;

/// Refuses a body by the length that its header states.
pub(super) fn check_length(headers: &HeaderMap, bytes_max: usize) -> Result<(), Rejection> {
    let length =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > bytes_max as u64) { Err(too_large(bytes_max)) } else { Ok(()) }
}

/// The whole body.
pub(super) async fn read(body: Body, bytes_max: usize) -> Result<Bytes, Rejection> {
    match tokio::time::timeout(limits::BODY_TIMEOUT, gather(body, bytes_max)).await {
        Ok(gathered) => gathered,
        Err(_) => Err(Rejection::new(StatusCode::REQUEST_TIMEOUT, "body-slow", "the body took too long")),
    }
}

/// The length in the header may be absent or a lie, so what arrives is counted.
async fn gather(body: Body, bytes_max: usize) -> Result<Bytes, Rejection> {
    let mut stream = body.into_data_stream();
    let mut gathered = BytesMut::new();
    while let Some(chunk) = stream.next().await {
        let Ok(chunk) = chunk else {
            let message = "the body ended too early";
            return Err(Rejection::new(StatusCode::BAD_REQUEST, "body-broken-off", message));
        };
        if gathered.len() + chunk.len() > bytes_max {
            return Err(too_large(bytes_max));
        }
        gathered.extend_from_slice(&chunk);
    }
    Ok(gathered.freeze())
}

fn too_large(bytes_max: usize) -> Rejection {
    let message = format!("the body has more than {bytes_max} bytes");
    Rejection::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", &message)
}
