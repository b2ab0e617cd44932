//! A node from its configuration to its end: build, bind, serve, reload, drain.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use spool::{Lane, SpoolError};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{info, warn};

use crate::config::{Config, ConfigError};
use crate::dice::Dice;
use crate::forwarder::{self, Forwarder};
use crate::http::server::{ConnectionLimits, Open, serve};
use crate::http::{self};
use crate::limits;
use crate::node::Node;
use crate::runtime::{Runtime, RuntimeError};
use crate::settings::Settings;
use crate::sync::{self, Sync, SyncStartError};

/// A running node.
#[derive(Debug)]
pub struct Edge {
    /// What its requests share.
    pub node: Arc<Node>,
    /// Where players and pages ask.
    pub public: SocketAddr,
    /// Where operators ask.
    pub admin: SocketAddr,
    config: Config,
    /// Ends the listeners and the sync; the forwarder ends after them.
    stop: watch::Sender<bool>,
    stop_forwarder: watch::Sender<bool>,
    listeners: Vec<JoinHandle<Open>>,
    forwarders: Vec<JoinHandle<()>>,
    sweeper: JoinHandle<()>,
}

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration was refused.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// What waits for the origin cannot be kept.
    #[error("the spool cannot be opened: {0}")]
    Spool(#[from] SpoolError),
    /// The runtime does not start.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The sync does not start.
    #[error(transparent)]
    Sync(#[from] SyncStartError),
    /// No client for the origin.
    #[error("no client for the origin: {}", sync::chain(.0))]
    Client(#[from] reqwest::Error),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// A thread for calls into components does not start.
    #[error("a thread for calls into components does not start: {0}")]
    Worker(std::io::Error),
    /// The thread of the sync does not start.
    #[error("the thread of the sync does not start: {0}")]
    Thread(std::io::Error),
}

impl StartError {
    /// A stable name for the line on stderr.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Config(error) => error.code(),
            Self::Spool(error) => error.code(),
            Self::Runtime(error) => error.code(),
            Self::Sync(error) => error.code(),
            Self::Client(_) => "origin-client",
            Self::Listen { .. } => "listen",
            Self::Worker(_) => "call-thread",
            Self::Thread(_) => "sync-thread",
        }
    }
}

