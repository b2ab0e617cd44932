//! Frames on their way out: to the origin, and back into a process that starts again.

use std::cell::LazyCell;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::Lane;
use crate::index::Segment;
use crate::segment::{FRAME_HEAD_BYTES, HEADER_BYTES, Head, Item, Items};
use crate::writer::Shared;

/// A stored payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// With the lane and the sequence it is unique for ever.
    pub epoch: u64,
    /// Rises within the lane, over all epochs of the folder; gaps are allowed.
    pub sequence: u64,
    /// When it was stored. Unix time, milliseconds.
    pub at_unix_ms: u64,
    /// Records in it, as its writer counted them.
    pub records: u32,
    /// As it was given.
    pub payload: Vec<u8>,
}

/// Where a reader of a lane is; only of use with the spool that gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    sequence: u64,
    // Where the next frame is likely to begin: first sequence of its segment, and bytes into it.
    segment: u64,
    at: u64,
}

impl Cursor {
    /// Behind this frame of a lane; 0 is its beginning.
    pub fn after(sequence: u64) -> Self {
        Self { sequence, segment: u64::MAX, at: 0 }
    }

    /// Of the last frame that was read.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }
}

/// Frames of one lane and one epoch, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frames {
    /// Of all of them; 0 when there are none.
    pub epoch: u64,
    /// None when nothing waits.
    pub frames: Vec<Frame>,
    /// Behind the last of them; without any, behind what is lost.
    pub next: Cursor,
    /// Passed on the way to `next`, and no frame: what lay there is lost.
    pub damaged_bytes: u64,
}

/// Reads on behind `after`: frames of `bytes_max` payload bytes, one more than that if it is the first.
pub(crate) fn read(shared: &Shared, lane: Lane, after: Cursor, bytes_max: usize) -> io::Result<Frames> {
    let mut frames = Frames { epoch: 0, frames: Vec::new(), next: after, damaged_bytes: 0 };
    let mut bytes = 0;
    loop {
        let segment = shared.index().lane(lane).segment_after(frames.next.sequence).cloned();
        let Some(segment) = segment else { return Ok(frames) };
        if !frames.frames.is_empty() && (segment.epoch != frames.epoch || bytes >= bytes_max) {
            return Ok(frames);
        }
        frames.epoch = segment.epoch;
        let is_there = frames.next.segment == segment.first && frames.next.at >= HEADER_BYTES as u64;
        let at = if is_there { frames.next.at } else { HEADER_BYTES as u64 };
        let chunk = match Chunk::read(&segment, at, bytes_max) {
            Ok(chunk) => chunk,
            // Dropped while we looked.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if !frames.frames.is_empty() {
                    return Ok(frames);
                }
                frames.next = Cursor::after(segment.last.max(frames.next.sequence));
                continue;
            }
            Err(error) => return Err(error),
        };
        let before = frames.next;
        let mut gap = 0;
        // Once a piece, however much of it is damaged.
        let is_known = LazyCell::new(|| shared.index().lane_mut(lane).note_damage(segment.first));
        for found in chunk.items(&segment) {
            let found = match found {
                Item::Frame(found) => found,
                Item::Damaged { bytes } => {
                    gap += if *is_known { bytes as u64 } else { 0 };
                    continue;
                }
                Item::Tail { .. } => break,
            };
            let behind = Cursor { segment: segment.first, at: at + found.end as u64, ..frames.next };
            // What is skipped to find the place, the first time.
            if found.sequence <= frames.next.sequence {
                (frames.next, gap) = (behind, 0);
                continue;
            }
            if !frames.frames.is_empty() && bytes + found.payload.len() > bytes_max {
                return Ok(frames);
            }
            bytes += found.payload.len();
            frames.damaged_bytes += std::mem::take(&mut gap);
            frames.next = Cursor { sequence: found.sequence, ..behind };
            frames.frames.push(frame(segment.epoch, &found));
        }
        if frames.next == before {
            // Damaged since it was opened, or by less than a head: all of it is read then.
            let is_known = *is_known;
            if chunk.is_whole {
                // Nothing sound is left of it. Whoever sends the frames before it is answered for them alone.
                if !frames.frames.is_empty() {
                    return Ok(frames);
                }
                frames.damaged_bytes += if is_known { chunk.bytes.len() as u64 } else { 0 };
                frames.next = Cursor::after(segment.last);
            }
        }
    }
}

