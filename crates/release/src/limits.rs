//! How large a file may be, and the harm each limit stops.

/// A longer manifest is refused before it is parsed: an endless one would fill the node.
pub const MANIFEST_BYTES_MAX: usize = 1 << 20;

/// A channel names one number; more is not a channel.
pub const CHANNEL_BYTES_MAX: usize = 4 << 10;

/// A larger candidate set would not fit the memory of a guest.
pub const CANDIDATES_BYTES_MAX: usize = 256 << 20;

/// A larger factor model would not fit the memory of a guest.
pub const FACTORS_BYTES_MAX: usize = 256 << 20;

/// A larger file of histories would not fit a node beside its guests.
pub const HISTORIES_BYTES_MAX: usize = 512 << 20;

/// Names of more titles than a candidate set can hold are not needed.
pub const TITLES_BYTES_MAX: usize = 256 << 20;

/// A larger model is not a ranker of 200 candidates in a millisecond.
pub const RANKER_BYTES_MAX: usize = 32 << 20;

/// A larger component is not one of ours: tract, the largest, takes 16 MB.
pub const COMPONENT_BYTES_MAX: usize = 64 << 20;

/// Files in a release; a manifest of more would be mostly names.
pub const FILES_MAX: usize = 1_024;

/// Golden cases in a manifest: each is run before every switch.
pub const GOLDEN_CASES_MAX: usize = 64;

/// Characters of a file or region name.
pub const NAME_CHARS_MAX: usize = 64;

/// Watched titles kept of a viewer, as many as a request may name: the newest 200 of them say what comes next, and none is
/// shown again.
pub const HISTORY_TITLES_MAX: usize = ranking::limits::HISTORY_MAX;
