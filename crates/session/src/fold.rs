//! Folding events into a session.

use alloc::vec::Vec;
use core::fmt;

use units::{Kbps, Millis, UnixMillis};

use crate::state::Over;
use crate::waits::total;
use crate::{Event, EventKind, Phase, Session, limits};

/// Why a fold was refused; nothing was folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoldError {
    /// More than [`limits::EVENTS_MAX`] events.
    TooManyEvents,
}

impl FoldError {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooManyEvents => "too-many-events",
        }
    }
}

impl fmt::Display for FoldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyEvents => write!(f, "more than {} events", limits::EVENTS_MAX),
        }
    }
}

impl core::error::Error for FoldError {}

/// What time goes to before it is played or stalled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Overlay {
    Ad,
    Background,
    Pause,
    Seek,
}

impl Session {
    /// Folds events, of any order and number up to the limit. One whose number was folded before is left
    /// out; of those without a number it is for the caller to know.
    pub fn fold(&mut self, events: Vec<Event>) -> Result<(), FoldError> {
        let mut events = events;
        self.fold_slice(&mut events)
    }

    /// The same; the events are put in order of time.
    pub fn fold_slice(&mut self, events: &mut [Event]) -> Result<(), FoldError> {
        if events.len() > limits::EVENTS_MAX {
            return Err(FoldError::TooManyEvents);
        }
        events.sort_unstable();
        events.iter().for_each(|event| self.add(event));
        Ok(())
    }

    fn add(&mut self, event: &Event) {
        let is_late = self.newest_at.is_some_and(|newest_at| event.at < newest_at);
        let is_start = event.kind == EventKind::Start;
        if event.sequence.is_some_and(|number| !self.sequence.take(number, is_late, is_start)) {
            return;
        }
        self.events = self.events.saturating_add(1);
        self.note_timeless(event);
        if is_late {
            self.note_late(event);
        } else if self.phase != Phase::Ended {
            self.pass_time_to(event.at);
            self.enter(event);
            self.note_readings(event);
        }
    }

    /// What is true whenever it is heard of.
    fn note_timeless(&mut self, event: &Event) {
        match event.kind {
            EventKind::Start => self.started_at = Some(earlier(self.started_at, event.at)),
            EventKind::FirstFrame => self.first_frame_at = Some(earlier(self.first_frame_at, event.at)),
            EventKind::Error => self.errors = self.errors.saturating_add(1),
            _ => {}
        }
        self.startup_told = self.startup_told.or(event.startup);
        self.began = self.began.or(event.position);
        self.position_max = self.position_max.max(event.position.unwrap_or_default());
    }

    fn pass_time_to(&mut self, at: UnixMillis) {
        let since = self.newest_at.map_or(Millis::ZERO, |newest_at| at.saturating_since(newest_at));
        let passed = since.min(limits::GAP_MAX);
        self.newest_at = Some(at);
        let over = self.over_now();
        match self.phase {
            Phase::Ended => {}
            Phase::Starting if over == Some(Overlay::Ad) => {
                self.ads = total(self.ads, passed);
                self.startup_ads = total(self.startup_ads, passed);
            }
            Phase::Starting => {}
            _ if over.is_some() => {
                if let Some(time) = self.time_of(over) {
                    *time = total(*time, passed);
                }
            }
            Phase::Playing => {
                self.played = total(self.played, passed);
                self.waits.fade(passed);
                self.shown.pass(passed);
            }
            Phase::Stalled => self.waits.pass(passed),
        }
    }

