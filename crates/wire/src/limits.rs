//! What a message may hold at most, and the harm each limit stops.

/// A longer request body is refused before it is parsed: it would hold a node's memory while it
/// arrives. Room for a hundred thousand ids, so that an absurd list gets its own code.
pub const REQUEST_BYTES_MAX: usize = 1 << 20;

/// A longer batch is refused before it is parsed: a node that went wrong would fill the origin.
pub const BATCH_BYTES_MAX: usize = 16 << 20;

/// Nesting of a MessagePack message; a few bytes a level would otherwise exhaust the stack.
pub const MSGPACK_DEPTH_MAX: usize = 16;

/// Events in one request; one more is refused whole, so that no caller holds a node for long.
pub const EVENTS_MAX: usize = 100;

/// Events in one batch; what is more waits for the next, so that one transaction stays short.
pub const BATCH_EVENTS_MAX: usize = 10_000;

/// Ended sessions, windows and decisions in one batch, for the same reason.
pub const BATCH_RECORDS_MAX: usize = 10_000;

/// Frames in one batch: each is at least one accepted request.
pub const BATCH_FRAMES_MAX: usize = 10_000;

/// Titles that one logged decision shows: all rows of a page.
pub const SHOWN_MAX: usize = 1_000;

/// Buckets of a sketch: what 40 bits of value have at 5 bits of precision.
pub const SKETCH_BUCKETS_MAX: usize = 1_200;

/// Characters of an event, session, node or error name; these are kept as keys for days.
pub const ID_CHARS_MAX: usize = 64;

/// Characters of a session's name: an id, and what tells the contents of one player apart.
pub const SESSION_CHARS_MAX: usize = 96;

/// Characters of a region or device name; these become labels of metrics.
pub const LABEL_CHARS_MAX: usize = 32;

/// Picks in one answer.
pub const K_MAX: u32 = ranking::limits::K_MAX;

/// Watched titles in a request.
pub const HISTORY_MAX: usize = ranking::limits::HISTORY_MAX;

/// Titles in progress in a request.
pub const IN_PROGRESS_MAX: usize = ranking::limits::IN_PROGRESS_MAX;

/// The end of the year 9999: a later time is an error of the player's clock and fits no calendar
/// type of the database.
pub const UNIX_MS_MAX: u64 = 253_402_300_799_999;

/// Thirty days: a longer title or position is an error of the player and would swamp every mean.
pub const MEDIA_MS_MAX: u64 = 30 * 24 * 3_600_000;

/// 10 Gbit/s: a faster rendition is an error of the player and would swamp every mean.
pub const KBPS_MAX: u32 = 10_000_000;

/// A month of playback at 120 frames a second: a higher count is an error of the player.
pub const COUNT_MAX: u64 = MEDIA_MS_MAX / 1_000 * 120;

/// 1,000 frames a second: more is an error of the player.
pub const FRAME_RATE_MILLI_MAX: u64 = 1_000_000;

/// How far a player's clock may be ahead of the node's: clocks differ by seconds, wrong ones by hours.
pub const CLOCK_AHEAD_MS_MAX: u64 = 5 * 60_000;

/// How far a position may be beyond the title's length: credits and rounding, not another title.
pub const POSITION_SLACK_MS: u64 = 60_000;

/// Rungs in a ladder.
pub const RUNGS_MAX: usize = bitrate::limits::RUNGS_MAX;

/// Throughput samples in a decision.
pub const SAMPLES_MAX: usize = bitrate::limits::SAMPLES_MAX;
/// Nobody plans further; what is beyond would only cost.
pub const CHUNKS_AHEAD_MAX: usize = bitrate::limits::CHUNKS_AHEAD_MAX;

/// Titles in one answer of a retrieval; more is a dump of the catalogue.
pub const RETRIEVE_K_MAX: u32 = 1_000;

/// Titles that ask or are excluded in one retrieval: each excluded one is a neighbour more to look for.
pub const RETRIEVE_TITLES_MAX: usize = 10_000;

/// Numbers of a vector that asks: what a factor model may have, and the title's bias.
pub const VECTOR_NUMBERS_MAX: usize = ranking::limits::FACTORS_MAX + 1;
