//! One report of a player, as `POST /v1/events` takes it and a node hands it on.

use serde::{Deserialize, Serialize};

use crate::text::{check_id, check_label, check_max, check_name, check_time};
use crate::{Codec, Refusal, Text, limits};

/// One report of a player; counters are cumulative since `start`.
///
/// Texts are borrowed from the body they came in: a node reads a million of them a second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event<'a> {
    /// Unique; a repeat is acknowledged and ignored. 1 to 64 characters.
    #[serde(borrow)]
    pub event_id: Text<'a>,
    /// One playback and nothing else. 1 to 96 characters.
    #[serde(borrow)]
    pub session_id: Text<'a>,
    /// What happened.
    pub kind: EventKind,
    /// When, by the player's clock. Unix time, milliseconds.
    pub at_unix_ms: u64,
    /// Rises by one with each report of the session: a gap is a loss, a repeat counts once.
    #[serde(default)]
    pub sequence: Option<u32>,
    /// Who watches.
    #[serde(default)]
    pub viewer: Option<u32>,
    /// What is watched.
    #[serde(default)]
    pub title: Option<u32>,
    /// Where the player is.
    #[serde(default, borrow)]
    pub region: Option<Text<'a>>,
    /// The sort of player, as `tv` or `phone`.
    #[serde(default, borrow)]
    pub device: Option<Text<'a>>,
    /// Which CDN, or which of its machines, the media come from.
    #[serde(default, borrow)]
    pub cdn: Option<Text<'a>>,
    /// Position in the title.
    #[serde(default)]
    pub position_ms: Option<u64>,
    /// Length of the title.
    #[serde(default)]
    pub duration_ms: Option<u64>,
    /// Bit rate played now, in kbit/s.
    #[serde(default)]
    pub kbps: Option<u32>,
    /// The highest bit rate on offer, in kbit/s.
    #[serde(default)]
    pub top_kbps: Option<u32>,
    /// Speed of the network as the player measured it, in kbit/s.
    #[serde(default)]
    pub throughput_kbps: Option<u32>,
    /// Media in the buffer.
    #[serde(default)]
    pub buffer_ms: Option<u32>,
    /// Behind the live edge.
    #[serde(default)]
    pub latency_ms: Option<u32>,
    /// From the viewer's wish to the first picture, as the player measured it.
    #[serde(default)]
    pub startup_ms: Option<u32>,
    /// Times playback ran dry, cumulative.
    #[serde(default)]
    pub buffering_events: Option<u32>,
    /// Time playback was dry, cumulative.
    #[serde(default)]
    pub stalled_ms: Option<u32>,
    /// Time playback was dry since the last report, for players that do not add it up.
    #[serde(default)]
    pub stalled_more_ms: Option<u32>,
    /// Frames not shown, cumulative.
    #[serde(default)]
    pub dropped_frames: Option<u32>,
    /// Picture played now, in pixels.
    #[serde(default)]
    pub width: Option<u16>,
    /// Picture played now, in pixels.
    #[serde(default)]
    pub height: Option<u16>,
    /// Frames in a thousand seconds, so 23,976 for 23.976 a second.
    #[serde(default)]
    pub frame_rate_milli: Option<u32>,
    /// What the picture is encoded in.
    #[serde(default)]
    pub codec: Option<Codec>,
    /// What failed, in the player's words. 1 to 64 characters.
    #[serde(default, borrow)]
    pub error_code: Option<Text<'a>>,
}

impl<'a> Event<'a> {
    /// An event that reports nothing but itself.
    pub fn new(
        event_id: impl Into<Text<'a>>,
        session_id: impl Into<Text<'a>>,
        kind: EventKind,
        at_unix_ms: u64,
    ) -> Self {
        Self {
            event_id: event_id.into(),
            session_id: session_id.into(),
            kind,
            at_unix_ms,
            sequence: None,
            viewer: None,
            title: None,
            region: None,
            device: None,
            cdn: None,
            position_ms: None,
            duration_ms: None,
            kbps: None,
            top_kbps: None,
            throughput_kbps: None,
            buffer_ms: None,
            latency_ms: None,
            startup_ms: None,
            buffering_events: None,
            stalled_ms: None,
            stalled_more_ms: None,
            dropped_frames: None,
            width: None,
            height: None,
            frame_rate_milli: None,
            codec: None,
            error_code: None,
        }
    }

