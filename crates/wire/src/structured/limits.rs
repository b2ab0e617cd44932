//! What a structured field may hold at most, and the harm each limit stops.

/// A longer field is refused before it is parsed: its members would be many times its size in memory.
/// Eight times what HTTP servers take for a header line.
pub const FIELD_BYTES_MAX: usize = 64 << 10;
