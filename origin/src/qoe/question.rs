//! What an operator asks, checked.

use jiff::Timestamp;
use wire::Dimension;

use crate::limits;

/// A question that can be answered within bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub(super) by: Dimension,
    pub(super) value: Option<String>,
    pub(super) step: Step,
    pub(super) from_unix_s: u64,
    pub(super) to_unix_s: u64,
    pub(super) rows_max: usize,
}

/// How much time becomes one line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Step {
    /// As nodes report it.
    FiveMinutes,
    /// Added up by the database once a minute.
    #[default]
    Hour,
    /// Of UTC; of hours.
    Day,
}

impl Step {
    /// Its length in seconds.
    pub fn seconds(self) -> u32 {
        match self {
            Self::FiveMinutes => 300,
            Self::Hour => 3_600,
            Self::Day => 86_400,
        }
    }
}

/// Why a question is not asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuestionError {
    /// No dimension of that name.
    #[error("{0:?} is none of all, region, title, cdn, device, generation, arm")]
    By(String),
    /// No step of that name.
    #[error("{0:?} is none of 5m, 1h, 1d")]
    Step(String),
    /// Neither seconds nor a date and time.
    #[error("{0:?} is no time: unix seconds, or as 2026-11-21T16:00:00Z")]
    Time(String),
    /// It ends before it begins.
    #[error("it ends at {to_unix_s}, not after it begins at {from_unix_s} (unix seconds)")]
    Reversed {
        /// First moment asked for.
        from_unix_s: u64,
        /// First moment not asked for.
        to_unix_s: u64,
    },
    /// Too many steps.
    #[error("{steps} steps of time are more than {}", limits::QOE_STEPS_MAX)]
    TooLong {
        /// From begin to end.
        steps: u64,
    },
    /// More rows than one answer has.
    #[error("{text:?} is no limit from 1 to {}", limits::QOE_ROWS_MAX)]
    Limit {
        /// What was asked for.
        text: String,
    },
    /// No value has that length.
    #[error("a value has 1 to 64 characters")]
    Value,
}

impl QuestionError {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::By(_) => "qoe-by",
            Self::Step(_) => "qoe-step",
            Self::Time(_) => "qoe-time",
            Self::Reversed { .. } => "qoe-reversed",
            Self::TooLong { .. } => "qoe-too-long",
            Self::Limit { .. } => "qoe-limit",
            Self::Value => "qoe-value",
        }
    }
}

/// As it is asked: in the query of a URL, or on the command line.
#[derive(Clone, Debug, Default, serde::Deserialize, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The first moment: unix seconds, or as 2026-11-21T16:00:00Z [default: a day before the last]
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// The first moment that is not of interest [default: now]
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// What to tell apart: all, region, title, cdn, device, generation, arm [default: all]
    #[arg(long, value_name = "DIMENSION")]
    pub by: Option<String>,
    /// Only this one of them
    #[arg(long)]
    pub value: Option<String>,
    /// Time of a line: 5m, 1h, 1d [default: 1h]
    #[arg(long)]
    pub step: Option<String>,
    /// Lines at most, 1 to 10,000 [default: 1,000]
    #[arg(long, value_name = "LINES")]
    pub limit: Option<String>,
}

impl Asked {
    /// Checks it.
    ///
    /// # Errors
    ///
    /// When it names what there is not, or asks for more than an answer holds.
    pub fn check(self, now_unix_s: u64) -> Result<Question, QuestionError> {
        const DAY_S: u64 = 86_400;
        let by = self.by.as_deref().map_or(Ok(Dimension::All), dimension)?;
        let step = self.step.as_deref().map_or(Ok(Step::default()), step)?;
        let to_unix_s = self.to.as_deref().map_or(Ok(now_unix_s), time)?;
        let from_unix_s = self.from.as_deref().map_or(Ok(to_unix_s.saturating_sub(DAY_S)), time)?;
        if from_unix_s >= to_unix_s {
            return Err(QuestionError::Reversed { from_unix_s, to_unix_s });
        }
        let steps = (to_unix_s - from_unix_s).div_ceil(u64::from(step.seconds()));
        if steps > limits::QOE_STEPS_MAX {
            return Err(QuestionError::TooLong { steps });
        }
        let rows_max = self.limit.as_deref().map_or(Ok(limits::QOE_ROWS_DEFAULT), limit)?;
        if self.value.as_deref().is_some_and(|value| value.is_empty() || value.chars().nth(64).is_some()) {
            return Err(QuestionError::Value);
        }
        Ok(Question { by, value: self.value, step, from_unix_s, to_unix_s, rows_max })
    }
}

