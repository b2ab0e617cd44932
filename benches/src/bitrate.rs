//! Bit rate decisions by policy and ladder: native code, a fresh instance each, one instance for all, and packed
//! batches; beside RobustMPC in Python, as people run it.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use ::bitrate::{Ahead, Buffer, History, Input, Ladder, Policy, Rung, Sample, packed};
use anyhow::{Result, anyhow};
use frontrow_edge::runtime::{Generation, RegionFiles, Runtime, RuntimeConfig, bitrate};
use serde::Serialize;
use serde_json::json;
use units::{Kbps, Millis};

use crate::measure::{Latency, latency, median, percentiles, rates};
use crate::peers::Peer;
use crate::release_files::{Dice, REGION, ROW_ENTRIES, TITLES, Wasm, candidates};

/// Each way is measured for so long in a round.
const ROUND_TIME: Duration = Duration::from_millis(60);

/// Calls whose times are told one by one, in a round.
const CALLS: usize = 500;

/// Different questions; they are asked in turn.
const INPUTS: usize = 128;

/// Questions of a packed batch.
const BATCH: usize = 1_024;

/// Chunks to the end of the title, with their sizes.
const CHUNKS: usize = 40;

/// Segment length, and media that the buffer holds.
const SEGMENT_MS: u64 = 4_000;
const BUFFER_MAX_MS: u32 = 60_000;

const LADDERS: [usize; 3] = [6, 8, 10];

const POLICIES: [(&str, Policy); 7] = [
    ("throughput", Policy::Throughput),
    ("bba", Policy::Bba),
    ("bola", Policy::Bola),
    ("bola-e", Policy::BolaE),
    ("dynamic", Policy::Dynamic),
    ("robust-mpc", Policy::RobustMpc),
    ("flagship", Policy::Flagship),
];

/// All figures of the bench.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    rounds: u32,
    policies: Vec<Row>,
    /// RobustMPC in Python, by ladder; empty where the peers are not installed.
    python_robust_mpc: Vec<PeerRow>,
}

/// A policy on a ladder.
#[derive(Debug, Serialize)]
struct Row {
    policy: &'static str,
    rungs: usize,
    native: Speed,
    fresh: Speed,
    warm: Speed,
    /// Decisions in packed batches of 1,024 through one instance.
    packed_per_s: f64,
}

/// One way to decide.
#[derive(Debug, Serialize)]
struct Speed {
    #[serde(flatten)]
    latency: Latency,
    per_s: f64,
}

/// The peer on a ladder.
#[derive(Debug, Serialize)]
struct PeerRow {
    rungs: usize,
    latency: Latency,
}

pub(crate) fn measure(components: &Path, rounds: u32) -> Result<Figures> {
    let wasm = Wasm::read(components)?;
    let candidates = candidates(TITLES, ROW_ENTRIES)?;
    let cache = tempfile::tempdir()?;
    let runtime = Runtime::new(&RuntimeConfig::new(cache.path()))?;
    let regions = [RegionFiles { name: REGION, candidates: &candidates, slate: None }];
    let generation = runtime.prepare(&wasm.release(&regions, None))?;
    let mut policies = Vec::new();
    for rungs in LADDERS {
        for (name, policy) in POLICIES {
            policies.push(row(&generation, name, &inputs(policy, rungs)?, rounds)?);
        }
    }
    Ok(Figures { rounds, policies, python_robust_mpc: peers()? })
}

