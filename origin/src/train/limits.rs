//! What a trainer takes and holds at most, and the harm each limit stops.

/// A longer line is no history of a person; reading it whole would only fill the memory.
pub const SEQUENCE_LINE_BYTES_MAX: u64 = 4 << 20;

/// Views of one training; beyond it the normal equations take hours and the origin's memory.
pub const SEQUENCE_EVENTS_MAX: usize = 200_000_000;

/// Threads of the ridge. Fixed, not taken from the machine: the order of sums, and with it the last bit of
/// a row, would otherwise depend on where it was trained.
pub const RIDGE_THREADS: usize = 2;

/// Columns solved at once: B is never held whole, only a block of it and the strongest entries so far.
pub const RIDGE_BLOCK_COLUMNS: usize = 1_024;

/// Titles with a row, the most viewed. Time and rows before pruning grow with the square of this.
pub const RIDGE_COLUMNS_MAX: usize = 50_000;

/// Titles whose rows are solved for: a quarter, but no fewer than so many, which take a second.
pub const RIDGE_SOLVED_MIN: usize = 2_000;

/// And no more than so many. The matrix takes 4 bytes times this times [`RIDGE_COLUMNS_MAX`], and as
/// much again while it is counted: 1.6 GB.
pub const RIDGE_SOLVED_MAX: usize = 4_000;

/// Entries of all rows before pruning, where what pruning costs is measured: 8 bytes each, 1.1 GB, and twice as much
/// while they are chosen.
pub const WHOLE_ENTRIES_MAX: usize = 1 << 27;

/// Rows of a release take so many bytes at most, unless asked otherwise or there are so many that 50 entries each take
/// more (above 26,000): on MovieLens 1M as many lose nothing of HR@10 against the whole matrix that could be seen, and a
/// node holds them for every region.
pub const ROWS_BYTES: usize = 4_000_000;

/// Titles that EASE takes, the most watched: three matrices of 4 bytes times the square of this, 3.1 GB.
pub const EASE_ITEMS_MAX: usize = 16_000;

/// Titles that EASE takes while its settings are tried out: a try costs the cube of this, and there are a dozen.
pub const SPLIT_SEARCH_ITEMS_MAX: usize = 4_000;

/// Titles used while settings are tried out, the most viewed; there are two dozen tries.
pub const SEARCH_COLUMNS_MAX: usize = 2_000;

/// Of which so many are solved for: as few rank as well as all, and a try costs the square of this.
pub const SEARCH_SOLVED_MAX: usize = 1_000;

/// Viewers that settings and blends are judged by: each costs a pass over all titles a try, and of twice as many the
/// standard error would be smaller by a quarter.
pub const SEARCH_VIEWERS_MAX: usize = 20_000;

/// Viewers the ranker learns from and is judged by: each costs 8 KB, again for each network that learns at the time, and,
/// over all passes, milliseconds.
pub const RANKER_VIEWERS_MAX: usize = 8_000;

/// Viewers a tower is judged by after each epoch: more would take longer than the epoch.
pub const TOWER_VIEWERS_MAX: usize = 8_000;

/// Epochs of a tower, should the figures never stop rising.
pub const TOWER_EPOCHS_MAX: u32 = 300;
