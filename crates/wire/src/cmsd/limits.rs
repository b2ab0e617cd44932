//! What server data may hold at most, and the harm each limit stops.

/// Hops kept of a `CMSD-Dynamic`: a loop of proxies would let it grow until no server takes the header.
pub const HOPS_MAX: usize = 16;

/// Characters of a hop's name, and of a range.
pub const NAME_CHARS_MAX: usize = 128;

/// Characters of the path of the object that follows.
pub const PATH_CHARS_MAX: usize = 4_096;
