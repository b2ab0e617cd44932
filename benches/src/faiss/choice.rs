//! What the origin chooses for a stated recall, and what it then finds.

use std::fmt;
use std::time::Instant;

use anyhow::Result;
use frontrow_origin::retrieval::{Built, FaissIndex, Storage, VectorIndex, build_for_recall};
use serde::Serialize;

use super::one;
use super::sides::{Effort, recall};
use super::vectors::{DIMENSIONS, QUERIES, REAL, clustered};
use crate::measure::{Latency, rounded};

/// One catalogue, one stated recall.
#[derive(Debug, Serialize)]
pub(super) struct Choice {
    vectors: usize,
    recall_at_10_stated: f64,
    /// Of queries that played no part in the choice.
    recall_at_10: f64,
    storage: Storage,
    probes: Option<u32>,
    /// Choosing, training and measuring.
    build_s: f64,
    one: Latency,
}

/// Catalogues between the origin's bounds, each with four stated recalls.
pub(super) fn measure(rounds: u32) -> Result<Vec<Choice>> {
    let mut choices = Vec::new();
    for vectors in [REAL, 300_000] {
        eprintln!("▸ generating {vectors} clustered titles");
        let work = clustered(vectors);
        // Half of the viewers choose, the others judge.
        let (chosen_by, judged_by) = work.queries.split_at(QUERIES / 2 * DIMENSIONS);
        let truth = FaissIndex::build(&work.titles, DIMENSIONS, Storage::Flat)?.search(judged_by, AT)?;
        for stated in [0.3, 0.9, 0.95, 1.0] {
            eprintln!("▸ an index of {vectors} for a recall of {stated}");
            let started = Instant::now();
            let built: Built<FaissIndex> = build_for_recall(&work.titles, DIMENSIONS, chosen_by, stated)?;
            let build_s = rounded(started.elapsed().as_secs_f64());
            let mut index = built.index;
            let found = index.search(judged_by, AT)?;
            let one = one::measure(&index, built.probes, judged_by, Effort { k: AT, rounds, calls: 100 })?;
            choices.push(Choice {
                vectors,
                recall_at_10_stated: stated,
                recall_at_10: recall(&found, &truth),
                storage: index.storage(),
                probes: built.probes,
                build_s,
                one,
            });
        }
    }
    Ok(choices)
}

const AT: usize = 10;

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { vectors, recall_at_10_stated: stated, recall_at_10: found, storage, probes, build_s, one } =
            self;
        let probes = probes.map_or_else(|| "all".to_owned(), |probes| probes.to_string());
        let index = format!("{} {probes}", storage.name());
        let Latency { p50_us, p99_us } = one;
        writeln!(
            f,
            "{vectors:>7}{stated:>18}{found:>7.3}  {index:<15}{build_s:>7.1}{p50_us:>12.1}{p99_us:>9.1}"
        )
    }
}
