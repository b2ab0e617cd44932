//! Hostile components: what loops, takes, traps, lies or remembers is stopped, and disturbs nothing else.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bitrate;
mod candidates;
mod forge;
mod loading;
mod pool;
mod ranking;
mod scene;
