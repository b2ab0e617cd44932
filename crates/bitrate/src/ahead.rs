//! What is still to be fetched.

use alloc::vec::Vec;

use crate::{InputError, Ladder, limits};

/// The chunks that follow, the next one first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ahead {
    // Invariant: bytes.len() is a multiple of rungs, and at most CHUNKS_AHEAD_MAX of it; no chunk is empty.
    rungs: usize,
    bytes: Vec<u32>,
    left: Option<u32>,
}

impl Ahead {
    /// Nothing is known: chunks have the size that their bit rate says, and there is no end in sight.
    pub const UNKNOWN: Self = Self { rungs: 0, bytes: Vec::new(), left: None };

    /// Checks the exact sizes of the next chunks in bytes, all rungs of a chunk together, lowest first.
    /// Chunks for which there is no size have the one that their bit rate says.
    ///
    /// `left` counts the chunks to the end of the title, the next one included; none while it is not
    /// known (live). Sizes beyond the end are not read.
    pub fn new(ladder: &Ladder, bytes: Vec<u32>, left: Option<u32>) -> Result<Self, InputError> {
        let rungs = ladder.rungs().len();
        if !bytes.len().is_multiple_of(rungs) {
            return Err(InputError::SizesIncomplete);
        }
        if bytes.len() / rungs > limits::CHUNKS_AHEAD_MAX {
            return Err(InputError::TooMany { max: limits::CHUNKS_AHEAD_MAX });
        }
        if let Some(at) = bytes.iter().position(|bytes| *bytes == 0) {
            return Err(InputError::SizeZero { chunk: at / rungs });
        }
        Ok(Self { rungs, bytes, left })
    }

    /// Chunks to the end of the title, the next one included; none while it is not known.
    pub fn left(&self) -> Option<u32> {
        self.left
    }

    /// Returns the size in bits of chunk `chunk` (0 = next) at `rung` of `ladder`, in chunks of
    /// `chunk_s` seconds.
    pub(crate) fn bits(&self, ladder: &Ladder, chunk: usize, rung: usize, chunk_s: f64) -> f64 {
        let known = if self.rungs == ladder.rungs().len() { self.bytes.get(chunk * self.rungs + rung) } else { None };
        match known {
            Some(bytes) => f64::from(*bytes) * 8.0,
            None => f64::from(ladder.rungs()[rung].rate.get()) * 1e3 * chunk_s,
        }
    }
}
