//! Chooses the rung a player should fetch next.
//!
//! A decision depends on its [`Input`] and nothing else: no clock, no memory of earlier ones. Every
//! part of an input is checked once, in its constructor, so that [`decide`] cannot fail and always
//! answers a rung of the ladder.
//!
//! | policy | rule | source |
//! |---|---|---|
//! | [`Policy::SeedRules`] | table of network speed to picture height | the streaming-platform guide's quality rules |
//! | [`Policy::Throughput`] | a share of the harmonic mean of the last downloads | Jiang et al., FESTIVE, CoNEXT 2012; Yin et al., SIGCOMM 2015 |
//! | [`Policy::Bola`] | buffer-based Lyapunov optimisation | Spiteri et al., BOLA, INFOCOM 2016 |
#![no_std]
extern crate alloc;

mod bola;
mod buffer;
mod decision;
mod error;
mod ladder;
pub mod limits;
mod rules;
mod speed;

pub use buffer::Buffer;
pub use decision::{Decision, Input, Policy, Why, decide};
pub use error::InputError;
pub use ladder::{Ladder, Rung};
pub use rules::{Rules, SpeedRule};
pub use speed::{SAMPLES_USED, Speed, THROUGHPUT_SHARE};
