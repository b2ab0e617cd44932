//! `GET /v1/sessions/{id}`.

use serde::{Deserialize, Serialize};

use crate::{Screen, TimingsUs};

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

/// What a player saw; what is left out is nothing, or not known. Under the names of CTA-2066 where it has one;
/// those before are read as well, for what a node had written when it was upgraded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// CTA-2066 initialStartupTime: from start to the first frame, less the ads before it; none until it came.
    #[serde(default, alias = "startup_ms", skip_serializing_if = "Option::is_none")]
    pub initial_startup_time_ms: Option<u32>,
    /// Time in which media was shown.
    pub played_ms: u64,
    /// CTA-2066 playbackStallDuration: time spent waiting after the first frame.
    #[serde(alias = "stalled_ms")]
    pub playback_stall_duration_ms: u64,
    /// Time in a pause of the viewer's.
    #[serde(default, skip_serializing_if = "is_default")]
    pub paused_ms: u64,
    /// Time from a seek to the picture at its end.
    #[serde(default, skip_serializing_if = "is_default")]
    pub sought_ms: u64,
    /// Time in which nobody could see the player.
    #[serde(default, skip_serializing_if = "is_default")]
    pub background_ms: u64,
    /// Time in ads.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ads_ms: u64,
    /// CTA-2066 playbackStallCount: times playback ran dry.
    #[serde(alias = "stalls")]
    pub playback_stall_count: u32,
    /// The longest of them.
    #[serde(default, skip_serializing_if = "is_default")]
    pub stall_longest_ms: u64,
    /// Stalled time, each stall fading as the title goes on.
    #[serde(default, skip_serializing_if = "is_default")]
    pub stall_recent_ms: u64,
    /// Time shown since the last stall; none without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stall_ago_ms: Option<u64>,
    /// Frames not shown.
    pub dropped_frames: u32,
    /// Errors reported.
    pub errors: u32,
    /// Changes of bit rate.
    pub switches: u32,
    /// Their sizes added up, in kbit/s.
    #[serde(default, skip_serializing_if = "is_default")]
    pub change_kbps: u32,
    /// The sizes of their logarithms' changes added up.
    #[serde(default, skip_serializing_if = "is_default")]
    pub change_log: f64,
    /// CTA-2066 bitsPlayed: bit rate times time.
    #[serde(default)]
    pub bits_played: u64,
    /// Time-weighted mean bit rate in kbit/s; none until one was reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_kbps: Option<f64>,
    /// Time-weighted mean of ln(kbit/s); none until one was reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_log: Option<f64>,
    /// The highest bit rate on offer, in kbit/s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_kbps: Option<u32>,
    /// Mean of the reported buffer levels; none until one was reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_buffer_ms: Option<f64>,
    /// Mean of the measured speeds, in kbit/s; none until one was reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_throughput_kbps: Option<f64>,
    /// Mean of the distances behind live; none until one was reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_latency_ms: Option<f64>,
    /// Time-weighted mean height in lines; none until one was reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_height: Option<f64>,
    /// Time-weighted mean of the frames a second; none until they were reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_frame_rate: Option<f64>,
    /// Time-weighted mean of the bits a pixel; none until they could be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_bits_per_pixel: Option<f64>,
    /// How good the pictures were; none while nothing is known of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pictures: Option<Pictures>,
    /// How far pictures were stretched; none until a height was reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upscaling: Option<Upscaling>,
    /// Where the first report was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began_ms: Option<u64>,
    /// Where playback is, and resumes.
    pub position_ms: u64,
    /// The furthest it has been.
    pub position_max_ms: u64,
    /// Length of the title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Events folded.
    pub events: u32,
    /// Numbered reports that never came.
    #[serde(default, skip_serializing_if = "is_default")]
    pub lost: u32,
    /// Numbered reports that came again, or too late to tell; they were not folded.
    #[serde(default, skip_serializing_if = "is_default")]
    pub repeated: u32,
    /// Whether playback has ended.
    pub ended: bool,
    /// Whether an error was the last thing before the end.
    #[serde(default, skip_serializing_if = "is_default")]
    pub failed: bool,
    /// What it was watched on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub screen: Option<Screen>,
}

impl Summary {
    /// All that are not whole numbers and are known.
    pub(crate) fn figures(&self) -> impl Iterator<Item = f64> {
        let means = [
            self.mean_kbps,
            self.mean_log,
            self.mean_buffer_ms,
            self.mean_throughput_kbps,
            self.mean_latency_ms,
            self.mean_height,
            self.mean_frame_rate,
            self.mean_bits_per_pixel,
        ];
        let pictures = self.pictures.map(|seen| [seen.mean, seen.recent, seen.worst, seen.falls]);
        let upscaling = self.upscaling.map(|seen| [seen.mean, seen.max]);
        let seen = pictures.into_iter().flatten().chain(upscaling.into_iter().flatten());
        means.into_iter().flatten().chain(seen).chain([self.change_log])
    }
}

/// How good pictures were, each 0 (nothing to see) to 1 (the original).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pictures {
    /// Time-weighted mean.
    pub mean: f64,
    /// The mean of the last quarter of a minute or so.
    pub recent: f64,
    /// The worst mean of five seconds or so.
    pub worst: f64,
    /// All falls added up; not bounded by 1.
    pub falls: f64,
}

/// How far pictures were stretched beyond their height; 1 is to twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upscaling {
    /// Time-weighted mean.
    pub mean: f64,
    /// The farthest.
    pub max: f64,
}

/// Scores of a session; those without a range are 0 (unwatchable) to 100 (flawless).
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
    /// Mbit/s - 4.3 × stall seconds - |change|, the mean over 4 s shown; none without a bit rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qoe_lin_v1: Option<f64>,
    /// The same of ln(kbit/s / 300), with 2.66.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qoe_log_v1: Option<f64>,
    /// Success, startup, smoothness, upscaling.
    #[serde(default)]
    pub mux_style_v1: f64,
    /// Good on all thresholds, or the first that was missed; none while nothing was shown and it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spi_style_v1: Option<SpiVerdict>,
    /// What people would say, 1 (bad) to 5 (excellent); none before anything was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mos_v1: Option<f64>,
}

/// Whether a session was good on all thresholds, or the first that it missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpiVerdict {
    /// On all thresholds.
    Good,
    /// An error ended it before the first frame.
    FailedToStart,
    /// The viewer left before the first frame.
    LeftBeforeStart,
    /// It took too long to start.
    SlowStart,
    /// An error ended it.
    Failed,
    /// It waited too much.
    Stalled,
    /// Its bit rate was too low.
    LowQuality,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Scores {
    /// All that are known.
    pub(crate) fn figures(&self) -> impl Iterator<Item = f64> {
        let always = [self.session_v1, self.window_v1, self.rebuffer_ratio, self.mux_style_v1];
        let others = [self.completion, self.qoe_lin_v1, self.qoe_log_v1, self.mos_v1];
        always.into_iter().chain(others.into_iter().flatten())
    }
}
