//! `frontrow-evaluate`: how good decisions and sessions are, computed with the code that ships.

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
mod qoe_csv;
mod qoe_events;
mod qoe_rating;
mod qoe_row;
mod qoe_waits;
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
    /// Score sessions told as rows of a table, and hold the scores against what people said.
    ///
    /// Each row is told as the events of a player, folded as a node folds them and scored by the same code.
    /// The README lists the columns; those that are unknown are passed through. Without --json the table
    /// goes to the standard output with the scores as further columns, and how each agrees with --rating to
    /// the standard error.
    ///
    /// Example: cargo xtask evaluate qoe --csv rated.csv --rating mos --json
    Qoe(qoe_csv::Args),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Bitrate(args) => compare::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Fit(args) => fit::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Qoe(args) => qoe_csv::run(&args),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
