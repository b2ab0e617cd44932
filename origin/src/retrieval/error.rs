//! Why vectors could not be searched.

use std::path::PathBuf;

use crate::limits::{NEIGHBOURS_MAX, RESULTS_MAX, VECTOR_DIMENSIONS_MAX, VECTORS_MAX};

/// Why an index could not be built, asked, kept or read.
#[derive(Debug, thiserror::Error)]
pub enum RetrievalError {
    /// There is nothing to index.
    #[error("there are no vectors")]
    Empty,
    /// The numbers are not whole vectors.
    #[error("{numbers} numbers are not vectors of {dimensions}")]
    Ragged {
        /// How many numbers.
        numbers: usize,
        /// Numbers a vector has.
        dimensions: usize,
    },
    /// A vector has no number, or too many.
    #[error("a vector of {dimensions} numbers is not from 1 to {VECTOR_DIMENSIONS_MAX}")]
    Dimensions {
        /// How many.
        dimensions: usize,
    },
    /// There are too many vectors.
    #[error("{vectors} vectors are above {VECTORS_MAX}")]
    TooManyVectors {
        /// How many.
        vectors: usize,
    },
    /// A number is infinite or none at all.
    #[error("number {place} is not finite")]
    NotFinite {
        /// Where, from 0.
        place: usize,
    },
    /// Too many or no neighbours are asked for.
    #[error("{k} neighbours are not from 1 to {NEIGHBOURS_MAX}")]
    K {
        /// How many.
        k: usize,
    },
    /// The answer would not fit.
    #[error("{queries} queries of {k} neighbours are above {RESULTS_MAX} results at once")]
    TooManyResults {
        /// Queries.
        queries: usize,
        /// Neighbours of each.
        k: usize,
    },
    /// A vector cannot be cut into so many parts.
    #[error("vectors of {dimensions} numbers cannot be kept in {code_bytes} bytes each")]
    CodeBytes {
        /// Numbers a vector has.
        dimensions: usize,
        /// Bytes a vector should take.
        code_bytes: u32,
    },
    /// A share is outside its range.
    #[error("a recall of {0} is not from 0 to 1")]
    Recall(f64),
    /// Titles and vectors do not go together.
    #[error("{titles} titles, {vectors} vectors, or titles that do not rise")]
    Titles {
        /// Titles named.
        titles: usize,
        /// Vectors there are.
        vectors: usize,
    },
    /// The model does not know the viewer.
    #[error("viewer {0} is not in the model")]
    ViewerUnknown(u32),
    /// The model does not know any of the titles.
    #[error("none of the titles is in the model")]
    TitlesUnknown,
    /// A file could not be handled.
    #[error("cannot {what} {path}: {source}")]
    Io {
        /// What for, as `write`.
        what: &'static str,
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A file is not the index that its description says.
    #[error("{path} is not the index that was saved: {reason}")]
    BadFile {
        /// Which.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// FAISS says no.
    #[error("FAISS: {0}")]
    Faiss(#[from] faiss::error::Error),
}

impl RetrievalError {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "vectors-none",
            Self::Ragged { .. } => "vectors-ragged",
            Self::Dimensions { .. } => "vectors-dimensions",
            Self::TooManyVectors { .. } => "vectors-too-many",
            Self::NotFinite { .. } => "vectors-not-finite",
            Self::K { .. } => "retrieval-k",
            Self::TooManyResults { .. } => "retrieval-results",
            Self::CodeBytes { .. } => "vectors-code-bytes",
            Self::Recall(_) => "retrieval-recall",
            Self::Titles { .. } => "vectors-titles",
            Self::ViewerUnknown(_) => "viewer-unknown",
            Self::TitlesUnknown => "titles-unknown",
            Self::Io { .. } => "index-io",
            Self::BadFile { .. } => "index-bad-file",
            Self::Faiss(_) => "faiss",
        }
    }
}
