//! What steering may hold at most, and the harm each limit stops.

/// Pathways of a region; each is a line of every manifest.
pub const PATHWAYS_MAX: usize = 16;

/// Characters of a pathway's id.
pub const ID_CHARS_MAX: usize = 64;

/// Characters of a host's name, RFC 1035.
pub const HOST_CHARS_MAX: usize = 253;

/// Characters of the address a player asks next.
pub const URI_CHARS_MAX: usize = 2_048;

/// A player that asks more often than every ten seconds costs more than it can gain.
pub const TTL_S_MIN: u32 = 10;

/// A day: a player that asks less often is not steered.
pub const TTL_S_MAX: u32 = 86_400;

/// A pathway without weight would never be used.
pub const WEIGHT_MIN: u32 = 1;

/// Ten thousand to one is as uneven as anybody needs.
pub const WEIGHT_MAX: u32 = 10_000;

/// Bytes of a player's query; what is longer is passed over.
pub const QUERY_BYTES_MAX: usize = 8 << 10;

/// Pathways whose load is told at once: those of all regions.
pub const LOADS_MAX: usize = 1_024;
