//! `GET /v1/sessions/{id}`.

use serde::{Deserialize, Serialize};

use crate::TimingsUs;

/// A session so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionAnswer {
    /// Finds the request in the node's log.
    pub request_id: String,
    /// The release that scored it.
    pub generation: u64,
    /// The session's id.
    pub session_id: String,
    /// Who watches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub viewer: Option<u32>,
    /// What is watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<u32>,
    /// Whether playback has ended.
    pub ended: bool,
    /// What was seen.
    pub summary: Summary,
    /// How good it was.
    pub scores: Scores,
    /// Where the time went.
    pub timings_us: TimingsUs,
}

/// What a player saw.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// From start to the first frame; none until it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup_ms: Option<u32>,
    /// Time in which media was shown.
    pub played_ms: u64,
    /// Time spent waiting after the first frame.
    pub stalled_ms: u64,
    /// Times playback ran dry.
    pub stalls: u32,
    /// Frames not shown.
    pub dropped_frames: u32,
    /// Errors reported.
    pub errors: u32,
    /// Changes of bit rate.
    pub switches: u32,
    /// Time-weighted mean bit rate in kbit/s; none until one was reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_kbps: Option<f64>,
    /// Mean of the reported buffer levels; none until one was reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_buffer_ms: Option<f64>,
    /// Where playback is.
    pub position_ms: u64,
    /// The furthest it has been.
    pub position_max_ms: u64,
    /// Length of the title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Events folded.
    pub events: u32,
    /// Whether playback has ended.
    pub ended: bool,
}

impl Summary {
    /// Those that are means.
    pub(crate) fn figures(&self) -> impl Iterator<Item = f64> {
        [self.mean_kbps, self.mean_buffer_ms].into_iter().flatten()
    }
}

/// Scores of a session, 0 (unwatchable) to 100 (flawless).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scores {
    /// Startup, stall count, bit rate, dropped frames.
    pub session_v1: f64,
    /// Startup, stall ratio, bit rate, buffer.
    pub window_v1: f64,
    /// stalled / (played + stalled), 0 to 1; 0 when nothing was shown.
    pub rebuffer_ratio: f64,
    /// Share of the title watched, 0 to 1; none without its length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion: Option<f64>,
}

impl Scores {
    /// All that are known.
    pub(crate) fn figures(&self) -> impl Iterator<Item = f64> {
        [Some(self.session_v1), Some(self.window_v1), Some(self.rebuffer_ratio), self.completion]
            .into_iter()
            .flatten()
    }
}
