//! The origin process: reads its arguments, does one thing, and leaves nothing running behind.

use std::io::{IsTerminal, Write};
use std::os::unix::process::CommandExt;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use frontrow_origin::cli::{Cli, Command};
use frontrow_origin::commands;
use frontrow_origin::config::{Config, DatabaseChoice};
use frontrow_origin::context::Context;
use frontrow_origin::database::Address;
use frontrow_origin::error::OriginError;
use frontrow_origin::limits;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let cli = Cli::parse();
    if matches!(cli.command, Command::Serve(_)) {
        search_on_one_thread();
    }
    log_to_stderr(&cli.command);
    // Two providers of TLS are linked; without a choice the first handshake would panic. An error
    // says that one was chosen before, which is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(live(cli));
    // A computation that a signal cut short must not hold the process.
    runtime.shutdown_background();
    match outcome {
        Ok(said) => {
            // A reader that went away is no failure of ours.
            let _ = if said.is_empty() { Ok(()) } else { writeln!(std::io::stdout(), "{said}") };
            ExitCode::SUCCESS
        }
        Err(error) => {
            if let Some(report) = error.report() {
                let _ = writeln!(std::io::stdout(), "{report}");
            }
            eprintln!("error: {}: {error}", error.code());
            ExitCode::from(error.exit_code())
        }
    }
}

/// Becomes the same process with one thread a search, unless whoever starts it has said how many. FAISS counts its
/// threads when it is loaded, and with two a single query waits for both: on a busy machine 12 ms instead of 0.7.
fn search_on_one_thread() {
    const THREADS: &str = "OMP_NUM_THREADS";
    if std::env::var_os(THREADS).is_some() {
        return;
    }
    if let Ok(program) = std::env::current_exe() {
        let mut again = std::process::Command::new(program);
        // Returns only where it fails; searches are slower then, and as right.
        let _ = again.args(std::env::args_os().skip(1)).env(THREADS, "1").exec();
    }
}

async fn live(cli: Cli) -> Result<String, OriginError> {
    if let Command::Evaluate(command) = cli.command {
        // It reads one file and prints; a data folder would only be left lying about.
        return commands::evaluate(command).await;
    }
    let config = Config::read(cli.config.as_deref())?;
    let choice = match std::env::var("DATABASE_URL") {
        Ok(url) => DatabaseChoice::Server(Address::parse(&url)?),
        Err(_) => DatabaseChoice::Private(config.cluster(&cli.data)),
    };
    let context = Arc::new(Context::new(&cli.data, config, choice)?);
    let mut signals = Signals::listen()?;
    let outcome = obey(&context, cli.command, &mut signals).await;
    let closed = context.close().await;
    let said = outcome?;
    closed?;
    Ok(said)
}

/// Runs the command until it is done or a signal comes: a server drains first, all else stops at once.
async fn obey(
    context: &Arc<Context>,
    command: Command,
    signals: &mut Signals,
) -> Result<String, OriginError> {
    let drains = matches!(command, Command::Serve(_));
    let (stop, stopping) = watch::channel(false);
    let mut task = tokio::spawn(commands::run(Arc::clone(context), command, stopping));
    tokio::select! {
        outcome = &mut task => return outcome.map_err(|_| OriginError::Panicked)?,
        () = signals.next() => {}
    }
    if drains {
        // The receiver is gone when the server has just ended by itself.
        let _ = stop.send(true);
        tokio::select! {
            outcome = &mut task => return outcome.map_err(|_| OriginError::Panicked)?,
            () = signals.next() => {}
            () = tokio::time::sleep(limits::DRAIN_TIMEOUT) => {}
        }
    }
    task.abort();
    Err(OriginError::Interrupted)
}

/// The signals that mean the end.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> Result<Self, OriginError> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(OriginError::Signals)?,
            terminate: signal(SignalKind::terminate()).map_err(OriginError::Signals)?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// `FRONTROW_LOG` filters, as `frontrow_origin=debug`; a server tells more by itself than a command.
fn log_to_stderr(command: &Command) {
    let default = if matches!(command, Command::Serve(_)) { "info" } else { "warn" };
    let filter = EnvFilter::try_from_env("FRONTROW_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}
