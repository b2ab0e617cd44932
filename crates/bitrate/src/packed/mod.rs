//! Questions and answers as bytes: what crosses the border of a component by the thousand.
//!
//! Little endian and without padding; the first 32 bits are [`VERSION`]. A question is a record led by its
//! length, so that one that is refused costs its neighbours nothing. An answer is [`ANSWER_BYTES`] long, one
//! for each question in order. Questions that follow each other about one ladder and one table of rules name
//! them once: they are most of what a question holds.

mod answer;
mod question;
mod reader;

use alloc::vec::Vec;
use core::fmt;

pub use answer::{ANSWER_BYTES, Answer, Refusal, unpack_answers};
pub use question::pack_questions;

use crate::limits;
use question::Questions;
use reader::Reader;

/// Of questions and answers; another is refused, never guessed at.
pub const VERSION: u32 = 1;

/// Why all the bytes were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackedError {
    /// They are of another version.
    Version {
        /// What they say.
        version: u32,
    },
    /// They end within a record.
    Cut {
        /// Where that record begins.
        at: usize,
    },
    /// There are more than [`limits::QUESTIONS_MAX`] questions.
    TooMany,
    /// An answer holds what nobody writes.
    Answer {
        /// Of the answer.
        index: usize,
    },
}

impl PackedError {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Version { .. } => "packed-version",
            Self::Cut { .. } => "packed-cut",
            Self::TooMany => "packed-too-many",
            Self::Answer { .. } => "packed-answer",
        }
    }
}

impl fmt::Display for PackedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version { version } => write!(f, "packed by version {version}, not {VERSION}"),
            Self::Cut { at } => write!(f, "the record at byte {at} is cut off"),
            Self::TooMany => write!(f, "more than {} questions", limits::QUESTIONS_MAX),
            Self::Answer { index } => write!(f, "answer {index} holds what nobody writes"),
        }
    }
}

impl core::error::Error for PackedError {}

