//! Why a file is no tower, and why a history has no vector.

use std::fmt;

use super::read::KIND;
use crate::network::NetworkError;

/// Why a file is no tower.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TowerError {
    /// The file is not ONNX.
    Malformed {
        /// In what way.
        reason: &'static str,
    },
    /// The metadata do not say that this is a tower of a kind we know.
    NotATower,
    /// A size is missing or outside the limits.
    Size {
        /// Which.
        name: &'static str,
    },
    /// An initialiser is missing, or not of the promised shape.
    Initialiser {
        /// Which.
        name: String,
    },
}

impl TowerError {
    /// The stable name of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "tower-malformed",
            Self::NotATower => "tower-unknown",
            Self::Size { .. } => "tower-size",
            Self::Initialiser { .. } => "tower-initialiser",
        }
    }
}

impl fmt::Display for TowerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { reason } => write!(f, "not an ONNX file: {reason}"),
            Self::NotATower => write!(f, "frontrow.tower is not {KIND}"),
            Self::Size { name } => write!(f, "frontrow.tower.{name} is missing or out of range"),
            Self::Initialiser { name } => write!(f, "{name} is missing or not of its shape"),
        }
    }
}

impl std::error::Error for TowerError {}

impl From<NetworkError> for TowerError {
    fn from(error: NetworkError) -> Self {
        match error {
            NetworkError::Malformed { reason } | NetworkError::Unsupported { reason } => {
                Self::Malformed { reason }
            }
            NetworkError::Signature => Self::Malformed { reason: "the layers do not fit each other" },
        }
    }
}

/// Why a history has no vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodeError {
    /// There is nothing to encode.
    Empty,
    /// The tower has no such item.
    UnknownItem {
        /// Its place in the history.
        place: usize,
    },
    /// The state is not one of this tower, or is full: begin anew with the newest part of the history.
    State,
    /// The numbers left all bounds.
    NotFinite,
}

impl EncodeError {
    /// The stable name of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "encode-empty",
            Self::UnknownItem { .. } => "encode-unknown-item",
            Self::State => "encode-state",
            Self::NotFinite => "encode-not-finite",
        }
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "there is no history"),
            Self::UnknownItem { place } => write!(f, "item {place} of the history is not one of the tower's"),
            Self::State => write!(f, "the state is not one of this tower, or full"),
            Self::NotFinite => write!(f, "the tower gave a number that is not finite"),
        }
    }
}

impl std::error::Error for EncodeError {}
