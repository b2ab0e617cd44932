//! Search of whole catalogues: the origin's index beside PyPI's faiss-cpu, on the works of the seed system.
//!
//! 1. Which index (26,744 titles, 256 numbers, unit length, k = 100): flat, then {256, 512, 1024} lists ×
//!    {32, 64} bytes × {1 … 128} lists compared, 1,000 queries in one call. The seed asked by L2 distance, and so is
//!    the peer; ours asks by inner product, which orders vectors of length one alike. Codes are others then (the
//!    peer's find up to 0.05 more and take longer), so that only what compares every vector has a ratio.
//! 2. A large catalogue (the titles and normal noise with their means and deviations, k = 10): flat, then 4096 lists
//!    of 32 bytes and 2048 of a byte a number × {1 … 100} lists compared. The noise has no clusters: lists find less
//!    of it than of titles.
//! 3. What the origin chooses for a stated recall: of clustered titles, found for queries that the choice did not see.

mod choice;
mod one;
mod sides;
mod vectors;

use std::fmt;

use anyhow::{Context, Result};
use frontrow_origin::retrieval::Storage;
use serde::Serialize;

use choice::Choice;
pub(crate) use one::{OneArgs, run as run_one};
use sides::{Answers, Asked, Build, Effort, Ours, Theirs};
use vectors::{DIMENSIONS, QUERIES, REAL, SHAPE};

/// What was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    /// How our FAISS was compiled, where `cargo xtask` knows.
    faiss_build: Option<String>,
    peer: Option<String>,
    /// Threads of a batch; single queries take one.
    threads: u32,
    dimensions: usize,
    queries_in_batch: usize,
    shape: &'static str,
    which_index: Section,
    large_catalogue: Section,
    chosen: Vec<Choice>,
    /// Of our process, at its largest.
    resident_bytes_max: u64,
}

/// A work.
#[derive(Debug, Serialize)]
struct Section {
    vectors: usize,
    k: usize,
    peer_metric: Metric,
    rows: Vec<Row>,
}

/// By what the peer finds the nearest; ours always by the inner product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Metric {
    L2,
    Ip,
}

