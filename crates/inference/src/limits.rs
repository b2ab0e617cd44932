//! What a model or a call may hold at most, and the harm each limit stops.

/// A larger model is not a ranker of 200 candidates in a millisecond.
pub const MODEL_BYTES_MAX: usize = 32 << 20;

/// Rows of one call: each costs a pass through the model.
pub const ROWS_MAX: usize = 1_024;

/// Rows of a network at once: more would only push what lies between two layers out of the nearest caches.
pub const ROWS_AT_ONCE: usize = 64;

/// Candidates of a shortlist at once: what lies between two layers of more would be more pages of an instance's memory
/// to put back.
pub const SHORTLIST_ROWS_AT_ONCE: usize = 16;

/// Features a row may have: more is a tower, not a ranker.
pub const COLUMNS_MAX: usize = 4_096;

/// Numbers in a tower's vector: more make a history of 200 take tens of milliseconds.
pub const TOWER_WIDTH_MAX: usize = 256;

/// Blocks of a tower, for the same reason.
pub const TOWER_BLOCKS_MAX: usize = 8;

/// Newest items that a tower sees; the state of a session grows with it.
pub const TOWER_WINDOW_MAX: usize = 200;

/// Characters of a reason: tract's may hold a model's weights, and would fill a log.
pub const REASON_CHARS_MAX: usize = 500;

/// What the items of a tower may add up to in a ranker's first layer: it is in the memory of every node.
pub const ITEM_SUMS_BYTES_MAX: usize = 64 << 20;