impl Edge {
    /// Starts a node: it listens at once, answers from disk in a moment, and then follows its origin.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let (edge, sync) = Self::start_without_sync(config).await?;
        let (stop, node) = (edge.stop.subscribe(), Arc::clone(&edge.node));
        // A thread of its own: it compiles for seconds, and no request may wait for that.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(StartError::Thread)?;
        std::thread::Builder::new()
            .name("sync".to_owned())
            .spawn(move || follow(&node, sync, stop, &runtime))
            .map_err(StartError::Thread)?;
        Ok(edge)
    }

    /// The same, but looks at the origin only when the returned [`Sync`] is told to.
    pub async fn start_without_sync(config: Config) -> Result<(Self, Sync), StartError> {
        let node = Arc::new(Node::new(&config)?);
        let runtime = Runtime::new(&config.runtime())?;
        let client = sync::client(&config.origin.url)?;
        let sync = Sync::open(Arc::clone(&node), runtime, client.clone(), &config)?;
        let (stop, stopping) = watch::channel(false);
        let (stop_forwarder, stopping_forwarder) = watch::channel(false);
        let public = bind(config.public.listen).await?;
        let admin = bind(config.admin.listen).await?;
        let bounds = ConnectionLimits {
            connections: usize::try_from(config.limits.connections).unwrap_or(usize::MAX),
            headers: Duration::from_millis(config.limits.headers_ms),
        };
        let www = config.www.as_ref().map(|www| www.root.clone());
        let addresses = (address(&public, config.public.listen)?, address(&admin, config.admin.listen)?);
        let pages = http::public(&node).into_router(www).layer(http::cors(&node));
        let operators = http::admin(&node).into_router(None);
        let listeners = vec![
            tokio::spawn(serve(public, pages, bounds, stopping.clone())),
            tokio::spawn(serve(admin, operators, bounds, stopping)),
        ];
        let forwarders = forwarders_of(&node, &config, &client);
        let spawn = |forwarder: Forwarder| tokio::spawn(forwarder.run(stopping_forwarder.clone()));
        let forwarders = forwarders.into_iter().map(spawn).collect();
        let sweeper = tokio::spawn(sweep(Arc::clone(&node)));
        let (public, admin) = addresses;
        let edge = Self { node, public, admin, config, stop, stop_forwarder, listeners, forwarders, sweeper };
        Ok((edge, sync))
    }

    /// Reads the configuration again; what it says holds from now on, all of it or nothing.
    pub fn reload(&self, path: &Path) -> Result<(), ConfigError> {
        let reloaded = Config::read(path).and_then(|config| match self.config.fixed_differences(&config) {
            fixed if fixed.is_empty() => Settings::build(&config),
            fixed => Err(ConfigError::RestartNeeded(fixed)),
        });
        self.node.metrics.reloaded(if reloaded.is_ok() { "loaded" } else { "refused" });
        self.node.settings.store(Arc::new(reloaded?));
        Ok(())
    }

    /// Takes no more connections, finishes what is in flight, sends what has been seen, and ends; all
    /// within the configured time.
    pub async fn drain(self) {
        let deadline = Instant::now() + self.node.settings.load().drain;
        let left = || deadline.saturating_duration_since(Instant::now());
        self.stop.send_replace(true);
        for listener in self.listeners {
            let Ok(open) = listener.await else { continue };
            if !open.drain(left()).await {
                warn!("requests were still in flight when the time was over");
            }
        }
        self.sweeper.abort();
        let closing = Arc::clone(&self.node);
        let closed = tokio::task::spawn_blocking(move || closing.close_all()).await.unwrap_or_default();
        self.stop_forwarder.send_replace(true);
        forwarder::finish(self.forwarders, left()).await;
        info!(sessions_closed = closed, "drained");
    }
}

/// First what is on disk, then the origin until told to stop.
fn follow(node: &Node, mut sync: Sync, stop: watch::Receiver<bool>, runtime: &tokio::runtime::Runtime) {
    sync.resume();
    // Now, or with the first events after the first release.
    if let Some(serving) = node.serving.load_full() {
        node.recover(&serving);
    }
    runtime.block_on(sync.run(stop));
}

fn forwarders_of(node: &Arc<Node>, config: &Config, client: &reqwest::Client) -> Vec<Forwarder> {
    let (Some(outbox), Some(token_file)) = (&node.outbox, &config.origin.token_file) else {
        info!("no token_file: events are scored here and not sent to the origin");
        return Vec::new();
    };
    let forwarder = |lane| Forwarder {
        lane,
        client: client.clone(),
        url: config.origin.at("v1/batches"),
        token_file: token_file.clone(),
        node: config.node.clone(),
        outbox: Arc::clone(outbox),
        metrics: Arc::clone(&node.metrics),
        dice: Dice::new(),
    };
    Lane::ALL.map(forwarder).into()
}

/// Every second: closes silent sessions and windows that are over.
async fn sweep(node: Arc<Node>) {
    loop {
        tokio::time::sleep(limits::SWEEP_PAUSE).await;
        let sweeping = Arc::clone(&node);
        // On a blocking thread: many sessions may fall silent at once.
        let swept = tokio::task::spawn_blocking(move || sweeping.sweep(Instant::now())).await;
        if let Err(error) = swept {
            warn!(%error, "a sweep failed");
        }
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| StartError::Listen { address, source })
}

fn address(listener: &TcpListener, asked: SocketAddr) -> Result<SocketAddr, StartError> {
    listener.local_addr().map_err(|source| StartError::Listen { address: asked, source })
}
