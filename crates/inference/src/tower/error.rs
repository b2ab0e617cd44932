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
    /// The metadata say that it is a tower of a kind we do not know, or, where tract is not, that it is none of ours.
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
    /// The items are looked up in several tables, and none is called `item_vectors`.
    Tables {
        /// How many.
        tables: usize,
    },
    /// A graph that the trainer did not make cannot run.
    Graph {
        /// What tract says.
        reason: String,
    },
    /// The metadata promise a tower of the trainer, and the graph is another.
    Unlike {
        /// Of the two vectors of a history.
        cosine: String,
    },
    /// It fails where a history is as long as it may be.
    Longest {
        /// Items of such a history.
        items: usize,
        /// How.
        reason: String,
    },
    /// Its input or output is not of the form that is asked for.
    Signature {
        /// What was found.
        found: String,
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
            Self::Tables { .. } => "tower-tables",
            Self::Graph { .. } => "tower-graph",
            Self::Unlike { .. } => "tower-unlike",
            Self::Longest { .. } => "tower-longest",
            Self::Signature { .. } => "tower-signature",
        }
    }
}

impl fmt::Display for TowerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { reason } => write!(f, "not an ONNX file: {reason}"),
            Self::NotATower => write!(f, "frontrow.tower is not {KIND}, the kind that runs here"),
            Self::Size { name } => write!(f, "frontrow.tower.{name} is missing or out of range"),
            Self::Initialiser { name } => write!(f, "{name} is missing or not of its shape"),
            Self::Tables { tables } => {
                write!(f, "items are looked up in {tables} tables: call that of their vectors item_vectors")
            }
            Self::Graph { reason } => write!(f, "not a graph that can run: {reason}"),
            Self::Unlike { cosine } => {
                write!(
                    f,
                    "frontrow.tower promises a graph of {KIND}, and this one is another: the cosine is {cosine}"
                )
            }
            Self::Longest { items, reason } => write!(f, "it fails with {items} items: {reason}"),
            Self::Signature { found } => write!(f, "not i64[1, n] or i32[1, n] to f32[1, width]: {found}"),
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
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// The graph failed while it ran.
    Failed {
        /// What tract says.
        reason: String,
    },
}

impl EncodeError {
    /// The stable name of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "encode-empty",
            Self::UnknownItem { .. } => "encode-unknown-item",
            Self::State => "encode-state",
            Self::NotFinite => "encode-not-finite",
            Self::Failed { .. } => "encode-failed",
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
            Self::Failed { reason } => write!(f, "the tower failed: {reason}"),
        }
    }
}

impl std::error::Error for EncodeError {}
