//! `POST /v1/events`.

use serde::{Deserialize, Serialize};

use crate::text::{check_id, check_label, check_max, check_time};
use crate::{Refusal, TimingsUs, limits};

/// What players saw since they last reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventsRequest {
    /// 1 to 100 of them, of one or more sessions, in any order.
    pub events: Vec<Event>,
}

impl EventsRequest {
    /// Checks the number of events only: one bad event ([`Event::validate`]) does not harm the rest.
    pub fn validate(&self) -> Result<(), Refusal> {
        if self.events.is_empty() {
            return Err(Refusal::new("no-events", "there are no events"));
        }
        if self.events.len() > limits::EVENTS_MAX {
            let message = format!("more than {} events", limits::EVENTS_MAX);
            return Err(Refusal::new("too-many-events", message));
        }
        Ok(())
    }
}

/// One report of a player; counters are cumulative since `start`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Unique; a repeat is acknowledged and ignored. 1 to 64 characters.
    pub event_id: String,
    /// One playback and nothing else. 1 to 64 characters.
    pub session_id: String,
    /// What happened.
    pub kind: EventKind,
    /// When, by the player's clock. Unix time, milliseconds.
    pub at_unix_ms: u64,
    /// Who watches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub viewer: Option<u32>,
    /// What is watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<u32>,
    /// Where the player is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The sort of player, as `tv` or `phone`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
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
    /// What failed, in the player's words. 1 to 64 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
}

impl Event {
    /// Checks ids, labels, and that no number is absurd.
    pub fn validate(&self) -> Result<(), Refusal> {
        check_id("event_id", &self.event_id)?;
        check_id("session_id", &self.session_id)?;
        check_time("at_unix_ms", Some(self.at_unix_ms))?;
        check_label("region", self.region.as_deref())?;
        check_label("device", self.device.as_deref())?;
        check_max("position_ms", self.position_ms, limits::MEDIA_MS_MAX)?;
        check_max("duration_ms", self.duration_ms, limits::MEDIA_MS_MAX)?;
        check_max("kbps", self.kbps.map(u64::from), u64::from(limits::KBPS_MAX))?;
        check_max("buffer_ms", self.buffer_ms.map(u64::from), limits::MEDIA_MS_MAX)?;
        check_max("buffering_events", self.buffering_events.map(u64::from), limits::COUNT_MAX)?;
        check_max("dropped_frames", self.dropped_frames.map(u64::from), limits::COUNT_MAX)?;
        self.error_code.as_deref().map_or(Ok(()), |code| check_id("error_code", code))
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
    /// Another rendition is played from now on.
    BitrateChange,
    /// Something failed.
    Error,
    /// Playback has ended.
    Stop,
}

/// What became of the events, in the order of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventsAnswer {
    /// Finds the request in the node's log.
    pub request_id: String,
    /// The release that answered.
    pub generation: u64,
    /// How many were new and sound.
    pub accepted: u32,
    /// One an event.
    pub results: Vec<EventResult>,
    /// Where the time went.
    pub timings_us: TimingsUs,
}

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventResult {
    /// The event's.
    pub event_id: String,
    /// What became of it.
    pub status: EventStatus,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The same for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventStatus {
    /// New and sound; it counts.
    Accepted,
    /// Seen before; it counted then.
    Duplicate,
    /// Not sound; it does not count.
    Refused,
}
