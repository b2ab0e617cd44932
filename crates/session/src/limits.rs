//! What a fold takes at most, and the harm each limit stops.

use units::Millis;

/// Events in one fold: more would hold an instance for long.
pub const EVENTS_MAX: usize = 4_096;

/// Sessions in one packed batch, for the same reason.
pub const BATCH_SESSIONS_MAX: usize = 4_096;

/// Events of all sessions in one packed batch, for the same reason.
pub const BATCH_EVENTS_MAX: usize = 65_536;

/// The longest time one silence between two events counts for. A session that is silent for longer is
/// swept; a device that slept for a night did not play for a night.
pub const GAP_MAX: Millis = Millis::new(5 * 60_000);

/// How far a position moves within a stall until the stall is over, its end lost: players that wait still show what
/// they had, and tell of it a little late.
pub const STALL_MOVED_MIN: Millis = Millis::new(1_000);

/// The longest startup: nobody waits longer, so more is an error of the player's clock.
pub const STARTUP_MAX: Millis = Millis::new(5 * 60_000);

/// What any sum of times stops at, 49 days: it fits 32 bits, and no playback is longer.
pub const TOTAL_MAX: Millis = Millis::new(u32::MAX as u64);

/// The longest saved form. It has a fixed number of fields, so more bytes are not ours.
pub const SAVED_BYTES_MAX: usize = 512;

/// The longest state in a batch, for the same reason.
pub const STATE_BYTES_MAX: usize = 420;

/// The greatest rise of a sequence number that counts as loss; a greater one is a player that numbers
/// anew, or lies, and would make the count of losses meaningless.
pub const SEQUENCE_RISE_MAX: u32 = 10_000;
