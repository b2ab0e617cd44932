//! The state of a session and what it says.

use qoe::Summary;
use units::{Kbps, Millis, UnixMillis};

use crate::counter::Counter;
use crate::limits;

/// What a player is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Nothing has been shown yet.
    #[default]
    Starting,
    /// Media is shown.
    Playing,
    /// Playback ran dry.
    Stalled,
    /// Playback has ended.
    Ended,
}

/// A session so far; [`Session::default`] is one of which nothing is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    pub(crate) phase: Phase,
    pub(crate) started_at: Option<UnixMillis>,
    pub(crate) first_frame_at: Option<UnixMillis>,
    /// Of the newest event; older ones are late.
    pub(crate) newest_at: Option<UnixMillis>,
    pub(crate) played: Millis,
    pub(crate) stalled: Millis,
    /// Starts of buffering; the player's own count is `buffering`.
    pub(crate) stalls_seen: u32,
    pub(crate) buffering: Counter,
    pub(crate) dropped: Counter,
    pub(crate) errors: u32,
    pub(crate) switches: u32,
    /// Invariant: above 0.
    pub(crate) rate: Option<Kbps>,
    /// Sum of bit rate times time, in kbit/s times ms, over `rated`.
    pub(crate) rate_sum: u64,
    pub(crate) rated: Millis,
    /// Sum of the reported buffer levels in milliseconds, and their number.
    pub(crate) buffer_sum: u64,
    pub(crate) buffers: u32,
    pub(crate) position: Option<Millis>,
    pub(crate) position_max: Millis,
    /// Invariant: above 0.
    pub(crate) duration: Option<Millis>,
    pub(crate) events: u32,
    /// A start of buffering that came late, and an end without a start: halves of a stall.
    pub(crate) half_start: Option<UnixMillis>,
    pub(crate) half_end: Option<UnixMillis>,
}

impl Session {
    /// What the player is doing.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Time of the newest event; none before the first. A sweep of idle sessions compares it.
    pub fn newest_at(&self) -> Option<UnixMillis> {
        self.newest_at
    }

    /// What the player has seen so far.
    pub fn summary(&self) -> Summary {
        Summary {
            startup: self.startup(),
            played: self.played,
            stalled: self.stalled,
            // A player reports stalls as events, as a count, or as both: never their sum.
            stalls: self.stalls_seen.max(self.buffering.total),
            dropped_frames: self.dropped.total,
            errors: self.errors,
            switches: self.switches,
            mean_kbps: self.mean_kbps(),
            mean_buffer_ms: (self.buffers > 0).then(|| self.buffer_sum as f64 / f64::from(self.buffers)),
            position: self.position.unwrap_or_default(),
            position_max: self.position_max,
            duration: self.duration,
            events: self.events,
            ended: self.phase == Phase::Ended,
        }
    }

    fn startup(&self) -> Option<Millis> {
        let startup = self.first_frame_at?.saturating_since(self.started_at?);
        Some(startup.min(limits::STARTUP_MAX))
    }

    fn mean_kbps(&self) -> Option<f64> {
        let rate = self.rate?;
        if self.rated == Millis::ZERO {
            return Some(f64::from(rate.get()));
        }
        Some(self.rate_sum as f64 / self.rated.get() as f64)
    }
}
