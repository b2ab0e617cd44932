//! The edge process: HTTP in front, components of a signed release behind.

pub mod limits;
pub mod runtime;
