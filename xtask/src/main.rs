//! Everything one does with this repository: set it up, build, show, test, measure.

mod build;
mod demo;
mod faiss;
mod fuzz;
mod node_peers;
mod setup;
mod shell;
mod test;
mod tidy;
mod wasm_std;
mod www;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Set up, build, show, test and measure Frontrow.
///
/// `cargo xtask demo` and `cargo xtask test` do everything on a fresh machine; all commands can be
/// run again at any time.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start an origin, two edge nodes and the page, and tell the story of a release.
    Demo(demo::Args),
    /// Check format, lints, layers, and run every test.
    Test(test::Args),
    /// Install what is missing on this machine: packages, wasm targets, the page's tools.
    Setup,
    /// Compare the tree with the rules of ARCHITECTURE.md and CONTRIBUTING.md.
    Tidy,
    /// Build the four components into target/components.
    Components,
    /// Build the browser form into www/dist.
    Www,
    /// Compute quality with the shipped code; prints one JSON object.
    ///
    /// Examples: cargo xtask evaluate recommend --sequences loo5.txt
    /// cargo xtask evaluate bitrate --traces traces/ --video video/ --json
    /// cargo xtask evaluate qoe --csv rated.csv --rating mos --json
    #[command(disable_help_flag = true)]
    Evaluate {
        /// `bitrate`, `fit` and `qoe` are handed to `frontrow-evaluate`, everything else to
        /// `frontrow-origin evaluate`; try `bitrate --help` or `recommend --help`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Feed mutated inputs to the parsers and watch that they neither panic nor hang.
    ///
    /// Example: cargo xtask fuzz cmcd --seconds 60
    Fuzz(fuzz::Args),
    /// Measure speed beside a peer in the same run.
    ///
    /// Example: cargo xtask bench spine --json
    #[command(disable_help_flag = true)]
    Bench {
        /// Handed to `frontrow-bench`; try `--help`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Demo(args) => demo::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Setup => setup::everything(),
        Command::Tidy => tidy::run(),
        Command::Components => {
            setup::for_components()?;
            build::components().map(|folder| println!("{}", folder.display()))
        }
        Command::Www => {
            setup::for_page()?;
            www::build()
        }
        Command::Evaluate { arguments } => evaluate(&arguments),
        Command::Fuzz(args) => fuzz::run(&args),
        Command::Bench { arguments } => bench(&arguments),
    }
}

fn evaluate(arguments: &[String]) -> Result<()> {
    // Playing titles needs neither a database nor a catalogue: a build of seconds.
    if arguments.first().is_some_and(|first| ["bitrate", "fit", "qoe"].contains(&first.as_str())) {
        build::evaluate()?;
        return shell::replace(shell::program("frontrow-evaluate")?.args(arguments));
    }
    setup::for_native()?;
    build::native()?;
    shell::replace(shell::program("frontrow-origin")?.arg("evaluate").args(arguments))
}

fn bench(arguments: &[String]) -> Result<()> {
    setup::for_native()?;
    build::native()?;
    let mut bench = shell::program("frontrow-bench")?;
    // The search of whole catalogues and the database run no component.
    if arguments.first().is_none_or(|bench| bench != "faiss" && bench != "ingest") {
        setup::for_components()?;
        bench.env(build::COMPONENTS_VARIABLE, build::components()?);
    }
    if let Some(python) = setup::peers() {
        bench.env("FRONTROW_PEERS_PYTHON", python);
    }
    // Only the bench of the players' standards has them as its peer.
    if arguments.first().is_some_and(|bench| bench == "cmcd")
        && let Some(folder) = node_peers::install()
    {
        bench.env(node_peers::FOLDER_VARIABLE, folder);
    }
    if let Some(built) = faiss::built() {
        bench.env(faiss::BUILD_VARIABLE, built);
    }
    shell::replace(bench.args(arguments))
}
