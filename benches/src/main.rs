//! Measures: every figure beside what it is to be compared with, in the same run.

mod decisions;
mod faiss;
mod http;
mod load;
mod measure;
mod peers;
mod predict;
mod recommend;
mod release_files;
mod sessions;
mod spine;
mod tower;

use std::fmt::Display;
use std::path::PathBuf;

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
    /// A tower's encoder: a history of 50, and one more; beside onnxruntime.
    Encode(BenchArgs),
    /// The nearest 200 of 27,000 vectors; beside FAISS.
    Retrieval(BenchArgs),
    /// A whole cold answer with tower and rows; beside onnxruntime and FAISS.
    Recommend(BenchArgs),
    /// Matrix factorisation: training, single and batch predictions, the best twenty; beside numpy.
    Predict(BenchArgs),
    /// Search of whole catalogues: flat, bytes, lists and codes; beside PyPI's faiss-cpu.
    Faiss {
        #[command(flatten)]
        args: BenchArgs,
        /// Three million vectors instead of 300,000: 9 GB of memory, 3 GB of disk, a quarter of an hour.
        #[arg(long)]
        full: bool,
    },
    /// A process of `faiss`: single queries on one thread.
    #[command(hide = true)]
    FaissOne(faiss::OneArgs),
}

#[derive(clap::Args)]
struct BenchArgs {
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
    /// Rounds whose median counts.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Folder with ranking.wasm, inference.wasm, bitrate.wasm and qoe.wasm.
    /// Without it: what FRONTROW_COMPONENTS says, else target/components.
    #[arg(long)]
    components: Option<PathBuf>,
}

impl BenchArgs {
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

fn main() -> Result<()> {
    match Cli::parse().bench {
        Bench::Spine(args) => args.print(&spine::measure(&args.components(), args.rounds)?),
        Bench::Encode(args) => args.print(&tower::encode(&args.components(), args.rounds)?),
        Bench::Retrieval(args) => args.print(&tower::retrieval(&args.components(), args.rounds)?),
        Bench::Recommend(args) => args.print(&tower::recommend(&args.components(), args.rounds)?),
        Bench::Predict(args) => args.print(&predict::measure(&args.components(), args.rounds)?),
        Bench::Faiss { args, full } => args.print(&faiss::measure(faiss::large(full), args.rounds)?),
        Bench::FaissOne(args) => faiss::run_one(&args),
    }
}
