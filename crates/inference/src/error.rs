//! Why a model or a call was refused.

use std::fmt;

use crate::limits::{MODEL_BYTES_MAX, ROWS_MAX};

/// Why a model was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// The file is larger than [`MODEL_BYTES_MAX`].
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The file is not ONNX, or uses what is not supported.
    Malformed {
        /// What tract says.
        reason: String,
    },
    /// Inputs or outputs are not `f32[n, columns]` and `f32[n, 1]`.
    Signature {
        /// What they are.
        found: String,
    },
}

impl LoadError {
    /// The stable name of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "model-too-large",
            Self::Malformed { .. } => "model-malformed",
            Self::Signature { .. } => "model-signature",
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { bytes } => write!(f, "a model of {bytes} bytes is more than {MODEL_BYTES_MAX}"),
            Self::Malformed { reason } => write!(f, "not a model that can run: {reason}"),
            Self::Signature { found } => write!(f, "not f32[n, columns] to f32[n, 1]: {found}"),
        }
    }
}

/// Why a call was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// There is no ranker.
    NotLoaded,
    /// The viewer's vector is not one of the tower.
    Viewer {
        /// Numbers it has.
        numbers: usize,
    },
    /// The features are not whole rows.
    Ragged {
        /// How many there were.
        numbers: usize,
    },
    /// More rows than [`ROWS_MAX`].
    TooManyRows {
        /// How many.
        rows: usize,
    },
    /// A feature or the logit of a row was not finite.
    NotFinite {
        /// Which row.
        row: usize,
    },
    /// The model failed while it ran.
    Failed {
        /// What tract says.
        reason: String,
    },
}

impl Error {
    /// The stable name of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotLoaded => "not-loaded",
            Self::Viewer { .. } => "viewer",
            Self::Ragged { .. } => "ragged",
            Self::TooManyRows { .. } => "too-many-rows",
            Self::NotFinite { .. } => "not-finite",
            Self::Failed { .. } => "failed",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLoaded => write!(f, "there is no ranker"),
            Self::Viewer { numbers } => {
                write!(f, "a viewer's vector of {numbers} numbers is not one of the tower, or not finite")
            }
            Self::Ragged { numbers } => write!(f, "{numbers} features are not whole rows"),
            Self::TooManyRows { rows } => write!(f, "{rows} rows are more than {ROWS_MAX}"),
            Self::NotFinite { row } => write!(f, "row {row} has a number that is not finite"),
            Self::Failed { reason } => write!(f, "the model failed: {reason}"),
        }
    }
}

impl std::error::Error for LoadError {}
impl std::error::Error for Error {}
