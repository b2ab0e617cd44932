//! Why a request was not answered with what it asked for.

use axum::http::StatusCode;
use wire::Refusal;

use crate::database::DatabaseError;

/// Whose doing it is.
pub(super) enum Rejection {
    /// Its sender's.
    Refused(StatusCode, Refusal),
    /// Ours; the sender tries again later.
    Failed(DatabaseError),
}

impl Rejection {
    pub(super) fn new(status: StatusCode, code: &'static str, message: &str) -> Self {
        Self::Refused(status, Refusal::new(code, message))
    }
}

impl From<DatabaseError> for Rejection {
    fn from(error: DatabaseError) -> Self {
        Self::Failed(error)
    }
}
