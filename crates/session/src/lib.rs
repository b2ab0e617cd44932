//! Folds what a player reports into the state of a session.
//!
//! A session is one playback and nothing else. Events may come in any order: those of one call are
//! sorted by time first, and one that is older than what was folded before still gives its facts
//! (startup, stalls, errors, furthest position) without turning the clock back. Time is the player's;
//! nothing here reads a clock.
//!
//! | from | to | on |
//! |---|---|---|
//! | starting | playing | the first frame, pictures that move, an end of buffering, a startup that the player measured, or a position that moves |
//! | playing | stalled | a start of buffering |
//! | stalled | playing | an end of buffering, pictures that move, a position that moves within the stall, or a seek |
//! | any | ended | stop; nothing leaves it |
//!
//! The wait before the first frame is startup, not a stall. Over these phases lie ads, the background, a
//! pause and a seek: time goes to the first of them that holds and is then neither played nor stalled.
//! Buffering that begins in a seek is the seek's until it ends. A report that came late begins none of
//! them: its time has been counted. One that ends a stall, or what lies over, ends it late as well, and the
//! time since then is given back.
//!
//! Where the sender numbers its reports, those that were folded before are left out and those that never
//! came are counted (the private `sequence`). How stalls that are told in several ways are counted once, is
//! told in the private `waits`; what is added up of the pictures shown, in `shown`.
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
