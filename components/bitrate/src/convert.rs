//! WIT to domain and back.

use alloc::string::String;

use bitrate::{Buffer, Caps, History, InputError, Ladder, Policy, Rules, Rung, SpeedRule, limits};
use units::{Kbps, Millis};

use crate::wit::exports::frontrow::edge::bitrate as wit;

pub(crate) fn input(input: &wit::Input) -> Result<bitrate::Input, InputError> {
    let rung = |rung: &wit::Rung| Rung { height: rung.height, rate: Kbps::new(rung.kbps) };
    let rule = |rule: &wit::SpeedRule| SpeedRule { mbps_min: rule.mbps_min, height: rule.height };
    let ms = |ms: u32| Millis::new(u64::from(ms));
    let policy = match input.policy {
        wit::Policy::SeedRules => Policy::SeedRules,
        wit::Policy::Throughput => Policy::Throughput,
        wit::Policy::Bola => Policy::Bola,
    };
    let ladder = Ladder::new(input.ladder.iter().map(rung).collect())?;
    let rules = Rules::new(input.rules.iter().map(rule).collect())?;
    let history = History::of_speeds(&input.samples_kbps)?;
    let buffer = Buffer::new(ms(input.buffer_ms), ms(input.buffer_max_ms), ms(input.segment_ms))?;
    let caps = Caps { height_max: input.height_max, ..Caps::default() };
    Ok(bitrate::Input { rules, caps, ..bitrate::Input::new(policy, ladder, history, buffer) })
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
            // The policies that say the others are not asked for here.
            bitrate::Why::HeightCap | bitrate::Why::DataCap => wit::Why::HeightCap,
            bitrate::Why::Plan | bitrate::Why::GoOn | bitrate::Why::Abandon => wit::Why::Throughput,
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
        // Of what an input here cannot hold: sizes, weights, settings.
        InputError::SizesIncomplete
        | InputError::SizeZero { .. }
        | InputError::WeightOutOfRange
        | InputError::SettingOutOfRange { .. } => wit::Error::TooMany(0),
    }
}
