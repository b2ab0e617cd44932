//! The origin on a real PostgreSQL: what is stored, what is refused, what survives.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod batches;
mod files;
mod frames;
mod import;
mod licences;
mod plans;
mod process;
mod qoe;
mod releases;
mod retrieve;
mod spooled;
mod stage;
mod train;