    /// The event's effect on what the player is doing.
    fn enter(&mut self, event: &Event) {
        let is_refilled = self.over.refill && event.kind == EventKind::BufferingEnd;
        self.lay_over(event);
        let has_moved = event.position > self.position.or(Some(Millis::ZERO));
        let moved = event.position.unwrap_or_default().saturating_sub(self.position.unwrap_or_default());
        if event.kind != EventKind::Error && (has_moved || event.kind == EventKind::Resume) {
            self.is_broken = false;
        }
        match (self.phase, event.kind) {
            (_, EventKind::Stop) => self.phase = Phase::Ended,
            (Phase::Starting, EventKind::FirstFrame | EventKind::BufferingEnd) => self.phase = Phase::Playing,
            (Phase::Starting, EventKind::Resume) => {
                self.first_frame_at = Some(earlier(self.first_frame_at, event.at));
                self.phase = Phase::Playing;
            }
            (Phase::Starting, _) if event.startup.is_some() => self.phase = Phase::Playing,
            // A player that reports no first frame: what moves is being shown.
            (Phase::Starting, EventKind::Heartbeat | EventKind::BitrateChange) if has_moved => {
                self.phase = Phase::Playing;
            }
            (Phase::Playing, EventKind::BufferingStart) if self.over.seek => self.over.refill = true,
            (Phase::Playing, EventKind::BufferingStart) if !self.over.refill => self.phase = Phase::Stalled,
            // Waiting for what was jumped to is the seek's.
            (Phase::Stalled, EventKind::SeekStart) => {
                self.phase = Phase::Playing;
                self.over.refill = true;
            }
            (Phase::Stalled, EventKind::BufferingEnd | EventKind::Resume) => self.phase = Phase::Playing,
            // The end was lost: it was that long ago as the position has moved.
            (Phase::Stalled, EventKind::Heartbeat | EventKind::BitrateChange)
                if self.waits.is_placed && moved >= limits::STALL_MOVED_MIN =>
            {
                self.waits.give_back(moved, &mut self.played);
                self.phase = Phase::Playing;
            }
            (Phase::Playing, EventKind::BufferingEnd) if !is_refilled => self.note_half_end(event.at),
            _ => {}
        }
        if self.phase != Phase::Stalled {
            self.waits.close(self.played);
        } else if self.is_watched() {
            self.waits.open();
        }
    }

    fn lay_over(&mut self, event: &Event) {
        let over = &mut self.over;
        match event.kind {
            EventKind::AdStart | EventKind::Background | EventKind::Pause | EventKind::SeekStart => {
                self.laid_at = Some(event.at);
            }
            _ => {}
        }
        match event.kind {
            EventKind::AdStart => over.ad = true,
            EventKind::AdEnd => over.ad = false,
            EventKind::Background => over.background = true,
            EventKind::Foreground => over.background = false,
            EventKind::Pause => over.pause = true,
            EventKind::SeekStart => over.seek = true,
            EventKind::SeekEnd => over.seek = false,
            EventKind::BufferingEnd => over.refill = false,
            EventKind::Resume => (over.pause, over.seek, over.refill) = (false, false, false),
            EventKind::Error => self.is_broken = true,
            _ => {}
        }
    }

    /// Whether somebody sees that playback waits.
    fn is_watched(&self) -> bool {
        self.over_now().is_none()
    }

    fn note_readings(&mut self, event: &Event) {
        self.shown.note(event, event.kind == EventKind::BitrateChange);
        let known = |rate: Option<Kbps>| rate.filter(|rate| *rate != Kbps::default());
        self.top_rate = known(event.top_rate).or(self.top_rate);
        let reading = |sum: &mut u64, count: &mut u32, number: Option<u64>| {
            *sum = sum.saturating_add(number.unwrap_or(0));
            *count = count.saturating_add(u32::from(number.is_some()));
        };
        reading(&mut self.buffer_sum, &mut self.buffers, event.buffer.map(Millis::get));
        reading(&mut self.latency_sum, &mut self.latencies, event.latency.map(Millis::get));
        let throughput = known(event.throughput).map(|rate| u64::from(rate.get()));
        reading(&mut self.throughput_sum, &mut self.throughputs, throughput);
        self.waits.is_placed |= self.waits.is_open && event.position.is_some();
        self.position = event.position.or(self.position);
        self.duration = event.duration.filter(|duration| *duration != Millis::ZERO).or(self.duration);
        event.buffering_events.into_iter().for_each(|count| self.waits.buffering.read(count));
        event.dropped_frames.into_iter().for_each(|count| self.dropped.read(count));
        self.waits.tell(event.stalled.map(ms), event.stalled_more.map(ms), &mut self.played);
    }

