//! Measures: every figure beside what it is to be compared with, in the same run.

mod decisions;
mod http;
mod load;
mod measure;
mod recommend;
mod release_files;
mod sessions;
mod spine;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

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
    Spine(SpineArgs),
}

#[derive(clap::Args)]
struct SpineArgs {
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

fn main() -> Result<()> {
    match Cli::parse().bench {
        Bench::Spine(args) => {
            let named = || std::env::var_os("FRONTROW_COMPONENTS").map(PathBuf::from);
            let components = args.components.or_else(named).unwrap_or_else(|| "target/components".into());
            let figures = spine::measure(&components, args.rounds)?;
            if args.json {
                println!("{}", serde_json::to_string(&figures)?);
            } else {
                print!("{figures}");
            }
            Ok(())
        }
    }
}
