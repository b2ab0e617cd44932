//! The origin: the full catalogue, its viewers and its models, and the releases made of them.

pub mod database;
pub mod limits;
pub mod train;
pub mod postgres;
