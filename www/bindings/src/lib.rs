//! Frontrow in the browser: the domain crates behind JSON, for the TypeScript facade beside it.
//!
//! Only `www/src/engine.ts` calls what is exported here. A call that is refused throws a [`Refusal`].

mod bitrate;
mod json;
mod models;
mod ranking;
mod refusal;
mod session;

pub use crate::bitrate::decide;
pub use crate::ranking::Ranking;
pub use crate::refusal::Refusal;
pub use crate::session::Session;
