//! Folding events into a session.

use alloc::vec::Vec;
use core::fmt;

use units::{Kbps, Millis, UnixMillis};

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

impl Session {
    /// Folds events, of any order and number up to the limit. Whether an event was folded before is for
    /// the caller to know: events carry no identity here.
    pub fn fold(&mut self, events: Vec<Event>) -> Result<(), FoldError> {
        if events.len() > limits::EVENTS_MAX {
            return Err(FoldError::TooManyEvents);
        }
        let mut events = events;
        events.sort_unstable();
        events.iter().for_each(|event| self.add(event));
        Ok(())
    }

    fn add(&mut self, event: &Event) {
        self.events = self.events.saturating_add(1);
        self.note_timeless(event);
        if self.newest_at.is_some_and(|newest_at| event.at < newest_at) {
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
        self.position_max = self.position_max.max(event.position.unwrap_or_default());
    }

    fn pass_time_to(&mut self, at: UnixMillis) {
        let since = self.newest_at.map_or(Millis::ZERO, |newest_at| at.saturating_since(newest_at));
        let passed = since.min(limits::GAP_MAX);
        match self.phase {
            Phase::Playing => {
                self.played = self.played.saturating_add(passed);
                if let Some(rate) = self.rate {
                    let product = u64::from(rate.get()).saturating_mul(passed.get());
                    self.rate_sum = self.rate_sum.saturating_add(product);
                    self.rated = self.rated.saturating_add(passed);
                }
            }
            Phase::Stalled => self.stalled = self.stalled.saturating_add(passed),
            Phase::Starting | Phase::Ended => {}
        }
        self.newest_at = Some(at);
    }

    /// The event's effect on what the player is doing.
    fn enter(&mut self, event: &Event) {
        match (self.phase, event.kind) {
            (_, EventKind::Stop) => self.phase = Phase::Ended,
            (Phase::Starting, EventKind::FirstFrame | EventKind::BufferingEnd) => self.phase = Phase::Playing,
            // A player that reports no first frame: what moves is being shown.
            (Phase::Starting, EventKind::Heartbeat | EventKind::BitrateChange)
                if event.position > self.position.or(Some(Millis::ZERO)) =>
            {
                self.phase = Phase::Playing;
            }
            (Phase::Playing, EventKind::BufferingStart) => {
                self.phase = Phase::Stalled;
                self.stalls_seen = self.stalls_seen.saturating_add(1);
            }
            (Phase::Stalled, EventKind::BufferingEnd) => self.phase = Phase::Playing,
            (Phase::Playing, EventKind::BufferingEnd) => self.note_half_end(event.at),
            _ => {}
        }
    }

    fn note_readings(&mut self, event: &Event) {
        let rate = event.rate.filter(|rate| *rate != Kbps::default());
        let is_other = match (self.rate, rate) {
            (Some(before), Some(now)) => before != now,
            (_, None) => event.kind == EventKind::BitrateChange,
            (None, Some(_)) => false,
        };
        self.switches = self.switches.saturating_add(u32::from(is_other));
        self.rate = rate.or(self.rate);
        if let Some(buffer) = event.buffer {
            self.buffer_sum = self.buffer_sum.saturating_add(buffer.get());
            self.buffers = self.buffers.saturating_add(1);
        }
        self.position = event.position.or(self.position);
        self.duration = event.duration.filter(|duration| *duration != Millis::ZERO).or(self.duration);
        event.buffering_events.into_iter().for_each(|count| self.buffering.read(count));
        event.dropped_frames.into_iter().for_each(|count| self.dropped.read(count));
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
            EventKind::BufferingEnd => self.note_half_end(event.at),
            EventKind::Stop => self.phase = Phase::Ended,
            _ => {}
        }
    }

    fn note_half_start(&mut self, at: UnixMillis) {
        if self.first_frame_at.is_some_and(|first_frame_at| at < first_frame_at) {
            return;
        }
        self.stalls_seen = self.stalls_seen.saturating_add(1);
        match self.half_end {
            Some(end) if at <= end => self.correct_stall(at, end),
            _ => self.half_start = Some(at),
        }
    }

    fn note_half_end(&mut self, at: UnixMillis) {
        match self.half_start {
            Some(start) if start <= at => self.correct_stall(start, at),
            _ => self.half_end = Some(at),
        }
    }

    /// A stall that was counted as playing, because one of its halves came late.
    fn correct_stall(&mut self, start: UnixMillis, end: UnixMillis) {
        let stall = end.saturating_since(start).min(limits::GAP_MAX).min(self.played);
        self.played = self.played.saturating_sub(stall);
        self.stalled = self.stalled.saturating_add(stall);
        self.half_start = None;
        self.half_end = None;
    }
}

fn earlier(known: Option<UnixMillis>, at: UnixMillis) -> UnixMillis {
    known.map_or(at, |known| known.min(at))
}
