//! Why a question was refused.

use alloc::string::String;
use core::fmt;

use crate::limits::{HISTORY_MAX, IN_PROGRESS_MAX, K_MAX};

/// Why a question was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// `k` is 0 or above [`K_MAX`].
    KOutOfRange {
        /// What was asked.
        k: u32,
    },
    /// More watched titles than [`HISTORY_MAX`].
    HistoryTooLong {
        /// How many.
        titles: usize,
    },
    /// More pairs than [`crate::limits::PAIRS_MAX`].
    TooManyPairs {
        /// How many.
        pairs: usize,
    },
    /// A viewer's vector is not finite, or not as wide as those of the candidates.
    Vector {
        /// How wide those are.
        width: usize,
    },
    /// More titles in progress than [`IN_PROGRESS_MAX`].
    InProgressTooLong {
        /// How many.
        titles: usize,
    },
    /// A share of a title in progress is not from 0 to 1.
    Share {
        /// Where it stands.
        index: usize,
    },
    /// A model of the release failed.
    Inference {
        /// Its code.
        code: String,
    },
}

impl Error {
    /// The stable name of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::KOutOfRange { .. } => "k-out-of-range",
            Self::HistoryTooLong { .. } => "history-too-long",
            Self::TooManyPairs { .. } => "too-many-pairs",
            Self::Vector { .. } => "vector",
            Self::InProgressTooLong { .. } => "in-progress-too-long",
            Self::Share { .. } => "share-out-of-range",
            Self::Inference { .. } => "inference",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KOutOfRange { k } => write!(f, "k is {k}, not 1 to {K_MAX}"),
            Self::HistoryTooLong { titles } => {
                write!(f, "{titles} watched titles are more than {HISTORY_MAX}")
            }
            Self::TooManyPairs { pairs } => write!(f, "{pairs} pairs are too many"),
            Self::Vector { width } => write!(f, "the vector is not {width} finite numbers"),
            Self::InProgressTooLong { titles } => {
                write!(f, "{titles} titles in progress are more than {IN_PROGRESS_MAX}")
            }
            Self::Share { index } => write!(f, "the share of title {index} in progress is not from 0 to 1"),
            Self::Inference { code } => write!(f, "a model failed: {code}"),
        }
    }
}

impl core::error::Error for Error {}
