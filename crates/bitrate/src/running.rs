//! A download under way: let it go on, or abandon it for a lower rung.

use alloc::vec::Vec;

use units::Millis;

use crate::plan::{self, Step};
use crate::{Input, Sample, Settings, forecast};

/// The download of the next chunk, when it has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    /// Its rung. One above the ladder counts as the highest.
    pub rung: usize,
    /// Size of the chunk.
    pub bytes: u32,
    /// Bytes that have arrived; more than `bytes` count as all.
    pub got: u32,
    /// Since the request.
    pub took: Millis,
    /// Of it, until the first byte; all of it while there is none.
    pub waited: Millis,
}

impl Running {
    /// What the download tells of the network so far; nothing before its first byte.
    fn sample(&self) -> Option<Sample> {
        let took_ms = self.took.get();
        (took_ms > self.waited.get() && self.got > 0).then(|| {
            let kbps = f64::from(self.got) * 8.0 / took_ms as f64;
            Sample { kbps, took: self.took, waited: self.waited }
        })
    }
}

/// Returns the rung with which the plan is worth most: that of the download when it should go on, with only
/// its rest to be fetched, or a lower one out of `rungs` from its first byte on. None when nothing is known.
pub(crate) fn rung(input: &Input, running: &Running, rungs: &[usize], settings: &Settings) -> Option<usize> {
    let forecast = forecast::forecast(&input.history, running.sample().as_ref(), settings)?;
    let own = running.rung.min(input.ladder.rungs().len() - 1);
    let rest = f64::from(running.bytes.saturating_sub(running.got)) * 8.0;
    let chunk_s = input.buffer.segment_s();
    let lower = rungs.iter().filter(|rung| **rung < own).map(|rung| Step {
        rung: *rung,
        bits: input.ahead.bits(&input.ladder, 0, *rung, chunk_s),
        wait_s: forecast.wait_s,
    });
    // The first of equals wins, and that is to go on.
    let steps: Vec<Step> =
        core::iter::once(Step { rung: own, bits: rest, wait_s: 0.0 }).chain(lower).collect();
    plan::best(input, rungs, &steps, &forecast, settings)
}
