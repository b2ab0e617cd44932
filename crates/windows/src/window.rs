//! What sessions saw in five minutes, as sums that merge.

use alloc::boxed::Box;

use units::{Millis, UnixMillis};

use crate::delta::{Delta, End, whole};
use crate::{Dimension, Sketch, limits};

/// What the sessions of one value of a dimension saw in one window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its start; it lasts [`limits::WINDOW`].
    pub start: UnixMillis,
    /// What it is kept apart by.
    pub dimension: Dimension,
    /// Which title, region and so on.
    pub value: Box<str>,
    /// What was seen.
    pub totals: Totals,
}

impl Window {
    /// Its end, which is the next one's start.
    pub fn end(&self) -> UnixMillis {
        UnixMillis::new(self.start.get().saturating_add(limits::WINDOW.get()))
    }

    /// Whether both are of the same time, dimension and value.
    pub fn is_part_of(&self, other: &Self) -> bool {
        (self.start, self.dimension, &self.value) == (other.start, other.dimension, &other.value)
    }

    /// Adds what another node saw in this window; false, and nothing added, when it is another window.
    #[must_use]
    pub fn merge(&mut self, other: &Self) -> bool {
        let is_part = self.is_part_of(other);
        if is_part {
            self.totals.merge(&other.totals);
        }
        is_part
    }
}

/// Sums over what sessions saw. Whole numbers only: sums in any order are the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Sessions with an event in the window. One that moved between nodes counts on both.
    pub sessions: u64,
    /// Of these, sessions of which this was the first event.
    pub started: u64,
    /// Sessions that ended by an event. Those that were silent for long are not among these, and are among the ended ones
    /// of the sums below.
    pub ended: u64,
    /// Sessions that had their first error.
    pub failed: u64,
    /// Time in which media was shown.
    pub played: Millis,
    /// Time spent waiting after the first frame.
    pub stalled: Millis,
    /// Times playback ran dry.
    pub stalls: u64,
    /// Errors reported.
    pub errors: u64,
    /// Changes of bit rate.
    pub switches: u64,
    /// Frames not shown.
    pub dropped_frames: u64,
    /// Bit rate times time, in kbit/s times ms, over `rated`.
    pub rate_sum: u64,
    /// Time in which a bit rate was known.
    pub rated: Millis,
    /// Sum of the reported buffer levels in milliseconds.
    pub buffer_sum: u64,
    /// Buffer levels reported.
    pub buffers: u64,
    /// Sum of the shares seen by sessions that ended, in millionths, over `completions`.
    pub completion_ppm_sum: u64,
    /// Ended sessions of a title with a known length.
    pub completions: u64,
    /// Of these, sessions that saw [`COMPLETED_PPM`] or more.
    pub completed: u64,
    /// Sum of the scores `session-v1` in thousandths of a point, over `session_v1s`.
    pub session_v1_milli_sum: u64,
    /// Ended sessions with that score.
    pub session_v1s: u64,
    /// Sum of the mean opinion scores in thousandths, over `moses`.
    pub mos_milli_sum: u64,
    /// Ended sessions with that score.
    pub moses: u64,
    /// Startup times in milliseconds.
    pub startup: Sketch,
    /// Of each ended session stalled / (played + stalled), in millionths.
    pub rebuffer_ratio_ppm: Sketch,
    /// Of each ended session the time-weighted mean bit rate in kbit/s.
    pub mean_kbps: Sketch,
    /// Of each ended session the mean opinion score, in thousandths.
    pub mos_milli: Sketch,
}

/// A session that saw this many millionths of its title has completed it: the seed's nine tenths. Who
/// leaves when the credits roll has seen the title.
pub const COMPLETED_PPM: u64 = 900_000;

