//! The way of a request through the node, in figures.

use std::fmt;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use frontrow_edge::runtime::{Allocation, Generation, RegionFiles, ReleaseFiles, Runtime, RuntimeConfig};
use serde::Serialize;

use crate::measure::{micros, rounded};
use crate::release_files::{REGION, ROW_ENTRIES, TITLES, Wasm, candidates};
use crate::{decisions, http, recommend, sessions};

/// All figures of the bench; times are of this machine on this day.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    rounds: u32,
    pooled: bool,
    prepare: Prepare,
    recommend: recommend::Figures,
    ranked: Ranked,
    bitrate: decisions::Figures,
    fold: sessions::Figures,
    http: http::Figures,
}

/// From files to answers.
#[derive(Debug, Serialize)]
struct Prepare {
    first_ms: f64,
    again_ms: f64,
}

/// The release with a ranker.
#[derive(Debug, Serialize)]
struct Ranked {
    prepare: Prepare,
    recommend: recommend::RankedFigures,
}

pub(crate) fn measure(components: &Path, rounds: u32) -> Result<Figures> {
    let wasm = Wasm::read(components)?;
    let candidates = candidates(TITLES, ROW_ENTRIES)?;
    let cache = tempfile::tempdir().context("a folder for compiled components")?;
    let runtime = Runtime::new(&RuntimeConfig::new(cache.path()))?;
    let regions = [RegionFiles { name: REGION, candidates: &candidates, slate: None }];
    let (generation, prepared) = prepare(&runtime, &wasm.release(&regions, None))?;
    let with_ranker = wasm.release(&regions, Some((RANKER, RANKER_POOL)));
    let (ranking_too, prepared_ranker) = prepare(&runtime, &with_ranker)?;
    Ok(Figures {
        rounds,
        pooled: runtime.allocation() == Allocation::Pooled,
        prepare: prepared,
        recommend: recommend::rows(&generation, &candidates, rounds)?,
        ranked: Ranked {
            prepare: prepared_ranker,
            recommend: recommend::ranked(&ranking_too, RANKER_POOL, rounds)?,
        },
        bitrate: decisions::measure(&generation, rounds)?,
        fold: sessions::measure(&generation, rounds)?,
        http: http::measure(generation, cache.path(), rounds)?,
    })
}

fn prepare(runtime: &Runtime, files: &ReleaseFiles<'_>) -> Result<(Generation, Prepare)> {
    let started = Instant::now();
    runtime.prepare(files)?;
    let first_ms = rounded(micros(started.elapsed()) / 1e3);
    let started = Instant::now();
    let generation = runtime.prepare(files)?;
    Ok((generation, Prepare { first_ms, again_ms: rounded(micros(started.elapsed()) / 1e3) }))
}

/// The ranker that tests use, too: eight features, two hidden layers.
const RANKER: &[u8] = include_bytes!("../../crates/inference/tests/data/ranker-mlp.onnx");

/// Candidates that the ranker puts in order.
const RANKER_POOL: u32 = 100;

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rounds, pooled, prepare, recommend, ranked, bitrate, fold, http } = self;
        let allocation = if *pooled { "pooled" } else { "on demand" };
        writeln!(f, "medians of {rounds} rounds, instances {allocation}")?;
        writeln!(f, "prepare     {:>12.1} ms first, {:.1} ms again", prepare.first_ms, prepare.again_ms)?;
        let rows = &recommend.rows;
        writeln!(f, "recommend   {:>12.1} µs p50, {:.1} µs p99", rows.p50_us, rows.p99_us)?;
        let native = &recommend.rows_native;
        writeln!(
            f,
            "  native    {:>12.1} µs p50, {:.1} µs p99 ({:.2} ×)",
            native.p50_us, native.p99_us, recommend.component_over_native
        )?;
        let page = &recommend.page;
        writeln!(
            f,
            "home        {:>12.1} µs p50, {:.1} µs p99 ({:.2} × a list)",
            page.p50_us, page.p99_us, recommend.page_over_list
        )?;
        let Ranked { prepare, recommend } = ranked;
        let (ranked, pool) = (&recommend.ranked, recommend.pool);
        writeln!(
            f,
            "  ranked    {:>12.1} µs p50, {:.1} µs p99, pool of {pool}",
            ranked.p50_us, ranked.p99_us
        )?;
        writeln!(f, "  prepare   {:>12.1} ms first, {:.1} ms again", prepare.first_ms, prepare.again_ms)?;
        writeln!(f, "bitrate     {:>12.0} /s fresh ({:.2} µs)", bitrate.fresh_per_s, bitrate.fresh_us)?;
        writeln!(f, "  warm      {:>12.0} /s ({:.3} ×)", bitrate.warm_per_s, bitrate.fresh_over_warm)?;
        writeln!(f, "  native    {:>12.0} /s", bitrate.native_per_s)?;
        writeln!(f, "fold        {:>12.0} events/s, {} a call", fold.events_per_s, fold.events_per_call)?;
        writeln!(
            f,
            "  native    {:>12.0} events/s ({:.3} ×)",
            fold.native_events_per_s, fold.component_over_native
        )?;
        writeln!(
            f,
            "http        {:>12.0} requests/s of /v1/bitrate, {} connections",
            http.with_component_per_s, http.connections
        )?;
        writeln!(f, "  native    {:>12.0} requests/s ({:.3} ×)", http.without_per_s, http.with_over_without)
    }
}
