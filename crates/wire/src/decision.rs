//! A bit rate decision without a node: what the browser and the golden cases ask, and its way into the
//! domain and back.

use bitrate::{Ahead, Buffer, Caps, History, InputError, Ladder, Rules, Running, Sample};
use serde::{Deserialize, Serialize};
use units::{Kbps, Millis};

use crate::bitrate::{buffer_max_ms_default, segment_ms_default};
use crate::{BitrateRequest, Player, Policy, Refusal, Rung, SpeedRule, Utility, Weights, Why};

/// What the player sees now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BitrateInput {
    /// How the rung is chosen.
    #[serde(default)]
    pub policy: Policy,
    /// The renditions, kbps strictly rising.
    pub ladder: Vec<Rung>,
    /// The region's table; read by `seed-rules` only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<SpeedRule>,
    /// Measured throughput of the last downloads in kbit/s, oldest first; empty = unknown.
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

/// The rung to fetch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BitrateDecision {
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
    /// Where the region's table says to fetch it; the player's own choice without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cdn_endpoint: Option<String>,
}

impl BitrateRequest {
    /// The whole input: what the request leaves out is the node's own.
    pub fn into_input(self, own_ladder: &[Rung], own_rules: &[SpeedRule]) -> BitrateInput {
        BitrateInput {
            policy: self.policy,
            ladder: self.ladder.unwrap_or_else(|| own_ladder.to_vec()),
            rules: own_rules.to_vec(),
            samples_kbps: self.samples_kbps,
            buffer_ms: self.buffer_ms,
            buffer_max_ms: self.buffer_max_ms,
            segment_ms: self.segment_ms,
            height_max: self.height_max,
            player: self.player,
        }
    }
}

impl BitrateInput {
    /// Decides. Codes: those of [`InputError::code`].
    pub fn decide(&self) -> Result<BitrateDecision, Refusal> {
        let decision = bitrate::decide(&self.to_domain()?);
        let rung = &self.ladder[decision.rung];
        let endpoint = decision.rule.and_then(|rule| self.rules[rule].cdn_endpoint.clone());
        Ok(BitrateDecision {
            rung: u32::try_from(decision.rung).expect("a ladder has few rungs"),
            id: rung.id.clone(),
            height: rung.height,
            kbps: rung.kbps,
            why: decision.why.into(),
            cdn_endpoint: endpoint.filter(|endpoint| !endpoint.is_empty()),
        })
    }

    /// The domain's input. Codes: those of [`InputError::code`].
    pub fn to_domain(&self) -> Result<bitrate::Input, Refusal> {
        let (ladder, rules) = (ladder(&self.ladder)?, rules(&self.rules)?);
        let nothing = Player::default();
        let player = self.player.as_ref().unwrap_or(&nothing);
        let running = |running: crate::Running| Running {
            rung: running.rung as usize,
            bytes: running.bytes,
            got: running.got,
            took: ms(running.took_ms),
            waited: ms(running.waited_ms),
        };
        // In the order of the component, so that both refuse the same input for the same reason.
        let history = self.history(player)?;
        let buffer = Buffer::new(ms(self.buffer_ms), ms(self.buffer_max_ms), ms(self.segment_ms))?;
        Ok(bitrate::Input {
            policy: self.policy.into(),
            ahead: Ahead::new(&ladder, player.chunk_bytes.clone(), player.chunks_left)?,
            ladder,
            rules,
            history,
            buffer,
            last: player.last_rung.map(|rung| rung as usize),
            caps: Caps {
                height_max: self.height_max,
                rate_max: player.kbps_max.map(Kbps::new),
                bytes_left: player.bytes_left,
            },
            weights: player.weights.map_or(Ok(bitrate::Weights::LINEAR), weights)?,
            latency: player.latency_ms.map(ms),
            running: player.running.map(running),
        })
    }

    fn history(&self, player: &Player) -> Result<History, InputError> {
        if player.samples.is_empty() {
            return History::of_speeds(&self.samples_kbps);
        }
        let sample = |sample: &crate::Sample| Sample {
            kbps: sample.kbps,
            took: ms(sample.took_ms),
            waited: ms(sample.waited_ms),
        };
        History::new(player.samples.iter().map(sample).collect())
    }
}

fn ms(ms: u32) -> Millis {
    Millis::new(u64::from(ms))
}

fn weights(weights: Weights) -> Result<bitrate::Weights, InputError> {
    let utility = match weights.utility {
        Utility::Mbps => bitrate::Utility::Mbps,
        Utility::Log => bitrate::Utility::Log,
    };
    bitrate::Weights::new(utility, weights.stall, weights.change)
}

pub(crate) fn ladder(rungs: &[Rung]) -> Result<Ladder, InputError> {
    let rung = |rung: &Rung| bitrate::Rung { height: rung.height, rate: Kbps::new(rung.kbps) };
    Ladder::new(rungs.iter().map(rung).collect())
}

pub(crate) fn rules(lines: &[SpeedRule]) -> Result<Rules, InputError> {
    let line = |line: &SpeedRule| bitrate::SpeedRule { mbps_min: line.mbps_min, height: line.height };
    Rules::new(lines.iter().map(line).collect())
}

impl From<InputError> for Refusal {
    fn from(error: InputError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<Policy> for bitrate::Policy {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::SeedRules => Self::SeedRules,
            Policy::Throughput => Self::Throughput,
            Policy::Bola => Self::Bola,
            Policy::Bba => Self::Bba,
            Policy::BolaE => Self::BolaE,
            Policy::Dynamic => Self::Dynamic,
            Policy::RobustMpc => Self::RobustMpc,
            Policy::Flagship => Self::Flagship,
        }
    }
}

impl From<bitrate::Why> for Why {
    fn from(why: bitrate::Why) -> Self {
        match why {
            bitrate::Why::UnknownSpeed => Self::UnknownSpeed,
            bitrate::Why::SpeedRule => Self::SpeedRule,
            bitrate::Why::Throughput => Self::Throughput,
            bitrate::Why::BufferLevel => Self::BufferLevel,
            bitrate::Why::BufferLow => Self::BufferLow,
            bitrate::Why::HeightCap => Self::HeightCap,
            bitrate::Why::DataCap => Self::DataCap,
            bitrate::Why::Plan => Self::Plan,
            bitrate::Why::GoOn => Self::GoOn,
            bitrate::Why::Abandon => Self::Abandon,
        }
    }
}