impl Totals {
    /// Adds what one fold added to one session; `is_new_here` when the session's last event was before
    /// this window.
    pub(crate) fn add(&mut self, delta: &Delta, is_new_here: bool) {
        add(&mut self.sessions, u64::from(is_new_here));
        add(&mut self.started, u64::from(delta.previous_at.is_none()));
        add(&mut self.failed, u64::from(delta.is_first_error));
        self.played = self.played.saturating_add(delta.played);
        self.stalled = self.stalled.saturating_add(delta.stalled);
        add(&mut self.stalls, u64::from(delta.stalls));
        add(&mut self.errors, u64::from(delta.errors));
        add(&mut self.switches, u64::from(delta.switches));
        add(&mut self.dropped_frames, u64::from(delta.dropped_frames));
        add(&mut self.rate_sum, delta.rate_sum);
        self.rated = self.rated.saturating_add(delta.rated);
        add(&mut self.buffer_sum, delta.buffer_sum);
        add(&mut self.buffers, u64::from(delta.buffers));
        if let Some(startup) = delta.startup {
            self.startup.add(startup.min(limits::STARTUP_MAX).get());
        }
        if let Some(end) = &delta.end {
            add(&mut self.ended, 1);
            self.add_end(end);
        }
    }

    /// Adds what one session came to.
    pub(crate) fn add_end(&mut self, end: &End) {
        let known = |figure: Option<f64>| figure.filter(|figure| !figure.is_nan());
        if let Some(share) = known(end.completion) {
            let ppm = whole(share * 1e6).min(1_000_000);
            add(&mut self.completion_ppm_sum, ppm);
            add(&mut self.completions, 1);
            add(&mut self.completed, u64::from(ppm >= COMPLETED_PPM));
        }
        if let Some(score) = known(end.session_v1) {
            add(&mut self.session_v1_milli_sum, whole(score * 1e3).min(100_000));
            add(&mut self.session_v1s, 1);
        }
        if let Some(score) = known(end.mos) {
            let milli = whole(score * 1e3).clamp(1_000, 5_000);
            add(&mut self.mos_milli_sum, milli);
            add(&mut self.moses, 1);
            self.mos_milli.add(milli);
        }
        if let Some(ratio) = known(end.rebuffer_ratio) {
            self.rebuffer_ratio_ppm.add(whole(ratio * 1e6).min(1_000_000));
        }
        if let Some(kbps) = known(end.mean_kbps) {
            self.mean_kbps.add(whole(kbps).min(limits::KBPS_MAX));
        }
    }

    /// Adds what another node saw.
    pub fn merge(&mut self, other: &Self) {
        add(&mut self.sessions, other.sessions);
        add(&mut self.started, other.started);
        add(&mut self.ended, other.ended);
        add(&mut self.failed, other.failed);
        self.played = self.played.saturating_add(other.played);
        self.stalled = self.stalled.saturating_add(other.stalled);
        add(&mut self.stalls, other.stalls);
        add(&mut self.errors, other.errors);
        add(&mut self.switches, other.switches);
        add(&mut self.dropped_frames, other.dropped_frames);
        add(&mut self.rate_sum, other.rate_sum);
        self.rated = self.rated.saturating_add(other.rated);
        add(&mut self.buffer_sum, other.buffer_sum);
        add(&mut self.buffers, other.buffers);
        add(&mut self.completion_ppm_sum, other.completion_ppm_sum);
        add(&mut self.completions, other.completions);
        add(&mut self.completed, other.completed);
        add(&mut self.session_v1_milli_sum, other.session_v1_milli_sum);
        add(&mut self.session_v1s, other.session_v1s);
        add(&mut self.mos_milli_sum, other.mos_milli_sum);
        add(&mut self.moses, other.moses);
        self.startup.merge(&other.startup);
        self.rebuffer_ratio_ppm.merge(&other.rebuffer_ratio_ppm);
        self.mean_kbps.merge(&other.mean_kbps);
        self.mos_milli.merge(&other.mos_milli);
    }
}

fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more);
}
