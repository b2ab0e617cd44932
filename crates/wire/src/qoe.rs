//! `GET /v1/qoe`: what sessions saw, for operators, under the terms of CTA-2066 where it has one.

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
    /// Sessions that ended.
    pub sessions_ended: u64,
    /// Sessions that had their first error.
    pub sessions_failed: u64,
    /// CTA-2066 play time: time in which media was shown. Milliseconds.
    pub play_time_ms: u64,
    /// CTA-2066 rebuffering duration: time spent waiting after the first frame. Milliseconds.
    pub rebuffering_duration_ms: u64,
    /// CTA-2066 rebuffering count: times playback ran dry.
    pub rebuffering_count: u64,
    /// Rebuffering duration over the sum of it and of play time, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rebuffering_ratio: Option<f64>,
    /// CTA-2066 startup time, half of all. Milliseconds, as the two below to within 1/64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup_time_p50_ms: Option<u64>,
    /// Of 95 in 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup_time_p95_ms: Option<u64>,
    /// Of 99 in 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup_time_p99_ms: Option<u64>,
    /// The mean of all. Milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup_time_mean_ms: Option<f64>,
    /// CTA-2066 average bit rate, by time. kbit/s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_bitrate_kbps: Option<f64>,
    /// Mean of the reported buffer levels. Milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_buffer_ms: Option<f64>,
    /// CTA-2066 bit rate switches.
    pub bitrate_switches: u64,
    /// Changes of bit rate a minute shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bitrate_switches_per_minute: Option<f64>,
    /// CTA-2066 dropped frames.
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
}