    /// Checks ids and labels, that no number is absurd, and that they do not contradict each other.
    pub fn validate(&self) -> Result<(), Refusal> {
        check_id("event_id", &self.event_id)?;
        check_name("session_id", &self.session_id, limits::SESSION_CHARS_MAX)?;
        check_time("at_unix_ms", Some(self.at_unix_ms))?;
        check_label("region", self.region.as_deref())?;
        check_label("device", self.device.as_deref())?;
        check_label("cdn", self.cdn.as_deref())?;
        for (field, value) in [
            ("position_ms", self.position_ms),
            ("duration_ms", self.duration_ms),
            ("stalled_ms", self.stalled_ms.map(u64::from)),
            ("buffer_ms", self.buffer_ms.map(u64::from)),
            ("latency_ms", self.latency_ms.map(u64::from)),
            ("startup_ms", self.startup_ms.map(u64::from)),
            ("stalled_more_ms", self.stalled_more_ms.map(u64::from)),
        ] {
            check_max(field, value, limits::MEDIA_MS_MAX)?;
        }
        for (field, value) in
            [("kbps", self.kbps), ("top_kbps", self.top_kbps), ("throughput_kbps", self.throughput_kbps)]
        {
            check_max(field, value.map(u64::from), u64::from(limits::KBPS_MAX))?;
        }
        check_max("buffering_events", self.buffering_events.map(u64::from), limits::COUNT_MAX)?;
        check_max("dropped_frames", self.dropped_frames.map(u64::from), limits::COUNT_MAX)?;
        check_max("frame_rate_milli", self.frame_rate_milli.map(u64::from), limits::FRAME_RATE_MILLI_MAX)?;
        self.check_position()?;
        self.error_code.as_deref().map_or(Ok(()), |code| check_id("error_code", code))
    }

    /// The same with texts of its own.
    pub fn into_owned(self) -> Event<'static> {
        let own = |text: Text<'_>| Text::from(text.to_string());
        Event {
            event_id: own(self.event_id),
            session_id: own(self.session_id),
            region: self.region.map(own),
            device: self.device.map(own),
            cdn: self.cdn.map(own),
            error_code: self.error_code.map(own),
            kind: self.kind,
            at_unix_ms: self.at_unix_ms,
            sequence: self.sequence,
            viewer: self.viewer,
            title: self.title,
            position_ms: self.position_ms,
            duration_ms: self.duration_ms,
            kbps: self.kbps,
            top_kbps: self.top_kbps,
            throughput_kbps: self.throughput_kbps,
            buffer_ms: self.buffer_ms,
            latency_ms: self.latency_ms,
            startup_ms: self.startup_ms,
            buffering_events: self.buffering_events,
            stalled_ms: self.stalled_ms,
            stalled_more_ms: self.stalled_more_ms,
            dropped_frames: self.dropped_frames,
            width: self.width,
            height: self.height,
            frame_rate_milli: self.frame_rate_milli,
            codec: self.codec,
        }
    }

    /// A time that is further ahead of the node's than clocks differ would hold back everything that waits for
    /// time to pass.
    pub fn check_clock(&self, now_unix_ms: u64) -> Result<(), Refusal> {
        if self.at_unix_ms > now_unix_ms.saturating_add(limits::CLOCK_AHEAD_MS_MAX) {
            let max = limits::CLOCK_AHEAD_MS_MAX / 60_000;
            let message = format!("at_unix_ms is more than {max} minutes ahead");
            return Err(Refusal::new("time-in-future", message));
        }
        Ok(())
    }

    fn check_position(&self) -> Result<(), Refusal> {
        let (Some(position), Some(duration)) = (self.position_ms, self.duration_ms) else { return Ok(()) };
        if duration > 0 && position > duration.saturating_add(limits::POSITION_SLACK_MS) {
            let message = format!("position_ms is {position} in a title of {duration}");
            return Err(Refusal::new("position-beyond-duration", message));
        }
        Ok(())
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// The viewer asked for playback.
    Start,
    /// The first picture was shown.
    FirstFrame,
    /// Sent at intervals.
    Heartbeat,
    /// Playback ran dry.
    BufferingStart,
    /// Playback goes on.
    BufferingEnd,
    /// The viewer paused.
    Pause,
    /// The viewer goes on.
    Resume,
    /// The viewer jumps to another position.
    SeekStart,
    /// The picture there is shown.
    SeekEnd,
    /// Another rendition is played from now on.
    BitrateChange,
    /// The player is out of sight.
    Background,
    /// The player is in sight again.
    Foreground,
    /// An advertisement begins.
    AdStart,
    /// The title goes on.
    AdEnd,
    /// Something failed.
    Error,
    /// Playback has ended.
    Stop,
}

impl EventKind {
    /// All of them, in the order in which they count at one and the same time.
    pub const ALL: [Self; 16] = [
        Self::Start,
        Self::FirstFrame,
        Self::Heartbeat,
        Self::BufferingStart,
        Self::BufferingEnd,
        Self::Pause,
        Self::Resume,
        Self::SeekStart,
        Self::SeekEnd,
        Self::BitrateChange,
        Self::Background,
        Self::Foreground,
        Self::AdStart,
        Self::AdEnd,
        Self::Error,
        Self::Stop,
    ];

    /// As it is in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::FirstFrame => "first-frame",
            Self::Heartbeat => "heartbeat",
            Self::BufferingStart => "buffering-start",
            Self::BufferingEnd => "buffering-end",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::SeekStart => "seek-start",
            Self::SeekEnd => "seek-end",
            Self::BitrateChange => "bitrate-change",
            Self::Background => "background",
            Self::Foreground => "foreground",
            Self::AdStart => "ad-start",
            Self::AdEnd => "ad-end",
            Self::Error => "error",
            Self::Stop => "stop",
        }
    }
}
