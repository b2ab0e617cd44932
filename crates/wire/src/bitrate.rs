//! `POST /v1/bitrate`.

use ::bitrate::InputError;
use serde::{Deserialize, Serialize};

use crate::text::{check_id, check_label, check_max};
use crate::{Refusal, TimingsUs, limits};

/// Which rung to fetch next?
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BitrateRequest {
    /// Where the player is; the node's own region without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// How the rung is chosen.
    #[serde(default)]
    pub policy: Policy,
    /// The renditions, kbps strictly rising; the node's own ladder without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ladder: Option<Vec<Rung>>,
    /// Measured throughput of the last downloads in kbit/s, oldest first; empty = unknown, and so the
    /// lowest rung.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples_kbps: Vec<f64>,
    /// Media in the buffer.
    #[serde(default)]
    pub buffer_ms: u32,
    /// Media the buffer can hold.
    #[serde(default = "buffer_max_ms_default")]
    pub buffer_max_ms: u32,
    /// Length of a segment.
    #[serde(default = "segment_ms_default")]
    pub segment_ms: u32,
    /// Highest picture height the device or the plan allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height_max: Option<u16>,
}

impl Default for BitrateRequest {
    fn default() -> Self {
        Self {
            region: None,
            policy: Policy::default(),
            ladder: None,
            samples_kbps: Vec::new(),
            buffer_ms: 0,
            buffer_max_ms: buffer_max_ms_default(),
            segment_ms: segment_ms_default(),
            height_max: None,
        }
    }
}

impl BitrateRequest {
    /// Checks the forms and counts; the ladder's order is checked where it becomes a domain ladder.
    pub fn validate(&self) -> Result<(), Refusal> {
        check_label("region", self.region.as_deref())?;
        let samples_max = limits::SAMPLES_MAX;
        if self.samples_kbps.len() > samples_max {
            return Err(InputError::TooMany { max: samples_max }.into());
        }
        let kbps_max = f64::from(limits::KBPS_MAX);
        if let Some(sample) = self.samples_kbps.iter().find(|kbps| !(0.0..=kbps_max).contains(*kbps)) {
            let message = format!("a sample of {sample} kbit/s is not from 0 to {kbps_max}");
            return Err(Refusal::new("number-out-of-range", message));
        }
        for (field, ms) in [
            ("buffer_ms", self.buffer_ms),
            ("buffer_max_ms", self.buffer_max_ms),
            ("segment_ms", self.segment_ms),
        ] {
            check_max(field, Some(u64::from(ms)), limits::MEDIA_MS_MAX)?;
        }
        let Some(ladder) = &self.ladder else { return Ok(()) };
        if ladder.len() > limits::RUNGS_MAX {
            return Err(InputError::LadderTooLong.into());
        }
        ladder.iter().try_for_each(|rung| {
            check_max("kbps of a rung", Some(u64::from(rung.kbps)), u64::from(limits::KBPS_MAX))?;
            check_id("id of a rung", &rung.id)
        })
    }
}

pub(crate) fn buffer_max_ms_default() -> u32 {
    60_000
}

pub(crate) fn segment_ms_default() -> u32 {
    4_000
}

/// How the rung is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// The region's table of network speed to picture height.
    SeedRules,
    /// The highest rung a share of the measured throughput sustains.
    Throughput,
    /// Buffer-based Lyapunov optimisation.
    #[default]
    Bola,
}

/// One rendition of a title.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rung {
    /// As the player knows it.
    pub id: String,
    /// Picture height in pixels.
    pub height: u16,
    /// Bit rate of the stream in kbit/s.
    pub kbps: u32,
}

/// The rung to fetch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BitrateAnswer {
    /// Finds the request in the node's log.
    pub request_id: String,
    /// The release that answered.
    pub generation: u64,
    /// The policy asked for.
    pub policy: Policy,
    /// Index into the ladder.
    pub rung: u32,
    /// As the player knows it.
    pub id: String,
    /// Picture height in pixels.
    pub height: u16,
    /// Bit rate of the stream in kbit/s.
    pub kbps: u32,
    /// What decided.
    pub why: Why,
    /// Where to fetch it; the player's own choice without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cdn_endpoint: Option<String>,
    /// Where the time went.
    pub timings_us: TimingsUs,
}

/// What decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The speed is unknown, so the lowest rung.
    UnknownSpeed,
    /// A line of the region's table.
    SpeedRule,
    /// The measured throughput.
    Throughput,
    /// The buffer level.
    BufferLevel,
    /// The buffer is nearly empty, so what throughput sustains at most.
    BufferLow,
    /// The height cap of device or plan.
    HeightCap,
}