fn row(generation: &Generation, policy: &'static str, native: &[Input], rounds: u32) -> Result<Row> {
    let asked: Vec<bitrate::Input> = native.iter().map(component_input).collect();
    let batch: Vec<Input> = (0..BATCH).map(|index| native[index % INPUTS].clone()).collect();
    let batch = packed::pack_questions(&batch);
    let mut held = generation.hold_bitrate()?;
    let mut packed = generation.hold_bitrate()?;
    let mut decide = |call: usize| {
        std::hint::black_box(::bitrate::decide(&native[call % INPUTS]));
        Ok(())
    };
    let mut fresh = |call: usize| {
        std::hint::black_box(generation.decide(&asked[call % INPUTS])?);
        Ok(())
    };
    let mut warm = |call: usize| {
        std::hint::black_box(held.decide(&asked[call % INPUTS])?);
        Ok(())
    };
    let latencies = [
        latency(rounds, CALLS, &mut decide)?,
        latency(rounds, CALLS, &mut fresh)?,
        latency(rounds, CALLS, &mut warm)?,
    ];
    let [native_per_s, fresh_per_s, warm_per_s] =
        rates(rounds, ROUND_TIME, [&mut decide, &mut fresh, &mut warm])?;
    let [native_latency, fresh_latency, warm_latency] = latencies;
    let speed = |latency: Latency, per_s: f64| Speed { latency, per_s };
    Ok(Row {
        policy,
        rungs: native[0].ladder.rungs().len(),
        native: speed(native_latency, native_per_s),
        fresh: speed(fresh_latency, fresh_per_s),
        warm: speed(warm_latency, warm_per_s),
        packed_per_s: packed_per_s(&mut |questions| Ok(packed.decide_packed(questions)?), &batch, rounds)?,
    })
}

/// The median over rounds, each of at least one batch.
fn packed_per_s(decide: &mut dyn FnMut(&[u8]) -> Result<Vec<u8>>, batch: &[u8], rounds: u32) -> Result<f64> {
    let mut per_s = Vec::new();
    for round in 0..=rounds {
        let started = std::time::Instant::now();
        let mut decided = 0;
        while decided == 0 || started.elapsed() < ROUND_TIME {
            std::hint::black_box(decide(batch)?);
            decided += BATCH;
        }
        if round > 0 {
            per_s.push(decided as f64 / started.elapsed().as_secs_f64());
        }
    }
    Ok(median(per_s).round())
}

/// From 300 kbit/s on, each rung half as much again.
fn ladder(rungs: usize) -> Result<Ladder> {
    let rate = |rung: i32| (300.0 * 1.5_f64.powi(rung)).round() as u32;
    let rung = |rung: usize| Rung { height: 240 + 120 * rung as u16, rate: Kbps::new(rate(rung as i32)) };
    Ladder::new((0..rungs).map(rung).collect()).map_err(|error| anyhow!("{error}"))
}

fn inputs(policy: Policy, rungs: usize) -> Result<Vec<Input>> {
    let mut dice = Dice(21);
    (0..INPUTS).map(|_| input(policy, rungs, &mut dice).map_err(|error| anyhow!("{error}"))).collect()
}

/// A player in the middle of a title that knows all that players know.
fn input(policy: Policy, rungs: usize, dice: &mut Dice) -> Result<Input> {
    let refused = |error: ::bitrate::InputError| anyhow!("{error}");
    let ladder = ladder(rungs)?;
    let usual = 500 + dice.below(8_000);
    let sample = |dice: &mut Dice| Sample {
        kbps: f64::from(usual / 2 + dice.below(usual)),
        took: Millis::new(u64::from(500 + dice.below(6_000))),
        waited: Millis::new(80),
    };
    let history = History::new((0..20).map(|_| sample(dice)).collect()).map_err(refused)?;
    let level = Millis::new(u64::from(dice.below(BUFFER_MAX_MS)));
    let max = Millis::new(u64::from(BUFFER_MAX_MS));
    let buffer = Buffer::new(level, max, Millis::new(SEGMENT_MS)).map_err(refused)?;
    let bytes = |rung: &Rung, dice: &mut Dice| rung.rate.get() / 8 * 4 / 10 * (8 + dice.below(5)) * 1_000;
    let sizes =
        (0..CHUNKS).flat_map(|_| ladder.rungs().iter().map(|rung| bytes(rung, dice)).collect::<Vec<_>>());
    let sizes: Vec<u32> = sizes.collect();
    let ahead = Ahead::new(&ladder, sizes, u32::try_from(CHUNKS).ok()).map_err(refused)?;
    let last = Some(dice.below(rungs as u32) as usize);
    Ok(Input { last, ahead, ..Input::new(policy, ladder, history, buffer) })
}

