//! RobustMPC: the best sequence of the next five rungs under a pessimistic throughput.
//!
//! Source: X. Yin, A. Jindal, V. Sekar, B. Sinopoli, "A Control-Theoretic Approach for Dynamic Adaptive
//! Video Streaming over HTTP", SIGCOMM 2015, in the form that the literature compares with (`mpc.py` of
//! Pensieve, SIGCOMM 2017): the harmonic mean of the last five samples over one plus the greatest
//! relative error of the last five such predictions. The errors are those of the history given, so that
//! none is carried from one title to the next.

use crate::{History, Input, SAMPLES_USED, Speed};

/// Chunks that are planned together.
const HORIZON: usize = 5;

/// Sequences that differ by less are equal: a rise for the last chunk of a horizon gains exactly what it
/// costs, and the rounding of a sum must not decide.
const EQUAL: f64 = 1e-9;

/// Returns the first rung of the best sequence, the higher of equals as in the published code, out of
/// `rungs`, which is not empty and rising.
pub(crate) fn rung(input: &Input, rungs: &[usize]) -> usize {
    let Some(kbps) = pessimistic_kbps(&input.history) else { return rungs[0] };
    let left = input.ahead.left().map_or(HORIZON, |left| left as usize);
    let search = Search {
        input,
        rungs,
        utilities: &input.utilities(),
        bits_per_s: kbps * 1e3,
        chunk_s: input.buffer.segment_s(),
        horizon: left.clamp(1, HORIZON),
    };
    let mut best = Best { worth: f64::NEG_INFINITY, first: rungs[0] };
    let level_s = input.buffer.level_s();
    search.extend(
        0,
        State { last: input.last_rung(), level_s, first: rungs[0], ..State::default() },
        &mut best,
    );
    best.first
}

/// The harmonic mean of the newest samples over one plus the greatest error of the newest predictions;
/// none without a sample.
pub(crate) fn pessimistic_kbps(history: &History) -> Option<f64> {
    let samples = history.samples();
    let kbps = history.speed().kbps()?;
    let oldest = samples.len().saturating_sub(SAMPLES_USED).max(1);
    let mut error_max = 0.0;
    for at in oldest..samples.len() {
        let seen = samples[at].kbps;
        let predicted = Speed::of(&samples[..at]).kbps()?;
        let error = (predicted - seen).abs() / seen;
        // Where nothing arrived, any prediction was infinitely wrong; the mean is zero then anyway.
        error_max = if error > error_max { error } else { error_max };
    }
    Some(kbps / (1.0 + error_max))
}

struct Search<'a> {
    input: &'a Input,
    rungs: &'a [usize],
    utilities: &'a [f64],
    bits_per_s: f64,
    chunk_s: f64,
    horizon: usize,
}

#[derive(Clone, Copy, Default)]
struct State {
    last: usize,
    level_s: f64,
    first: usize,
    utility: f64,
    stall_s: f64,
    change: f64,
}

struct Best {
    worth: f64,
    first: usize,
}

