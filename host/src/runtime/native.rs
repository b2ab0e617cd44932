//! The models of a release run by this process: `inference = "native"`.
//!
//! For operators who train what their nodes run. A model then has no memory of its own and no deadline, only the sizes
//! that it is admitted with; whatever an unknown graph does, it does to the node.

use ::inference::limits::{MODEL_BYTES_MAX, ROWS_MAX};
use ::inference::{EncodeError, Error, LoadError, ModelError, Models, Shortlist, Step, Tower};

use super::inference;

/// Loaded once, asked by all invocations.
#[derive(Debug)]
pub(super) struct NativeModels(Models);

impl NativeModels {
    pub(super) fn load(ranker: Option<&[u8]>, tower: Option<&[u8]>) -> Result<Self, inference::LoadError> {
        let models = Models::admit(ranker, tower).map_err(|error| match error {
            ModelError::Ranker(LoadError::TooLarge { .. }) => {
                inference::LoadError::TooLarge(MODEL_BYTES_MAX as u64)
            }
            ModelError::Ranker(LoadError::Malformed { reason }) => inference::LoadError::Malformed(reason),
            ModelError::Ranker(LoadError::Signature { found }) => inference::LoadError::Signature(found),
            ModelError::Tower(error) => inference::LoadError::Tower(error.to_string()),
        })?;
        Ok(Self(models))
    }

    pub(super) fn loaded(&self) -> inference::Loaded {
        let tower = self.0.tower();
        let shape = tower.map(Tower::shape);
        inference::Loaded {
            columns: number(self.0.features().unwrap_or(0)),
            items: number(shape.map_or(0, |shape| shape.items)),
            width: number(shape.map_or(0, |shape| shape.width)),
            window: number(shape.map_or(0, |shape| shape.window)),
            state_row: number(tower.map_or(0, Tower::state_row)),
        }
    }

    pub(super) fn score(&self, shortlist: &Shortlist<'_>) -> Result<Vec<f32>, inference::Error> {
        self.0.score(shortlist).map_err(|error| match error {
            Error::NotLoaded => inference::Error::NotLoaded,
            Error::Viewer { numbers } => inference::Error::Viewer(number(numbers)),
            Error::Ragged { numbers } => inference::Error::Ragged(number(numbers)),
            Error::TooManyRows { .. } => inference::Error::TooManyRows(number(ROWS_MAX)),
            Error::NotFinite { row } => inference::Error::NotFinite(number(row)),
            Error::Failed { reason } => inference::Error::Failed(reason),
        })
    }

    pub(super) fn encode_from(
        &self,
        state: &[f32],
        items: &[u32],
    ) -> Result<inference::Step, inference::Error> {
        let tower = self.0.tower().ok_or(inference::Error::NotLoaded)?;
        let Step { user, state } = tower.encode_from(state, items).map_err(|error| match error {
            EncodeError::Empty => inference::Error::NoItems,
            EncodeError::UnknownItem { place } => inference::Error::UnknownItem(number(place)),
            EncodeError::State => inference::Error::State,
            EncodeError::NotFinite => inference::Error::Failed(error.to_string()),
            EncodeError::Failed { reason } => inference::Error::Failed(reason),
        })?;
        Ok(inference::Step { user, state })
    }
}

fn number(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
