//! Files of a release: what is written is read, by us and by others; what is broken is refused.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod hostile;
mod json;
mod manifest;
mod parts;
mod round_trip;
mod schema;
