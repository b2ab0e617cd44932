//! Answers that are no success: a stable code, a short text, and an id that the log repeats.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use wire::{ErrorBody, Refusal};

/// Refuses with our usual body.
pub(super) fn refusal(status: StatusCode, refusal: &Refusal) -> Response {
    refusal_with_id(status, refusal, &request_id())
}

/// Refuses with an id that the log has as well.
pub(super) fn refusal_with_id(status: StatusCode, refusal: &Refusal, request_id: &str) -> Response {
    let body = wire::encode_json(&ErrorBody::new(refusal, request_id));
    let mut response = (status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
    let headers = response.headers_mut();
    match status {
        StatusCode::UNAUTHORIZED => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S));
        }
        _ => {}
    }
    response
}

/// A database that restarts or a burst that drains needs about this long.
const RETRY_AFTER_S: &str = "2";

/// 64 random bits; it names a request in the log, nothing depends on it.
pub(super) fn request_id() -> String {
    let mut bits = [0; 8];
    // Without random bits the id is zeros; the request is answered all the same.
    let _ = aws_lc_rs::rand::fill(&mut bits);
    format!("{:016x}", u64::from_be_bytes(bits))
}
