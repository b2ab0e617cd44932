//! `POST /v1/batches`: what a node hands to the origin.
//!
//! A node keeps what it tells in two series of frames, its lanes. A frame never changes and has a number of its own,
//! which rises within (node, lane, epoch). The origin remembers the highest it has stored and skips what is not above
//! it, so that a frame sent twice counts once, whatever batch it came in; a gap is what the node had to drop.

use serde::{Deserialize, Serialize};

use crate::decode::{decode_msgpack, encode_msgpack};
use crate::events::check_count;
use crate::text::check_label;
use crate::{Event, Records, Refusal, limits};

/// Frames of one lane of one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch<'a> {
    /// Who sends it.
    pub node: String,
    /// Which of its two series.
    pub lane: Lane,
    /// Of the series: numbers begin anew with it.
    pub epoch: u64,
    /// In the order of their numbers.
    #[serde(borrow)]
    pub frames: Vec<Frame<'a>>,
}

/// What a node has in one series; under pressure it drops the oldest events first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lane {
    /// Sessions, windows and decisions: [`Records`].
    Records,
    /// What players reported: a list of [`Event`].
    Events,
}

impl Lane {
    /// As it is in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Events => "events",
        }
    }
}

/// A part of a lane, as it was written when it was acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frame<'a> {
    /// Rises within the epoch, not always by one.
    pub sequence: u64,
    /// What [`write_events`] or [`write_records`] wrote.
    #[serde(borrow, with = "bytes")]
    pub payload: &'a [u8],
}

impl Batch<'_> {
    /// Checks the node's name and that the frames rise. What is in them is checked frame by frame: one that cannot be
    /// read does not harm the rest.
    pub fn validate(&self) -> Result<(), Refusal> {
        check_label("node", Some(&self.node))?;
        if self.frames.is_empty() {
            return Err(Refusal::new("no-frames", "there are no frames"));
        }
        if self.frames.len() > limits::BATCH_FRAMES_MAX {
            let message = format!("more than {} frames", limits::BATCH_FRAMES_MAX);
            return Err(Refusal::new("too-many-frames", message));
        }
        if self.frames.windows(2).all(|pair| pair[0].sequence < pair[1].sequence) {
            return Ok(());
        }
        Err(Refusal::new("frames-not-rising", "the numbers of frames rise"))
    }
}

/// The first byte of a payload: of the order and meaning of what follows.
const VERSION: u8 = 1;

/// The payload of a frame of events.
///
/// Without the names of fields: a node writes a million events a second.
pub fn write_events(events: &[&Event<'_>]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(1 + 5 + events.len() * EVENT_BYTES_USUAL);
    payload.push(VERSION);
    rmp_serde::encode::write(&mut payload, events)
        .expect("our messages know their lengths and write to memory");
    payload
}

const EVENT_BYTES_USUAL: usize = 160;

/// Reads and checks the payload of a frame of events.
///
/// Codes: `version-unknown`, `msgpack-malformed`, `no-events`, `too-many-events` and those of [`Event::validate`].
pub fn read_events(payload: &[u8]) -> Result<Vec<Event<'_>>, Refusal> {
    let events: Vec<Event<'_>> = decode_msgpack(versioned(payload)?, limits::BATCH_BYTES_MAX)?;
    check_count(events.len(), limits::BATCH_EVENTS_MAX)?;
    events.iter().try_for_each(Event::validate)?;
    Ok(events)
}

/// The payload of a frame of records.
pub fn write_records(records: &Records) -> Vec<u8> {
    [&[VERSION], encode_msgpack(records).as_slice()].concat()
}

/// Reads and checks the payload of a frame of records.
///
/// Codes: `version-unknown`, `msgpack-malformed` and those of [`Records::validate`].
pub fn read_records(payload: &[u8]) -> Result<Records, Refusal> {
    let records: Records = decode_msgpack(versioned(payload)?, limits::BATCH_BYTES_MAX)?;
    records.validate()?;
    Ok(records)
}

fn versioned(payload: &[u8]) -> Result<&[u8], Refusal> {
    match payload.split_first() {
        Some((&VERSION, rest)) => Ok(rest),
        _ => Err(Refusal::new("version-unknown", "the frame was written by another version")),
    }
}

/// The origin's answer: what of the lane is stored, or will never be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchStored {
    /// Who sent it.
    pub node: String,
    /// Of the batch.
    pub lane: Lane,
    /// Of the batch.
    pub epoch: u64,
    /// The highest number that has been dealt with: nothing up to it need be sent again.
    pub sequence: u64,
}

/// As MessagePack's own type: a list of numbers would be twice as long.
mod bytes {
    use serde::de::{Error, Visitor};
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'de [u8], D::Error> {
        struct Borrowing;

        impl<'de> Visitor<'de> for Borrowing {
            type Value = &'de [u8];

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }

            fn visit_borrowed_bytes<E: Error>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
                Ok(bytes)
            }
        }

        deserializer.deserialize_bytes(Borrowing)
    }
}
