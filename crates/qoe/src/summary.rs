//! What a player saw in one session.

use units::Millis;

/// What a player saw in one session.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Summary {
    /// From start to the first frame; none until it came.
    pub startup: Option<Millis>,
    /// Time in which media was shown.
    pub played: Millis,
    /// Time spent waiting after the first frame.
    pub stalled: Millis,
    /// Times playback ran dry.
    pub stalls: u32,
    /// Frames not shown.
    pub dropped_frames: u32,
    /// Errors reported.
    pub errors: u32,
    /// Changes of bit rate.
    pub switches: u32,
    /// Time-weighted mean bit rate in kbit/s; none until one was reported.
    pub mean_kbps: Option<f64>,
    /// Mean of the reported buffer levels in milliseconds; none until one was reported.
    pub mean_buffer_ms: Option<f64>,
    /// Where playback is.
    pub position: Millis,
    /// The furthest it has been.
    pub position_max: Millis,
    /// Length of the title.
    pub duration: Option<Millis>,
    /// Events folded.
    pub events: u32,
    /// Whether playback has ended.
    pub ended: bool,
}
