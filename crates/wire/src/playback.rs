//! What a session is folded from, and its way into the domain and back.

use serde::{Deserialize, Serialize};
use session::{FoldError, SavedError, Session};
use units::{Kbps, Millis, UnixMillis};

use crate::{Event, EventKind, Refusal, Scores, Summary};

/// A player's report without its names: an [`Event`] within a known session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaybackEvent {
    /// What happened.
    pub kind: EventKind,
    /// When, by the player's clock. Unix time, milliseconds.
    pub at_unix_ms: u64,
    /// Position in the title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position_ms: Option<u64>,
    /// Length of the title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Bit rate played now, in kbit/s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kbps: Option<u32>,
    /// Media in the buffer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buffer_ms: Option<u32>,
    /// Times playback ran dry, cumulative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buffering_events: Option<u32>,
    /// Frames not shown, cumulative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped_frames: Option<u32>,
}

/// A session after a report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionReport {
    /// What was seen.
    pub summary: Summary,
    /// How good it was.
    pub scores: Scores,
}

impl From<&Session> for SessionReport {
    fn from(session: &Session) -> Self {
        let summary = session.summary();
        Self { scores: qoe::score(&summary).into(), summary: summary.into() }
    }
}

impl From<&Event<'_>> for PlaybackEvent {
    fn from(event: &Event<'_>) -> Self {
        Self {
            kind: event.kind,
            at_unix_ms: event.at_unix_ms,
            position_ms: event.position_ms,
            duration_ms: event.duration_ms,
            kbps: event.kbps,
            buffer_ms: event.buffer_ms,
            buffering_events: event.buffering_events,
            dropped_frames: event.dropped_frames,
        }
    }
}

impl From<PlaybackEvent> for session::Event {
    fn from(event: PlaybackEvent) -> Self {
        Self {
            at: UnixMillis::new(event.at_unix_ms),
            kind: event.kind.into(),
            position: event.position_ms.map(Millis::new),
            duration: event.duration_ms.map(Millis::new),
            rate: event.kbps.map(Kbps::new),
            buffer: event.buffer_ms.map(|ms| Millis::new(u64::from(ms))),
            buffering_events: event.buffering_events,
            dropped_frames: event.dropped_frames,
        }
    }
}

impl From<EventKind> for session::EventKind {
    fn from(kind: EventKind) -> Self {
        match kind {
            EventKind::Start => Self::Start,
            EventKind::FirstFrame => Self::FirstFrame,
            EventKind::Heartbeat => Self::Heartbeat,
            EventKind::BufferingStart => Self::BufferingStart,
            EventKind::BufferingEnd => Self::BufferingEnd,
            EventKind::BitrateChange => Self::BitrateChange,
            EventKind::Error => Self::Error,
            EventKind::Stop => Self::Stop,
            EventKind::Pause
            | EventKind::Resume
            | EventKind::SeekStart
            | EventKind::SeekEnd
            | EventKind::Background
            | EventKind::Foreground
            | EventKind::AdStart
            | EventKind::AdEnd => Self::Heartbeat,
        }
    }
}

impl From<qoe::Summary> for Summary {
    fn from(summary: qoe::Summary) -> Self {
        Self {
            // A session bounds its startup to minutes; a longer one would be as bad.
            startup_ms: summary.startup.map(|startup| u32::try_from(startup.get()).unwrap_or(u32::MAX)),
            played_ms: summary.played.get(),
            stalled_ms: summary.stalled.get(),
            stalls: summary.stalls,
            dropped_frames: summary.dropped_frames,
            errors: summary.errors,
            switches: summary.switches,
            mean_kbps: summary.mean_kbps,
            mean_buffer_ms: summary.mean_buffer_ms,
            position_ms: summary.position.get(),
            position_max_ms: summary.position_max.get(),
            duration_ms: summary.duration.map(Millis::get),
            events: summary.events,
            ended: summary.ended,
        }
    }
}

impl From<&Summary> for qoe::Summary {
    fn from(summary: &Summary) -> Self {
        Self {
            startup: summary.startup_ms.map(|ms| Millis::new(u64::from(ms))),
            played: Millis::new(summary.played_ms),
            stalled: Millis::new(summary.stalled_ms),
            stalls: summary.stalls,
            dropped_frames: summary.dropped_frames,
            errors: summary.errors,
            switches: summary.switches,
            mean_kbps: summary.mean_kbps,
            mean_buffer_ms: summary.mean_buffer_ms,
            position: Millis::new(summary.position_ms),
            position_max: Millis::new(summary.position_max_ms),
            duration: summary.duration_ms.map(Millis::new),
            events: summary.events,
            ended: summary.ended,
        }
    }
}

impl From<qoe::Scores> for Scores {
    fn from(scores: qoe::Scores) -> Self {
        Self {
            session_v1: scores.session_v1,
            window_v1: scores.window_v1,
            rebuffer_ratio: scores.rebuffer_ratio,
            completion: scores.completion,
        }
    }
}

impl From<FoldError> for Refusal {
    fn from(error: FoldError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<SavedError> for Refusal {
    fn from(error: SavedError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}
