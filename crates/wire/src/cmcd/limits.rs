//! What a report may hold at most, and the harm each limit stops.

use crate::limits::{COUNT_MAX, KBPS_MAX, MEDIA_MS_MAX};

/// Bytes of one line or header shard; a longer one is refused before it is parsed. Players write 200 to 600
/// bytes, and HTTP servers take no header line above 8 KiB.
pub const LINE_BYTES_MAX: usize = 8 << 10;

/// Bytes of a body of event reports: it is held in memory while it arrives.
pub const BODY_BYTES_MAX: usize = 1 << 20;

/// Lines of one body; the lines after them are refused, so that no caller holds a node for long.
pub const BODY_LINES_MAX: usize = 1_000;

/// Keys of one line, known or not: a line of thousands of keys would cost as much as a hundred lines.
pub const KEYS_MAX: usize = 128;

/// Numbers in all inner lists of a line. Fourteen keys have such lists, of one number a track type.
pub const NUMBERS_MAX: usize = 48;

/// Strings of one inner list (`ec`, `nor`) and custom keys kept: each costs an allocation.
pub const STRINGS_MAX: usize = 16;

/// What is found wrong with one line is told up to this number; the rest is only counted.
pub const FINDINGS_MAX: usize = 32;

/// Characters of a session id, CTA-5004-B: it is kept as a key for as long as the session lives.
pub const SESSION_CHARS_MAX: usize = 64;

/// Characters of a content id, a CDN's or a host's name, CTA-5004-B: they become labels and columns.
pub const NAME_CHARS_MAX: usize = 128;

/// Characters of the name of a custom event and of the value of a custom key, CTA-5004-B.
pub const CUSTOM_CHARS_MAX: usize = 64;

/// Characters of a range of bytes: two numbers of 64 bits have forty.
pub const RANGE_CHARS_MAX: usize = 64;

/// Characters of a URL, a signature or a copied header.
pub const TEXT_CHARS_MAX: usize = 4_096;

/// Thirty days, as everywhere: a longer wait or buffer is an error of the player.
pub(crate) const MS_MAX: u64 = MEDIA_MS_MAX;

/// As everywhere: a faster rendition is an error of the player.
pub(crate) const RATE_MAX: u64 = KBPS_MAX as u64;

/// As everywhere: a higher count is an error of the player.
pub(crate) const TIMES_MAX: u64 = COUNT_MAX;

/// Thousandths; nobody plays a thousand times faster or backwards.
pub(crate) const PLAYBACK_RATE_MILLI_MAX: i64 = 1_000_000;

// A number of a list is kept in 32 bits.
const _: () = assert!(MS_MAX <= u32::MAX as u64);
const _: () = assert!(TIMES_MAX <= u32::MAX as u64);
