//! Trainers: what viewers watched in, a model out. Equal inputs give equal models.

pub mod limits;
pub mod rank;
pub mod ridge;
pub mod rows;
pub mod search;
pub mod sequences;
