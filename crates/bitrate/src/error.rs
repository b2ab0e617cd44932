//! Why an input was refused.

use core::fmt;

use crate::limits;

/// Why an input was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputError {
    /// There is nothing to choose from.
    LadderEmpty,
    /// More than [`limits::RUNGS_MAX`] rungs.
    LadderTooLong,
    /// Rung `index` is not above the rung below it.
    LadderNotRising {
        /// Of the offending rung.
        index: usize,
    },
    /// Rung `index` has no bit rate or no height.
    RungZero {
        /// Of the offending rung.
        index: usize,
    },
    /// The speed of rule `index` is negative, not finite, or not above the one before it.
    RuleNotRising {
        /// Of the offending rule.
        index: usize,
    },
    /// More than `max` samples, rules or chunks ahead.
    TooMany {
        /// The limit.
        max: usize,
    },
    /// A segment has no length, or the buffer cannot hold one.
    BufferTooSmall,
    /// The sizes of the chunks ahead are not those of whole chunks.
    SizesIncomplete,
    /// A chunk ahead has no bytes.
    SizeZero {
        /// Of the offending chunk, 0 = next.
        chunk: usize,
    },
    /// A weight is not a number from 0 to 1,000.
    WeightOutOfRange,
    /// Number `index` of the flagship's settings is out of its range.
    SettingOutOfRange {
        /// Of the offending number.
        index: usize,
    },
}

impl InputError {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::LadderEmpty => "ladder-empty",
            Self::LadderTooLong => "ladder-too-long",
            Self::LadderNotRising { .. } => "ladder-not-rising",
            Self::RungZero { .. } => "rung-zero",
            Self::RuleNotRising { .. } => "rule-not-rising",
            Self::TooMany { .. } => "too-many",
            Self::BufferTooSmall => "buffer-too-small",
            Self::SizesIncomplete => "sizes-incomplete",
            Self::SizeZero { .. } => "size-zero",
            Self::WeightOutOfRange => "weight-out-of-range",
            Self::SettingOutOfRange { .. } => "setting-out-of-range",
        }
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LadderEmpty => write!(f, "the ladder has no rung"),
            Self::LadderTooLong => write!(f, "the ladder has more than {} rungs", limits::RUNGS_MAX),
            Self::LadderNotRising { index } => write!(f, "rung {index} is not above the rung below it"),
            Self::RungZero { index } => write!(f, "rung {index} has no bit rate or no height"),
            Self::RuleNotRising { index } => {
                write!(f, "the speed of rule {index} is negative, not finite, or not above the one before it")
            }
            Self::TooMany { max } => write!(f, "there are more than {max} samples, rules or chunks"),
            Self::BufferTooSmall => write!(f, "a segment has no length, or the buffer cannot hold one"),
            Self::SizesIncomplete => write!(f, "the sizes ahead are not a whole number of chunks"),
            Self::SizeZero { chunk } => write!(f, "chunk {chunk} ahead has no bytes"),
            Self::WeightOutOfRange => write!(f, "a weight is not from 0 to 1,000"),
            Self::SettingOutOfRange { index } => {
                write!(f, "number {index} of the settings is out of its range")
            }
        }
    }
}

impl core::error::Error for InputError {}
