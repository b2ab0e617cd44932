//! Folds what a player reports into the state of a session.
//!
//! A session is one playback and nothing else. Events may come in any order: those of one call are
//! sorted by time first, and one that is older than what was folded before still gives its facts
//! (startup, stalls, errors, furthest position) without turning the clock back. Time is the player's;
//! nothing here reads a clock.
//!
//! | from | to | on |
//! |---|---|---|
//! | starting | playing | the first frame, an end of buffering, or a position that moves |
//! | playing | stalled | a start of buffering |
//! | stalled | playing | an end of buffering |
//! | any | ended | stop; nothing leaves it |
//!
//! The wait before the first frame is startup, not a stall. The reports know no pause: a paused player
//! counts as playing.
#![no_std]
extern crate alloc;

mod counter;
mod event;
mod fold;
pub mod limits;
pub mod packed;
mod saved;
mod sequence;
mod shown;
mod state;
mod waits;

pub use event::{Codec, Event, EventKind, KINDS, Screen};
pub use fold::FoldError;
pub use saved::SavedError;
pub use state::{Phase, Session};