/// Answers packed questions with packed answers: [`decide`] for each, in order.
///
/// # Errors
/// Of the bytes as a whole; a question that is refused has an answer that says so.
pub fn decide_packed(questions: &[u8]) -> Result<Vec<u8>, PackedError> {
    let mut records = Reader::new(questions);
    let version = records.u32().ok_or(PackedError::Cut { at: 0 })?;
    if version != VERSION {
        return Err(PackedError::Version { version });
    }
    let mut questions = Questions::default();
    let mut answers = Vec::from(VERSION.to_le_bytes());
    let mut count = 0;
    while !records.is_empty() {
        let at = records.at();
        let record = records.u32().and_then(|bytes| records.bytes(bytes as usize));
        let record = record.ok_or(PackedError::Cut { at })?;
        count += 1;
        if count > limits::QUESTIONS_MAX {
            return Err(PackedError::TooMany);
        }
        answer::pack(&questions.decide(record), &mut answers);
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use quickcheck::{Arbitrary, Gen, quickcheck};
    use units::Millis;

    use super::{PackedError, Refusal, VERSION, decide_packed, pack_questions, unpack_answers};
    use crate::ladder::tests::five_rungs;
    use crate::{Buffer, History, Input, InputError, Policy, Rules, SpeedRule, decide, limits};

    fn plain(kbps: f64) -> Input {
        let buffer = Buffer::new(Millis::new(20_000), Millis::new(60_000), Millis::new(4_000)).unwrap();
        let history = History::of_speeds(&[kbps; 5]).unwrap();
        Input::new(Policy::Throughput, five_rungs(), history, buffer)
    }

    fn rungs(packed: &[u8]) -> Vec<Result<usize, Refusal>> {
        let answers = unpack_answers(&decide_packed(packed).unwrap()).unwrap();
        answers.into_iter().map(|answer| answer.map(|decision| decision.rung)).collect()
    }

    quickcheck! {
        fn what_is_packed_is_decided_as_it_is(inputs: Vec<Input>, twice: Vec<bool>) -> bool {
            let twice = |(index, input): (usize, &Input)| {
                vec![input.clone(); 1 + usize::from(twice.get(index) == Some(&true))]
            };
            let inputs: Vec<Input> = inputs.iter().enumerate().flat_map(twice).collect();
            let answers = unpack_answers(&decide_packed(&pack_questions(&inputs)).unwrap()).unwrap();
            answers == inputs.iter().map(|input| Ok(decide(input))).collect::<Vec<_>>()
        }

        fn any_bytes_are_answered_or_refused(bytes: Vec<u8>) -> bool {
            let mut packed = VERSION.to_le_bytes().to_vec();
            packed.extend_from_slice(&bytes);
            let _ = unpack_answers(&bytes);
            decide_packed(&packed).is_ok_and(|answers| unpack_answers(&answers).is_ok())
                || matches!(decide_packed(&packed), Err(PackedError::Cut { .. }))
        }
    }

    #[test]
    fn a_question_with_any_byte_changed_does_not_trap() {
        let mut g = Gen::new(12);
        for _ in 0..40 {
            let packed = pack_questions(&[Input::arbitrary(&mut g), Input::arbitrary(&mut g)]);
            for at in 0..packed.len() {
                let mut changed = packed.clone();
                changed[at] ^= 1 << (at % 8);
                if let Ok(answers) = decide_packed(&changed) {
                    unpack_answers(&answers).unwrap();
                }
                let _ = decide_packed(&packed[..at]);
            }
        }
    }

    #[test]
    fn a_refused_question_costs_its_neighbours_nothing() {
        let mut packed = pack_questions(&[plain(6_000.0), plain(600.0), plain(6_000.0)]);
        assert_eq!(rungs(&packed), [Ok(3), Ok(0), Ok(3)]);
        let first = 8 + u32::from_le_bytes(packed[4..8].try_into().unwrap()) as usize;
        // The policy of the second question is one that nobody knows.
        packed[first + 4] = 99;
        assert_eq!(rungs(&packed), [Ok(3), Err(Refusal::Record), Ok(3)]);
    }

    #[test]
    fn a_ladder_that_is_refused_is_refused_to_all_who_share_it() {
        let mut packed = pack_questions(&[plain(6_000.0), plain(600.0)]);
        // The lowest rate, after the head of 48 bytes.
        packed[8 + 48..8 + 52].fill(0);
        let refused = Err(Refusal::Input(InputError::RungZero { index: 0 }));
        assert_eq!(rungs(&packed), [refused, refused]);
    }

    #[test]
    fn a_ladder_that_cannot_be_read_is_not_replaced_by_an_older_one() {
        let six = Input {
            rules: Rules::new(vec![SpeedRule { mbps_min: 0.0, height: 480 }]).unwrap(),
            ..plain(6_000.0)
        };
        let mut packed = pack_questions(&[plain(6_000.0), six.clone(), six]);
        let second = 8 + u32::from_le_bytes(packed[4..8].try_into().unwrap()) as usize;
        packed[second + 4] = 99;
        assert_eq!(rungs(&packed), [Ok(3), Err(Refusal::Record), Err(Refusal::Record)]);
    }

    #[test]
    fn a_first_question_cannot_share_a_ladder() {
        let packed = pack_questions(&[plain(6_000.0), plain(600.0)]);
        let first = 8 + u32::from_le_bytes(packed[4..8].try_into().unwrap()) as usize;
        let alone = [&packed[..4], &packed[first..]].concat();
        assert_eq!(rungs(&alone), [Err(Refusal::Input(InputError::LadderEmpty))]);
    }

    #[test]
    fn another_version_or_a_cut_or_too_many_are_refused_whole() {
        let packed = pack_questions(&[plain(6_000.0)]);
        assert_eq!(decide_packed(&packed[..2]), Err(PackedError::Cut { at: 0 }));
        assert_eq!(decide_packed(&packed[..packed.len() - 1]), Err(PackedError::Cut { at: 4 }));
        assert_eq!(decide_packed(&[2, 0, 0, 0]), Err(PackedError::Version { version: 2 }));
        let many = vec![0; 4 * (limits::QUESTIONS_MAX + 1)];
        assert_eq!(decide_packed(&[&VERSION.to_le_bytes()[..], &many].concat()), Err(PackedError::TooMany));
    }
}
