//! `GET /v1/qoe`: what sessions saw, for operators, under the names of CTA-2066 where it has one.

use serde::{Deserialize, Serialize};

use crate::Dimension;

/// The figures of all nodes together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QoeAnswer {
    /// What the sessions of a line have in common.
    pub by: Dimension,
    /// Length of a line. Seconds.
    pub step_s: u32,
    /// The first moment asked for. Unix time, seconds.
    pub from_unix_s: u64,
    /// The first moment not asked for. Unix time, seconds.
    pub to_unix_s: u64,
    /// Whether there is more than was asked for at most; of each step those with the most sessions come first.
    pub is_cut: bool,
    /// By time, then by sessions.
    pub rows: Vec<QoeRow>,
}

/// What the sessions of one value saw in one step of time. A figure is absent where nothing was seen that it could say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QoeRow {
    /// Where it begins. Unix time, seconds.
    pub start_unix_s: u64,
    /// Of the dimension, as `eu`.
    pub value: String,
    /// The most sessions seen in one window of it: how many watched at once, to within a window.
    pub viewers: u64,
    /// Sessions that began.
    pub sessions_started: u64,
    /// Sessions that ended by a stop. What is said of ended sessions below is also of those that had been silent for half
    /// an hour, when they had. One that moved between nodes counts on both.
    pub sessions_ended: u64,
    /// Sessions that had their first error.
    pub sessions_failed: u64,
    /// Time in which media was shown. Milliseconds.
    pub played_ms: u64,
    /// CTA-2066 playbackStallDuration: time spent waiting after the first frame. Milliseconds.
    pub playback_stall_duration_ms: u64,
    /// CTA-2066 playbackStallCount: times playback ran dry.
    pub playback_stall_count: u64,
    /// CTA-2066 Average Stalled Time Percentage, as a share: stalled time over the sum of it and of the time shown, 0
    /// to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rebuffer_ratio: Option<f64>,
    /// The share that half of the ended sessions were not above; as the two below to within 1/64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rebuffer_ratio_p50: Option<f64>,
    /// Nor 95 in 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rebuffer_ratio_p95: Option<f64>,
    /// Nor 99 in 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rebuffer_ratio_p99: Option<f64>,
    /// CTA-2066 initialStartupTime that half of all were not above. Milliseconds, as the two below to within 1/64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_startup_time_p50_ms: Option<u64>,
    /// Nor 95 in 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_startup_time_p95_ms: Option<u64>,
    /// Nor 99 in 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_startup_time_p99_ms: Option<u64>,
    /// CTA-2066 Average Initial Startup Time. Milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_initial_startup_time_ms: Option<f64>,
    /// CTA-2066 bitsPlayed: bit rate times the time it was shown.
    pub bits_played: u64,
    /// CTA-2066 Average Playback Bitrate: bits played over the time in which a bit rate was known. kbit/s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_playback_bitrate_kbps: Option<f64>,
    /// The mean bit rate that half of the ended sessions were not above. kbit/s, as the two below to within 1/64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub playback_bitrate_p50_kbps: Option<f64>,
    /// That 5 in 100 were not above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub playback_bitrate_p5_kbps: Option<f64>,
    /// That 1 in 100 was not above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub playback_bitrate_p1_kbps: Option<f64>,
    /// Mean of the reported buffer levels. Milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_buffer_ms: Option<f64>,
    /// Changes of bit rate.
    pub bitrate_switches: u64,
    /// Changes of bit rate a minute shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bitrate_switches_per_minute: Option<f64>,
    /// Frames not shown.
    pub dropped_frames: u64,
    /// Errors reported.
    pub errors: u64,
    /// Mean share of its title that an ended session saw, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion: Option<f64>,
    /// Share of the ended sessions that saw nine tenths of their title, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_share: Option<f64>,
    /// Mean score `session-v1` of the sessions that ended, 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_v1: Option<f64>,
    /// Mean score `window-v1` of the windows, weighted by play time, 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_v1: Option<f64>,
    /// Mean opinion score `mos-v1` of the sessions that ended, 1 to 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mos_v1: Option<f64>,
    /// The score that half of the ended sessions were not above; as the two below to within 1/64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mos_v1_p50: Option<f64>,
    /// That 5 in 100 were not above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mos_v1_p5: Option<f64>,
    /// That 1 in 100 was not above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mos_v1_p1: Option<f64>,
}
