//! Scores what a player saw.
//!
//! Two scores of one session, both named and versioned because their users compare them over years:
//! [`session_v1`] counts stalls, [`window_v1`] weighs the time spent in them. Both run from 0
//! (unwatchable) to 100 (flawless), are finite for any input, and never rise with a longer startup, a
//! worse stall or another dropped frame. Sums are taken in a fixed order, so that every form of this
//! code gives the same bits.
#![no_std]

mod alerts;
mod score;
mod summary;

pub use alerts::{AlertRule, AlertRuleError, Bound, Hysteresis, Metric, Reading, Readings, Severity};
pub use score::{
    Scores, SessionFigures, WindowFigures, completion, rebuffer_ratio, score, session_v1, window_v1,
};
pub use summary::Summary;
