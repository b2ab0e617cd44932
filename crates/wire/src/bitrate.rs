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
    /// What else the player knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub player: Option<Player>,
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
            player: None,
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
        self.samples_kbps.iter().try_for_each(|&kbps| check_kbps(kbps))?;
        self.player.iter().try_for_each(Player::validate)?;
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

/// What else a player knows; the planning policies decide by it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Player {
    /// The last downloads with their times, oldest first; read instead of `samples_kbps` where there are any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<Sample>,
    /// Rung of the chunk before; none before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_rung: Option<u32>,
    /// Exact sizes of the next chunks in bytes, all rungs of a chunk together, lowest first; empty = as the bit
    /// rates say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chunk_bytes: Vec<u32>,
    /// Chunks to the end of the title, the next one included; none while it is not known (live).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunks_left: Option<u32>,
    /// Live: how far behind the newest moment the picture is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u32>,
    /// Highest bit rate that device or plan allow, in kbit/s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kbps_max: Option<u32>,
    /// What the viewer's data allowance leaves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_left: Option<u64>,
    /// The download of the next chunk, when it has begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<Running>,
    /// What the planning policies make the most of; without it QoE-lin: Mbit/s, 4.3 and 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<Weights>,
}

impl Player {
    /// Checks the counts and the speeds.
    fn validate(&self) -> Result<(), Refusal> {
        let samples_max = limits::SAMPLES_MAX;
        if self.samples.len() > samples_max {
            return Err(InputError::TooMany { max: samples_max }.into());
        }
        let sizes_max = limits::RUNGS_MAX * limits::CHUNKS_AHEAD_MAX;
        if self.chunk_bytes.len() > sizes_max {
            return Err(InputError::TooMany { max: sizes_max }.into());
        }
        self.samples.iter().try_for_each(|sample| check_kbps(sample.kbps))
    }
}

/// One finished download of media.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// Bytes over the time from request to last byte, in kbit/s.
    pub kbps: f64,
    /// From request to last byte; 0 = unknown.
    #[serde(default)]
    pub took_ms: u32,
    /// Of it, until the first byte; 0 = unknown.
    #[serde(default)]
    pub waited_ms: u32,
}

/// A download under way; the flagship may say to abandon it for a lower rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Running {
    /// Which rung.
    pub rung: u32,
    /// Its whole size.
    pub bytes: u32,
    /// What has come.
    pub got: u32,
    /// Since the request.
    pub took_ms: u32,
    /// Until the first byte; 0 = none has come.
    #[serde(default)]
    pub waited_ms: u32,
}

/// The utility, less `stall` a second of stalling, less `change` times each change of utility.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// What a rung is worth.
    pub utility: Utility,
    /// 0 to 1,000.
    pub stall: f64,
    /// 0 to 1,000.
    pub change: f64,
}

/// What a rung is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Utility {
    /// Its rate in Mbit/s.
    Mbps,
    /// The natural logarithm of its rate over the lowest.
    Log,
}

fn check_kbps(kbps: f64) -> Result<(), Refusal> {
    let kbps_max = f64::from(limits::KBPS_MAX);
    if (0.0..=kbps_max).contains(&kbps) {
        return Ok(());
    }
    Err(Refusal::new("number-out-of-range", format!("a sample of {kbps} kbit/s is not from 0 to {kbps_max}")))
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
    /// A line from buffer level to rate.
    Bba,
    /// BOLA as players use it.
    BolaE,
    /// Throughput while the buffer is low, BOLA-E otherwise.
    Dynamic,
    /// The best five chunks under a pessimistic throughput.
    RobustMpc,
    /// The best expectation over what the network may bring, to the end of the title.
    Flagship,
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
    /// The cap of rate or data.
    DataCap,
    /// The best plan over the chunks ahead.
    Plan,
    /// The download under way is worth finishing.
    GoOn,
    /// The download under way is better given up for this lower rung.
    Abandon,
}
