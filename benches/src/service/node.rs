//! Our side: `frontrow-edge` as operators run it, which follows a signed release.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::extract::{Path as Name, State};
use axum::http::StatusCode;
use axum::routing::get;
use frontrow_origin::config::SignaturesConfig;
use frontrow_origin::keys::Keys;
use frontrow_origin::publish::{Publisher, Validity};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

use super::connection::Connection;
use super::process::Process;
use super::release::Release;
use super::{ANSWER_TTL_S, Lookups, Server};

/// Compiling the components takes some ten seconds, or minutes on a machine that builds at the same time.
const READY_DEADLINE: Duration = Duration::from_secs(300);

/// A running node, and the origin whose files it has taken.
pub(crate) struct Node {
    process: Process,
    public: SocketAddr,
    admin: SocketAddr,
    _origin: Origin,
}

/// What a bench wants a node for.
#[derive(Clone, Copy)]
pub(crate) enum Work {
    /// Answers are kept; events are not stored.
    Answers,
    /// The same, its models run in its own process instead of a component.
    NativeAnswers,
    /// Events are stored, with room for a million sessions. Its origin takes none: they stay on the disk.
    Events,
}

/// What a node writes once it listens.
#[derive(Deserialize)]
struct Ready {
    public: SocketAddr,
    admin: SocketAddr,
}

impl Node {
    /// Publishes the release and starts a node in this folder; returns when it serves.
    pub(crate) fn start(folder: &Path, release: &Release, work: Work) -> Result<Self> {
        let origin = Origin::start(folder, release)?;
        std::fs::write(folder.join("ladder.toml"), include_str!("../../../cdn-config/ladder.toml"))?;
        std::fs::write(folder.join("rules.toml"), include_str!("../../../cdn-config/bitrate-rules.toml"))?;
        std::fs::write(folder.join("alerts.toml"), include_str!("../../../cdn-config/alerts.toml"))?;
        std::fs::write(folder.join("token"), "bench")?;
        let config = folder.join("edge.toml");
        std::fs::write(&config, config_text(origin.address, work))?;
        let ready_file = folder.join("ready.json");
        let mut command = Command::new(program()?);
        command.arg("--config").arg(&config).arg("--ready-file").arg(&ready_file);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let mut process = Process::start("frontrow-edge", &mut command, &folder.join("edge.log"))?;
        let Ready { public, admin } = process.wait_for(READY_DEADLINE, || {
            let Ok(text) = std::fs::read(&ready_file) else { return Ok(None) };
            Ok(Some(serde_json::from_slice(&text)?))
        })?;
        process.wait_for(READY_DEADLINE, || serves(admin))?;
        Ok(Self { process, public, admin, _origin: origin })
    }

    /// Where players ask.
    pub(crate) fn public(&self) -> SocketAddr {
        self.public
    }

    /// The id of its process.
    pub(crate) fn process(&self) -> u32 {
        self.process.id()
    }
}

/// Whether the release serves yet; an error when the node does not take it.
fn serves(admin: SocketAddr) -> Result<Option<()>> {
    if Connection::get(admin, "/readyz").is_ok() {
        return Ok(Some(()));
    }
    let status: Value = serde_json::from_str(&Connection::get(admin, "/status")?)?;
    let problem = &status["sync"]["last_error"];
    ensure!(problem.is_null(), "the node does not take the release: {}", problem["message"]);
    Ok(None)
}

impl Server for Node {
    fn addresses(&self) -> &[SocketAddr] {
        std::slice::from_ref(&self.public)
    }

    fn processes(&self) -> Vec<u32> {
        vec![self.process.id()]
    }

    fn lookups(&self) -> Result<Lookups> {
        let text = Connection::get(self.admin, "/metrics").with_context(|| self.process.last_words())?;
        Ok(Lookups { hits: counter(&text, "hit"), misses: counter(&text, "miss") })
    }
}

/// A counter of lookups; 0 while nothing has been counted.
fn counter(metrics: &str, outcome: &str) -> u64 {
    let sample = format!("frontrow_answer_cache_lookups_total{{outcome=\"{outcome}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&sample)?.parse().ok()).unwrap_or(0)
}

/// Built beside this program.
fn program() -> Result<PathBuf> {
    let program = std::env::current_exe()?.with_file_name("frontrow-edge");
    ensure!(program.is_file(), "{} is absent: `cargo build --release` builds it", program.display());
    Ok(program)
}

/// A spool that is soon full, so that dropping the oldest is measured, too.
const EVENT_LIMITS: &str = "sessions = 1000000\nspool_mib = 2048";

/// Defaults but for what the bench is about. The origin is looked at once.
fn config_text(origin: SocketAddr, work: Work) -> String {
    let (inference, token, limits) = match work {
        Work::Answers => ("wasm", "", ""),
        Work::NativeAnswers => ("native", "", ""),
        Work::Events => ("wasm", "token_file = \"token\"", EVENT_LIMITS),
    };
    format!(
        r#"
node = "bench"
region = "eu"
data_dir = "data"
cache_dir = "cache"
ladder = "ladder.toml"
rules = "rules.toml"
alerts = "alerts.toml"
inference = "{inference}"
[public]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[origin]
url = "http://{origin}/"
root = "origin/root.json"
poll_s = 86400
stale_after_s = 86400
{token}
[limits]
answer_ttl_s = {ANSWER_TTL_S}
{limits}
"#
    )
}

/// A published release and a server of its files; ends when it is dropped.
struct Origin {
    address: SocketAddr,
    _runtime: Runtime,
}

impl Origin {
    fn start(folder: &Path, release: &Release) -> Result<Self> {
        let data = folder.join("origin");
        let valid = Validity::from(SignaturesConfig::default());
        let now = Timestamp::now();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = runtime.block_on(async {
            Keys::of(&data).init(now, valid.root).await?;
            let targets = release.assembled.clone().into_targets();
            Publisher::of(&data, valid).publish(targets, "stable", 1, now).await?;
            anyhow::Ok(TcpListener::bind("127.0.0.1:0").await?)
        })?;
        let address = listener.local_addr()?;
        let router = Router::new().route("/tuf/{folder}/{name}", get(file)).with_state(data.join("tuf"));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, _runtime: runtime })
    }
}

async fn file(
    State(tuf): State<PathBuf>,
    Name((folder, name)): Name<(String, String)>,
) -> Result<Vec<u8>, StatusCode> {
    tokio::fs::read(tuf.join(folder).join(name)).await.map_err(|_| StatusCode::NOT_FOUND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_read_by_their_outcome() {
        let metrics = "# EOF\nfrontrow_answer_cache_lookups_total{outcome=\"hit\"} 41\n\
                       frontrow_answer_cache_lookups_total{outcome=\"miss\"} 7\n";
        assert_eq!((counter(metrics, "hit"), counter(metrics, "miss")), (41, 7));
        assert_eq!(counter("", "hit"), 0);
    }
}