    /// An event older than what was folded before: its time has been counted, and its counters would
    /// look like a restart.
    fn note_late(&mut self, event: &Event) {
        match event.kind {
            EventKind::FirstFrame if self.phase == Phase::Starting => {
                let newest_at = self.newest_at.unwrap_or(event.at);
                self.played = newest_at.saturating_since(event.at).min(limits::GAP_MAX);
                self.phase = Phase::Playing;
            }
            EventKind::BufferingStart => self.note_half_start(event.at),
            EventKind::BufferingEnd if self.is_in_stall(event.at) => self.end_stall(event.at),
            EventKind::BufferingEnd => self.note_half_end(event.at),
            EventKind::Resume if self.is_in_stall(event.at) => self.end_stall(event.at),
            EventKind::Resume | EventKind::SeekEnd | EventKind::AdEnd | EventKind::Foreground => {
                self.lift_late(event);
            }
            EventKind::Stop => {
                self.phase = Phase::Ended;
                self.waits.close(self.played);
            }
            _ => {}
        }
        // Time since the last report is no total: it is new whenever it comes.
        self.waits.tell(None, event.stalled_more.map(ms), &mut self.played);
    }

    /// Whether the stall that is on had begun by then.
    fn is_in_stall(&self, at: UnixMillis) -> bool {
        let length = self.newest_at.map(|newest_at| newest_at.saturating_since(at));
        self.phase == Phase::Stalled && self.waits.is_open && length <= Some(self.waits.open)
    }

    /// The stall that is on was over at this time.
    fn end_stall(&mut self, at: UnixMillis) {
        let ago = self.newest_at.unwrap_or(at).saturating_since(at);
        self.waits.give_back(ago, &mut self.played);
        self.waits.close(self.played.saturating_sub(ago));
        self.phase = Phase::Playing;
    }

    /// What lay over was lifted at this time, after anything was laid: since then time was not its.
    fn lift_late(&mut self, event: &Event) {
        if self.laid_at.is_none_or(|laid_at| event.at < laid_at) {
            return;
        }
        let before = self.over_now();
        self.lay_over(event);
        if self.phase != Phase::Playing || self.over_now() == before {
            return;
        }
        let ago = self.newest_at.unwrap_or(event.at).saturating_since(event.at).min(limits::GAP_MAX);
        let moved = self.time_of(before).map_or(Millis::ZERO, |time| {
            let moved = ago.min(*time);
            *time = time.saturating_sub(moved);
            moved
        });
        match self.time_of(self.over_now()) {
            Some(time) => *time = total(*time, moved),
            None => self.played = total(self.played, moved),
        }
    }

    /// What time goes to, of what lies over.
    fn over_now(&self) -> Option<Overlay> {
        let over = self.over;
        match over {
            Over { ad: true, .. } => Some(Overlay::Ad),
            Over { background: true, .. } => Some(Overlay::Background),
            Over { pause: true, .. } => Some(Overlay::Pause),
            Over { seek: true, .. } | Over { refill: true, .. } => Some(Overlay::Seek),
            _ => None,
        }
    }

    fn time_of(&mut self, overlay: Option<Overlay>) -> Option<&mut Millis> {
        Some(match overlay? {
            Overlay::Ad => &mut self.ads,
            Overlay::Background => &mut self.background,
            Overlay::Pause => &mut self.paused,
            Overlay::Seek => &mut self.sought,
        })
    }

    fn note_half_start(&mut self, at: UnixMillis) {
        if self.first_frame_at.is_some_and(|first_frame_at| at < first_frame_at) {
            return;
        }
        self.waits.seen = self.waits.seen.saturating_add(1);
        match self.waits.half_end {
            Some(end) if at <= end => self.correct_stall(at, end),
            _ => self.waits.half_start = Some(at),
        }
    }

    fn note_half_end(&mut self, at: UnixMillis) {
        match self.waits.half_start {
            Some(start) if start <= at => self.correct_stall(start, at),
            _ => self.waits.half_end = Some(at),
        }
    }

    /// A stall that was counted as playing, because one of its halves came late.
    fn correct_stall(&mut self, start: UnixMillis, end: UnixMillis) {
        let stall = end.saturating_since(start).min(limits::GAP_MAX);
        self.waits.correct(stall, &mut self.played);
        self.waits.half_start = None;
        self.waits.half_end = None;
    }
}

/// A measure of the player's in 32 bits of milliseconds.
fn ms(length: Millis) -> u32 {
    u32::try_from(length.get()).unwrap_or(u32::MAX)
}

fn earlier(known: Option<UnixMillis>, at: UnixMillis) -> UnixMillis {
    known.map_or(at, |known| known.min(at))
}
