//! Rounds, percentiles, medians.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// How long single calls took, in microseconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Latency {
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
}

/// Times each call of a round; the median of the rounds' percentiles.
pub(crate) fn latency(
    rounds: u32,
    calls: usize,
    mut call: impl FnMut(usize) -> anyhow::Result<()>,
) -> anyhow::Result<Latency> {
    let mut times = Vec::new();
    // The first round warms caches and slots and does not count.
    for round in 0..=rounds {
        let mut times_us = Vec::with_capacity(calls);
        for index in 0..calls {
            let started = Instant::now();
            call(index)?;
            times_us.push(micros(started.elapsed()));
        }
        if round > 0 {
            times.push(times_us);
        }
    }
    Ok(percentiles(times))
}

/// The median of the percentiles of rounds of single calls, in microseconds; a round has at least one.
pub(crate) fn percentiles(rounds: impl IntoIterator<Item = Vec<f64>>) -> Latency {
    let (mut p50, mut p99) = (Vec::new(), Vec::new());
    for mut times_us in rounds {
        times_us.sort_by(f64::total_cmp);
        p50.push(times_us[times_us.len() / 2]);
        p99.push(times_us[(times_us.len() * 99).div_ceil(100) - 1]);
    }
    Latency { p50_us: rounded(median(p50)), p99_us: rounded(median(p99)) }
}

/// Calls per second of each way, their rounds interleaved so that a busy neighbour meets all alike.
pub(crate) fn rates<const N: usize>(
    rounds: u32,
    round_time: Duration,
    mut ways: [&mut dyn FnMut(usize) -> anyhow::Result<()>; N],
) -> anyhow::Result<[f64; N]> {
    let mut rates = [const { Vec::new() }; N];
    for round in 0..=rounds {
        for (way, rates) in ways.iter_mut().zip(&mut rates) {
            let started = Instant::now();
            let mut calls = 0;
            while started.elapsed() < round_time {
                for _ in 0..BETWEEN_CLOCKS {
                    way(calls)?;
                    calls += 1;
                }
            }
            if round > 0 {
                rates.push(calls as f64 / started.elapsed().as_secs_f64());
            }
        }
    }
    Ok(rates.map(|rates| median(rates).round()))
}

/// The middle one; 0 of none.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// Three digits after the point are enough for a ratio or a microsecond.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

pub(crate) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Calls between two looks at the clock, which itself costs tens of nanoseconds.
const BETWEEN_CLOCKS: usize = 64;
