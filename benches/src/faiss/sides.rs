//! Ours and the peer's side of one work, each asked for the same.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use frontrow_origin::retrieval::{FaissIndex, Neighbour, Storage, VectorIndex};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::vectors::DIMENSIONS;
use super::{Metric, one};
use crate::measure::{Latency, median, percentiles, rounded};
use crate::peers::Peer;

/// How an index was made.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Build {
    /// Training and adding.
    pub(super) build_s: f64,
    /// Of its file; what is held in memory is within a percent of it.
    pub(super) index_bytes: u64,
}

/// How it answers.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Answers {
    /// A thousand queries in one call, over all threads: milliseconds per query.
    pub(super) batch_ms_per_query: f64,
    /// One query a call, on one thread, in a process of its own.
    pub(super) one: Latency,
    /// Share of the ten that the flat index finds.
    pub(super) recall_at_10: f64,
    /// Share of viewers whose next title is among the `k` found; no measure of the index alone.
    pub(super) next_at_k: f64,
}

/// How often and how much is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effort {
    pub(super) k: usize,
    pub(super) rounds: u32,
    /// Single queries of a round.
    pub(super) calls: usize,
}

/// What a work is asked with.
pub(super) struct Asked<'a> {
    pub(super) vectors: &'a [f32],
    pub(super) queries: &'a [f32],
    pub(super) next: &'a [u32],
}

/// The origin's index.
pub(super) struct Ours<'a> {
    asked: &'a Asked<'a>,
    truth: Vec<Vec<Neighbour>>,
    index: Option<FaissIndex>,
}

impl<'a> Ours<'a> {
    pub(super) fn new(asked: &'a Asked<'a>) -> Self {
        Self { asked, truth: Vec::new(), index: None }
    }

    pub(super) fn build(&mut self, storage: Storage) -> Result<Build> {
        self.index = None;
        let started = Instant::now();
        let index = FaissIndex::build(self.asked.vectors, DIMENSIONS, storage)?;
        let build_s = rounded(started.elapsed().as_secs_f64());
        // With fewer vectors the origin would keep bytes instead, and another work would be measured.
        ensure!(index.storage() == storage, "too few vectors for {storage:?}");
        let file = tempfile::NamedTempFile::new()?;
        index.save(file.path())?;
        self.index = Some(index);
        Ok(Build { build_s, index_bytes: file.path().metadata()?.len() })
    }

    pub(super) fn search(&mut self, probes: Option<u32>, effort: Effort) -> Result<Answers> {
        let index = self.index.as_mut().context("an index was built")?;
        index.set_probes(probes.unwrap_or(1))?;
        let (mut batch_ms, mut found) = (Vec::new(), Vec::new());
        let queries = self.asked.queries;
        // The first round warms caches and does not count.
        for round in 0..=effort.rounds {
            let started = Instant::now();
            found = index.search(queries, effort.k)?;
            let took_ms = started.elapsed().as_secs_f64() * 1e3;
            if round > 0 {
                batch_ms.push(took_ms / found.len() as f64);
            }
        }
        let one = one::measure(index, probes, queries, effort)?;
        if index.storage() == Storage::Flat {
            self.truth.clone_from(&found);
        }
        let (recall_at_10, next_at_k) = (recall(&found, &self.truth), share_next(&found, self.asked.next));
        Ok(Answers { batch_ms_per_query: rounded(median(batch_ms)), one, recall_at_10, next_at_k })
    }
}

/// Share of the ten nearest that were found.
pub(super) fn recall(found: &[Vec<Neighbour>], truth: &[Vec<Neighbour>]) -> f64 {
    let hits = found.iter().zip(truth).map(|(found, truth)| {
        let is_true = |one: &&Neighbour| truth.iter().take(AT).any(|other| other.index == one.index);
        found.iter().take(AT).filter(is_true).count()
    });
    rounded(hits.sum::<usize>() as f64 / (AT * truth.len()) as f64)
}

fn share_next(found: &[Vec<Neighbour>], next: &[u32]) -> f64 {
    let hits =
        found.iter().zip(next).filter(|(found, next)| found.iter().any(|one| one.index == **next as usize));
    rounded(hits.count() as f64 / next.len() as f64)
}

const AT: usize = 10;

/// PyPI's faiss-cpu.
pub(super) struct Theirs {
    peer: Peer,
    /// What it was told to find the nearest by.
    pub(super) metric: Metric,
    /// What it says it is.
    pub(super) version: String,
    /// Threads it searches a batch with.
    pub(super) threads: u32,
}

#[derive(Deserialize)]
struct Opened {
    version: String,
    threads: u32,
}

#[derive(Deserialize)]
struct Searched {
    batch_s: Vec<f64>,
    one_s: Vec<Vec<f64>>,
    recall_at_10: f64,
    next_at_k: f64,
}

impl Theirs {
    /// Hands over the work in files; none where the peers are not installed.
    pub(super) fn open(asked: &Asked<'_>, metric: Metric, folder: &Path) -> Result<Option<Self>> {
        let Some(mut peer) = Peer::start(include_str!("../../peers/faiss_cpu.py"))? else { return Ok(None) };
        let (vectors, queries) = (folder.join("vectors"), folder.join("queries"));
        write_numbers(&vectors, asked.vectors)?;
        write_numbers(&queries, asked.queries)?;
        let opened: Opened = peer.answer(&json!({
            "do": "open", "vectors_file": vectors, "queries_file": queries, "dimensions": DIMENSIONS,
            "vectors": asked.vectors.len() / DIMENSIONS, "next": asked.next, "metric": metric,
        }))?;
        Ok(Some(Self { peer, metric, version: opened.version, threads: opened.threads }))
    }

    pub(super) fn build(&mut self, storage: Storage) -> Result<Build> {
        let description = match storage {
            Storage::Flat => "Flat".to_owned(),
            Storage::Sq8 => "SQ8".to_owned(),
            Storage::IvfSq8 { lists } => format!("IVF{lists},SQ8"),
            Storage::IvfPq { lists, code_bytes } => format!("IVF{lists},PQ{code_bytes}np"),
        };
        let build: Build = self.peer.answer(&json!({"do": "build", "description": description}))?;
        Ok(Build { build_s: rounded(build.build_s), ..build })
    }

    pub(super) fn search(&mut self, probes: Option<u32>, effort: Effort, exact: bool) -> Result<Answers> {
        let Effort { k, rounds, calls } = effort;
        let ask = json!({
            "do": "search", "probes": probes, "k": k, "rounds": rounds, "calls": calls, "exact": exact,
        });
        let searched: Searched = self.peer.answer(&ask)?;
        let one =
            percentiles(searched.one_s.into_iter().map(|times_s| times_s.iter().map(|s| s * 1e6).collect()));
        let queries = super::vectors::QUERIES as f64;
        let batch_ms_per_query = rounded(median(searched.batch_s) * 1e3 / queries);
        let (recall_at_10, next_at_k) = (rounded(searched.recall_at_10), rounded(searched.next_at_k));
        Ok(Answers { batch_ms_per_query, one, recall_at_10, next_at_k })
    }
}

/// Little-endian, row by row.
pub(super) fn write_numbers(path: &Path, numbers: &[f32]) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for number in numbers {
        file.write_all(&number.to_le_bytes())?;
    }
    Ok(file.flush()?)
}
