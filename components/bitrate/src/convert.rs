//! WIT to domain and back.

use alloc::string::String;

use bitrate::packed::PackedError;
use bitrate::{
    Ahead, Buffer, Caps, History, InputError, Ladder, Policy, Rules, Rung, Running, Sample, SpeedRule,
    Utility, Weights, limits,
};
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
        wit::Policy::Bba => Policy::Bba,
        wit::Policy::BolaE => Policy::BolaE,
        wit::Policy::Dynamic => Policy::Dynamic,
        wit::Policy::RobustMpc => Policy::RobustMpc,
        wit::Policy::Flagship => Policy::Flagship,
    };
    let ladder = Ladder::new(input.ladder.iter().map(rung).collect())?;
    let rules = Rules::new(input.rules.iter().map(rule).collect())?;
    let sample = |sample: &wit::Sample| Sample {
        kbps: sample.kbps,
        took: ms(sample.took_ms),
        waited: ms(sample.waited_ms),
    };
    let history = History::new(input.samples.iter().map(sample).collect())?;
    let running = |running: wit::Running| Running {
        rung: running.rung as usize,
        bytes: running.bytes,
        got: running.got,
        took: ms(running.took_ms),
        waited: ms(running.waited_ms),
    };
    let weights = |weights: wit::Weights| {
        let utility = match weights.utility {
            wit::Utility::Mbps => Utility::Mbps,
            wit::Utility::Log => Utility::Log,
        };
        Weights::new(utility, weights.stall, weights.change)
    };
    let buffer = Buffer::new(ms(input.buffer_ms), ms(input.buffer_max_ms), ms(input.segment_ms))?;
    let (height_max, bytes_left) = (input.height_max, input.bytes_left);
    Ok(bitrate::Input {
        policy,
        ahead: Ahead::new(&ladder, input.chunk_bytes.clone(), input.chunks_left)?,
        ladder,
        rules,
        history,
        buffer,
        last: input.last_rung.map(|rung| rung as usize),
        caps: Caps { height_max, rate_max: input.kbps_max.map(Kbps::new), bytes_left },
        weights: input.weights.map_or(Ok(Weights::LINEAR), weights)?,
        latency: input.latency_ms.map(ms),
        running: input.running.map(running),
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
            bitrate::Why::DataCap => wit::Why::DataCap,
            bitrate::Why::Plan => wit::Why::Plan,
            bitrate::Why::GoOn => wit::Why::GoOn,
            bitrate::Why::Abandon => wit::Why::Abandon,
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
        InputError::SizesIncomplete => wit::Error::SizesIncomplete,
        InputError::SizeZero { chunk } => wit::Error::SizeZero(chunk as u32),
        // An input holds no settings of the flagship; the weights are the numbers that it has.
        InputError::WeightOutOfRange | InputError::SettingOutOfRange { .. } => wit::Error::WeightOutOfRange,
    }
}

pub(crate) fn packed_error(error: PackedError) -> wit::Error {
    match error {
        PackedError::Version { version } => wit::Error::PackedVersion(version),
        // Answers are not read here; what cannot be would be as bad as a cut.
        PackedError::Cut { at } | PackedError::Answer { index: at } => wit::Error::PackedCut(at as u32),
        PackedError::TooMany => wit::Error::PackedTooMany(limits::QUESTIONS_MAX as u32),
    }
}
