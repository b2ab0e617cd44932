//! What an input may hold at most, and the harm each limit stops.

/// Rungs of a ladder: no title has more renditions, and each costs time in every decision.
pub const RUNGS_MAX: usize = 64;

/// Throughput samples: older ones say nothing of the network now.
pub const SAMPLES_MAX: usize = 256;

/// Lines of a region's table; they are scanned in every decision.
pub const RULES_MAX: usize = 256;

/// Chunks ahead with exact sizes: no plan looks further.
pub const CHUNKS_AHEAD_MAX: usize = 64;

/// Questions in one packed call: more would hold an instance for long.
pub const QUESTIONS_MAX: usize = 1 << 16;
