//! BBA: the buffer level alone says the rate.
//!
//! Source: T.-Y. Huang, R. Johari, N. McKeown, M. Trunnell, M. Watson, "A Buffer-Based Approach to Rate
//! Adaptation", SIGCOMM 2014, Algorithm 1 (BBA-0): a line leads from the lowest rate at the reservoir to
//! the highest at reservoir and cushion, and the rung changes only when the line has crossed a
//! neighbouring rate. Reservoir and cushion are those with which the literature compares (`bb.py` of
//! Pensieve, SIGCOMM 2017), less in a buffer that is small.

use crate::{Buffer, Ladder};

const RESERVOIR_S: f64 = 5.0;
const CUSHION_S: f64 = 10.0;

/// In a buffer smaller than this, reservoir and cushion shrink with it, so that the top is in reach.
const BUFFER_S_MIN: f64 = 20.0;

/// Returns the rung of the line at the buffer's level.
pub(crate) fn rung(ladder: &Ladder, buffer: &Buffer, last: usize) -> usize {
    let rungs = ladder.rungs();
    let top = rungs.len() - 1;
    let kbps = |rung: usize| f64::from(rungs[rung].rate.get());
    let scale = (buffer.max_s() / BUFFER_S_MIN).min(1.0);
    let share = (buffer.level_s() - RESERVOIR_S * scale) / (CUSHION_S * scale);
    if share <= 0.0 {
        return 0;
    }
    if share >= 1.0 {
        return top;
    }
    let line = kbps(0) + share * (kbps(top) - kbps(0));
    if line >= kbps((last + 1).min(top)) {
        return rungs.iter().rposition(|rung| f64::from(rung.rate.get()) <= line).unwrap_or(0).max(last);
    }
    if line <= kbps(last.saturating_sub(1)) {
        return rungs.iter().position(|rung| f64::from(rung.rate.get()) >= line).unwrap_or(top).min(last);
    }
    last
}

#[cfg(test)]
mod tests {
    use units::Millis;

    use super::rung;
    use crate::Buffer;
    use crate::ladder::tests::five_rungs;

    fn check(level_ms: u64, max_ms: u64, last: usize, expected: usize) {
        let buffer = Buffer::new(Millis::new(level_ms), Millis::new(max_ms), Millis::new(4_000)).unwrap();
        assert_eq!(
            rung(&five_rungs(), &buffer, last),
            expected,
            "{level_ms} of {max_ms} ms after rung {last}"
        );
    }

    #[test]
    fn the_reservoir_is_for_the_lowest_rung_and_a_filled_cushion_for_the_highest() {
        check(5_000, 60_000, 4, 0);
        check(15_000, 60_000, 0, 4);
        check(2_000, 8_000, 4, 0);
        check(6_000, 8_000, 0, 4);
    }

    #[test]
    fn the_rung_stays_until_the_line_crosses_a_neighbour() {
        // The line is at 500 + 0.2 × 14,500 = 3,400 kbit/s: between rung 2 (2,500) and 3 (5,000).
        check(7_000, 60_000, 2, 2);
        check(7_000, 60_000, 3, 3);
        check(7_000, 60_000, 0, 2);
        check(7_000, 60_000, 4, 3);
    }
}
