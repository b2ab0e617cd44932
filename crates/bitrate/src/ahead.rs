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

    /// Takes the place of what it held: `sizes` of whole chunks of `rungs`, each read by `bytes`. All are checked as
    /// [`Self::new`] does, the first `wanted` chunks are kept.
    pub(crate) fn refill<T: Copy>(
        &mut self,
        rungs: usize,
        sizes: &[T],
        bytes: impl Fn(T) -> u32,
        wanted: usize,
        left: Option<u32>,
    ) -> Result<(), InputError> {
        if sizes.len() / rungs > limits::CHUNKS_AHEAD_MAX {
            return Err(InputError::TooMany { max: limits::CHUNKS_AHEAD_MAX });
        }
        // Without a way out of the loop many are looked at together.
        if sizes.iter().fold(false, |any, size| any | (bytes(*size) == 0)) {
            let at = sizes.iter().position(|size| bytes(*size) == 0).unwrap_or(0);
            return Err(InputError::SizeZero { chunk: at / rungs });
        }
        let kept = wanted.saturating_mul(rungs).min(sizes.len());
        self.bytes.clear();
        self.bytes.extend(sizes[..kept].iter().map(|size| bytes(*size)));
        (self.rungs, self.left) = (rungs, left);
        Ok(())
    }

    /// Chunks to the end of the title, the next one included; none while it is not known.
    pub fn left(&self) -> Option<u32> {
        self.left
    }

    /// The sizes that are known of chunks of `ladder`, all rungs of a chunk together; none of another ladder.
    pub fn known(&self, ladder: &Ladder) -> &[u32] {
        if self.rungs == ladder.rungs().len() { &self.bytes } else { &[] }
    }

    /// Returns the size in bits of chunk `chunk` (0 = next) at `rung` of `ladder`, in chunks of
    /// `chunk_s` seconds.
    pub(crate) fn bits(&self, ladder: &Ladder, chunk: usize, rung: usize, chunk_s: f64) -> f64 {
        match self.known(ladder).get(chunk * self.rungs + rung) {
            Some(bytes) => f64::from(*bytes) * 8.0,
            None => f64::from(ladder.rungs()[rung].rate.get()) * 1e3 * chunk_s,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::Ahead;
    use crate::ladder::tests::five_rungs;
    use crate::{InputError, limits};

    fn check(bytes: Vec<u32>, expected: Result<(), InputError>) {
        assert_eq!(Ahead::new(&five_rungs(), bytes, None).map(|_| ()), expected);
    }

    #[test]
    fn refuses_sizes_that_are_not_those_of_chunks() {
        check(Vec::new(), Ok(()));
        check(vec![1; 10], Ok(()));
        check(vec![1; 9], Err(InputError::SizesIncomplete));
        check(vec![1, 1, 1, 1, 1, 1, 0, 1, 1, 1], Err(InputError::SizeZero { chunk: 1 }));
        let max = limits::CHUNKS_AHEAD_MAX;
        check(vec![1; 5 * max], Ok(()));
        check(vec![1; 5 * (max + 1)], Err(InputError::TooMany { max }));
    }

    #[test]
    fn an_unknown_size_is_that_of_the_rate() {
        let ladder = five_rungs();
        let ahead = Ahead::new(&ladder, vec![10, 20, 30, 40, 50], Some(9)).unwrap();
        assert_eq!(ahead.bits(&ladder, 0, 2, 4.0), 240.0);
        assert_eq!(ahead.bits(&ladder, 1, 2, 4.0), 10_000_000.0);
        assert_eq!(Ahead::UNKNOWN.bits(&ladder, 0, 0, 2.0), 1_000_000.0);
    }
}
