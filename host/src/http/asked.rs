//! What is known of a request before its route is: its id, its form, when it came.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::Refusal;
use wire::limits::REQUEST_BYTES_MAX;

use super::errors::ApiError;
use crate::dice::Dice;

/// What is known of a request before its route is.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// The caller's trace id, else one of ours.
    pub(super) request_id: Arc<str>,
    /// When its headers had come.
    pub(super) at: Instant,
    /// What its body is written in, and so the answer's.
    pub(super) form: Form,
}

impl Asked {
    pub(super) fn new(headers: &HeaderMap, dice: &Dice) -> Self {
        let traced = headers.get("traceparent").and_then(|value| trace_id(value.as_bytes()));
        let request_id = traced.map_or_else(|| dice.trace_id().into(), Arc::from);
        Self { request_id, at: Instant::now(), form: Form::of(headers).unwrap_or(Form::Json) }
    }
}

/// How a message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    MessagePack,
}

impl Form {
    /// By the content type; none when it is neither.
    fn of(headers: &HeaderMap) -> Option<Self> {
        let whole = headers.get(CONTENT_TYPE)?.to_str().ok()?;
        match whole.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "application/json" => Some(Self::Json),
            "application/msgpack" | "application/x-msgpack" | "application/vnd.msgpack" => {
                Some(Self::MessagePack)
            }
            _ => None,
        }
    }

    /// The same, refused when it is none of these.
    pub(super) fn among(headers: &HeaderMap, forms: &[Self]) -> Result<Self, ApiError> {
        Self::of(headers).filter(|form| forms.contains(form)).ok_or_else(|| {
            let names: Vec<_> = forms.iter().map(|form| form.content_type()).collect();
            let names: Vec<_> = names.iter().filter_map(|name| name.to_str().ok()).collect();
            let text = format!("the content type must be {}", names.join(" or "));
            ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-type", text)
        })
    }

    pub(super) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => "application/json",
            Self::MessagePack => "application/msgpack",
        })
    }

    pub(super) fn encode(self, message: &impl Serialize) -> Vec<u8> {
        match self {
            Self::Json => wire::encode_json(message),
            Self::MessagePack => wire::encode_msgpack(message),
        }
    }

    /// A good answer.
    pub(super) fn answer(self, message: &impl Serialize) -> Response {
        let mut response = self.encode(message).into_response();
        response.headers_mut().insert(CONTENT_TYPE, self.content_type());
        response
    }
}

/// Reads a message of one of these forms, within the limits of size and time.
pub(super) async fn message<T: DeserializeOwned>(
    headers: &HeaderMap,
    forms: &[Form],
    body: Body,
    within: Duration,
) -> Result<T, ApiError> {
    let form = Form::among(headers, forms)?;
    let bytes = whole(headers, body, within).await?;
    Ok(match form {
        Form::Json => wire::decode_json(&bytes, REQUEST_BYTES_MAX)?,
        Form::MessagePack => wire::decode_msgpack(&bytes, REQUEST_BYTES_MAX)?,
    })
}

/// Reads a body, within the limits of size and time.
pub(super) async fn whole(headers: &HeaderMap, body: Body, within: Duration) -> Result<Bytes, ApiError> {
    match tokio::time::timeout(within, read(headers, body)).await {
        Ok(read) => read,
        Err(_) => {
            let text = format!("the body was not whole after {} ms", within.as_millis());
            Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, "body-timeout", text))
        }
    }
}

/// Bytes over the limit that are read and thrown away, so that a caller who sends first and reads later
/// gets the refusal instead of a broken connection.
const SPILL_BYTES_MAX: usize = 4 * REQUEST_BYTES_MAX;

async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, ApiError> {
    let too_large = || {
        let text = format!("the body has more than {REQUEST_BYTES_MAX} bytes");
        ApiError::from(Refusal::new("body-too-large", text))
    };
    let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|bytes| bytes > SPILL_BYTES_MAX) {
        return Err(too_large());
    }
    let mut stream = body.into_data_stream();
    // As a rule one read of the connection has all of it, which is not copied then.
    let (mut first, mut whole) = (Bytes::new(), BytesMut::new());
    let mut seen = 0_usize;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk
            .map_err(|_| ApiError::new(StatusCode::BAD_REQUEST, "body-unreadable", "the body broke off"))?;
        seen += chunk.len();
        if seen > SPILL_BYTES_MAX {
            return Err(too_large());
        }
        if first.is_empty() {
            first = chunk;
        } else if seen <= REQUEST_BYTES_MAX {
            if whole.is_empty() {
                whole.reserve(declared.unwrap_or(seen).min(REQUEST_BYTES_MAX));
                whole.extend_from_slice(&first);
            }
            whole.extend_from_slice(&chunk);
        }
    }
    if seen > REQUEST_BYTES_MAX {
        return Err(too_large());
    }
    Ok(if whole.is_empty() { first } else { whole.freeze() })
}

/// The trace id of a `traceparent` header (W3C Trace Context, level 1, §3.2); none if it is malformed.
fn trace_id(header: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(header).ok()?;
    let mut parts = text.trim().split('-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |part: &str, digits: usize| {
        part.len() == digits && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_sound = is_hex(version, 2)
        && version != "ff"
        && is_hex(trace, 32)
        && is_hex(parent, 16)
        && is_hex(flags, 2)
        && trace.bytes().any(|byte| byte != b'0')
        && parent.bytes().any(|byte| byte != b'0')
        // Later versions may say more, this one may not.
        && (version != "00" || parts.next().is_none());
    is_sound.then_some(trace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_parent_names_the_request_unless_it_is_malformed() {
        // The example of the specification.
        let sound = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(trace_id(sound.as_bytes()), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        let later = "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more";
        assert_eq!(trace_id(later.as_bytes()), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        for malformed in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        ] {
            assert_eq!(trace_id(malformed.as_bytes()), None, "{malformed}");
        }
    }
}
