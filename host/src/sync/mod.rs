//! Keeps the node in step with its origin: looks, verifies, fetches, prepares, tries, switches.

mod durable;
mod error;
mod load;
mod state;
mod store;
mod transport;
mod trust;
mod update;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tracing::{error, info, warn};

use crate::config::Config;
use crate::limits;
use crate::node::{Node, unix_ms};
use crate::runtime::Runtime;
use crate::serving::Serving;

pub use error::SyncError;
pub(crate) use error::chain;
pub use state::{SyncProblem, SyncState, SyncStatus};
pub use store::StoreError;
use store::{KeptGeneration, Store};
pub use transport::client;
use trust::Trust;
pub use trust::TrustError;
use update::{Failure, Origin};

/// Keeps one node in step. Not for a thread that answers requests: it blocks while it compiles.
#[derive(Debug)]
pub struct Sync {
    node: Arc<Node>,
    runtime: Runtime,
    origin: Origin,
    trust: Trust,
    store: Store,
    /// The release that served before, for a roll-back at once.
    previous: Option<Arc<Serving>>,
    /// The release that was refused last, so that it is not tried again and again.
    refused: Option<RefusedRelease>,
}

#[derive(Debug)]
struct RefusedRelease {
    release: KeptGeneration,
    code: &'static str,
    message: String,
    again: Instant,
    pause: Duration,
}

/// Why a node cannot keep in step at all.
#[derive(Debug, thiserror::Error)]
pub enum SyncStartError {
    /// The trusted root cannot be read.
    #[error("{path}: {source}", path = path.display())]
    Root {
        /// Where it should be.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The data folder cannot be used.
    #[error("the data folder cannot be used: {0}")]
    Data(#[from] std::io::Error),
    /// The trusted root is not one, or its folder cannot be used.
    #[error(transparent)]
    Trust(#[from] TrustError),
}

impl SyncStartError {
    /// A stable name for the line on stderr.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Root { .. } => "root-unreadable",
            Self::Data(_) => "data-folder",
            Self::Trust(error) => error.code(),
        }
    }
}

impl Sync {
    /// Opens the node's data folder, made if there is none.
    pub fn open(
        node: Arc<Node>,
        runtime: Runtime,
        client: reqwest::Client,
        config: &Config,
    ) -> Result<Self, SyncStartError> {
        let root = std::fs::read(&config.origin.root)
            .map_err(|source| SyncStartError::Root { path: config.origin.root.clone(), source })?;
        Ok(Self {
            trust: Trust::open(config.data_dir.join("trust"), root)?,
            store: Store::open(&config.data_dir.join("store"))?,
            origin: Origin {
                client,
                metadata: config.origin.at("tuf/metadata/"),
                targets: config.origin.at("tuf/targets/"),
                channel: config.origin.channel.clone(),
            },
            node,
            runtime,
            previous: None,
            refused: None,
        })
    }

    /// Serves the newest kept generation that is sound, without asking the origin.
    pub fn resume(&mut self) {
        let kept = self.store.kept().unwrap_or_else(|error| {
            error!(%error, "what was kept cannot be read; waiting for the origin");
            store::Kept::default()
        });
        for release in &kept.generations {
            match load::serving(&self.store, &self.runtime, release) {
                Ok(serving) => {
                    info!(generation = release.generation, "serving from disk");
                    self.node.serving.store(Some(Arc::new(serving)));
                    break;
                }
                Err(error) => {
                    let generation = release.generation;
                    warn!(generation, code = error.code(), %error, "a kept generation is not sound");
                    self.node.metrics.release_refused(error.code());
                }
            }
        }
        self.tell_kept(&kept);
    }

    /// Looks again and again until `stop` holds true.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            self.look().await;
            let pause = self.node.dice.vary(self.node.settings.load().poll);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                changed = stop.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Looks once. What served before goes on serving unless the look ends well.
    pub async fn look(&mut self) {
        let outcome = match self.step().await {
            Ok(outcome) => {
                self.node.sync.succeeded(outcome, Instant::now(), unix_ms());
                outcome
            }
            Err(failure) => self.report(&failure),
        };
        self.node.metrics.synced(outcome);
    }

    fn report(&self, failure: &Failure) -> &'static str {
        let error = &failure.error;
        let outcome = match (failure.unreachable, error.is_of_the_node()) {
            (true, _) => "unreachable",
            (false, true) => "failed",
            (false, false) => "refused",
        };
        let code = if failure.unreachable { "origin-unreachable" } else { error.code() };
        if outcome == "refused" {
            self.node.metrics.release_refused(code);
        }
        let problem = SyncProblem { code, message: error.to_string(), at_unix_ms: unix_ms() };
        let release = self.refused.as_ref().map(|refused| refused.release.manifest.clone());
        if self.node.sync.failed(outcome, problem, release) {
            let serving = self.node.serving.load().as_ref().map(|serving| serving.generation.number());
            warn!(outcome, code, %error, ?serving, "not in step with the origin");
        }
        outcome
    }