impl Search<'_> {
    fn worth(&self, state: &State) -> f64 {
        let weights = &self.input.weights;
        state.utility - weights.stall() * state.stall_s - weights.change() * state.change
    }

    fn extend(&self, depth: usize, state: State, best: &mut Best) {
        if depth == self.horizon {
            let worth = self.worth(&state);
            if worth > best.worth + EQUAL {
                *best = Best { worth, first: state.first };
            }
            return;
        }
        let utility_max = self.utilities[self.rungs[self.rungs.len() - 1]];
        for &rung in self.rungs.iter().rev() {
            let next = self.after(depth, &state, rung);
            // Even the top rung for the rest, without a stall or a change, would not be better.
            let rest = (self.horizon - depth - 1) as f64 * utility_max;
            if self.worth(&next) + rest > best.worth + EQUAL {
                self.extend(depth + 1, next, best);
            }
        }
    }

    fn after(&self, depth: usize, state: &State, rung: usize) -> State {
        let Input { ahead, ladder, .. } = self.input;
        let download_s = ahead.bits(ladder, depth, rung, self.chunk_s) / self.bits_per_s;
        let stall_s = (download_s - state.level_s).max(0.0);
        State {
            last: rung,
            level_s: (state.level_s - download_s).max(0.0) + self.chunk_s,
            first: if depth == 0 { rung } else { state.first },
            utility: state.utility + self.utilities[rung],
            stall_s: state.stall_s + stall_s,
            change: state.change + (self.utilities[rung] - self.utilities[state.last]).abs(),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use quickcheck::quickcheck;

    use super::{EQUAL, HORIZON, pessimistic_kbps, rung};
    use crate::{History, Input};

    /// Every sequence, without a bound.
    fn exhaustive(input: &Input, rungs: &[usize], horizon: usize, kbps: f64) -> Vec<(usize, f64)> {
        let chunk_s = input.buffer.segment_s();
        let utilities = input.utilities();
        let mut best: Vec<(usize, f64)> = rungs.iter().map(|rung| (*rung, f64::NEG_INFINITY)).collect();
        for code in 0..rungs.len().pow(horizon as u32) {
            let (mut rest, mut level_s, mut last, mut worth) =
                (code, input.buffer.level_s(), input.last_rung(), 0.0);
            for chunk in 0..horizon {
                let rung = rungs[rest % rungs.len()];
                rest /= rungs.len();
                let download_s = input.ahead.bits(&input.ladder, chunk, rung, chunk_s) / (kbps * 1e3);
                worth += utilities[rung] - input.weights.stall() * (download_s - level_s).max(0.0);
                worth -= input.weights.change() * (utilities[rung] - utilities[last]).abs();
                level_s = (level_s - download_s).max(0.0) + chunk_s;
                last = rung;
            }
            let first = &mut best[code % rungs.len()].1;
            *first = first.max(worth);
        }
        best
    }

    quickcheck! {
        fn the_bound_never_costs_the_best_sequence(input: Input) -> bool {
            let rungs: Vec<usize> = (0..input.ladder.rungs().len().min(4)).collect();
            let Some(kbps) = pessimistic_kbps(&input.history).filter(|kbps| *kbps > 1.0) else { return true };
            let horizon = input.ahead.left().map_or(HORIZON, |left| (left as usize).clamp(1, HORIZON));
            let worths = exhaustive(&input, &rungs, horizon, kbps);
            let most = worths.iter().map(|(_, worth)| *worth).fold(f64::NEG_INFINITY, f64::max);
            let chosen = worths[rung(&input, &rungs)].1;
            // Sums of large stalls round coarsely.
            chosen >= most - EQUAL - most.abs() * 1e-9
        }
    }

    #[test]
    fn the_mean_is_divided_by_one_plus_the_greatest_error() {
        // The third sample was predicted as 2,000 (the mean of two equal ones) and came as 1,000: an error
        // of 1. The harmonic mean of all is 3 / (1/2000 + 1/2000 + 1/1000) = 1,500.
        let history = History::of_speeds(&[2_000.0, 2_000.0, 1_000.0]).unwrap();
        assert_eq!(pessimistic_kbps(&history), Some(750.0));
        assert_eq!(pessimistic_kbps(&History::of_speeds(&[2_000.0]).unwrap()), Some(2_000.0));
        assert_eq!(pessimistic_kbps(&History::default()), None);
    }

    #[test]
    fn an_odd_sample_is_forgotten_when_neither_a_mean_nor_an_error_holds_it() {
        let mut samples = [2_000.0; 16];
        samples[5] = 1_000.0;
        let at = |count: usize| pessimistic_kbps(&History::of_speeds(&samples[..count]).unwrap()).unwrap();
        assert!(at(10) < 1_500.0);
        assert!(at(15) < 2_000.0);
        assert_eq!(at(16), 2_000.0);
    }
}
