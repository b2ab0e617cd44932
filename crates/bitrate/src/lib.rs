//! Chooses the rung a player should fetch next.
//!
//! A decision depends on its [`Input`] and nothing else: no clock, no memory of earlier ones. Every
//! part of an input is checked once, in its constructor, so that [`decide`] cannot fail and always
//! answers a rung of the ladder.
//!
//! | policy | rule | source |
//! |---|---|---|
//! | [`Policy::SeedRules`] | table of network speed to picture height | the streaming-platform guide's quality rules |
//! | [`Policy::Throughput`] | a share of the least of the harmonic mean of the last downloads and a pair of exponentially weighted ones | Jiang et al., FESTIVE, CoNEXT 2012; dash.js, Shaka Player |
//! | [`Policy::Bba`] | a line from buffer level to rate | Huang et al., SIGCOMM 2014 |
//! | [`Policy::Bola`] | buffer-based Lyapunov optimisation | Spiteri et al., BOLA, INFOCOM 2016 |
//! | [`Policy::BolaE`], [`Policy::Dynamic`] | BOLA for players, and its mixture with throughput | Spiteri et al., MMSys 2018 |
//! | [`Policy::RobustMpc`] | the best five chunks under a pessimistic throughput | Yin et al., SIGCOMM 2015 |
//! | [`Policy::Flagship`] | the best expectation to the end of the title over what the network may bring | ours |
#![no_std]
extern crate alloc;

mod ahead;
mod bba;
mod bola;
mod bola_e;
mod buffer;
mod caps;
mod decision;
mod error;
mod forecast;
mod history;
mod ladder;
pub mod limits;
mod mpc;
pub mod packed;
mod perceptron;
mod plan;
mod real;
mod rules;
mod running;
mod settings;
mod shipped;
mod shipped_perceptron;
mod speed;
mod views;
mod weights;

pub use ahead::Ahead;
pub use buffer::Buffer;
pub use caps::Caps;
pub use decision::{Decision, Input, Policy, Why, decide, decide_with};
pub use error::InputError;
pub use history::{History, Sample};
pub use ladder::{Ladder, Rung};
pub use perceptron::{
    Activations, HIDDEN, INPUTS, LEAK, OUTCOMES, OUTPUTS, Outlook, PERCEPTRON_LEN, Perceptron, distance,
    distance_slope,
};
pub use rules::{Rules, SpeedRule};
pub use running::Running;
pub use settings::{SETTINGS_LEN, Settings};
pub use speed::{SAMPLES_USED, Speed, THROUGHPUT_SHARE};
pub use views::{Seen, Views, single};
pub use weights::{Utility, Weights};
