//! WIT to domain and back.

use inference::limits::{MODEL_BYTES_MAX, ROWS_MAX};
use inference::{EncodeError, Error, LoadError, ModelError, Models, Tower};

use crate::wit::exports::frontrow::edge::inference as exports;

pub(crate) fn loaded(models: &Models) -> exports::Loaded {
    let shape = models.tower().map(Tower::shape);
    exports::Loaded {
        columns: number(models.features().unwrap_or(0)),
        items: number(shape.map_or(0, |shape| shape.items)),
        width: number(shape.map_or(0, |shape| shape.width)),
        window: number(shape.map_or(0, |shape| shape.window)),
        state_row: number(models.tower().map_or(0, Tower::state_row)),
    }
}

pub(crate) fn encode_error(error: EncodeError) -> exports::Error {
    match error {
        EncodeError::Empty => exports::Error::NoItems,
        EncodeError::UnknownItem { place } => exports::Error::UnknownItem(number(place)),
        EncodeError::State => exports::Error::State,
        EncodeError::NotFinite => exports::Error::Failed(error.to_string()),
        EncodeError::Failed { reason } => exports::Error::Failed(reason),
    }
}

pub(crate) fn load_error(error: ModelError) -> exports::LoadError {
    match error {
        ModelError::Ranker(LoadError::TooLarge { .. }) => {
            exports::LoadError::TooLarge(MODEL_BYTES_MAX as u64)
        }
        ModelError::Ranker(LoadError::Malformed { reason }) => exports::LoadError::Malformed(reason),
        ModelError::Ranker(LoadError::Signature { found }) => exports::LoadError::Signature(found),
        ModelError::Tower(error) => exports::LoadError::Tower(error.to_string()),
    }
}

pub(crate) fn error(error: Error) -> exports::Error {
    match error {
        Error::NotLoaded => exports::Error::NotLoaded,
        Error::Viewer { numbers } => exports::Error::Viewer(number(numbers)),
        Error::Ragged { numbers } => exports::Error::Ragged(number(numbers)),
        Error::TooManyRows { .. } => exports::Error::TooManyRows(number(ROWS_MAX)),
        Error::NotFinite { row } => exports::Error::NotFinite(number(row)),
        Error::Failed { reason } => exports::Error::Failed(reason),
    }
}

fn number(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
