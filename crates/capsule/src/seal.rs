//! Capsules to text and back.

use std::fmt;

use aws_lc_rs::aead::{Aad, NONCE_LEN, Nonce};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use units::{Millis, UnixMillis};

use crate::keys::KEY_ID_BYTES;
use crate::{Capsule, Keys, limits};

/// Of the text around the body.
const VERSION: u8 = 2;

const EVENTS_BYTES: usize = 4;

const HEADER_BYTES: usize = 1 + KEY_ID_BYTES + EVENTS_BYTES + NONCE_LEN;

/// Characters of the text that hold the header up to the number of events; three bytes take four.
const CLAIM_CHARS: usize = (1 + KEY_ID_BYTES + EVENTS_BYTES).div_ceil(3) * 4;

const TAG_BYTES: usize = 16;

/// Why a capsule was not sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealError {
    /// A name is longer than [`limits::NAME_BYTES_MAX`].
    NameTooLong {
        /// Which field.
        field: &'static str,
        /// Bytes it has.
        bytes: usize,
    },
    /// The state is longer than [`limits::STATE_BYTES_MAX`].
    StateTooLarge {
        /// Bytes it has.
        bytes: usize,
    },
}

impl SealError {
    /// A stable name for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NameTooLong { .. } => "capsule-name-long",
            Self::StateTooLarge { .. } => "capsule-state-large",
        }
    }
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NameTooLong { field, bytes } => write!(f, "the {field} of a capsule has {bytes} bytes"),
            Self::StateTooLarge { bytes } => write!(f, "the state of a capsule has {bytes} bytes"),
        }
    }
}

impl std::error::Error for SealError {}

/// Why a capsule was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapsuleError {
    /// It is longer than [`limits::TEXT_BYTES_MAX`].
    TooLarge {
        /// Bytes it has.
        bytes: usize,
    },
    /// It is not the text of a capsule, or one of another version.
    Malformed,
    /// It was sealed with a key that this node does not have, or no longer has.
    UnknownKey,
    /// It is not as it was sealed.
    Tampered,
    /// It, or its key, is too old.
    Expired,
    /// It was sealed in the future.
    Early {
        /// How far.
        ahead: Millis,
    },
    /// It is of another session or viewer.
    Foreign,
}

impl CapsuleError {
    /// A stable name for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "capsule-large",
            Self::Malformed => "capsule-malformed",
            Self::UnknownKey => "capsule-key-unknown",
            Self::Tampered => "capsule-tampered",
            Self::Expired => "capsule-expired",
            Self::Early { .. } => "capsule-early",
            Self::Foreign => "capsule-foreign",
        }
    }
}

impl fmt::Display for CapsuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { bytes } => {
                write!(f, "a capsule of {bytes} bytes is longer than {}", limits::TEXT_BYTES_MAX)
            }
            Self::Malformed => write!(f, "this is no capsule"),
            Self::UnknownKey => write!(f, "the capsule has a key that is not known here"),
            Self::Tampered => write!(f, "the capsule is not as it was sealed"),
            Self::Expired => write!(f, "the capsule is too old"),
            Self::Early { ahead } => write!(f, "the capsule was sealed {ahead} from now"),
            Self::Foreign => write!(f, "the capsule is of another session or viewer"),
        }
    }
}

impl std::error::Error for CapsuleError {}

/// Seals a capsule into a text for a header: base64url without padding, at most
/// [`limits::TEXT_BYTES_MAX`] bytes. The `nonce` should not be used twice with one key; random bytes or
/// a counter beside a number of the node will do.
pub fn seal(capsule: &Capsule, keys: &Keys, nonce: [u8; NONCE_LEN]) -> Result<String, SealError> {
    check_lengths(capsule)?;
    let key = keys.sealing();
    let mut header = Vec::with_capacity(HEADER_BYTES);
    header.push(VERSION);
    header.extend_from_slice(&key.id);
    header.extend_from_slice(&capsule.events.to_be_bytes());
    header.extend_from_slice(&nonce);
    let mut sealed = capsule.body();
    let nonce = Nonce::assume_unique_for_key(nonce);
    let result = key.sealing.seal_in_place_append_tag(nonce, Aad::from(&header), &mut sealed);
    result.expect("a body of a few kilobytes is far below what the cipher takes");
    header.append(&mut sealed);
    Ok(URL_SAFE_NO_PAD.encode(&header))
}

