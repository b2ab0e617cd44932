//! From histories to signed releases: training, assembly, publication.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod assemble;
mod catalogue;
mod evaluate;
mod gate;
mod given;
mod layout;
mod publish;
mod quality;
mod ridge;
mod steady;
