//! What an input may hold at most, and the harm each limit stops.

/// A longer file is refused before it is read: it would fill the memory.
pub(crate) const FILE_BYTES_MAX: u64 = 64 << 20;

/// Segments of a trace; a day in steps of 50 ms has 1.7 million.
pub(crate) const SEGMENTS_MAX: usize = 2_000_000;

/// What the best segment of a trace must carry, in Mbit: with less, a download would go round the trace
/// for hours.
pub(crate) const MEGABITS_MIN: f64 = 1e-3;

/// Chunks of a title: twelve hours of 4 s.
pub(crate) const CHUNKS_MAX: usize = 10_800;

/// Traces of a folder: results of all are held until the end.
pub(crate) const TRACES_MAX: usize = 100_000;

/// Rows of a table of sessions: all are held until the end.
pub(crate) const ROWS_MAX: usize = 1_000_000;
