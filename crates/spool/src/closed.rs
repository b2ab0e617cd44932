//! What finished segments hold, so that a full spool is opened without reading all of it.
//!
//! A short cut and nothing more: an entry counts while its file is as long and as old as is noted and begins with the
//! header that is noted; any other segment is read. Never synced, for the same reason.
//!
//! ```text
//! "closed 1", then an entry a segment, all little endian:
//! lane u64 | first sequence u64 | epoch u64 | last sequence u64 | bytes u64 | changed u64 (Unix time, ns)
//! | newest frame u64 (Unix time, ms) | frames u64 | records u64 | bytes of payloads u64
//! then CRC-32C of all before, u32
//! ```

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::Path;
use std::time::UNIX_EPOCH;

use crate::index::Segment;
use crate::segment::{HEADER_BYTES, Header};
use crate::{Dropped, Lane, limits};

/// Name of the file.
pub(crate) const NAME: &str = "closed";

/// Where it is written before it takes that name.
pub(crate) const NEW: &str = "closed.new";

const MAGIC: &[u8; 8] = b"closed 1";
const NUMBERS: usize = 10;
const ENTRY_BYTES: usize = NUMBERS * 8;
const SUM_BYTES: usize = 4;

/// Finished segments by lane and first sequence, as they were noted.
#[derive(Debug, Default)]
pub(crate) struct Closed {
    entries: HashMap<(Lane, u64), [u64; NUMBERS]>,
}

impl Closed {
    /// Reads what was noted; nothing where that is not sound.
    pub(crate) fn read(folder: &Path) -> Self {
        let path = folder.join(NAME);
        let bytes_max =
            (MAGIC.len() + (limits::SEGMENTS_MAX + Lane::ALL.len()) * ENTRY_BYTES + SUM_BYTES) as u64;
        let is_short = fs::metadata(&path).is_ok_and(|metadata| metadata.len() <= bytes_max);
        let bytes = if is_short { fs::read(path).unwrap_or_default() } else { Vec::new() };
        decode(&bytes).unwrap_or_default()
    }

    /// The segment of this lane that begins with `first`, if its file at `path` is the one that was noted.
    pub(crate) fn find(&self, path: &Path, lane: Lane, first: u64) -> io::Result<Option<Segment>> {
        let Some(&entry) = self.entries.get(&(lane, first)) else { return Ok(None) };
        let [_, _, epoch, last, bytes, changed_unix_ns, newest_unix_ms, frames, records, payload_bytes] =
            entry;
        let mut file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.len() != bytes || changed_unix_ns != self::changed_unix_ns(&metadata) {
            return Ok(None);
        }
        let mut header = [0; HEADER_BYTES];
        file.read_exact(&mut header)?;
        let is_noted =
            |header: &Header| (header.lane, header.first_sequence, header.epoch) == (lane, first, epoch);
        let Some(header) = Header::decode(&header).ok().filter(is_noted) else { return Ok(None) };
        Ok(Some(Segment {
            path: path.to_owned(),
            epoch,
            first,
            last,
            seed: header.seed(),
            bytes,
            file_bytes: bytes,
            changed_unix_ns,
            newest_unix_ms,
            held: Dropped { frames, records, bytes: payload_bytes },
            is_damaged: false,
            is_open: false,
        }))
    }
}

/// What is to be noted of segments: those that are finished and sound. Any other is read when the spool is opened.
pub(crate) fn encode<'a>(segments: impl Iterator<Item = (Lane, &'a Segment)>) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    for (lane, segment) in segments.filter(|(_, segment)| is_worth_noting(segment)) {
        let Dropped { frames, records, bytes: payload_bytes } = segment.held;
        let entry: [u64; NUMBERS] = [
            lane.number().into(),
            segment.first,
            segment.epoch,
            segment.last,
            segment.bytes,
            segment.changed_unix_ns,
            segment.newest_unix_ms,
            frames,
            records,
            payload_bytes,
        ];
        bytes.extend(entry.iter().flat_map(|number| number.to_le_bytes()));
    }
    bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
    bytes
}

/// Writes down what [`encode`] gave.
pub(crate) fn write(folder: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = folder.join(NEW);
    fs::write(&new, bytes)?;
    fs::rename(new, folder.join(NAME))
}

fn is_worth_noting(segment: &Segment) -> bool {
    let is_whole = segment.bytes == segment.file_bytes && segment.last >= segment.first;
    !segment.is_open && !segment.is_damaged && is_whole && segment.changed_unix_ns > 0
}

/// When a file was written to last, in nanoseconds; 0 where the system does not say.
pub(crate) fn changed_unix_ns(metadata: &Metadata) -> u64 {
    let changed = metadata.modified().ok().and_then(|changed| changed.duration_since(UNIX_EPOCH).ok());
    changed.and_then(|since| u64::try_from(since.as_nanos()).ok()).unwrap_or(0)
}

fn decode(bytes: &[u8]) -> Option<Closed> {
    let (bytes, sum) = bytes.split_last_chunk::<SUM_BYTES>()?;
    if crc32c::crc32c(bytes) != u32::from_le_bytes(*sum) {
        return None;
    }
    let (entries, rest) = bytes.strip_prefix(MAGIC)?.as_chunks::<ENTRY_BYTES>();
    let entry = |entry: &[u8; ENTRY_BYTES]| {
        let (numbers, _) = entry.as_chunks::<8>();
        let mut numbers = numbers.iter().copied().map(u64::from_le_bytes);
        let entry: [u64; NUMBERS] = std::array::from_fn(|_| numbers.next().unwrap_or(0));
        let lane = Lane::from_number(u8::try_from(entry[0]).ok()?)?;
        Some(((lane, entry[1]), entry))
    };
    let entries = entries.iter().map(entry).collect::<Option<_>>()?;
    rest.is_empty().then_some(Closed { entries })
}
