//! What the requests of a node share.

use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::Semaphore;
use tracing::warn;

use crate::answer_cache::AnswerCache;
use crate::config::{Config, ConfigError};
use crate::dice::Dice;
use crate::limits;
use crate::metrics::{Metrics, Snapshot};
use crate::outbox::{Load, Outbox};
use crate::runtime::ranking::{Answer, Page};
use crate::serving::Serving;
use crate::sessions::Sessions;
use crate::settings::Settings;
use crate::sync::SyncState;

/// What the requests of a node share.
#[derive(Debug)]
pub struct Node {
    /// Who it is to its origin.
    pub name: String,
    /// What a reload replaces.
    pub settings: ArcSwap<Settings>,
    /// The release that answers; none before the first.
    pub serving: ArcSwapOption<Serving>,
    /// How it stands to its origin.
    pub sync: SyncState,
    /// Lists answered before.
    pub answers: AnswerCache<Answer>,
    /// Pages answered before.
    pub pages: AnswerCache<Page>,
    /// Playbacks going on.
    pub sessions: Sessions,
    /// What waits for the origin; none when nothing is sent there.
    pub outbox: Option<Arc<Outbox>>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Ids and jitter.
    pub dice: Dice,
    /// One permit an invocation on a blocking thread.
    pub admission: Arc<Semaphore>,
}

impl Node {
    /// A node without a release.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let outbox =
            config.origin.token_file.as_ref().map(|_| {
                Arc::new(Outbox::new(number(config.limits.outbox_events), limits::OUTBOX_SESSIONS_MAX))
            });
        // Invocations only compute: more of them than processors would make all of them late.
        let processors = available_parallelism().map_or(1, usize::from);
        Ok(Self {
            name: config.node.clone(),
            settings: ArcSwap::from_pointee(Settings::build(config)?),
            serving: ArcSwapOption::empty(),
            sync: SyncState::default(),
            answers: AnswerCache::new(number(config.limits.answers)),
            pages: AnswerCache::new(number(config.limits.answers)),
            sessions: Sessions::new(number(config.limits.sessions)),
            outbox,
            metrics: Arc::new(Metrics::new()),
            dice: Dice::new(),
            admission: Arc::new(Semaphore::new(number(config.limits.invocations).min(2 * processors))),
        })
    }

    /// Whether answers are marked stale.
    pub fn is_stale(&self, now: Instant) -> bool {
        self.sync.is_stale(self.settings.load().stale_after, now)
    }

    /// Sends a load on its way to the origin; never waits.
    pub fn forward(&self, load: Load) {
        let Some(outbox) = &self.outbox else { return };
        let dropped = outbox.push(load);
        if (dropped.events, dropped.sessions) == (0, 0) {
            return;
        }
        if self.metrics.dropped_so_far() == 0 {
            warn!(dropped.events, dropped.sessions, "the outbox is full: the oldest are dropped from now on");
        }
        self.metrics.dropped("events", dropped.events);
        self.metrics.dropped("sessions", dropped.sessions);
    }

    /// Closes the sessions that had no event for long and sends what they were.
    pub fn sweep(&self, now: Instant) -> usize {
        self.close("idle", self.sessions.sweep(self.settings.load().session_idle, now))
    }

    /// Closes all sessions: their state ends with the process.
    pub fn close_sessions(&self) -> usize {
        self.close("drain", self.sessions.close_all())
    }

    fn close(&self, cause: &'static str, sessions: Vec<wire::SessionRecord>) -> usize {
        let closed = sessions.len();
        if closed > 0 {
            self.metrics.sessions_closed(cause, closed);
            self.forward(Load { events: Vec::new(), sessions });
        }
        closed
    }

    /// What is true now, for the metrics.
    pub fn snapshot(&self, now: Instant) -> Snapshot {
        Snapshot {
            generation: self.serving.load().as_ref().map_or(0, |serving| serving.generation.number()),
            stale: self.is_stale(now),
            viewers: self.sessions.live(),
            answers: self.answers.len() + self.pages.len(),
            outbox: self.outbox.as_ref().map_or(0, |outbox| outbox.len()),
            synced_s: self.sync.since_success(now).map_or(f64::INFINITY, |since| since.as_secs_f64()),
        }
    }
}

/// The time by the machine's clock, in milliseconds.
pub fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