/// A piece of a segment.
struct Chunk {
    bytes: Vec<u8>,
    /// To the end of the segment.
    is_whole: bool,
}

impl Chunk {
    fn read(segment: &Segment, at: u64, bytes_max: usize) -> io::Result<Self> {
        let file = File::open(&segment.path)?;
        let rest = segment.bytes.saturating_sub(at) as usize;
        let mut head = [0; FRAME_HEAD_BYTES];
        let mut wanted = rest;
        if !segment.is_damaged && rest >= FRAME_HEAD_BYTES {
            file.read_exact_at(&mut head, at)?;
            if let Some(head) = Head::decode(&head, segment.seed) {
                wanted = head.frame_bytes().max(bytes_max).min(rest);
            }
        }
        let mut bytes = vec![0; wanted];
        file.read_exact_at(&mut bytes, at)?;
        Ok(Self { is_whole: wanted == rest, bytes })
    }

    fn items(&self, segment: &Segment) -> Pieces<'_> {
        Pieces {
            items: Items::new(&self.bytes, 0, segment.seed, segment.first),
            is_whole: self.is_whole,
            bytes: &self.bytes,
            at: 0,
            seed: segment.seed,
        }
    }
}

/// The frames of a piece; stops before one that it holds only a part of.
struct Pieces<'a> {
    items: Items<'a>,
    is_whole: bool,
    bytes: &'a [u8],
    at: usize,
    seed: u32,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        if !self.is_whole {
            // Looking for the next sound frame in a part would take the rest of a sound one for damage.
            let rest = self.bytes.get(self.at..)?;
            Head::decode(rest, self.seed).filter(|head| head.frame_bytes() <= rest.len())?;
        }
        let item = self.items.next()?;
        self.at = match item {
            Item::Frame(found) => found.end,
            Item::Damaged { bytes } | Item::Tail { bytes } => self.at + bytes,
        };
        Some(item)
    }
}

fn frame(epoch: u64, found: &crate::segment::Found<'_>) -> Frame {
    Frame {
        epoch,
        sequence: found.sequence,
        at_unix_ms: found.at_unix_ms,
        records: found.records,
        payload: found.payload.to_vec(),
    }
}

/// The frames that are there, for a process that starts again; see [`crate::Spool::replay`].
#[derive(Debug)]
pub struct Replay {
    segments: std::vec::IntoIter<Segment>,
    since_unix_ms: u64,
    frames: std::vec::IntoIter<Frame>,
}

impl Replay {
    pub(crate) fn new(shared: &Shared, lane: Lane, since_unix_ms: u64, bytes_max: u64) -> Self {
        let index = shared.index();
        let mut bytes = 0;
        let newest = index.lane(lane).segments.iter().rev().take_while(|segment| {
            bytes += segment.bytes;
            segment.newest_unix_ms >= since_unix_ms && bytes <= bytes_max
        });
        let mut segments: Vec<Segment> = newest.cloned().collect();
        segments.reverse();
        Self { segments: segments.into_iter(), since_unix_ms, frames: Vec::new().into_iter() }
    }
}

impl Iterator for Replay {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.frames.next() {
                return Some(frame);
            }
            let segment = self.segments.next()?;
            // Dropped meanwhile, or damaged: what can be read is worth more than a refusal.
            let Ok(chunk) = Chunk::read(&segment, HEADER_BYTES as u64, usize::MAX) else { continue };
            let frames = chunk.items(&segment).filter_map(|item| match item {
                Item::Frame(found) if found.at_unix_ms >= self.since_unix_ms => {
                    Some(frame(segment.epoch, &found))
                }
                _ => None,
            });
            self.frames = frames.collect::<Vec<_>>().into_iter();
        }
    }
}
