//! The form of a segment: a header, then frames, all little endian.
//!
//! ```text
//! header, 48 bytes:  "frontrow" | version u8 | lane u8 | 6 zeros | epoch u64 | first sequence u64
//!                    | created u64 (Unix time, ms) | reused bytes u32 | CRC-32C of the 44 bytes before, u32
//! frame, 32 bytes:   payload length u32 | records u32 | sequence u64 | at u64 (Unix time, ms)
//!                    | CRC-32C of the payload u32 | CRC-32C of the header's first 44 bytes and the 28 bytes before u32,
//!                    then the payload
//! ```
//!
//! The checksum of a frame's head goes on from that of the header, without the header's own checksum, behind which it
//! would be the same for every header: a frame of another segment, left in a file that is
//! written over or in a block that the file system used again, does not fit here, and nobody who does not know the epoch can make a payload that looks
//! like frames. Head and payload have a checksum each, so that after damage the next sound frame is found by looking
//! at every byte; what is damaged costs itself only.

use crate::{Lane, limits};

/// Bytes before the first frame.
pub const HEADER_BYTES: usize = 48;

/// Where a header's own checksum is.
const HEADER_SUM_AT: usize = 44;

/// Bytes before a payload.
pub const FRAME_HEAD_BYTES: usize = 32;

const MAGIC: &[u8; 8] = b"frontrow";
const VERSION: u8 = 1;

/// The first bytes of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whose frames follow.
    pub lane: Lane,
    /// Of every frame in it.
    pub epoch: u64,
    /// No frame has a lower one.
    pub first_sequence: u64,
    /// When it was begun. Unix time, milliseconds.
    pub created_unix_ms: u64,
    /// Length of the older segment over which it was begun; 0 in a new file. What is no frame in there is nothing that
    /// was torn.
    pub reused_bytes: u32,
}

/// Why a segment is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SegmentError {
    /// It ends within its header.
    #[error("a segment of {bytes} bytes ends within its header")]
    Short {
        /// That are there.
        bytes: usize,
    },
    /// It does not begin like a segment, or its header is damaged.
    #[error("not a segment, or its header is damaged")]
    NotASegment,
    /// It was written by a newer Frontrow.
    #[error("a segment of version {version}, above {VERSION}")]
    VersionUnknown {
        /// Of the segment.
        version: u8,
    },
}

impl Header {
    pub(crate) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8] = VERSION;
        bytes[9] = self.lane.number();
        bytes[16..24].copy_from_slice(&self.epoch.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.first_sequence.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.created_unix_ms.to_le_bytes());
        bytes[40..44].copy_from_slice(&self.reused_bytes.to_le_bytes());
        let sum = crc32c::crc32c(&bytes[..HEADER_SUM_AT]);
        bytes[HEADER_SUM_AT..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// Reads the header of a segment.
    ///
    /// # Errors
    ///
    /// When there is none, or it is damaged.
    pub fn decode(bytes: &[u8]) -> Result<Self, SegmentError> {
        let header = bytes.get(..HEADER_BYTES).ok_or(SegmentError::Short { bytes: bytes.len() })?;
        if &header[..8] != MAGIC || crc32c::crc32c(&header[..HEADER_SUM_AT]) != u32_at(header, HEADER_SUM_AT)
        {
            return Err(SegmentError::NotASegment);
        }
        if header[8] != VERSION {
            return Err(SegmentError::VersionUnknown { version: header[8] });
        }
        Ok(Self {
            lane: Lane::from_number(header[9]).ok_or(SegmentError::NotASegment)?,
            epoch: u64_at(header, 16),
            first_sequence: u64_at(header, 24),
            created_unix_ms: u64_at(header, 32),
            reused_bytes: u32_at(header, 40),
        })
    }

    /// What the checksums of this segment's frames go on from.
    pub(crate) fn seed(&self) -> u32 {
        crc32c::crc32c(&self.encode()[..HEADER_SUM_AT])
    }
}

/// What stands before a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) payload_bytes: u32,
    pub(crate) records: u32,
    pub(crate) sequence: u64,
    pub(crate) at_unix_ms: u64,
    pub(crate) payload_sum: u32,
}