/// Opens what [`seal`] made. The keys of other nodes' releases have to be among `keys`.
pub fn open(text: &str, keys: &Keys, now: UnixMillis) -> Result<Capsule, CapsuleError> {
    // The longest text is refused before it is decoded.
    if text.len() > limits::TEXT_BYTES_MAX {
        return Err(CapsuleError::TooLarge { bytes: text.len() });
    }
    let mut bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| CapsuleError::Malformed)?;
    if bytes.len() < HEADER_BYTES + TAG_BYTES || bytes[0] != VERSION {
        return Err(CapsuleError::Malformed);
    }
    let (header, sealed) = bytes.split_at_mut(HEADER_BYTES);
    let events = events_in(header).ok_or(CapsuleError::Malformed)?;
    let (id, rest) = header[1..].split_at(KEY_ID_BYTES);
    let nonce = &rest[EVENTS_BYTES..];
    let key = keys.find(id).ok_or(CapsuleError::UnknownKey)?;
    if key.opens_until.is_some_and(|until| now > until) {
        return Err(CapsuleError::Expired);
    }
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| CapsuleError::Malformed)?;
    let opened = key.sealing.open_in_place(nonce, Aad::from(&*header), sealed);
    let body = opened.map_err(|_| CapsuleError::Tampered)?;
    let capsule = Capsule { events, ..Capsule::from_body(body).ok_or(CapsuleError::Malformed)? };
    let ahead = capsule.issued_at.saturating_since(now);
    if ahead > limits::AHEAD_MAX {
        return Err(CapsuleError::Early { ahead });
    }
    if now.saturating_since(capsule.issued_at) > limits::AGE_MAX {
        return Err(CapsuleError::Expired);
    }
    Ok(capsule)
}

/// How many events of its session a capsule says to know of, without opening it: nobody has checked that before
/// [`open`] has. None for what is no capsule.
pub fn claimed_events(text: &str) -> Option<u32> {
    let bytes = URL_SAFE_NO_PAD.decode(text.get(..CLAIM_CHARS)?).ok()?;
    events_in(&bytes).filter(|_| bytes[0] == VERSION)
}

fn events_in(header: &[u8]) -> Option<u32> {
    header.get(1 + KEY_ID_BYTES..)?.first_chunk().copied().map(u32::from_be_bytes)
}

/// As [`open`], and refuses a capsule of another session, or of another viewer than the one it was sealed
/// for; one that was sealed for no viewer is the session's alone.
pub fn open_for(
    text: &str,
    keys: &Keys,
    now: UnixMillis,
    session: &str,
    viewer: Option<&str>,
) -> Result<Capsule, CapsuleError> {
    let capsule = open(text, keys, now)?;
    let is_theirs = capsule.viewer.is_none() || capsule.viewer.as_deref() == viewer;
    if capsule.session == session && is_theirs { Ok(capsule) } else { Err(CapsuleError::Foreign) }
}

fn check_lengths(capsule: &Capsule) -> Result<(), SealError> {
    let names = [
        ("session", Some(&capsule.session)),
        ("node", Some(&capsule.node)),
        ("viewer", capsule.viewer.as_ref()),
        ("title", capsule.title.as_ref()),
        ("region", capsule.region.as_ref()),
        ("device", capsule.device.as_ref()),
    ];
    for (field, name) in names {
        let bytes = name.map_or(0, String::len);
        if bytes > limits::NAME_BYTES_MAX {
            return Err(SealError::NameTooLong { field, bytes });
        }
    }
    let bytes = capsule.state.len();
    if bytes > limits::STATE_BYTES_MAX {
        return Err(SealError::StateTooLarge { bytes });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
