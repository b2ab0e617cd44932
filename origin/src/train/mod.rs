//! Trainers: what viewers watched in, a model out. Equal inputs give equal models.

pub mod catalogue;
pub mod factors;
pub mod limits;
pub mod mlp;
pub mod onnx;
pub mod random;
pub mod rank;
pub mod ranker;
pub mod ridge;
pub mod rows;
pub mod search;
pub mod sequences;
