//! BOLA-E and DYNAMIC: BOLA made fit for players.
//!
//! Source: K. Spiteri, R. Sitaraman, D. Sparacio, "From Theory to Practice: Improving Bitrate Adaptation
//! in the DASH Reference Player", MMSys 2018. The published forms keep a placeholder buffer and a switch
//! of their own between decisions; here both follow from the input, so that a decision has no memory:
//! the placeholder is what the sustained rung lacks while the player has fetched less than
//! [`MINIMUM_S`] of media, and DYNAMIC asks the buffer whether it is low.

use crate::{Input, Rung};

/// Buffer at which the lowest rung's score is nought; DYNAMIC calls less than it low. dash.js has the same.
const MINIMUM_S: f64 = 10.0;

/// Share of the buffer's media time in which a chunk must arrive at the measured speed.
const INSUFFICIENT_SHARE: f64 = 0.5;

/// BOLA-E: the rung of the buffer with a placeholder at the start; no rise above what throughput
/// `sustained`s, which would be undone at once; and none that a nearly empty buffer cannot wait for.
pub(crate) fn enhanced(input: &Input, utilities: &[f64], sustained: usize) -> usize {
    let Some(control) = Control::new(input, utilities) else { return 0 };
    let fetched_s = input.history.samples().len() as f64 * input.buffer.segment_s();
    let is_start = fetched_s < control.minimum_s;
    let mut rung = control.rung(input.buffer.level_s());
    if is_start {
        // A placeholder that is just enough for the sustained rung asks for it: more buffer never asks for less, and
        // of utilities that are logarithms of rates each is the best at some level.
        rung = rung.max(sustained);
    }
    let last = input.last_rung();
    if rung > last && rung > sustained {
        rung = last.max(sustained);
    }
    if is_start { rung } else { rung.min(bearable(input)) }
}

/// Samples that are enough to tell that a session with such segments is not at its start.
pub(crate) fn samples_of_start(segment_ms: u32) -> usize {
    (MINIMUM_S * 1e3 / f64::from(segment_ms.max(1))) as usize + 1
}

/// DYNAMIC: the throughput rule while the buffer is low and BOLA-E asks for less, BOLA-E otherwise.
pub(crate) fn dynamic(input: &Input, utilities: &[f64], sustained: usize) -> usize {
    let rung = enhanced(input, utilities, sustained);
    let is_low = input.buffer.level_s() < minimum_s(input);
    if is_low { rung.max(sustained) } else { rung }
}

/// The highest rung whose next chunk arrives in half the time the buffer lasts.
fn bearable(input: &Input) -> usize {
    let kbps = input.history.speed().kbps().unwrap_or(0.0);
    let bits_max = INSUFFICIENT_SHARE * input.buffer.level_s() * kbps * 1e3;
    let chunk_s = input.buffer.segment_s();
    let rungs = 0..input.ladder.rungs().len();
    rungs.rev().find(|rung| input.ahead.bits(&input.ladder, 0, *rung, chunk_s) <= bits_max).unwrap_or(0)
}

/// Half of a small buffer: its top must stay in reach.
fn minimum_s(input: &Input) -> f64 {
    MINIMUM_S.min(input.buffer.max_s() / 2.0)
}

/// BOLA's two parameters, set so that the score of the lowest rung is nought at `minimum_s` and that of the
/// highest at a full buffer.
struct Control<'a> {
    minimum_s: f64,
    v: f64,
    gp: f64,
    rungs: &'a [Rung],
    utilities: &'a [f64],
}

impl<'a> Control<'a> {
    /// None for a single rung: there is nothing to weigh.
    fn new(input: &'a Input, utilities: &'a [f64]) -> Option<Self> {
        let minimum_s = minimum_s(input);
        let top = utilities[utilities.len() - 1];
        if top <= 0.0 {
            return None;
        }
        let gp = top / (input.buffer.max_s() / minimum_s - 1.0);
        Some(Self { minimum_s, v: minimum_s / gp, gp, rungs: input.ladder.rungs(), utilities })
    }

    fn kbps(&self, rung: usize) -> f64 {
        f64::from(self.rungs[rung].rate.get())
    }

    fn rung(&self, level_s: f64) -> usize {
        let score = |rung: usize| (self.v * (self.utilities[rung] + self.gp) - level_s) / self.kbps(rung);
        let better = |best: (usize, f64), rung: usize| {
            let score = score(rung);
            if score > best.1 { (rung, score) } else { best }
        };
        (1..self.rungs.len()).fold((0, score(0)), better).0
    }
}