/// One index with one setting.
#[derive(Debug, Serialize)]
struct Row {
    storage: Storage,
    probes: Option<u32>,
    ours: Side,
    peer: Option<Side>,
    /// Time of ours over the peer's: a batch, and the median of one query; none where the metrics differ.
    ours_over_peer: Option<[f64; 2]>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Side {
    #[serde(flatten)]
    build: Build,
    #[serde(flatten)]
    answers: Answers,
}

/// The size of the large catalogue.
pub(crate) fn large(full: bool) -> usize {
    if full { 3_000_000 } else { 300_000 }
}

/// Measures all three.
pub(crate) fn measure(large: usize, rounds: u32) -> Result<Figures> {
    eprintln!("▸ generating {REAL} titles of {DIMENSIONS} numbers");
    let work = vectors::clustered(REAL);
    let folder = tempfile::tempdir().context("a folder for the peer's vectors")?;
    let folder = folder.path();
    let asked = Asked { vectors: &work.titles, queries: &work.queries, next: &work.next };
    let mut peer = Theirs::open(&asked, Metric::L2, folder)?;
    let effort = Effort { k: 100, rounds, calls: 100 };
    let rows = section(&asked, peer.as_mut(), &which_index(), effort)?;
    let which_index = Section { vectors: REAL, k: effort.k, peer_metric: Metric::L2, rows };
    let (version, threads) = peer.map_or((None, None), |peer| (Some(peer.version), Some(peer.threads)));

    eprintln!("▸ generating {large} vectors");
    let all = vectors::with_noise(&work.titles, large);
    let asked = Asked { vectors: &all, queries: &work.queries, next: &work.next };
    let mut peer = Theirs::open(&asked, Metric::Ip, folder)?;
    // A flat scan of three million takes a fifth of a second a query.
    let effort = Effort { k: 10, rounds: rounds.min(3), calls: 20 };
    let rows = section(&asked, peer.as_mut(), &large_catalogue(), effort)?;
    let large_catalogue = Section { vectors: large, k: effort.k, peer_metric: Metric::Ip, rows };
    drop((peer, all));

    Ok(Figures {
        faiss_build: std::env::var("FRONTROW_FAISS_BUILD").ok(),
        peer: version,
        threads: threads.map_or_else(threads_here, Ok)?,
        dimensions: DIMENSIONS,
        queries_in_batch: QUERIES,
        shape: SHAPE,
        which_index,
        large_catalogue,
        chosen: choice::measure(rounds)?,
        resident_bytes_max: resident_bytes_max()?,
    })
}

fn threads_here() -> Result<u32> {
    Ok(u32::try_from(std::thread::available_parallelism()?.get())?)
}

/// Each storage with the lists to compare.
fn which_index() -> Vec<(Storage, Vec<Option<u32>>)> {
    let mut indexes = vec![(Storage::Flat, vec![None])];
    for lists in [256, 512, 1_024] {
        for code_bytes in [32, 64] {
            let probes = [1, 4, 8, 16, 32, 64, 128].map(Some).to_vec();
            indexes.push((Storage::IvfPq { lists, code_bytes }, probes));
        }
    }
    // Not in the seed's work: what the origin takes at this size.
    indexes.push((Storage::Sq8, vec![None]));
    indexes
}

fn large_catalogue() -> Vec<(Storage, Vec<Option<u32>>)> {
    let probes = || [1, 5, 10, 20, 50, 100].map(Some).to_vec();
    vec![
        (Storage::Flat, vec![None]),
        (Storage::IvfPq { lists: 4_096, code_bytes: 32 }, probes()),
        (Storage::IvfSq8 { lists: 2_048 }, probes()),
        // Not in the seed's work, as above.
        (Storage::Sq8, vec![None]),
    ]
}

fn section(
    asked: &Asked<'_>,
    mut peer: Option<&mut Theirs>,
    indexes: &[(Storage, Vec<Option<u32>>)],
    effort: Effort,
) -> Result<Vec<Row>> {
    let mut ours = Ours::new(asked);
    let mut rows = Vec::new();
    for (storage, settings) in indexes {
        let count = asked.vectors.len() / DIMENSIONS;
        eprintln!("▸ {} {storage:?} of {count} vectors, then the peer's", storage.name());
        let build = ours.build(*storage)?;
        let their_build = peer.as_mut().map(|peer| peer.build(*storage)).transpose()?;
        eprintln!("  built in {:.1} s", build.build_s);
        for &probes in settings {
            let side = Side { build, answers: ours.search(probes, effort)? };
            let theirs = match (peer.as_mut(), their_build) {
                (Some(peer), Some(build)) => {
                    let answers = peer.search(probes, effort, *storage == Storage::Flat)?;
                    Some(Side { build, answers })
                }
                _ => None,
            };
            let is_like =
                storage.lists().is_none() || peer.as_ref().is_some_and(|peer| peer.metric == Metric::Ip);
            let ours_over_peer = theirs.filter(|_| is_like).map(|theirs| {
                let ratio = |ours: f64, theirs: f64| crate::measure::rounded(ours / theirs);
                [
                    ratio(side.answers.batch_ms_per_query, theirs.answers.batch_ms_per_query),
                    ratio(side.answers.one.p50_us, theirs.answers.one.p50_us),
                ]
            });
            rows.push(Row { storage: *storage, probes, ours: side, peer: theirs, ours_over_peer });
        }
    }
    Ok(rows)
}

/// The kernel's own mark of the most that was resident at once.
fn resident_bytes_max() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("a line VmHWM")?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes << 10)
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unknown = || "unknown".to_owned();
        writeln!(
            f,
            "ours: FAISS 1.12, {}; peer: {}; {} threads a batch of {}, one a single query; {} numbers",
            self.faiss_build.clone().unwrap_or_else(unknown),
            self.peer.clone().unwrap_or_else(|| "none".to_owned()),
            self.threads,
            self.queries_in_batch,
            self.dimensions,
        )?;
        for section in [&self.which_index, &self.large_catalogue] {
            writeln!(f, "\n{} vectors, k = {}", section.vectors, section.k)?;
            writeln!(
                f,
                "index          probes  build s      MB  recall@10  next@k  batch ms/query  one µs p50     p99  × peer"
            )?;
            for row in &section.rows {
                write!(f, "{row}")?;
            }
        }
        writeln!(
            f,
            "\nwhat the origin chooses\nvectors  recall@10 stated  found  index, probes  build s  one µs p50  p99"
        )?;
        for choice in &self.chosen {
            write!(f, "{choice}")?;
        }
        writeln!(f, "{:.0} MB resident at most", self.resident_bytes_max as f64 / 1e6)
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.storage {
            Storage::IvfPq { lists, code_bytes } => format!("IVF{lists}-PQ{code_bytes}"),
            Storage::IvfSq8 { lists } => format!("IVF{lists}-SQ8"),
            Storage::Flat | Storage::Sq8 => self.storage.name().to_uppercase(),
        };
        let probes = self.probes.map_or_else(|| "all".to_owned(), |probes| probes.to_string());
        for (who, side) in [(name, Some(self.ours)), ("  faiss-cpu".to_owned(), self.peer)] {
            let Some(Side { build, answers }) = side else { continue };
            write!(
                f,
                "{who:<15}{probes:>6}{:>9.1}{:>8.1}{:>11.3}{:>8.3}{:>16.4}{:>12.1}{:>8.1}",
                build.build_s,
                build.index_bytes as f64 / 1e6,
                answers.recall_at_10,
                answers.next_at_k,
                answers.batch_ms_per_query,
                answers.one.p50_us,
                answers.one.p99_us,
            )?;
            match self.ours_over_peer {
                Some([batch, one]) if !who.starts_with(' ') => writeln!(f, "  {batch:.2} {one:.2}")?,
                _ => writeln!(f)?,
            }
        }
        Ok(())
    }
}
