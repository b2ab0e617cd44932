//! `frontrow-evaluate`: how good bit rate decisions are, computed with the code that ships.

mod bootstrap;
mod choices;
mod compare;
mod error;
mod evolution;
mod files;
mod fit;
mod learn;
mod limits;
mod optimum;
mod player;
mod plot;
mod policies;
mod progress;
mod score;
mod session;
mod settings;
mod trace;
mod video;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Compute quality with the shipped code.
#[derive(Parser)]
#[command(name = "frontrow-evaluate", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Play a title over throughput traces with bit rate policies, and score what a viewer would see.
    ///
    /// The protocol is that of the literature (Pensieve's fixed_env.py): the title's own chunks, a round
    /// trip of 80 ms a chunk, 95 % of the link for payload, a buffer of 60 s looked at every 500 ms when
    /// full, traces from their beginning and again from there at their end, the first chunk at rung 1 and
    /// left out of the means. QoE-lin is the mean over chunks of Mbit/s − 4.3 × stall seconds − |change of
    /// Mbit/s|; QoE-log has ln(rate / lowest rate) and 2.66.
    ///
    /// Example: cargo xtask evaluate bitrate --traces traces/ --video video/ --policy flagship
    /// --policy robust-mpc --json
    Bitrate(Box<compare::Args>),
    /// Fit the flagship's settings to traces, and print them as `--settings` and the crate read them.
    Fit(fit::Args),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Bitrate(args) => compare::run(&args),
        Command::Fit(args) => fit::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
