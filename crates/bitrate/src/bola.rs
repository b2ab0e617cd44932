//! BOLA-BASIC: buffer-based bit rate selection by Lyapunov optimisation.
//!
//! Source: K. Spiteri, R. Urgaonkar, R. Sitaraman, "BOLA: Near-Optimal Bitrate Adaptation for Online
//! Videos", INFOCOM 2016, sections IV and V-A; the same rule is `Bola` in the authors' simulator Sabre
//! and was the first form of dash.js's `BolaRule`.
//!
//! With the utility `u[m] = ln(S[m] / S[0])` of rung `m`, the buffer level `Q`, the largest level `Qmax`
//! and the segment length `p`, all times in milliseconds, the rung of the greatest
//! `(V * (u[m] + gp) - Q) / S[m]` is fetched, where `V = (Qmax - p) / (u[last] + gp)`: the largest
//! control parameter that never asks for more than the buffer holds. The bit rate stands for the size
//! `S`, as segments have one length.

use alloc::vec::Vec;

use crate::{Buffer, Ladder, real};

/// Weight of smooth playback against quality: the paper's gamma times the segment length.
const GP: f64 = 5.0;

/// The utilities of a ladder's rungs, `ln(S[m] / S[0])`: taken once, as logarithms cost more than all else.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogUtilities {
    // Empty until they are asked for; then one for each rung.
    utilities: Vec<f64>,
}

impl LogUtilities {
    /// Those of `ladder`, always the same one.
    pub(crate) fn of(&mut self, ladder: &Ladder) -> &[f64] {
        if self.utilities.is_empty() {
            let kbps = ladder.rungs().iter().map(|rung| f64::from(rung.rate.get()));
            let lowest_kbps = f64::from(ladder.rungs()[0].rate.get());
            self.utilities.extend(kbps.map(|kbps| real::ln(kbps / lowest_kbps)));
        }
        &self.utilities
    }
}

/// Returns the rung of the greatest score, the lower of equals.
pub(crate) fn rung(ladder: &Ladder, utilities: &[f64], buffer: &Buffer) -> usize {
    let rungs = ladder.rungs();
    let v = ms(buffer.max().saturating_sub(buffer.segment())) / (utilities[rungs.len() - 1] + GP);
    let level = ms(buffer.level());

    let mut best = 0;
    let mut best_score = f64::NEG_INFINITY;
    for (index, (rung, utility)) in rungs.iter().zip(utilities).enumerate() {
        let kbps = f64::from(rung.rate.get());
        let score = (v * (utility + GP) - level) / kbps;
        if score > best_score {
            best = index;
            best_score = score;
        }
    }
    best
}

/// Exact: lengths are far below 2^53 ms, and an absurd one only needs to stay large.
fn ms(length: units::Millis) -> f64 {
    length.get() as f64
}

#[cfg(test)]
mod tests {
    use quickcheck::quickcheck;
    use units::Millis;

    use super::{LogUtilities, rung};
    use crate::ladder::tests::five_rungs;
    use crate::{Buffer, Ladder};

    fn at(ladder: &Ladder, level_ms: u64, max_ms: u64, segment_ms: u64) -> usize {
        let buffer = Buffer::new(Millis::new(level_ms), Millis::new(max_ms), Millis::new(segment_ms));
        rung(ladder, LogUtilities::default().of(ladder), &buffer.unwrap())
    }

    #[test]
    fn an_empty_buffer_asks_for_the_lowest_rung_and_a_full_one_for_the_highest() {
        assert_eq!(at(&five_rungs(), 0, 60_000, 4_000), 0);
        assert_eq!(at(&five_rungs(), 60_000, 60_000, 4_000), 4);
    }

    quickcheck! {
        fn more_buffer_never_lowers_the_rung(ladder: Ladder, low: u16, more: u16, max: u32, segment: u16) -> bool {
            let segment_ms = u64::from(segment) + 1;
            let max_ms = segment_ms + u64::from(max) % 200_000;
            let low_ms = u64::from(low);
            let high_ms = low_ms + u64::from(more);
            at(&ladder, low_ms, max_ms, segment_ms) <= at(&ladder, high_ms, max_ms, segment_ms)
        }
    }
}
