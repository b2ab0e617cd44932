//! Why a message was refused, and the body that says so.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a message was refused: a stable code for programs and a short text for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Kebab-case; never changes its meaning.
    pub code: &'static str,
    /// Safe to show to the caller.
    pub message: String,
}

impl Refusal {
    /// Refuses with this code and text.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Refusal {}

/// The body of every answer that is not a success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorDetail,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// Kebab-case; never changes its meaning.
    pub code: String,
    /// A short text for people.
    pub message: String,
    /// Finds the request in the node's log.
    pub request_id: String,
}

impl ErrorBody {
    /// The body for a refusal.
    pub fn new(refusal: &Refusal, request_id: impl Into<String>) -> Self {
        Self {
            error: ErrorDetail {
                code: refusal.code.to_owned(),
                message: refusal.message.clone(),
                request_id: request_id.into(),
            },
        }
    }
}

/// Where the time of an answer went, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimingsUs {
    /// Waiting for a free worker.
    pub queue: u64,
    /// In the component.
    pub decide: u64,
    /// From the parsed request to the answer.
    pub total: u64,
}
