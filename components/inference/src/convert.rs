//! WIT to domain and back.

use inference::limits::{MODEL_BYTES_MAX, ROWS_MAX};
use inference::{Error, LoadError, Ranker};

use crate::wit::exports::frontrow::edge::inference as exports;

pub(crate) fn loaded(ranker: &Ranker) -> exports::Loaded {
    exports::Loaded { columns: number(ranker.columns()) }
}

pub(crate) fn load_error(error: LoadError) -> exports::LoadError {
    match error {
        LoadError::TooLarge { .. } => exports::LoadError::TooLarge(MODEL_BYTES_MAX as u64),
        LoadError::Malformed { reason } => exports::LoadError::Malformed(reason),
        LoadError::Signature { found } => exports::LoadError::Signature(found),
    }
}

pub(crate) fn error(error: Error) -> exports::Error {
    match error {
        Error::Ragged { numbers } => exports::Error::Ragged(number(numbers)),
        Error::TooManyRows { .. } => exports::Error::TooManyRows(number(ROWS_MAX)),
        Error::NotFinite { row } => exports::Error::NotFinite(number(row)),
        Error::Failed { reason } => exports::Error::Failed(reason),
    }
}

fn number(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