fn component_input(input: &Input) -> bitrate::Input {
    let rungs = input.ladder.rungs();
    let ms = |ms: Millis| u32::try_from(ms.get()).unwrap_or(u32::MAX);
    bitrate::Input {
        policy: match input.policy {
            Policy::SeedRules => bitrate::Policy::SeedRules,
            Policy::Throughput => bitrate::Policy::Throughput,
            Policy::Bola => bitrate::Policy::Bola,
            Policy::Bba => bitrate::Policy::Bba,
            Policy::BolaE => bitrate::Policy::BolaE,
            Policy::Dynamic => bitrate::Policy::Dynamic,
            Policy::RobustMpc => bitrate::Policy::RobustMpc,
            Policy::Flagship => bitrate::Policy::Flagship,
        },
        ladder: rungs
            .iter()
            .map(|rung| bitrate::Rung {
                id: format!("{}p", rung.height),
                height: rung.height,
                kbps: rung.rate.get(),
            })
            .collect(),
        rules: Vec::new(),
        samples: input
            .history
            .samples()
            .iter()
            .map(|sample| bitrate::Sample {
                kbps: sample.kbps,
                took_ms: ms(sample.took),
                waited_ms: ms(sample.waited),
            })
            .collect(),
        buffer_ms: ms(input.buffer.level()),
        buffer_max_ms: ms(input.buffer.max()),
        segment_ms: ms(input.buffer.segment()),
        height_max: None,
        kbps_max: None,
        bytes_left: None,
        last_rung: input.last.map(|rung| rung as u32),
        chunk_bytes: input.ahead.known(&input.ladder).to_vec(),
        chunks_left: input.ahead.left(),
        latency_ms: None,
        running: None,
        weights: None,
    }
}

/// RobustMPC by trying every sequence, in Python.
const PEER: &str = include_str!("../peers/robust_mpc.py");

/// Calls of the peer; with ten rungs each takes a good part of a second.
const PEER_CALLS: usize = 5;

fn peers() -> Result<Vec<PeerRow>> {
    let Some(mut peer) = Peer::start(PEER)? else { return Ok(Vec::new()) };
    let mut rows = Vec::new();
    for rungs in LADDERS {
        let mut times_us = Vec::new();
        for input in inputs(Policy::RobustMpc, rungs)?.iter().take(PEER_CALLS) {
            let kbps: Vec<f64> = input.history.samples().iter().map(|sample| sample.kbps).collect();
            let rates: Vec<u32> = input.ladder.rungs().iter().map(|rung| rung.rate.get()).collect();
            let ask = json!({
                "rates_kbps": rates,
                "sizes": input.ahead.known(&input.ladder),
                "samples_kbps": kbps,
                "buffer_s": input.buffer.level().get() as f64 / 1e3,
                "chunk_s": SEGMENT_MS as f64 / 1e3,
                "last": input.last,
            });
            times_us.extend(peer.times_s(&ask)?.into_iter().map(|seconds| seconds * 1e6));
        }
        rows.push(PeerRow { rungs, latency: percentiles([times_us]) });
    }
    Ok(rows)
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "medians of {} rounds; µs p50 and p99, decisions/s", self.rounds)?;
        writeln!(f, "policy      rungs           native            fresh             warm     packed/s")?;
        for Row { policy, rungs, native, fresh, warm, packed_per_s } in &self.policies {
            write!(f, "{policy:<11} {rungs:>5}")?;
            for Speed { latency: Latency { p50_us, p99_us }, .. } in [native, fresh, warm] {
                write!(f, " {p50_us:>8.2}{p99_us:>8.2}")?;
            }
            writeln!(f, " {packed_per_s:>12.0}")?;
        }
        for PeerRow { rungs, latency: Latency { p50_us, p99_us } } in &self.python_robust_mpc {
            writeln!(f, "RobustMPC in Python, {rungs} rungs: {p50_us:.0} µs p50, {p99_us:.0} µs p99")?;
        }
        Ok(())
    }
}
