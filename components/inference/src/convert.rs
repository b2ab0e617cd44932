//! WIT to domain and back.

use inference::limits::{MODEL_BYTES_MAX, ROWS_MAX};
use inference::{EncodeError, Error, LoadError, Ranker, Tower, TowerError};

use crate::Models;
use crate::wit::exports::frontrow::edge::inference as exports;

pub(crate) fn loaded(models: &Models) -> exports::Loaded {
    let shape = models.tower.as_ref().map(Tower::shape);
    exports::Loaded {
        columns: number(models.ranker.as_ref().map_or(0, Ranker::columns)),
        items: number(shape.map_or(0, |shape| shape.items)),
        width: number(shape.map_or(0, |shape| shape.width)),
        window: number(shape.map_or(0, |shape| shape.window)),
        state_row: number(models.tower.as_ref().map_or(0, Tower::state_row)),
    }
}

pub(crate) fn tower_error(error: &TowerError) -> exports::LoadError {
    exports::LoadError::Tower(error.to_string())
}

pub(crate) fn encode_error(error: EncodeError) -> exports::Error {
    match error {
        EncodeError::Empty => exports::Error::NoItems,
        EncodeError::UnknownItem { place } => exports::Error::UnknownItem(number(place)),
        EncodeError::State => exports::Error::State,
        EncodeError::NotFinite => exports::Error::Failed(error.to_string()),
    }
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
