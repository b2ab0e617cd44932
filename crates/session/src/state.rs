//! The state of a session and what it says.

use qoe::{Pictures, Summary, Upscaling};
use units::{Kbps, Millis, UnixMillis};

use crate::counter::Counter;
use crate::limits;
use crate::sequence::Sequence;
use crate::shown::Shown;
use crate::waits::Waits;

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

/// What lies over a phase: time goes to the first of these that holds, in this order: ad, background,
/// pause, seek.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Over {
    pub(crate) ad: bool,
    pub(crate) background: bool,
    pub(crate) pause: bool,
    pub(crate) seek: bool,
    /// The buffer fills after a seek: still the seek's time.
    pub(crate) refill: bool,
}

/// A session so far; [`Session::default`] is one of which nothing is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    pub(crate) phase: Phase,
    pub(crate) over: Over,
    /// When something was last laid over: what lifts it may come late, and not from before.
    pub(crate) laid_at: Option<UnixMillis>,
    pub(crate) sequence: Sequence,
    pub(crate) started_at: Option<UnixMillis>,
    pub(crate) first_frame_at: Option<UnixMillis>,
    /// Of the newest event; older ones are late.
    pub(crate) newest_at: Option<UnixMillis>,
    /// Ads before the first frame.
    pub(crate) startup_ads: Millis,
    /// The player's own measure; goes before ours.
    pub(crate) startup_told: Option<Millis>,
    pub(crate) played: Millis,
    pub(crate) paused: Millis,
    pub(crate) sought: Millis,
    pub(crate) background: Millis,
    pub(crate) ads: Millis,
    pub(crate) waits: Waits,
    pub(crate) dropped: Counter,
    pub(crate) errors: u32,
    /// Whether nothing has moved since the last error.
    pub(crate) is_broken: bool,
    pub(crate) shown: Shown,
    pub(crate) top_rate: Option<Kbps>,
    /// Sums of reported buffer levels and latencies in milliseconds and speeds in kbit/s, and their numbers.
    pub(crate) buffer_sum: u64,
    pub(crate) buffers: u32,
    pub(crate) latency_sum: u64,
    pub(crate) latencies: u32,
    pub(crate) throughput_sum: u64,
    pub(crate) throughputs: u32,
    pub(crate) began: Option<Millis>,
    pub(crate) position: Option<Millis>,
    pub(crate) position_max: Millis,
    /// Invariant: above 0.
    pub(crate) duration: Option<Millis>,
    pub(crate) events: u32,
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
        let shown = &self.shown;
        Summary {
            startup: self.startup(),
            played: self.played,
            stalled: self.waits.stalled,
            paused: self.paused,
            sought: self.sought,
            background: self.background,
            ads: self.ads,
            stalls: self.waits.count(),
            stall_longest: self.waits.longest(),
            stall_recent: self.waits.recent,
            stall_ago: self.waits.last_at_played.map(|at| self.played.saturating_sub(at)),
            // 1 kbit/s for 1 ms is a bit.
            bits_played: shown.rate_sum,
            dropped_frames: self.dropped.total,
            errors: self.errors,
            switches: shown.switches,
            change_kbps: shown.change_kbps,
            change_log: f64::from(shown.change_log) / 1e6,
            mean_kbps: self.mean_kbps(),
            mean_log: self.mean_log(),
            top_rate: self.top_rate,
            mean_buffer_ms: mean(self.buffer_sum, self.buffers),
            mean_throughput_kbps: mean(self.throughput_sum, self.throughputs),
            mean_latency_ms: mean(self.latency_sum, self.latencies),
            mean_height: over(shown.height_sum, shown.sized),
            mean_frame_rate: over(shown.frame_sum, shown.framed).map(|milli| milli / 1_000.0),
            mean_bits_per_pixel: over(shown.density_sum, shown.dense).map(|millionths| millionths / 1e6),
            pictures: over(shown.picture_sum, shown.pictured).map(|mean| Pictures {
                mean: mean / 1e6,
                recent: f64::from(shown.recent) / 1e6,
                worst: f64::from(shown.worst) / 1e6,
                falls: f64::from(shown.falls) / 1e6,
            }),
            upscaling: over(shown.upscaling_sum, shown.sized)
                .map(|mean| Upscaling { mean: mean / 1e6, max: f64::from(shown.upscaling_max) / 1e6 }),
            began: self.began,
            position: self.position.unwrap_or_default(),
            position_max: self.position_max,
            duration: self.duration,
            events: self.events,
            lost: self.sequence.lost,
            repeated: self.sequence.repeated,
            ended: self.phase == Phase::Ended,
            failed: self.phase == Phase::Ended && self.is_broken,
            screen: shown.format.screen,
        }
    }

    pub(crate) fn startup(&self) -> Option<Millis> {
        let measured = || {
            let waited = self.first_frame_at?.saturating_since(self.started_at?);
            Some(waited.saturating_sub(self.startup_ads))
        };
        let startup = self.startup_told.or_else(measured)?;
        Some(startup.min(limits::STARTUP_MAX))
    }

    fn mean_kbps(&self) -> Option<f64> {
        let now = Some(self.shown.format.kbps).filter(|kbps| *kbps > 0)?;
        Some(over(self.shown.rate_sum, self.shown.rated).unwrap_or(f64::from(now)))
    }

    fn mean_log(&self) -> Option<f64> {
        let now = Some(self.shown.format.kbps).filter(|kbps| *kbps > 0)?;
        let millionths = over(self.shown.log_sum, self.shown.rated);
        Some(millionths.map_or_else(|| libm::log(f64::from(now)), |mean| mean / 1e6))
    }
}

fn mean(sum: u64, count: u32) -> Option<f64> {
    (count > 0).then(|| sum as f64 / f64::from(count))
}

fn over(sum: u64, time: Millis) -> Option<f64> {
    (time > Millis::ZERO).then(|| sum as f64 / time.get() as f64)
}
