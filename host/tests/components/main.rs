//! The components we ship: what they import, and that they decide as the native code does.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod answers;
mod built;
mod cross_form;
mod exported;
mod imports;
mod inference_forms;
mod large_models;
mod memory;
mod ranker;
mod relaxed;
mod shipped;
mod tower;
