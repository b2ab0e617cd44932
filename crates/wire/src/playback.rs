//! What a session is folded from, and its way into the domain and back.

use serde::{Deserialize, Serialize};
use session::packed::{PackedError, Status};
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
    /// Its number; rises by one a report. One that was folded before is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u32>,
    /// Position in the title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position_ms: Option<u64>,
    /// Length of the title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Bit rate played now, in kbit/s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kbps: Option<u32>,
    /// The highest bit rate on offer, in kbit/s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_kbps: Option<u32>,
    /// The speed that the player measured, in kbit/s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throughput_kbps: Option<u32>,
    /// Media in the buffer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buffer_ms: Option<u32>,
    /// Behind live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u32>,
    /// From start to the first frame, as the player measured it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup_ms: Option<u32>,
    /// Time stalled, as the player measured it, cumulative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stalled_ms: Option<u32>,
    /// Time stalled since its last report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stalled_more_ms: Option<u32>,
    /// Times playback ran dry, cumulative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buffering_events: Option<u32>,
    /// Frames not shown, cumulative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped_frames: Option<u32>,
    /// Pixels in a line from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u16>,
    /// Lines from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u16>,
    /// Frames in a thousand seconds from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame_rate_milli: Option<u32>,
    /// How pictures are coded from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codec: Option<Codec>,
    /// What it is watched on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub screen: Option<Screen>,
}

impl PlaybackEvent {
    /// A report of nothing but itself.
    pub fn new(kind: EventKind, at_unix_ms: u64) -> Self {
        Self {
            kind,
            at_unix_ms,
            sequence: None,
            position_ms: None,
            duration_ms: None,
            kbps: None,
            top_kbps: None,
            throughput_kbps: None,
            buffer_ms: None,
            latency_ms: None,
            startup_ms: None,
            stalled_ms: None,
            stalled_more_ms: None,
            buffering_events: None,
            dropped_frames: None,
            width: None,
            height: None,
            frame_rate_milli: None,
            codec: None,
            screen: None,
        }
    }
}

/// How pictures are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Codec {
    /// H.264.
    Avc,
    /// H.265.
    Hevc,
    /// VP9.
    Vp9,
    /// AV1.
    Av1,
    /// H.266.
    Vvc,
    /// Another.
    Other,
}

/// What it is watched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Screen {
    /// In a hand.
    Phone,
    /// In two hands.
    Tablet,
    /// On a desk.
    Desktop,
    /// Across a room.
    Tv,
}

impl Screen {
    /// The screen of a device's name; none for a name that says nothing of it.
    pub fn of_device(device: &str) -> Option<Self> {
        session::Screen::of_device(device).map(Self::from)
    }
}

impl Codec {
    /// As it is in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Avc => "avc",
            Self::Hevc => "hevc",
            Self::Vp9 => "vp9",
            Self::Av1 => "av1",
            Self::Vvc => "vvc",
            Self::Other => "other",
        }
    }

    /// The codec of an RFC 6381 name, as `avc1.640028`.
    pub fn named(name: &str) -> Self {
        session::Codec::named(name).into()
    }
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
            sequence: event.sequence,
            position_ms: event.position_ms,
            duration_ms: event.duration_ms,
            kbps: event.kbps,
            top_kbps: event.top_kbps,
            throughput_kbps: event.throughput_kbps,
            buffer_ms: event.buffer_ms,
            latency_ms: event.latency_ms,
            startup_ms: event.startup_ms,
            stalled_ms: event.stalled_ms,
            stalled_more_ms: event.stalled_more_ms,
            buffering_events: event.buffering_events,
            dropped_frames: event.dropped_frames,
            width: event.width,
            height: event.height,
            frame_rate_milli: event.frame_rate_milli,
            codec: event.codec,
            screen: event.device.as_deref().and_then(Screen::of_device),
        }
    }
}

impl From<&Event<'_>> for session::Event {
    fn from(event: &Event<'_>) -> Self {
        let ms = |ms: u32| Millis::new(u64::from(ms));
        Self {
            at: UnixMillis::new(event.at_unix_ms),
            kind: event.kind.into(),
            sequence: event.sequence,
            position: event.position_ms.map(Millis::new),
            duration: event.duration_ms.map(Millis::new),
            rate: event.kbps.map(Kbps::new),
            top_rate: event.top_kbps.map(Kbps::new),
            throughput: event.throughput_kbps.map(Kbps::new),
            buffer: event.buffer_ms.map(ms),
            latency: event.latency_ms.map(ms),
            startup: event.startup_ms.map(ms),
            stalled: event.stalled_ms.map(ms),
            stalled_more: event.stalled_more_ms.map(ms),
            buffering_events: event.buffering_events,
            dropped_frames: event.dropped_frames,
            width: event.width,
            height: event.height,
            frame_rate_milli: event.frame_rate_milli,
            codec: event.codec.map(Into::into),
            screen: event.device.as_deref().and_then(session::Screen::of_device),
        }
    }
}

