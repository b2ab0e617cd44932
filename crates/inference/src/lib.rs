//! ONNX models: load them, check what they take, run them.
//!
//! A network of dense layers and the trainer's tower run on our own kernels ([`Network`], [`Mlp`], [`Tower`]), with the
//! same bits in every form. Any other graph runs in tract (the feature `tract`), natively and in the component; an
//! arbitrary graph may differ between the two in the last bits (seen: 1e-5 relative).

#[cfg(feature = "tract")]
mod error;
#[cfg(feature = "tract")]
mod graph;
#[cfg(feature = "tract")]
mod guard;
pub mod limits;
mod mlp;
#[cfg(feature = "tract")]
mod models;
mod network;
mod onnx;
#[cfg(feature = "tract")]
mod ranker;
mod tower;

#[cfg(feature = "tract")]
pub use error::{Error, LoadError};
pub use mlp::{Mlp, Shortlist};
#[cfg(feature = "tract")]
pub use models::{ModelError, Models};
pub use network::{Network, NetworkError};
#[cfg(feature = "tract")]
pub use ranker::Ranker;
pub use tower::{EncodeError, OneViewer, Step, Tower, TowerError, TowerShape, WINDOW_KEY};
