//! What a spool may hold at most, and the harm each limit stops.

use std::time::Duration;

/// Bytes of one payload; a larger one fits no batch of the origin and would block its lane for ever.
pub const FRAME_BYTES_MAX: usize = 8 << 20;

/// Bytes written between two syncs of a lane; more would let the first of them wait for the last.
pub const GROUP_BYTES_MAX: usize = 8 << 20;

/// Frames written between two syncs of a lane, for the same reason: also bounds what a torn group loses.
pub const GROUP_FRAMES_MAX: usize = 16_384;

/// Pause behind a sync for each frame of its group, in which the next group gathers: without it a busy node's time goes
/// into syncs of a frame or two.
pub const FRAME_REST: Duration = Duration::from_micros(200);

/// Longest such pause: what a frame may wait for others. One that comes when the writer has been idle waits for none.
pub const REST_MAX: Duration = Duration::from_millis(1);

/// Parts of one gathering write; the kernel refuses more than 1,024.
pub const WRITE_PARTS_MAX: usize = 1_024;

/// Smallest segment; smaller ones would spend their time on making and removing files.
pub const SEGMENT_BYTES_MIN: u64 = 64 << 10;

/// Largest segment: a damaged one is read as a whole, so this is memory.
pub const SEGMENT_BYTES_MAX: u64 = 64 << 20;

/// Segments that the bytes of a spool must hold at least; with fewer, one drop would empty it.
pub const SEGMENTS_MIN: u64 = 4;

/// Segments of both lanes together; a node that starts and stops all day must not fill its folder.
pub const SEGMENTS_MAX: usize = 16_384;

/// Names of odd files that are kept for the warning; the rest is only counted.
pub const ODD_FILES_MAX: usize = 16;
