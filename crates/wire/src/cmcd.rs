//! Common Media Client Data: what players tell delivery networks and collectors.
//!
//! Both versions, CTA-5004 (2020) and CTA-5004-B, in all their transports: four headers, a query argument,
//! event reports in a body of lines, and the JSON of version 1. [`Reader`] gives a typed report ([`Cmcd`]) and
//! what is wrong with it ([`Findings`]); [`Writer`] writes one as a player would. Unknown keys and parameters
//! are passed over and counted, as the standard asks.
//!
//! ```
//! use wire::cmcd::{Key, Reader};
//!
//! let reading = Reader::REQUESTS.line("bl=(2100;v),br=(3200;v),mtp=(48100),ot=v,sid=\"8e6f\",v=2").unwrap();
//! assert!(reading.findings.is_empty());
//! assert_eq!(reading.report.picture(Key::Br), Some(3_200));
//! ```

mod event;
mod finding;
mod key;
pub mod limits;
mod mapping;
mod read;
mod report;
mod take;
mod token;
mod validate;
mod write;

pub use event::{Told, session_id};
pub use finding::{Cause, CmcdError, Finding, Findings, Weight};
pub use key::{Header, Key, Kind, is_custom};
pub use mapping::{Facts, Received, SessionKey};
pub use read::{Reader, Reading, Shards};
pub use report::{Cmcd, Custom, CustomValue, Measured, NextObject};
pub use token::{Event, ObjectType, State, StreamType, StreamingFormat};
pub use write::{OwnedShards, Writer};

/// The media type of a body of event reports.
pub const MEDIA_TYPE: &str = "application/cmcd";

/// How a report is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// With a request for media, by headers or query.
    Request,
    /// By itself, as a line of a body.
    Event,
}
