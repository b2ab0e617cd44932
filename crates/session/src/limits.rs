//! What a fold takes at most, and the harm each limit stops.

use units::Millis;

/// Events in one fold: more would hold an instance for long.
pub const EVENTS_MAX: usize = 4_096;

/// The longest time one silence between two events counts for. A session that is silent for longer is
/// swept; a device that slept for a night did not play for a night.
pub const GAP_MAX: Millis = Millis::new(5 * 60_000);

/// The longest startup: nobody waits longer, so more is an error of the player's clock.
pub const STARTUP_MAX: Millis = Millis::new(5 * 60_000);

/// The longest saved form. It has a fixed number of fields, so more bytes are not ours.
pub const SAVED_BYTES_MAX: usize = 512;