impl From<PlaybackEvent> for session::Event {
    fn from(event: PlaybackEvent) -> Self {
        let ms = |ms: u32| Millis::new(u64::from(ms));
        Self {
            at: UnixMillis::new(event.at_unix_ms),
            kind: event.kind.into(),
            sequence: event.sequence,
            position: event.position_ms.map(Millis::new),
            duration: event.duration_ms.map(Millis::new),
            rate: event.kbps.map(Kbps::new),
            top_rate: event.top_kbps.map(Kbps::new),
            throughput: event.throughput_kbps.map(Kbps::new),
            buffer: event.buffer_ms.map(ms),
            latency: event.latency_ms.map(ms),
            startup: event.startup_ms.map(ms),
            stalled: event.stalled_ms.map(ms),
            stalled_more: event.stalled_more_ms.map(ms),
            buffering_events: event.buffering_events,
            dropped_frames: event.dropped_frames,
            width: event.width,
            height: event.height,
            frame_rate_milli: event.frame_rate_milli,
            codec: event.codec.map(Into::into),
            screen: event.screen.map(Into::into),
        }
    }
}

impl From<Codec> for session::Codec {
    fn from(codec: Codec) -> Self {
        match codec {
            Codec::Avc => Self::Avc,
            Codec::Hevc => Self::Hevc,
            Codec::Vp9 => Self::Vp9,
            Codec::Av1 => Self::Av1,
            Codec::Vvc => Self::Vvc,
            Codec::Other => Self::Other,
        }
    }
}

impl From<session::Codec> for Codec {
    fn from(codec: session::Codec) -> Self {
        match codec {
            session::Codec::Avc => Self::Avc,
            session::Codec::Hevc => Self::Hevc,
            session::Codec::Vp9 => Self::Vp9,
            session::Codec::Av1 => Self::Av1,
            session::Codec::Vvc => Self::Vvc,
            session::Codec::Other => Self::Other,
        }
    }
}

impl From<Screen> for session::Screen {
    fn from(screen: Screen) -> Self {
        match screen {
            Screen::Phone => Self::Phone,
            Screen::Tablet => Self::Tablet,
            Screen::Desktop => Self::Desktop,
            Screen::Tv => Self::Tv,
        }
    }
}

impl From<session::Screen> for Screen {
    fn from(screen: session::Screen) -> Self {
        match screen {
            session::Screen::Phone => Self::Phone,
            session::Screen::Tablet => Self::Tablet,
            session::Screen::Desktop => Self::Desktop,
            session::Screen::Tv => Self::Tv,
        }
    }
}

impl From<session::EventKind> for EventKind {
    fn from(kind: session::EventKind) -> Self {
        match kind {
            session::EventKind::Start => Self::Start,
            session::EventKind::FirstFrame => Self::FirstFrame,
            session::EventKind::Heartbeat => Self::Heartbeat,
            session::EventKind::BufferingStart => Self::BufferingStart,
            session::EventKind::BufferingEnd => Self::BufferingEnd,
            session::EventKind::Pause => Self::Pause,
            session::EventKind::Resume => Self::Resume,
            session::EventKind::SeekStart => Self::SeekStart,
            session::EventKind::SeekEnd => Self::SeekEnd,
            session::EventKind::BitrateChange => Self::BitrateChange,
            session::EventKind::Background => Self::Background,
            session::EventKind::Foreground => Self::Foreground,
            session::EventKind::AdStart => Self::AdStart,
            session::EventKind::AdEnd => Self::AdEnd,
            session::EventKind::Error => Self::Error,
            session::EventKind::Stop => Self::Stop,
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
            EventKind::Pause => Self::Pause,
            EventKind::Resume => Self::Resume,
            EventKind::SeekStart => Self::SeekStart,
            EventKind::SeekEnd => Self::SeekEnd,
            EventKind::Background => Self::Background,
            EventKind::Foreground => Self::Foreground,
            EventKind::AdStart => Self::AdStart,
            EventKind::AdEnd => Self::AdEnd,
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

impl From<PackedError> for Refusal {
    fn from(error: PackedError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        Self::new(status.code(), status.to_string())
    }
}
