//! Adds up what sessions saw in windows of five minutes, and judges them.
//!
//! Windows tumble in event time: an event counts in the window its own time falls in, and a window
//! closes when nothing may come late any more. One is kept for every value of every [`Dimension`]: a
//! title, a region, a generation and so on, and for all of them together. Everything in a [`Window`] is
//! a whole number, so that windows of several nodes merge in any order to the same result; startup
//! times are kept in a [`Sketch`] for the same reason. Time is an argument: nothing here reads a clock.
#![no_std]
extern crate alloc;

mod aggregator;
mod alerts;
mod delta;
mod dimension;
mod figures;
pub mod limits;
mod sketch;
mod viewers;
mod window;

pub use aggregator::{Counts, Noted, Settings, SettingsError, Windows};
pub use alerts::{Alert, Alerts, AlertsError, Change, Turn};
pub use qoe::{Bound, Metric, Severity};

pub use delta::{Delta, End, Seen};
pub use dimension::Dimension;
pub use figures::{Figures, Startup};
pub use sketch::{Bucket, Sketch, SketchError};
pub use viewers::{Changes, Viewers};
pub use window::{COMPLETED_PPM, Totals, Window};

/// Takes the place of a value that is too long, empty, or one more than a window keeps.
pub const OTHER: &str = "other";
