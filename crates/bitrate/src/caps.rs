//! What a rung may not exceed.

use units::Kbps;

use crate::{Ahead, Ladder};

/// What device, plan and data allowance permit. Rung 0 is always permitted: a picture is better than none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caps {
    /// Highest picture height in pixels that the device or the plan allows.
    pub height_max: Option<u16>,
    /// Highest bit rate that the plan or the viewer's saving of data allows.
    pub rate_max: Option<Kbps>,
    /// What is left of the viewer's data allowance in bytes, for the rest of the title; while its end is
    /// not known, for the next chunk.
    pub bytes_left: Option<u64>,
}

/// Which cap lowered a rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cap {
    Height,
    Data,
}

impl Caps {
    /// Returns the cap that `rung` breaks, if any.
    pub(crate) fn broken_by(&self, ladder: &Ladder, ahead: &Ahead, chunk_s: f64, rung: usize) -> Option<Cap> {
        let shown = ladder.rungs()[rung];
        if self.height_max.is_some_and(|height_max| shown.height > height_max) {
            return Some(Cap::Height);
        }
        if self.rate_max.is_some_and(|rate_max| shown.rate > rate_max) {
            return Some(Cap::Data);
        }
        let bytes_left = self.bytes_left?;
        // The rest of the title is taken to be as large as its next chunk.
        let chunks = f64::from(ahead.left().unwrap_or(1).max(1));
        let bytes = ahead.bits(ladder, 0, rung, chunk_s) / 8.0 * chunks;
        // Allowances are far below 2^53 bytes.
        (bytes > bytes_left as f64).then_some(Cap::Data)
    }
}
