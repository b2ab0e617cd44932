//! Single queries on one thread, in a process of its own: FAISS counts its threads when it is loaded.
//!
//! With more, even one query waits for all of them, and on a busy machine that wait is what would be measured.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use frontrow_origin::retrieval::{FaissIndex, Storage, VectorIndex};

use super::sides::{Effort, write_numbers};
use super::vectors::DIMENSIONS;
use crate::measure::{Latency, percentiles};

/// What the process is told.
#[derive(clap::Args)]
pub(crate) struct OneArgs {
    index: PathBuf,
    /// JSON.
    storage: String,
    queries: PathBuf,
    probes: u32,
    k: usize,
    rounds: u32,
}

/// Starts the process on an index and the first queries.
pub(super) fn measure(
    index: &FaissIndex,
    probes: Option<u32>,
    queries: &[f32],
    effort: Effort,
) -> Result<Latency> {
    let folder = tempfile::tempdir()?;
    let (index_file, queries_file) = (folder.path().join("index"), folder.path().join("queries"));
    index.save(&index_file)?;
    write_numbers(&queries_file, &queries[..queries.len().min(effort.calls * DIMENSIONS)])?;
    let mut process = Command::new(std::env::current_exe()?);
    process.env("OMP_NUM_THREADS", "1").env("OPENBLAS_NUM_THREADS", "1").stderr(Stdio::inherit());
    process
        .arg("faiss-one")
        .arg(&index_file)
        .arg(serde_json::to_string(&index.storage())?)
        .arg(&queries_file);
    process.args([probes.unwrap_or(1).to_string(), effort.k.to_string(), effort.rounds.to_string()]);
    let output = process.output().context("cannot start a process for single queries")?;
    ensure!(output.status.success(), "single queries ended with {}", output.status);
    serde_json::from_slice(&output.stdout).context("single queries gave no figures")
}

/// The process: prints the latency as JSON.
pub(crate) fn run(args: &OneArgs) -> Result<()> {
    let storage: Storage = serde_json::from_str(&args.storage)?;
    let mut index = FaissIndex::load(&args.index, storage)?;
    index.set_probes(args.probes)?;
    let queries = read_numbers(&args.queries)?;
    let mut rounds_us = Vec::new();
    // The first round warms caches and does not count.
    for round in 0..=args.rounds {
        let times_us = round_us(&mut index, &queries, args.k)?;
        if round > 0 {
            rounds_us.push(times_us);
        }
    }
    println!("{}", serde_json::to_string(&percentiles(rounds_us))?);
    Ok(())
}

fn round_us(index: &mut FaissIndex, queries: &[f32], k: usize) -> Result<Vec<f64>> {
    let time = |query: &[f32]| {
        let started = Instant::now();
        std::hint::black_box(index.search(query, k)?);
        Ok(started.elapsed().as_secs_f64() * 1e6)
    };
    queries.chunks_exact(DIMENSIONS).map(time).collect()
}

fn read_numbers(path: &Path) -> Result<Vec<f32>> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let number = |four: &[u8]| f32::from_le_bytes([four[0], four[1], four[2], four[3]]);
    Ok(bytes.chunks_exact(4).map(number).collect())
}
