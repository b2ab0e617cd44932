//! The edge process: HTTP in front, components of a signed release behind.

pub mod answer_cache;
pub mod begun;
pub mod capsules;
pub mod config;
pub mod contents;
mod convert;
pub mod decisions;
pub mod dice;
pub mod edge;
pub mod forwarder;
pub mod http;
pub mod in_flight;
pub mod limits;
pub mod loads;
pub mod metrics;
pub mod node;
pub mod outbox;
mod recovery;
pub mod runtime;
pub mod serving;
pub mod sessions;
pub mod settings;
pub mod sync;
pub mod watch;
pub mod workers;
