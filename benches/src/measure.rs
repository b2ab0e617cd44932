//! Rounds, percentiles, medians.

use std::time::{Duration, Instant};

use serde::Serialize;

/// How long single calls took, in microseconds.
#[derive(Clone, Copy, Debug, Serialize)]
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
    let mut percentiles = (Vec::new(), Vec::new());
    // The first round warms caches and slots and does not count.
    for round in 0..=rounds {
        let mut times_us = Vec::with_capacity(calls);
        for index in 0..calls {
            let started = Instant::now();
            call(index)?;
            times_us.push(micros(started.elapsed()));
        }
        times_us.sort_by(f64::total_cmp);
        if round > 0 {
            percentiles.0.push(times_us[calls / 2]);
            percentiles.1.push(times_us[(calls * 99).div_ceil(100) - 1]);
        }
    }
    Ok(Latency { p50_us: rounded(median(percentiles.0)), p99_us: rounded(median(percentiles.1)) })
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
