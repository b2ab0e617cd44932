//! What a player reports.

pub use qoe::{Codec, Screen};
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
    /// The buffer holds enough to go on.
    BufferingEnd,
    /// The viewer paused.
    Pause,
    /// Pictures move, whatever held them before: a pause, a stall, a seek or the start.
    Resume,
    /// The viewer jumps.
    SeekStart,
    /// The jump is done; the buffer may still have to fill.
    SeekEnd,
    /// Another rendition is played from now on.
    BitrateChange,
    /// Nobody can see the player.
    Background,
    /// The player can be seen again.
    Foreground,
    /// An ad begins.
    AdStart,
    /// The title goes on.
    AdEnd,
    /// Something failed.
    Error,
    /// Playback has ended.
    Stop,
}

/// All kinds in the order of their numbers.
pub const KINDS: [EventKind; 16] = [
    EventKind::Start,
    EventKind::FirstFrame,
    EventKind::Heartbeat,
    EventKind::BufferingStart,
    EventKind::BufferingEnd,
    EventKind::Pause,
    EventKind::Resume,
    EventKind::SeekStart,
    EventKind::SeekEnd,
    EventKind::BitrateChange,
    EventKind::Background,
    EventKind::Foreground,
    EventKind::AdStart,
    EventKind::AdEnd,
    EventKind::Error,
    EventKind::Stop,
];

/// One report of a player; counters are cumulative since `start`. Names in brackets are CMCD's.
// The order is by time first: it is the order in which a fold takes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    /// When, by the player's clock \[`ts`\].
    pub at: UnixMillis,
    /// What happened.
    pub kind: EventKind,
    /// Its number; rises by one a report \[`sn`\].
    pub sequence: Option<u32>,
    /// Position in the title \[`pt`\].
    pub position: Option<Millis>,
    /// Length of the title; zero is unknown.
    pub duration: Option<Millis>,
    /// Bit rate played from now on; zero is unknown \[`br`\].
    pub rate: Option<Kbps>,
    /// The highest bit rate on offer; zero is unknown \[`tb`\].
    pub top_rate: Option<Kbps>,
    /// The speed that the player measured \[`mtp`\].
    pub throughput: Option<Kbps>,
    /// Media in the buffer \[`bl`\].
    pub buffer: Option<Millis>,
    /// Behind live \[`ltc`\].
    pub latency: Option<Millis>,
    /// From start to the first frame, as the player measured it \[`msd`\].
    pub startup: Option<Millis>,
    /// Time stalled so far, as the player measured it: cumulative \[`bsda`\].
    pub stalled: Option<Millis>,
    /// Time stalled since its last report \[`bsd`\].
    pub stalled_more: Option<Millis>,
    /// Times playback ran dry, cumulative \[`bsa`\].
    pub buffering_events: Option<u32>,
    /// Frames not shown, cumulative \[`dfa`\].
    pub dropped_frames: Option<u32>,
    /// Pixels in a line from now on; zero is unknown.
    pub width: Option<u16>,
    /// Lines from now on; zero is unknown.
    pub height: Option<u16>,
    /// Frames in a thousand seconds from now on; zero is unknown.
    pub frame_rate_milli: Option<u32>,
    /// How pictures are coded from now on.
    pub codec: Option<Codec>,
    /// What it is watched on.
    pub screen: Option<Screen>,
}

impl Event {
    /// An event that reports nothing but itself.
    pub fn new(kind: EventKind, at: UnixMillis) -> Self {
        Self {
            at,
            kind,
            sequence: None,
            position: None,
            duration: None,
            rate: None,
            top_rate: None,
            throughput: None,
            buffer: None,
            latency: None,
            startup: None,
            stalled: None,
            stalled_more: None,
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
