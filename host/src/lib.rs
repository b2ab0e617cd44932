//! The edge process: HTTP in front, components of a signed release behind.

pub mod config;
pub mod limits;
pub mod runtime;
pub mod settings;