    async fn step(&mut self) -> Result<&'static str, Failure> {
        // Steps 1 to 5 are described where they are done.
        let look = update::look(&self.origin, &self.trust).await?;
        let release = look.channel(&self.origin).await?;
        if self.node.serving.load().as_ref().is_some_and(|serving| is(serving, &release)) {
            self.refused = None;
            return Ok("in-step");
        }
        self.check_refused(&release)?;
        match self.bring(&look, &release).await {
            Ok(serving) => {
                self.switch(&release, serving).map_err(Failure::of_the_node)?;
                self.refused = None;
                Ok("switched")
            }
            Err(failure) => {
                if !failure.unreachable && !failure.error.is_of_the_node() {
                    self.refuse(release, &failure.error);
                }
                Err(failure)
            }
        }
    }

    /// Steps 6 to 8: everything of a release, ready to answer.
    async fn bring(&self, look: &update::Look, release: &KeptGeneration) -> Result<Arc<Serving>, Failure> {
        if let Some(previous) = self.previous.as_ref().filter(|previous| is(previous, release)) {
            return Ok(Arc::clone(previous));
        }
        look.fetch(&self.store, release).await?;
        // 8. Prepared and tried beside the old one: what does not compile, load or answer as it should
        //    never serves.
        match load::serving(&self.store, &self.runtime, release) {
            Ok(serving) => Ok(Arc::new(serving)),
            Err(error) => Err(Failure { error, unreachable: false }),
        }
    }

    /// Step 9: first the disk, then the memory. A crash between the two finds a verified release.
    fn switch(&mut self, release: &KeptGeneration, serving: Arc<Serving>) -> std::io::Result<()> {
        let kept = self.store.kept().unwrap_or_default().with(release);
        self.store.keep(&kept)?;
        let old = self.node.serving.swap(Some(serving));
        let from = old.as_ref().map(|old| old.generation.number());
        info!(generation = release.generation, ?from, "switched");
        self.previous = old;
        self.tell_kept(&kept);
        self.remove_others(&kept);
        Ok(())
    }

    /// Removes the files that no kept generation has. A file too many is no harm: it is only logged.
    fn remove_others(&self, kept: &store::Kept) {
        let mut wanted = BTreeSet::new();
        for release in &kept.generations {
            wanted.insert(release.manifest.clone());
            match load::manifest(&self.store, release) {
                Ok(manifest) => wanted.extend(manifest.files.into_iter().map(|file| file.sha256)),
                // Its files are needed to serve it again, and they are not known: nothing is removed.
                Err(error) => return warn!(%error, "a kept manifest is not sound; nothing is removed"),
            }
        }
        match self.store.remove_others(&wanted) {
            Ok(0) => {}
            Ok(files) => info!(files, "removed files of older generations"),
            Err(error) => warn!(%error, "files of older generations stay"),
        }
    }

    fn check_refused(&self, release: &KeptGeneration) -> Result<(), Failure> {
        match &self.refused {
            Some(refused) if refused.release == *release && Instant::now() < refused.again => {
                let error = SyncError::StillRefused { code: refused.code, message: refused.message.clone() };
                Err(Failure { error, unreachable: false })
            }
            _ => Ok(()),
        }
    }

    fn refuse(&mut self, release: KeptGeneration, error: &SyncError) {
        let before = self.refused.take().filter(|refused| refused.release == release);
        let pause = before
            .map_or(limits::REFUSED_PAUSE_MIN, |refused| (refused.pause * 2).min(limits::REFUSED_PAUSE_MAX));
        self.refused = Some(RefusedRelease {
            release,
            code: error.code(),
            message: error.to_string(),
            again: Instant::now() + pause,
            pause,
        });
    }

    fn tell_kept(&self, kept: &store::Kept) {
        let serving = self.node.serving.load();
        let others = kept
            .generations
            .iter()
            .filter(|release| !serving.as_ref().is_some_and(|serving| is(serving, release)))
            .map(|release| release.generation);
        self.node.sync.keeps(others.collect());
    }
}

impl Failure {
    fn of_the_node(error: std::io::Error) -> Self {
        Self { error: SyncError::Store(StoreError::Io(error)), unreachable: false }
    }
}

fn is(serving: &Serving, release: &KeptGeneration) -> bool {
    serving.generation.number() == release.generation && serving.manifest_sha256 == release.manifest
}
