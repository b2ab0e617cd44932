//! Answers.
//!
//! | from byte | number |
//! |---|---|
//! | 0 | 0 for a decision, else what was refused; 8 bits |
//! | 1 | rung; 8 bits |
//! | 2 | what decided, in the order of [`Why`](crate::Why); 8 bits |
//! | 3 | 0 |
//! | 4 | of a decision the line of the table that was applied, plus one; of a refusal its index or limit; 32 bits |

use alloc::vec::Vec;

use super::{PackedError, Reader, VERSION};
use crate::{Decision, InputError, Why, limits};

/// Of an answer.
pub const ANSWER_BYTES: usize = 8;

/// A decision, or why there is none.
pub type Answer = Result<Decision, Refusal>;

/// Why a question has no decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Its record is cut or too long, or holds what nobody writes.
    Record,
    /// What it asks is refused.
    Input(InputError),
}

impl Refusal {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Record => "packed-record",
            Self::Input(error) => error.code(),
        }
    }
}

/// In the order of [`Why`].
const WHYS: [Why; 10] = [
    Why::UnknownSpeed,
    Why::SpeedRule,
    Why::Throughput,
    Why::BufferLevel,
    Why::BufferLow,
    Why::HeightCap,
    Why::DataCap,
    Why::Plan,
    Why::GoOn,
    Why::Abandon,
];

pub(super) fn pack(answer: &Answer, out: &mut Vec<u8>) {
    let (head, number) = match *answer {
        Ok(Decision { rung, why, rule }) => ([0, rung as u8, why as u8, 0], rule.map_or(0, |rule| rule + 1)),
        Err(refusal) => {
            let (kind, number) = numbered(refusal);
            ([kind, 0, 0, 0], number)
        }
    };
    let [a, b, c, d] = head;
    let [e, f, g, h] = (number as u32).to_le_bytes();
    out.extend_from_slice(&[a, b, c, d, e, f, g, h]);
}

fn numbered(refusal: Refusal) -> (u8, usize) {
    let Refusal::Input(error) = refusal else { return (1, 0) };
    match error {
        InputError::LadderEmpty => (2, 0),
        InputError::LadderTooLong => (3, limits::RUNGS_MAX),
        InputError::LadderNotRising { index } => (4, index),
        InputError::RungZero { index } => (5, index),
        InputError::RuleNotRising { index } => (6, index),
        InputError::TooMany { max } => (7, max),
        InputError::BufferTooSmall => (8, 0),
        InputError::SizesIncomplete => (9, 0),
        InputError::SizeZero { chunk } => (10, chunk),
        // A question holds no settings; the weights are the numbers that it has.
        InputError::WeightOutOfRange | InputError::SettingOutOfRange { .. } => (11, 0),
    }
}

fn refusal(kind: u8, number: usize) -> Option<Refusal> {
    let error = match kind {
        1 => return Some(Refusal::Record),
        2 => InputError::LadderEmpty,
        3 => InputError::LadderTooLong,
        4 => InputError::LadderNotRising { index: number },
        5 => InputError::RungZero { index: number },
        6 => InputError::RuleNotRising { index: number },
        7 => InputError::TooMany { max: number },
        8 => InputError::BufferTooSmall,
        9 => InputError::SizesIncomplete,
        10 => InputError::SizeZero { chunk: number },
        11 => InputError::WeightOutOfRange,
        _ => return None,
    };
    Some(Refusal::Input(error))
}

/// Reads what [`decide_packed`](super::decide_packed) wrote.
pub fn unpack_answers(bytes: &[u8]) -> Result<Vec<Answer>, PackedError> {
    let mut records = Reader::new(bytes);
    let version = records.u32().ok_or(PackedError::Cut { at: 0 })?;
    if version != VERSION {
        return Err(PackedError::Version { version });
    }
    let mut answers = Vec::with_capacity(bytes.len() / ANSWER_BYTES);
    while !records.is_empty() {
        let at = records.at();
        let record = records.bytes(ANSWER_BYTES).ok_or(PackedError::Cut { at })?;
        answers.push(unpack(record).ok_or(PackedError::Answer { index: answers.len() })?);
    }
    Ok(answers)
}

fn unpack(record: &[u8]) -> Option<Answer> {
    let mut record = Reader::new(record);
    let [kind, rung, why, _] = [record.u8()?, record.u8()?, record.u8()?, record.u8()?];
    let number = record.u32()? as usize;
    if kind > 0 {
        return Some(Err(refusal(kind, number)?));
    }
    let why = *WHYS.get(usize::from(why))?;
    Some(Ok(Decision { rung: usize::from(rung), why, rule: number.checked_sub(1) }))
}

#[cfg(test)]
mod tests {
    use super::WHYS;

    #[test]
    fn reasons_have_the_places_that_are_written() {
        for (place, why) in WHYS.into_iter().enumerate() {
            assert_eq!(why as usize, place);
        }
    }
}
