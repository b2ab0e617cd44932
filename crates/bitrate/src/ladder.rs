//! The renditions of a title.

use alloc::vec::Vec;

use units::Kbps;

use crate::{InputError, limits};

/// One rendition of a title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// Picture height in pixels, above 0.
    pub height: u16,
    /// Bit rate of the stream, above 0.
    pub rate: Kbps,
}

/// The renditions of a title, lowest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder {
    // Invariant: 1 to RUNGS_MAX rungs, bit rates above 0 and strictly rising, heights above 0.
    // Heights need not rise: a newer codec shows more lines at a lower rate.
    rungs: Vec<Rung>,
}

impl Ladder {
    /// Checks the rungs: not empty, not too many, no zeros, strictly rising in bit rate.
    pub fn new(rungs: Vec<Rung>) -> Result<Self, InputError> {
        if rungs.is_empty() {
            return Err(InputError::LadderEmpty);
        }
        if rungs.len() > limits::RUNGS_MAX {
            return Err(InputError::LadderTooLong);
        }
        if let Some(index) = rungs.iter().position(|rung| rung.height == 0 || rung.rate.get() == 0) {
            return Err(InputError::RungZero { index });
        }
        if let Some(below) = rungs.windows(2).position(|pair| pair[0].rate >= pair[1].rate) {
            return Err(InputError::LadderNotRising { index: below + 1 });
        }
        Ok(Self { rungs })
    }

    /// The rungs, lowest first; never empty.
    pub fn rungs(&self) -> &[Rung] {
        &self.rungs
    }

    /// Returns the highest rung of at most `kbps`, or rung 0 when all are above it.
    pub fn sustained_by(&self, kbps: f64) -> usize {
        self.rungs.iter().rposition(|rung| f64::from(rung.rate.get()) <= kbps).unwrap_or(0)
    }

    /// Returns the highest rung no taller than `height` pixels, or rung 0 when all are taller.
    pub fn of_height(&self, height: u16) -> usize {
        self.not_taller(self.rungs.len() - 1, height)
    }

    /// Returns the highest rung at or below `rung` that is no taller than `height` pixels, or rung 0.
    pub(crate) fn not_taller(&self, rung: usize, height: u16) -> usize {
        self.rungs[..=rung].iter().rposition(|rung| rung.height <= height).unwrap_or(0)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use quickcheck::{Arbitrary, Gen};
    use units::Kbps;

    use super::{Ladder, Rung};
    use crate::{InputError, limits};

    /// The five renditions of the demo.
    pub(crate) fn five_rungs() -> Ladder {
        let rungs = [(360, 500), (480, 1000), (720, 2500), (1080, 5000), (2160, 15000)];
        Ladder::new(rungs.map(rung).to_vec()).unwrap()
    }

    pub(crate) fn rung((height, kbps): (u16, u32)) -> Rung {
        Rung { height, rate: Kbps::new(kbps) }
    }

    impl Arbitrary for Ladder {
        fn arbitrary(g: &mut Gen) -> Self {
            let mut rates: Vec<u32> = Vec::arbitrary(g);
            rates.push(u32::arbitrary(g));
            rates.iter_mut().for_each(|kbps| *kbps = *kbps % 50_000 + 1);
            rates.sort_unstable();
            rates.dedup();
            rates.truncate(limits::RUNGS_MAX);
            let rungs = rates.into_iter().map(|kbps| rung((u16::arbitrary(g).max(1), kbps)));
            Self::new(rungs.collect()).unwrap()
        }
    }

    fn check(rungs: &[(u16, u32)], expected: Result<(), InputError>) {
        assert_eq!(Ladder::new(rungs.iter().copied().map(rung).collect()).map(|_| ()), expected);
    }

    #[test]
    fn refuses_what_is_no_ladder() {
        check(&[], Err(InputError::LadderEmpty));
        check(&[(360, 500)], Ok(()));
        check(&[(360, 500), (480, 500)], Err(InputError::LadderNotRising { index: 1 }));
        check(&[(360, 500), (480, 900), (720, 800)], Err(InputError::LadderNotRising { index: 2 }));
        check(&[(0, 500)], Err(InputError::RungZero { index: 0 }));
        check(&[(360, 500), (480, 0)], Err(InputError::RungZero { index: 1 }));
        check(&vec![(360, 500); limits::RUNGS_MAX + 1], Err(InputError::LadderTooLong));
    }

    #[test]
    fn a_height_becomes_the_highest_rung_that_is_not_taller() {
        let ladder = five_rungs();
        for (height, rung) in [(0, 0), (359, 0), (480, 1), (719, 1), (1080, 3), (2159, 3), (u16::MAX, 4)] {
            assert_eq!(ladder.of_height(height), rung, "{height}");
        }
    }
}
