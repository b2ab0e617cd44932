//! Why a file was refused.

use core::fmt;

use ranking::{CandidatesError, FactorsError};

/// What is wrong with a file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileError {
    /// Larger than its kind may be.
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// Not safetensors, or cut short.
    NotSafetensors,
    /// Not JSON of the expected shape; where.
    Json {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// Written for another schema.
    Schema {
        /// What this version reads.
        expected: &'static str,
    },
    /// The metadata lack an entry.
    MetadataMissing {
        /// Which.
        key: &'static str,
    },
    /// A tensor is missing.
    TensorMissing {
        /// Which.
        tensor: &'static str,
    },
    /// A tensor is of another type or shape.
    TensorType {
        /// Which.
        tensor: &'static str,
    },
    /// A value is outside its range.
    Value {
        /// Which.
        field: &'static str,
    },
    /// The columns do not fit each other.
    Candidates(CandidatesError),
    /// The columns do not fit each other.
    Factors(FactorsError),
}

impl FileError {
    /// The stable name of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "file-too-large",
            Self::NotSafetensors => "not-safetensors",
            Self::Json { .. } => "not-json",
            Self::Schema { .. } => "unknown-schema",
            Self::MetadataMissing { .. } => "metadata-missing",
            Self::TensorMissing { .. } => "tensor-missing",
            Self::TensorType { .. } => "tensor-type",
            Self::Value { .. } => "value-out-of-range",
            Self::Candidates(_) => "candidates-malformed",
            Self::Factors(_) => "factors-malformed",
        }
    }

    /// Refuses more bytes than a kind of file may have.
    pub(crate) fn check_size(bytes: &[u8], max: usize) -> Result<(), Self> {
        if bytes.len() > max {
            return Err(Self::TooLarge { bytes: bytes.len(), max });
        }
        Ok(())
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { bytes, max } => write!(f, "{bytes} bytes are more than {max}"),
            Self::NotSafetensors => write!(f, "not safetensors, or cut short"),
            Self::Json { line, column } => write!(f, "not the expected JSON at line {line}, column {column}"),
            Self::Schema { expected } => write!(f, "the schema is not {expected}"),
            Self::MetadataMissing { key } => write!(f, "the metadata have no {key}"),
            Self::TensorMissing { tensor } => write!(f, "there is no tensor {tensor}"),
            Self::TensorType { tensor } => write!(f, "tensor {tensor} is of another type or shape"),
            Self::Value { field } => write!(f, "{field} is outside its range"),
            Self::Candidates(error) => write!(f, "{error}"),
            Self::Factors(error) => write!(f, "{error}"),
        }
    }
}

impl core::error::Error for FileError {}

impl From<CandidatesError> for FileError {
    fn from(error: CandidatesError) -> Self {
        Self::Candidates(error)
    }
}

impl From<FactorsError> for FileError {
    fn from(error: FactorsError) -> Self {
        Self::Factors(error)
    }
}

impl From<serde_json::Error> for FileError {
    fn from(error: serde_json::Error) -> Self {
        Self::Json { line: error.line(), column: error.column() }
    }
}
