//! `recommend` through the component call, a fresh instance each, beside the same code without wasm.

use anyhow::{Result, anyhow};
use frontrow_edge::runtime::{Generation, ranking as edge};
use release::CandidateFile;
use serde::Serialize;

use crate::measure::{Latency, latency, rounded};
use crate::release_files::{REGION, ROW_ENTRIES, TITLES, questions};

/// Calls of a round.
const CALLS: usize = 2_000;

/// What was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    pub(crate) candidates: u32,
    pub(crate) row_entries: u32,
    pub(crate) rows: Latency,
    pub(crate) rows_native: Latency,
    pub(crate) component_over_native: f64,
    /// All rows of a page in one invocation.
    pub(crate) page: Latency,
    pub(crate) page_over_list: f64,
}

pub(crate) fn rows(generation: &Generation, candidates: &[u8], rounds: u32) -> Result<Figures> {
    let questions = questions(CALLS);
    let rows = latency(rounds, CALLS, |call| {
        generation.recommend(REGION, &questions[call])?;
        Ok(())
    })?;
    let pages: Vec<edge::HomeRequest> = questions
        .iter()
        .map(|question| edge::HomeRequest { request: question.clone(), in_progress: Vec::new() })
        .collect();
    let page = latency(rounds, CALLS, |call| {
        generation.home(REGION, &pages[call])?;
        Ok(())
    })?;
    let file = CandidateFile::decode(candidates).map_err(|error| anyhow!("{error}"))?;
    let rules = ranking::Rules::new(8.0, 50, 0).map_err(|error| anyhow!("{error:?}"))?;
    let native: Vec<ranking::Request> = questions
        .iter()
        .map(|question| ranking::Request {
            history: question.history.clone(),
            exclude: question.exclude.clone(),
            k: question.k,
            at_unix_ms: question.at_unix_ms,
            maturity_max_years: question.maturity_max,
            seed: question.seed,
        })
        .collect();
    let rows_native = latency(rounds, CALLS, |call| {
        ranking::recommend(&file.candidates, &rules, &native[call], None)
            .map_err(|error| anyhow!("{error:?}"))?;
        Ok(())
    })?;
    Ok(Figures {
        candidates: TITLES,
        row_entries: ROW_ENTRIES,
        component_over_native: rounded(rows.p50_us / rows_native.p50_us),
        page_over_list: rounded(page.p50_us / rows.p50_us),
        page,
        rows,
        rows_native,
    })
}

/// The same with the ranker's instance nested in it.
#[derive(Debug, Serialize)]
pub(crate) struct RankedFigures {
    pub(crate) pool: u32,
    pub(crate) ranked: Latency,
}

pub(crate) fn ranked(generation: &Generation, pool: u32, rounds: u32) -> Result<RankedFigures> {
    let questions = questions(CALLS / 4);
    let ranked = latency(rounds, questions.len(), |call| {
        let answer = generation.recommend(REGION, &questions[call])?;
        anyhow::ensure!(answer.ranked, "the ranker was not asked");
        Ok(())
    })?;
    Ok(RankedFigures { pool, ranked })
}
