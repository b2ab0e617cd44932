//! What a question or a file may hold at most, and the harm each limit stops.

/// Picks in one answer; more is a catalogue dump, not a page.
pub const K_MAX: u32 = 100;

/// Watched titles in a request; only the newest few hundred count, so more is a mistake.
pub const HISTORY_MAX: usize = 10_000;

/// Watched titles that count: older ones weigh nothing and each costs a row.
pub const HISTORY_WINDOW_MAX: u32 = 200;

/// Candidates handed to the ranker: each costs a pass through the model.
pub const RANKER_POOL_MAX: u32 = 200;

/// Candidates beyond those asked for whose exact product with the viewer's vector is taken: rounding moves a score by
/// hundredths, and so a title by a few places.
pub const RESCORED: usize = 100;

/// Nearest titles in one answer; more is a dump of the set.
pub const NEAREST_MAX: u32 = 1_000;

/// Titles in a candidate set; a larger one would not fit a node's memory beside the others.
pub const TITLES_MAX: usize = 1 << 20;

/// Entries of a row; a larger row is the catalogue, not what goes with a title.
pub const ROW_ENTRIES_MAX: usize = 4_096;

/// Row scales are powers of two in this range; beyond it a weight would leave f32's normal numbers.
pub const SCALE_LOG2_MAX: i8 = 40;

/// Pairs in one prediction call; more waits for the next, so that no caller holds a node for long.
pub const PAIRS_MAX: usize = 100_000;

/// Factors of a viewer or a title; more than this no catalogue supports.
pub const FACTORS_MAX: usize = 1_024;

/// Weight of the rows in a blend: beyond it the tower would decide nothing.
pub const BLEND_WEIGHT_MAX: f32 = 1_000.0;

/// Floor of a blend: below it a single rounded entry would outweigh everything the tower says.
pub const BLEND_FLOOR_MIN: f32 = 1e-6;

/// Best candidates of which a list is laid out: the choice between titles beyond is noise, and each costs a comparison
/// with every title of the list.
pub const SLATE_POOL: usize = 200;

/// Trends, and new titles, that are mixed into a list: of more none would get far in it.
pub const MERGED_MAX: usize = 20;

/// Share of trends, or of new titles, in a list: with more, it would no longer be the viewer's.
pub const MERGED_SHARE_MAX: f32 = 0.4;

/// Titles with a place of their own; of more an operator loses sight.
pub const PINNED_MAX: usize = 20;

/// Promoted titles; more would be a list of their own.
pub const PROMOTED_MAX: usize = 20;

/// Titles in progress in a request; nobody continues that many, so more is a mistake.
pub const IN_PROGRESS_MAX: usize = 1_000;

/// Rows of a page for single titles that were watched; more would hide what is below them.
pub const BECAUSE_ROWS_MAX: usize = 3;

/// Rows of a page: continue watching, top picks, those for single titles, trending, new.
pub const PAGE_ROWS_MAX: usize = BECAUSE_ROWS_MAX + 4;

/// Titles that a row for one watched title needs: fewer say too little to take the width of a screen.
pub const BECAUSE_PICKS_MIN: usize = 3;

/// Share of a title from which on it is watched to the end: what is left are the credits.
pub const FINISHED_SHARE: f32 = 0.95;