fn dimension(name: &str) -> Result<Dimension, QuestionError> {
    use Dimension::{All, Arm, Cdn, Device, Generation, Region, Title};
    let all = [All, Title, Region, Cdn, Device, Generation, Arm];
    all.into_iter().find(|by| by.name() == name).ok_or_else(|| QuestionError::By(name.to_owned()))
}

fn step(name: &str) -> Result<Step, QuestionError> {
    match name {
        "5m" => Ok(Step::FiveMinutes),
        "1h" => Ok(Step::Hour),
        "1d" => Ok(Step::Day),
        _ => Err(QuestionError::Step(name.to_owned())),
    }
}

fn time(text: &str) -> Result<u64, QuestionError> {
    // The year 9999, which the database's calendar holds.
    const UNIX_S_MAX: u64 = 253_402_300_799;
    let parsed = text.parse().ok().or_else(|| {
        let at: Timestamp = text.parse().ok()?;
        u64::try_from(at.as_second()).ok()
    });
    parsed.filter(|at| *at <= UNIX_S_MAX).ok_or_else(|| QuestionError::Time(text.to_owned()))
}

fn limit(text: &str) -> Result<usize, QuestionError> {
    let parsed = text.parse().ok().filter(|rows| (1..=limits::QOE_ROWS_MAX).contains(rows));
    parsed.ok_or_else(|| QuestionError::Limit { text: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn ask(change: impl FnOnce(&mut Asked)) -> Result<Question, QuestionError> {
        let mut asked = Asked::default();
        change(&mut asked);
        asked.check(NOW)
    }

    #[test]
    fn nothing_said_is_the_last_day_of_all_by_hours() {
        let question = ask(|_| ()).unwrap();
        assert_eq!((question.by, question.step, question.value), (Dimension::All, Step::Hour, None));
        assert_eq!((question.from_unix_s, question.to_unix_s), (NOW - 86_400, NOW));
    }

    #[test]
    fn times_are_seconds_or_dates() {
        let of = |text: &str| ask(|asked| asked.from = Some(text.to_owned()));
        assert_eq!(of("1799990000").unwrap().from_unix_s, 1_799_990_000);
        assert_eq!(of("2027-01-15T07:00:00Z").unwrap().from_unix_s, 1_799_996_400);
        for text in ["", "yesterday", "-5", "99999999999999", "1960-01-01T00:00:00Z"] {
            assert_eq!(of(text).unwrap_err().code(), "qoe-time", "{text}");
        }
    }

    #[test]
    fn what_there_is_not_and_what_is_too_much_is_refused() {
        let code = |change: fn(&mut Asked)| ask(change).unwrap_err().code();
        assert_eq!(code(|asked| asked.by = Some("colour".to_owned())), "qoe-by");
        assert_eq!(code(|asked| asked.step = Some("2h".to_owned())), "qoe-step");
        assert_eq!(code(|asked| asked.to = Some("0".to_owned())), "qoe-reversed");
        assert_eq!(code(|asked| asked.limit = Some("0".to_owned())), "qoe-limit");
        assert_eq!(code(|asked| asked.limit = Some("10001".to_owned())), "qoe-limit");
        assert_eq!(code(|asked| asked.value = Some(String::new())), "qoe-value");
        assert_eq!(code(|asked| asked.from = Some("0".to_owned())), "qoe-too-long");
    }
}
