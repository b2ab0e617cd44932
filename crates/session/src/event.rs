//! What a player reports.

use units::{Kbps, Millis, UnixMillis};

/// What happened. At one and the same time they count in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// One report of a player; counters are cumulative since `start`.
// The order is by time first: it is the order in which a fold takes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    /// When, by the player's clock.
    pub at: UnixMillis,
    /// What happened.
    pub kind: EventKind,
    /// Position in the title.
    pub position: Option<Millis>,
    /// Length of the title; zero is unknown.
    pub duration: Option<Millis>,
    /// Bit rate played from now on; zero is unknown.
    pub rate: Option<Kbps>,
    /// Media in the buffer.
    pub buffer: Option<Millis>,
    /// Times playback ran dry, cumulative.
    pub buffering_events: Option<u32>,
    /// Frames not shown, cumulative.
    pub dropped_frames: Option<u32>,
}

impl Event {
    /// An event that reports nothing but itself.
    pub fn new(kind: EventKind, at: UnixMillis) -> Self {
        Self {
            at,
            kind,
            position: None,
            duration: None,
            rate: None,
            buffer: None,
            buffering_events: None,
            dropped_frames: None,
        }
    }
}
