//! A session's state that travels with its viewer, so that another node can go on with it.
//!
//! A node hands the player a text; the player hands it to whichever node it comes to. Nodes share nothing
//! but a secret, so the text carries everything, and nobody but a node can read or make one:
//!
//! ```text
//! base64url( version: 1 byte | key: 8 bytes | events: 4 bytes | nonce: 12 bytes | sealed body | tag: 16 bytes )
//! ```
//!
//! The body is MessagePack ([`Capsule::body`]), sealed with AES-256-GCM-SIV (RFC 8452): a nonce used twice
//! tells at most that two capsules are the same. What stands before the body is authenticated with it; the
//! number of events is there so that a node that knows as many need not open it ([`claimed_events`]). The
//! keys are derived from the secret for each release ([`Keys`]), so that a release's capsules can be let go
//! with it. A viewer may send an older capsule again: it is the viewer's own session, and the one that knows
//! more events counts.

mod body;
mod keys;
pub mod limits;
mod seal;

pub use body::Capsule;
pub use keys::{Keys, Secret, SecretError};
pub use seal::{CapsuleError, SealError, claimed_events, open, open_for, seal};
