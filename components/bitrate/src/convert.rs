//! WIT to domain and back.

use alloc::string::String;

use bitrate::{Buffer, InputError, Ladder, Rules, Rung, Speed, SpeedRule, limits};
use units::{Kbps, Millis};

use crate::wit::exports::frontrow::edge::bitrate as wit;

pub(crate) fn input(input: &wit::Input) -> Result<bitrate::Input, InputError> {
    let rung = |rung: &wit::Rung| Rung { height: rung.height, rate: Kbps::new(rung.kbps) };
    let rule = |rule: &wit::SpeedRule| SpeedRule { mbps_min: rule.mbps_min, height: rule.height };
    let ms = |ms: u32| Millis::new(u64::from(ms));
    Ok(bitrate::Input {
        policy: match input.policy {
            wit::Policy::SeedRules => bitrate::Policy::SeedRules,
            wit::Policy::Throughput => bitrate::Policy::Throughput,
            wit::Policy::Bola => bitrate::Policy::Bola,
        },
        ladder: Ladder::new(input.ladder.iter().map(rung).collect())?,
        rules: Rules::new(input.rules.iter().map(rule).collect())?,
        speed: Speed::estimate(&input.samples_kbps)?,
        buffer: Buffer::new(ms(input.buffer_ms), ms(input.buffer_max_ms), ms(input.segment_ms))?,
        height_max: input.height_max,
    })
}

pub(crate) fn decision(decision: bitrate::Decision, input: &wit::Input) -> wit::Decision {
    wit::Decision {
        rung: decision.rung as u32,
        why: match decision.why {
            bitrate::Why::UnknownSpeed => wit::Why::UnknownSpeed,
            bitrate::Why::SpeedRule => wit::Why::SpeedRule,
            bitrate::Why::Throughput => wit::Why::Throughput,
            bitrate::Why::BufferLevel => wit::Why::BufferLevel,
            bitrate::Why::BufferLow => wit::Why::BufferLow,
            bitrate::Why::HeightCap => wit::Why::HeightCap,
        },
        cdn_endpoint: decision.rule.map_or_else(String::new, |rule| input.rules[rule].cdn_endpoint.clone()),
    }
}

pub(crate) fn error(error: InputError) -> wit::Error {
    match error {
        InputError::LadderEmpty => wit::Error::LadderEmpty,
        InputError::LadderTooLong => wit::Error::LadderTooLong(limits::RUNGS_MAX as u32),
        InputError::LadderNotRising { index } => wit::Error::LadderNotRising(index as u32),
        InputError::RungZero { index } => wit::Error::RungZero(index as u32),
        InputError::RuleNotRising { index } => wit::Error::RuleNotRising(index as u32),
        InputError::TooMany { max } => wit::Error::TooMany(max as u32),
        InputError::BufferTooSmall => wit::Error::BufferTooSmall,
    }
}