impl Head {
    pub(crate) fn encode(&self, seed: u32) -> [u8; FRAME_HEAD_BYTES] {
        let mut bytes = [0; FRAME_HEAD_BYTES];
        bytes[..4].copy_from_slice(&self.payload_bytes.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.records.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.at_unix_ms.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.payload_sum.to_le_bytes());
        let sum = crc32c::crc32c_append(seed, &bytes[..28]);
        bytes[28..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8], seed: u32) -> Option<Self> {
        let bytes = bytes.get(..FRAME_HEAD_BYTES)?;
        let payload_bytes = u32_at(bytes, 0);
        // Before the checksum: nearly every place that is none is told by this alone.
        if payload_bytes as usize > limits::FRAME_BYTES_MAX
            || crc32c::crc32c_append(seed, &bytes[..28]) != u32_at(bytes, 28)
        {
            return None;
        }
        Some(Self {
            payload_bytes,
            records: u32_at(bytes, 4),
            sequence: u64_at(bytes, 8),
            at_unix_ms: u64_at(bytes, 16),
            payload_sum: u32_at(bytes, 24),
        })
    }

    /// Head and payload.
    pub(crate) fn frame_bytes(&self) -> usize {
        FRAME_HEAD_BYTES + self.payload_bytes as usize
    }
}

/// A sound frame of a segment in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found<'a> {
    /// Rises from frame to frame; gaps are allowed.
    pub sequence: u64,
    /// When it was stored. Unix time, milliseconds.
    pub at_unix_ms: u64,
    /// Records in the payload, as its writer counted them.
    pub records: u32,
    /// As it was given.
    pub payload: &'a [u8],
    /// Where the next frame begins, in bytes from the beginning of what was read.
    pub end: usize,
}

/// What a reader comes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A sound frame.
    Frame(Found<'a>),
    /// Bytes that are no frame, with a sound one behind them.
    Damaged {
        /// As many.
        bytes: usize,
    },
    /// Bytes at the end that are no frame: torn, or still being written.
    Tail {
        /// As many.
        bytes: usize,
    },
}

/// Reads a whole segment; any bytes give items or an error.
///
/// # Errors
///
/// When the header is not sound.
pub fn frames(segment: &[u8]) -> Result<(Header, Items<'_>), SegmentError> {
    let header = Header::decode(segment)?;
    let items = Items::new(segment, HEADER_BYTES, header.seed(), header.first_sequence);
    Ok((header, items))
}

/// The frames of a segment in their order.
#[derive(Clone, Debug)]
pub struct Items<'a> {
    bytes: &'a [u8],
    at: usize,
    seed: u32,
    sequence_min: u64,
}

impl<'a> Items<'a> {
    /// Over `bytes` of a segment from place `at`, where no frame may be numbered below `sequence_min`.
    pub(crate) fn new(bytes: &'a [u8], at: usize, seed: u32, sequence_min: u64) -> Self {
        Self { bytes, at, seed, sequence_min }
    }

    fn frame_at(&self, at: usize) -> Option<Found<'a>> {
        let rest = self.bytes.get(at..)?;
        let head = Head::decode(rest, self.seed)?;
        // Lower ones would be a second life of a frame that was read.
        if head.sequence < self.sequence_min {
            return None;
        }
        let payload = rest.get(FRAME_HEAD_BYTES..head.frame_bytes())?;
        (payload_sum(payload) == head.payload_sum).then_some(Found {
            sequence: head.sequence,
            at_unix_ms: head.at_unix_ms,
            records: head.records,
            payload,
            end: at + head.frame_bytes(),
        })
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        if self.at >= self.bytes.len() {
            return None;
        }
        if let Some(found) = self.frame_at(self.at) {
            self.at = found.end;
            self.sequence_min = found.sequence.saturating_add(1);
            return Some(Item::Frame(found));
        }
        let from = self.at;
        match (from + 1..self.bytes.len()).find(|at| self.frame_at(*at).is_some()) {
            Some(next) => {
                self.at = next;
                Some(Item::Damaged { bytes: next - from })
            }
            None => {
                self.at = self.bytes.len();
                Some(Item::Tail { bytes: self.bytes.len() - from })
            }
        }
    }
}

/// Of a payload, computed where it is made so that the writer need not.
pub(crate) fn payload_sum(payload: &[u8]) -> u32 {
    crc32c::crc32c(payload)
}

// Callers hold slices of fixed length.
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut number = [0; 4];
    number.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(number)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(number)
}

#[cfg(test)]
mod tests;
