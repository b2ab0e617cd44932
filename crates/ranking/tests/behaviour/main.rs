//! What is ranked, in what order and why; against sorts of everything and values worked out by hand.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod candidates;
mod edges;
mod factors;
mod features;
mod filters;
mod home;
mod limits;
mod merge;
mod oracle;
mod ranker;
mod reasons;
mod scenario;
mod sets;
mod slate;
mod tower;
