//! Refusals as answers: a status, a stable code, a short public text.

use axum::extract::rejection::PathRejection;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use wire::{ErrorBody, Refusal};

use super::asked::Form;
use crate::limits;
use crate::runtime::InvokeError;
use crate::sessions::FoldError;

/// Why a request got no answer. The log sees the cause, the caller a code and a short text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ApiError {
    pub(super) status: StatusCode,
    pub(super) refusal: Refusal,
}

impl ApiError {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, refusal: Refusal::new(code, message) }
    }

    /// Before the first release.
    pub(super) fn no_generation() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "no-generation", "no release has been synced yet")
    }

    /// More requests than invocations.
    pub(super) fn overloaded() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "the node is busy; come back in a moment")
    }

    /// Something of ours failed; the log knows what.
    pub(super) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the node failed")
    }

    /// The whole answer.
    pub(super) fn answer(&self, request_id: &str, form: Form) -> Response {
        let body = ErrorBody::new(&self.refusal, request_id);
        let mut response = (self.status, form.encode(&body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, form.content_type());
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from(limits::RETRY_AFTER_S));
        }
        response
    }
}

impl From<PathRejection> for ApiError {
    fn from(_: PathRejection) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "path-malformed", "the path is not UTF-8")
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal.code {
            "body-too-large" => StatusCode::PAYLOAD_TOO_LARGE,
            _ => StatusCode::BAD_REQUEST,
        };
        Self { status, refusal }
    }
}

impl From<&FoldError> for ApiError {
    fn from(error: &FoldError) -> Self {
        match error {
            FoldError::Full => Self::new(StatusCode::SERVICE_UNAVAILABLE, error.code(), error.to_string()),
            FoldError::Invoke(error) => error.into(),
            FoldError::Session(_) | FoldError::Nonsense => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.code(), "the component failed")
            }
        }
    }
}

impl From<&InvokeError> for ApiError {
    fn from(error: &InvokeError) -> Self {
        let code = error.code();
        match error {
            InvokeError::Overloaded => Self::overloaded(),
            InvokeError::Deadline => {
                Self::new(StatusCode::GATEWAY_TIMEOUT, code, "the decision took too long")
            }
            _ if error.is_refusal() => Self::new(StatusCode::BAD_REQUEST, code, refusal_text(error)),
            _ => Self::new(StatusCode::INTERNAL_SERVER_ERROR, code, "the component failed"),
        }
    }
}

/// What a caller can do about a refusal.
fn refusal_text(error: &InvokeError) -> String {
    use crate::runtime::bitrate::Error;
    match error {
        InvokeError::Bitrate(Error::LadderEmpty) => "the ladder has no rungs".to_owned(),
        InvokeError::Bitrate(Error::LadderTooLong(max)) => format!("the ladder has more than {max} rungs"),
        InvokeError::Bitrate(Error::LadderNotRising(rung)) => {
            format!("rung {rung} is not above the one below it")
        }
        InvokeError::Bitrate(Error::RungZero(rung)) => format!("rung {rung} has no bit rate or height"),
        InvokeError::Bitrate(Error::BufferTooSmall) => {
            "a segment has no length, or the buffer cannot hold one".to_owned()
        }
        InvokeError::Bitrate(Error::SizesIncomplete) => {
            "the sizes ahead are not a whole number of chunks".to_owned()
        }
        InvokeError::Bitrate(Error::SizeZero(chunk)) => format!("chunk {chunk} ahead has no bytes"),
        InvokeError::Bitrate(Error::WeightOutOfRange) => "a weight is not from 0 to 1,000".to_owned(),
        error => error.to_string(),
    }
}

/// Carried to the layer around all routes, which knows the request's id and form.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Whether a header says that the caller has this version of a file.
pub(super) fn has_version(headers: &HeaderMap, etag: &str) -> bool {
    let Some(known) = headers.get("if-none-match").and_then(|value| value.to_str().ok()) else {
        return false;
    };
    known.split(',').map(str::trim).any(|known| known == "*" || known.trim_start_matches("W/") == etag)
}
