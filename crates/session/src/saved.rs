//! The saved form of a session: a MessagePack array of a version and unsigned numbers or nil.
//!
//! Flat and of one length, so that a reader needs neither depth nor allocation.

use alloc::vec::Vec;
use core::fmt;

use rmp::decode::{self, Bytes};
use rmp::encode::{self, ByteBuf};
use units::{Kbps, Millis, UnixMillis};

use crate::counter::Counter;
use crate::{Phase, Session, limits};

/// Of the order and meaning of the fields; another version is refused, never guessed at.
const VERSION: u64 = 1;

const FIELDS: usize = 24;

/// Why a saved form was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SavedError {
    /// It is not one that this version wrote.
    Malformed,
}

impl SavedError {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "state-malformed",
        }
    }
}

impl fmt::Display for SavedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => write!(f, "the saved session is not one that this version wrote"),
        }
    }
}

impl core::error::Error for SavedError {}

impl Session {
    /// The saved form, at most [`limits::SAVED_BYTES_MAX`] bytes.
    pub fn save(&self) -> Vec<u8> {
        let mut bytes = ByteBuf::with_capacity(limits::SAVED_BYTES_MAX);
        let reason = "a byte buffer grows as needed";
        encode::write_array_len(&mut bytes, 1 + FIELDS as u32).expect(reason);
        encode::write_uint(&mut bytes, VERSION).expect(reason);
        for field in self.fields() {
            match field {
                Some(number) => _ = encode::write_uint(&mut bytes, number).expect(reason),
                None => encode::write_nil(&mut bytes).expect(reason),
            }
        }
        bytes.into_vec()
    }

    /// The session of a saved form; no bytes at all are a session of which nothing is known.
    pub fn restore(saved: &[u8]) -> Result<Self, SavedError> {
        if saved.is_empty() {
            return Ok(Self::default());
        }
        if saved.len() > limits::SAVED_BYTES_MAX {
            return Err(SavedError::Malformed);
        }
        read(saved).and_then(Self::from_fields).ok_or(SavedError::Malformed)
    }

    fn fields(&self) -> [Option<u64>; FIELDS] {
        let unix_ms = |at: Option<UnixMillis>| at.map(UnixMillis::get);
        let ms = |length: Option<Millis>| length.map(Millis::get);
        let number = |number: u32| Some(u64::from(number));
        [
            number(match self.phase {
                Phase::Starting => 0,
                Phase::Playing => 1,
                Phase::Stalled => 2,
                Phase::Ended => 3,
            }),
            unix_ms(self.started_at),
            unix_ms(self.first_frame_at),
            unix_ms(self.newest_at),
            Some(self.played.get()),
            Some(self.stalled.get()),
            number(self.stalls_seen),
            number(self.buffering.last),
            number(self.buffering.total),
            number(self.dropped.last),
            number(self.dropped.total),
            number(self.errors),
            number(self.switches),
            self.rate.map(|rate| u64::from(rate.get())),
            Some(self.rate_sum),
            Some(self.rated.get()),
            Some(self.buffer_sum),
            number(self.buffers),
            ms(self.position),
            Some(self.position_max.get()),
            ms(self.duration),
            number(self.events),
            unix_ms(self.half_start),
            unix_ms(self.half_end),
        ]
    }

    /// None where a number is missing, does not fit, or breaks an invariant.
    fn from_fields(fields: [Option<u64>; FIELDS]) -> Option<Self> {
        let unix_ms = |index: usize| fields[index].map(UnixMillis::new);
        let ms = |index: usize| fields[index].map(Millis::new);
        let number = |index: usize| fields[index].and_then(|number| u32::try_from(number).ok());
        let counter = |index: usize| Some(Counter { last: number(index)?, total: number(index + 1)? });
        Some(Self {
            phase: match fields[0]? {
                0 => Phase::Starting,
                1 => Phase::Playing,
                2 => Phase::Stalled,
                3 => Phase::Ended,
                _ => return None,
            },
            started_at: unix_ms(1),
            first_frame_at: unix_ms(2),
            newest_at: unix_ms(3),
            played: ms(4)?,
            stalled: ms(5)?,
            stalls_seen: number(6)?,
            buffering: counter(7)?,
            dropped: counter(9)?,
            errors: number(11)?,
            switches: number(12)?,
            rate: match fields[13] {
                None => None,
                Some(_) => Some(Kbps::new(number(13).filter(|kbps| *kbps > 0)?)),
            },
            rate_sum: fields[14]?,
            rated: ms(15)?,
            buffer_sum: fields[16]?,
            buffers: number(17)?,
            position: ms(18),
            position_max: ms(19)?,
            duration: match ms(20) {
                Some(Millis::ZERO) => return None,
                duration => duration,
            },
            events: number(21)?,
            half_start: unix_ms(22),
            half_end: unix_ms(23),
        })
    }
}

/// Reads exactly the version, the fields, and nothing after them.
fn read(saved: &[u8]) -> Option<[Option<u64>; FIELDS]> {
    let mut bytes = Bytes::new(saved);
    if decode::read_array_len(&mut bytes).ok()? != 1 + FIELDS as u32 {
        return None;
    }
    if decode::read_int::<u64, _>(&mut bytes).ok()? != VERSION {
        return None;
    }
    let mut fields = [None; FIELDS];
    for field in &mut fields {
        // A number is tried first; the copy leaves a nil to be read as one.
        let mut ahead = bytes;
        match decode::read_int::<u64, _>(&mut ahead) {
            Ok(number) => {
                *field = Some(number);
                bytes = ahead;
            }
            Err(_) => decode::read_nil(&mut bytes).ok()?,
        }
    }
    bytes.remaining_slice().is_empty().then_some(fields)
}
