//! Scores what a player saw.
//!
//! Scores are named and versioned because their users compare them over years; a formula that changes
//! gets a new name. Every one is finite for any input and never rises with a longer startup, a worse
//! stall or another dropped frame. Sums are taken in a fixed order with `+ - * /`, `sqrt` and `libm`
//! only, so that every form of this code gives the same bits.
//!
//! | score | range | reads |
//! |---|---|---|
//! | [`session_v1`] | 0 to 100 | startup, stall count, bit rate, dropped frames |
//! | [`window_v1`] | 0 to 100 | startup, stall ratio, bit rate, buffer |
//! | [`qoe_lin_v1`] | Mbit/s | bit rate, stall time, changes |
//! | [`qoe_log_v1`] | ln of a ratio | log of bit rate, stall time, changes |
//! | [`mux_style_v1`] | 0 to 100 | startup, stalls, upscaling, failure |
//! | [`spi_style_v1`] | good or why not | failure, startup, stall ratio, bit rate |
//! | [`mos_v1`] | 1 to 5 | pictures shown, stalls, startup, switches, dropped frames, failure |
#![no_std]
extern crate alloc;

mod alerts;
mod figures;
mod format;
mod linear;
mod mos;
mod mux;
pub mod packed;
mod score;
mod spi;
mod summary;

pub use alerts::{AlertRule, AlertRuleError, Bound, Hysteresis, Metric, Reading, Readings, Severity};
pub use figures::Figures;
pub use format::{Codec, Format, Screen, Share, picture, upscaling};
pub use linear::{LOG_REFERENCE_KBPS, STALL_WEIGHT_LIN, STALL_WEIGHT_LOG, qoe_lin_v1, qoe_log_v1};
pub use mos::mos_v1;
pub use mux::mux_style_v1;
use score::rebuffer_ratio_of;
pub use score::{
    Scores, SessionFigures, WindowFigures, completion, rebuffer_ratio, score, score_figures, score_pair,
    session_v1, window_v1,
};
pub use spi::{SPI_SHIPPED, SpiThresholds, SpiVerdict, spi_style_v1};
pub use summary::{Pictures, Summary, Upscaling};
