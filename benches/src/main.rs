//! Measures: every figure beside what it is to be compared with, in the same run.

mod bitrate;
mod cmcd;
mod decisions;
mod deep_ranker;
mod events;
mod faiss;
mod http;
mod ingest;
mod interrupt;
mod load;
mod measure;
mod peers;
mod predict;
mod rank;
mod recommend;
mod release_files;
mod service;
mod sessions;
mod spine;
mod tower;

use std::fmt::Display;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use serde::Serialize;

/// Measures Frontrow. Figures are medians over rounds; nothing here passes or fails.
#[derive(Parser)]
#[command(name = "frontrow-bench", version)]
struct Cli {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Subcommand)]
enum Bench {
    /// The way of a request through the node: recommend, bitrate, fold, HTTP.
    Spine(BenchArgs),
    /// Bit rate decisions by policy and ladder; beside RobustMPC in Python.
    Bitrate(BenchArgs),
    /// Lines of CMCD into sessions, and scores of sessions; beside the library of web players.
    Cmcd(BenchArgs),
    /// A tower's encoder: a history of 50, and one more; beside onnxruntime.
    Encode(BenchArgs),
    /// The nearest 200 of 27,000 vectors; beside FAISS.
    Retrieval(BenchArgs),
    /// The best 200 in the order of a ranker that sees the vectors; beside onnxruntime.
    Rank(BenchArgs),
    /// A whole cold answer with tower, rows and ranker; beside onnxruntime and FAISS.
    Recommend(BenchArgs),
    /// Matrix factorisation: training, single and batch predictions, the best twenty; beside numpy.
    Predict(BenchArgs),
    /// Search of whole catalogues: flat, bytes, lists and codes; beside PyPI's faiss-cpu.
    Faiss {
        #[command(flatten)]
        args: BenchArgs,
        /// Three million vectors instead of 300,000: 3 GB of numbers, which the two sides hold up to four times.
        #[arg(long)]
        full: bool,
    },
    /// Events into PostgreSQL through the origin; beside `psql \\copy` of the same rows.
    Ingest {
        /// Print one JSON object instead of a table.
        #[arg(long)]
        json: bool,
        /// Events to store.
        #[arg(long, default_value_t = 400_000, value_parser = clap::value_parser!(u32).range(20_000..=20_000_000))]
        rows: u32,
        /// Rounds whose median counts.
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
        rounds: u32,
    },
    /// A process of `faiss`: single queries on one thread.
    #[command(hide = true)]
    FaissOne(faiss::OneArgs),
    /// `POST /v1/recommend` under open-loop load up to saturation: a node, its models in wasm and natively, beside a
    /// service in Python in two forms.
    Http(HttpArgs),
    /// `POST /v1/events`, end to end and on the disk: a node under load, beside the seed's own work in Python.
    Events(EventsArgs),
    /// A process of `events`: the players.
    #[command(hide = true)]
    EventsLoad(events::LoadArgs),
}

#[derive(clap::Args)]
struct BenchArgs {
    #[command(flatten)]
    output: Output,
    /// Rounds whose median counts.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
}

#[derive(clap::Args)]
struct HttpArgs {
    #[command(flatten)]
    output: Output,
    /// Requests a second to offer, one after the other, as `500,1000`; without it they climb to saturation.
    #[arg(long, value_delimiter = ',')]
    rates: Vec<f64>,
    /// Time of each rate.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
}

#[derive(clap::Args)]
struct EventsArgs {
    #[command(flatten)]
    output: Output,
    /// Time of each load.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// Runs of the peer whose median counts.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
}

/// What every bench takes.
#[derive(clap::Args)]
struct Output {
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
    /// Folder with ranking.wasm, inference.wasm, bitrate.wasm and qoe.wasm.
    /// Without it: what FRONTROW_COMPONENTS says, else target/components.
    #[arg(long)]
    components: Option<PathBuf>,
}

impl Output {
    fn components(&self) -> PathBuf {
        let named = || std::env::var_os("FRONTROW_COMPONENTS").map(PathBuf::from);
        self.components.clone().or_else(named).unwrap_or_else(|| "target/components".into())
    }

    fn print(&self, figures: &(impl Serialize + Display)) -> Result<()> {
        if self.json {
            println!("{}", serde_json::to_string(figures)?);
        } else {
            print!("{figures}");
        }
        Ok(())
    }
}

fn main() -> ExitCode {
    match run(Cli::parse().bench) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(bench: Bench) -> Result<()> {
    match bench {
        Bench::Spine(BenchArgs { output, rounds }) => {
            output.print(&spine::measure(&output.components(), rounds)?)
        }
        Bench::Bitrate(BenchArgs { output, rounds }) => {
            output.print(&bitrate::measure(&output.components(), rounds)?)
        }
        Bench::Cmcd(BenchArgs { output, rounds }) => {
            output.print(&cmcd::measure(&output.components(), rounds)?)
        }
        Bench::Encode(BenchArgs { output, rounds }) => {
            output.print(&tower::encode(&output.components(), rounds)?)
        }
        Bench::Retrieval(BenchArgs { output, rounds }) => {
            output.print(&tower::retrieval(&output.components(), rounds)?)
        }
        Bench::Rank(BenchArgs { output, rounds }) => {
            output.print(&rank::measure(&output.components(), rounds)?)
        }
        Bench::Recommend(BenchArgs { output, rounds }) => {
            output.print(&tower::recommend(&output.components(), rounds)?)
        }
        Bench::Predict(BenchArgs { output, rounds }) => {
            output.print(&predict::measure(&output.components(), rounds)?)
        }
        Bench::Http(HttpArgs { output, rates, seconds }) => {
            output.print(&service::measure(&output.components(), &rates, seconds)?)
        }
        Bench::Events(EventsArgs { output, seconds, rounds }) => {
            output.print(&events::measure(&output.components(), seconds, rounds)?)
        }
        Bench::EventsLoad(args) => events::run_load(&args),
        Bench::Faiss { args: BenchArgs { output, rounds }, full } => {
            output.print(&faiss::measure(faiss::large(full), rounds)?)
        }
        Bench::Ingest { json, rows, rounds } => {
            let output = Output { json, components: None };
            output.print(&ingest::measure(rows as usize, rounds)?)
        }
        Bench::FaissOne(args) => faiss::run_one(&args),
    }
}
