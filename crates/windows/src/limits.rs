//! What windows hold at most, and the harm each limit stops.

use units::Millis;

use crate::Dimension;

/// Length of a window. The seed's job has the same; alerts and stored windows compare only if all have it.
pub const WINDOW: Millis = Millis::new(5 * 60_000);

/// The longest wait for late events: every window that waits is held in memory.
pub const LATENESS_MAX: Millis = Millis::new(60 * 60_000);

/// The furthest a player's clock may be ahead: a window that has hardly begun must not be held for hours.
pub const AHEAD_MAX: Millis = Millis::new(5 * 60_000);

/// Windows held at once. An hour of lateness needs 15; more are held only if nobody closes them.
pub const OPEN_MAX: usize = 16;

/// The longest startup: a longer one is an error of a clock, and would spread a sketch over more buckets.
pub const STARTUP_MAX: Millis = Millis::new(10 * 60_000);

/// The highest mean bit rate in kbit/s that is told from higher ones: 1 Gbit/s, above every ladder. What a player makes
/// up beyond it would spread a sketch over more buckets.
pub const KBPS_MAX: u64 = 1_000_000;

/// The longest value of a dimension: names come from players.
pub const VALUE_BYTES_MAX: usize = 128;

/// Values of a dimension in one window, [`crate::OTHER`] apart. Names come from players: without a bound
/// a made-up one in every event would fill the node. With full sketches, for which it takes hundreds of
/// sessions that all ended differently, a value takes 25 KB.
pub const fn values_max(dimension: Dimension) -> u32 {
    match dimension {
        Dimension::All => 1,
        Dimension::Title => 4_096,
        Dimension::Region | Dimension::Cdn | Dimension::Device => 256,
        Dimension::Generation | Dimension::Arm => 16,
    }
}

/// Lines in a table of alerts: every one is read for every value of every window.
pub const ALERT_RULES_MAX: usize = 32;

/// Values that alerts remember. Twice what one window can have: new titles take the place of old ones.
pub const WATCHED_MAX: usize = 10_240;

/// Windows without a session after which a value is forgotten, and its alerts with it: an hour. A title
/// that nobody plays any more must not alarm for ever.
pub const ABSENT_MAX: u64 = 12;

/// Titles whose viewers are counted apart: names come from players.
pub const VIEWED_TITLES_MAX: usize = 16_384;
