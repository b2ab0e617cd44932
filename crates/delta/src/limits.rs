//! What a delta may want at most, and the harm each limit stops.

/// Bytes of a file, old or new; both are held in memory, and a longer one is fetched whole.
pub const BYTES_MAX: u64 = 64 << 20;

/// Titles that came or went: each may cost a row of vectors in what the old file is made into.
pub const TITLES_CHANGED_MAX: u64 = 65_536;

/// Binary logarithm of how far back a delta may refer; the decompressor keeps so much in memory.
pub const WINDOW_LOG_MAX: u32 = 27;
