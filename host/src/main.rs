//! `frontrow-edge`: the life of a node, from its configuration to its exit code.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use frontrow_edge::config::Config;
use frontrow_edge::edge::{Edge, StartError};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};
use tracing_subscriber::EnvFilter;

/// Gives memory back: compiling a release takes hundreds of megabytes for some seconds, and the system's allocator would
/// keep them.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Recommendation, bit rate and QoE decisions at the CDN edge.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The node's configuration, as cdn-config/edge.toml.
    #[arg(long)]
    config: PathBuf,
    /// Written when the node listens: JSON with its addresses.
    #[arg(long)]
    ready_file: Option<PathBuf>,
    /// Only check the configuration.
    #[arg(long)]
    check: bool,
}

/// Wrong configuration, wrong folder, taken port: the operator has to do something first.
const EXIT_NOT_STARTED: u8 = 2;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let config = match Config::read(&arguments.config) {
        Ok(config) => config,
        Err(error) => return not_started(&error.into()),
    };
    if arguments.check {
        return match frontrow_edge::settings::Settings::build(&config) {
            Ok(_) => ExitCode::SUCCESS,
            Err(error) => not_started(&error.into()),
        };
    }
    log();
    // By name: rustls refuses to choose when a build brings two.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        warn!("a provider of cryptography was installed before");
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    match runtime.block_on(live(config, &arguments)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => not_started(&error),
        Err(error) => failed(&error),
    }
}

/// Starts, serves until told to end, drains.
async fn live(config: Config, arguments: &Arguments) -> anyhow::Result<Result<(), StartError>> {
    // Before anything is started: a signal that comes early must not be lost.
    let mut hangup = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let edge = match Edge::start(config).await {
        Ok(edge) => edge,
        Err(error) => return Ok(Err(error)),
    };
    info!(public = %edge.public, admin = %edge.admin, "listening");
    if let Some(path) = &arguments.ready_file {
        write_ready_file(path, &edge).with_context(|| format!("cannot write {}", path.display()))?;
    }
    loop {
        tokio::select! {
            _ = hangup.recv() => match edge.reload(&arguments.config) {
                Ok(()) => info!("configuration loaded again"),
                Err(error) => warn!(code = error.code(), %error, "configuration refused, the old one holds"),
            },
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
    }
    info!("draining");
    edge.drain().await;
    Ok(Ok(()))
}

/// Whole or not at all: whoever waits for the file must not read half of it.
fn write_ready_file(path: &Path, edge: &Edge) -> std::io::Result<()> {
    let ready = json!({
        "public": edge.public.to_string(),
        "admin": edge.admin.to_string(),
        "pid": std::process::id(),
    });
    let aside = path.with_extension("aside");
    std::fs::write(&aside, format!("{ready}\n"))?;
    std::fs::rename(aside, path)
}

/// `RUST_LOG` chooses what is logged, as `frontrow_edge=debug`.
fn log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr).init();
}

fn not_started(error: &StartError) -> ExitCode {
    eprintln!("frontrow-edge: {}: {error}", error.code());
    ExitCode::from(EXIT_NOT_STARTED)
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("frontrow-edge: failed: {error:#}");
    ExitCode::FAILURE
}
