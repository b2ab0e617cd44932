//! What a player saw in one session.
//!
//! What leaves a node has the names of CTA-2066 where it has one, with the unit behind it; here things have the words
//! of this crate:
//!
//! | here | CTA-2066 | in messages |
//! |---|---|---|
//! | `startup` | `initialStartupTime`: from the request to play to the first frame, without ads | `initial_startup_time_ms` |
//! | `stalls` | `playbackStallCount`: times playback ran dry after its first frame, seeking apart | `playback_stall_count` |
//! | `stalled` | `playbackStallDuration`: how long that took in all | `playback_stall_duration_ms` |
//! | `bits_played` | `bitsPlayed`: bit rate times the time it was shown | `bits_played` |
//!
//! Of many sessions: Average Initial Startup Time, Average Playback Bitrate, and Average Stalled Time Percentage, which
//! is the share of the time shown and stalled that was stalled.

use units::{Kbps, Millis};

use crate::Screen;

/// What a player saw in one session.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Summary {
    /// From start to the first frame, less the ads before it; none until it came.
    pub startup: Option<Millis>,
    /// Time in which the title was shown: the watch time.
    pub played: Millis,
    /// Time spent waiting after the first frame, neither seeking nor in the background nor in an ad.
    pub stalled: Millis,
    /// Time in a pause of the viewer's.
    pub paused: Millis,
    /// Time from a seek to the picture at its end.
    pub sought: Millis,
    /// Time in which nobody could see the player.
    pub background: Millis,
    /// Time in ads.
    pub ads: Millis,
    /// Times playback ran dry.
    pub stalls: u32,
    /// The longest of them.
    pub stall_longest: Millis,
    /// Stalled time, each stall fading as the title goes on.
    pub stall_recent: Millis,
    /// Time shown since the last stall; none without one.
    pub stall_ago: Option<Millis>,
    /// Frames not shown.
    pub dropped_frames: u32,
    /// Errors reported.
    pub errors: u32,
    /// Changes of bit rate.
    pub switches: u32,
    /// Their sizes added up, in kbit/s.
    pub change_kbps: u32,
    /// The sizes of their logarithms' changes added up.
    pub change_log: f64,
    /// Bit rate times time, over the time in which a bit rate was known. Bits.
    pub bits_played: u64,
    /// Time-weighted mean bit rate in kbit/s; none until one was reported.
    pub mean_kbps: Option<f64>,
    /// Time-weighted mean of ln(kbit/s); none until one was reported.
    pub mean_log: Option<f64>,
    /// The highest bit rate on offer.
    pub top_rate: Option<Kbps>,
    /// Mean of the reported buffer levels in milliseconds; none until one was reported.
    pub mean_buffer_ms: Option<f64>,
    /// Mean of the measured speeds in kbit/s; none until one was reported.
    pub mean_throughput_kbps: Option<f64>,
    /// Mean of the distances behind live in milliseconds; none until one was reported.
    pub mean_latency_ms: Option<f64>,
    /// Time-weighted mean height in lines; none until one was reported.
    pub mean_height: Option<f64>,
    /// Time-weighted mean of the frames a second; none until they were reported.
    pub mean_frame_rate: Option<f64>,
    /// Time-weighted mean of the bits a pixel; none until they could be told.
    pub mean_bits_per_pixel: Option<f64>,
    /// How good the pictures were; none while nothing is known of them.
    pub pictures: Option<Pictures>,
    /// How far pictures were stretched; none until a height was reported.
    pub upscaling: Option<Upscaling>,
    /// Where the first report was: what came before was watched in another session, or skipped.
    pub began: Option<Millis>,
    /// Where playback is, and resumes.
    pub position: Millis,
    /// The furthest it has been.
    pub position_max: Millis,
    /// Length of the title.
    pub duration: Option<Millis>,
    /// Events folded.
    pub events: u32,
    /// Reports that the sender numbered and that never came.
    pub lost: u32,
    /// Reports that came again, or too late to tell; they were not folded.
    pub repeated: u32,
    /// Whether playback has ended.
    pub ended: bool,
    /// Whether an error was the last thing before the end.
    pub failed: bool,
    /// What it was watched on.
    pub screen: Option<Screen>,
}

/// How good pictures were over a session; each by [`crate::picture`], 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pictures {
    /// Time-weighted mean.
    pub mean: f64,
    /// The mean of the last quarter of a minute or so.
    pub recent: f64,
    /// The worst mean of five seconds or so.
    pub worst: f64,
    /// How far quality fell, all falls added up; not bounded by 1.
    pub falls: f64,
}

/// How far pictures were stretched beyond their own size: 1 is to twice the height.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Upscaling {
    /// Time-weighted mean.
    pub mean: f64,
    /// The farthest.
    pub max: f64,
}
