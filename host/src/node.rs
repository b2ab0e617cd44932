//! What the requests of a node share.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::Semaphore;
use tracing::warn;
use units::UnixMillis;
use windows::Window;
use wire::{Event, Records, SessionRecord};

use crate::answer_cache::AnswerCache;
use crate::begun::Begun;
use crate::capsules::Capsules;
use crate::config::Config;
use crate::contents::Contents;
use crate::convert;
use crate::decisions::DecisionLog;
use crate::dice::Dice;
use crate::edge::StartError;
use crate::in_flight::InFlight;
use crate::loads::Loads;
use crate::metrics::{Metrics, Snapshot};
use crate::outbox::{Capacity, Outbox, Storing};
use crate::runtime::ranking::{Answer, Page};
use crate::serving::Serving;
use crate::sessions::{Call, FoldError, Outcome, SessionView, Sessions};
use crate::settings::Settings;
use crate::sync::SyncState;
use crate::watch::Watch;
use crate::workers::Workers;
use crate::{limits, recovery};

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
    /// Whether its releases are on trial, as windows tell it: the channel it follows.
    pub arm: String,
    /// Playbacks going on.
    pub sessions: Sessions,
    /// What viewers have begun.
    pub begun: Begun,
    /// Events on their way to the disk.
    pub in_flight: Arc<InFlight>,
    /// What goes to the origin; none when nothing is sent there.
    pub outbox: Option<Arc<Outbox>>,
    /// What players that tell by CMCD play.
    pub contents: Contents,
    /// Sessions that go with their viewers; none without a secret.
    pub capsules: Option<Capsules>,
    /// How much of its capacity each delivery network uses.
    pub loads: Loads,
    /// What operators are told of.
    pub watch: Watch,
    /// How many decisions may still be logged.
    pub log: DecisionLog,
    // Sessions of the time before the start are there again.
    recovered: OnceLock<()>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Ids and jitter.
    pub dice: Dice,
    /// What longer calls into components run on.
    pub workers: Workers,
    /// One permit a stream of viewers.
    pub streams: Arc<Semaphore>,
}

impl Node {
    /// A node without a release.
    pub fn new(config: &Config) -> Result<Self, StartError> {
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        // A connection asks one thing at a time.
        let waiting_max = number(config.limits.connections);
        let workers = Workers::start(number(config.limits.invocations), waiting_max);
        let (metrics, dice) = (Arc::new(Metrics::new()), Dice::new());
        let settings = Settings::build(config)?;
        let outbox =
            config.origin.token_file.is_some().then(|| outbox(config, &dice, &metrics)).transpose()?;
        Ok(Self {
            name: config.node.clone(),
            settings: ArcSwap::from_pointee(settings),
            serving: ArcSwapOption::empty(),
            sync: SyncState::default(),
            answers: AnswerCache::new(number(config.limits.answers)),
            pages: AnswerCache::new(number(config.limits.answers)),
            arm: config.origin.channel.clone(),
            sessions: Sessions::new(number(config.limits.sessions)),
            begun: Begun::default(),
            in_flight: Arc::default(),
            outbox,
            contents: Contents::default(),
            capsules: Capsules::of(config)?,
            loads: Loads::default(),
            watch: Watch::new(config)?,
            log: DecisionLog::default(),
            recovered: OnceLock::new(),
            metrics,
            dice,
            workers: workers.map_err(StartError::Worker)?,
            streams: Arc::new(Semaphore::new(limits::STREAMS_MAX)),
        })
    }

    /// Whether answers are marked stale.
    pub fn is_stale(&self, now: Instant) -> bool {
        self.sync.is_stale(self.settings.load().stale_after, now)
    }

    /// Folds the events of a request, or of the time before a start.
    pub fn fold<'a>(
        &self,
        serving: &Serving,
        events: &[&'a Event<'a>],
        now: Instant,
        now_unix_ms: u64,
    ) -> Outcome {
        self.call(serving, now, now_unix_ms, |call| self.sessions.fold(events, call))
    }

    /// What is known of a session.
    pub fn view(&self, serving: &Serving, session_id: &str) -> Result<Option<SessionView>, FoldError> {
        self.call(serving, Instant::now(), unix_ms(), |call| self.sessions.view(session_id, call))
    }

    /// How much of what this node can do is in use, 1,000 at most: of its sessions, or of what its
    /// threads can do, whichever is nearer to its end.
    pub fn load_permille(&self) -> u32 {
        let share = |used: usize, all: usize| {
            u32::try_from(used.saturating_mul(1_000) / all.max(1)).unwrap_or(u32::MAX)
        };
        let sessions = share(self.sessions.live(), self.sessions.live_max());
        sessions.max(self.workers.load_permille()).min(1_000)
    }

    /// Goes on with the session that a viewer brought along, unless no less of it is known here.
    pub fn adopt(
        &self,
        serving: &Serving,
        text: &str,
        session_id: &str,
        viewer: Option<u32>,
        now: Instant,
    ) -> Result<(), &'static str> {
        let Some(capsules) = &self.capsules else { return Ok(()) };
        let known = self.sessions.events_of(session_id).zip(capsule::claimed_events(text));
        if known.is_some_and(|(known, claimed)| known >= claimed) {
            return Ok(());
        }
        let at = (serving.generation.number(), UnixMillis::new(unix_ms()));
        let carried = capsules.open(text, session_id, viewer, at).map_err(|error| error.code())?;
        let adopted =
            self.call(serving, now, at.1.get(), |call| self.sessions.adopt(session_id, carried, call));
        adopted.map_err(|error| error.code())
    }

    /// A session for its viewer to take along.
    pub fn carry(&self, serving: &Serving, session_id: &str) -> Option<String> {
        let capsules = self.capsules.as_ref()?;
        let carried = self.sessions.carry(session_id)?;
        let at = (serving.generation.number(), UnixMillis::new(unix_ms()));
        capsules.seal(&self.name, session_id, &carried, at, self.dice.nonce())
    }

    /// Brings the sessions of the time before the start back, once.
    pub fn recover(&self, serving: &Serving) {
        self.recovered.get_or_init(|| recovery::recover(self, serving));
    }

    /// Closes the sessions that had no event for long, and tells what they were and what their last minutes were like.
    pub fn sweep(&self, now: Instant) -> usize {
        self.sweep_at(now, UnixMillis::new(unix_ms()))
    }

    /// The same at another time of windows.
    pub fn sweep_at(&self, now: Instant, at: UnixMillis) -> usize {
        let sessions = self.close("idle", Some(self.settings.load().session_idle), now);
        let (windows, closed_until) = self.sessions.close_windows(at);
        self.watch.judge(&windows, closed_until, &self.metrics);
        let closed = sessions.len();
        drop(self.tell(sessions, &windows));
        if let Some(outbox) = &self.outbox {
            outbox.sweep();
        }
        closed
    }

    /// Closes all sessions and windows, and waits until what they were is stored: a node that does not come back has
    /// told all it saw.
    pub fn close_all(&self) -> usize {
        let sessions = self.close("drain", None, Instant::now());
        let closed = sessions.len();
        for storing in self.tell(sessions, &self.sessions.drain_windows()) {
            if let Err(error) = storing.wait() {
                warn!(%error, "what the node saw last is not stored");
            }
        }
        closed
    }

    fn close(&self, cause: &'static str, idle: Option<Duration>, now: Instant) -> Vec<SessionRecord> {
        // Without a release there has been no event.
        let Some(serving) = self.serving.load_full() else { return Vec::new() };
        let sessions = self.call(&serving, now, unix_ms(), |call| self.sessions.sweep(idle, call));
        self.metrics.sessions_closed(cause, sessions.len());
        sessions
    }

    /// Sends records on their way to the origin.
    fn tell(&self, sessions: Vec<SessionRecord>, windows: &[Window]) -> Vec<Storing> {
        sessions.iter().for_each(|session| self.begun.note(session));
        let Some(outbox) = &self.outbox else { return Vec::new() };
        let windows = windows.iter().map(convert::window).collect();
        outbox.store_all(Records { sessions, windows, decisions: outbox.take_decisions() })
    }

    /// A call of a release's component, measured.
    fn call<T>(
        &self,
        serving: &Serving,
        now: Instant,
        now_unix_ms: u64,
        call: impl FnOnce(&Call<'_>) -> T,
    ) -> T {
        let fold = |batch: &[u8]| {
            let started = Instant::now();
            let folded = serving.generation.fold_batch(batch);
            let outcome = folded.as_ref().err().map_or("ok", |error| error.code());
            self.metrics.invoked("qoe", outcome, started.elapsed().as_secs_f64());
            folded
        };
        let generation = serving.generation.number();
        call(&Call { generation, arm: &self.arm, now, now_unix_ms, fold: &fold })
    }

    /// What is true now, for the metrics.
    pub fn snapshot(&self, now: Instant) -> Snapshot {
        Snapshot {
            generation: self.serving.load().as_ref().map_or(0, |serving| serving.generation.number()),
            stale: self.is_stale(now),
            viewers: self.sessions.live(),
            answers: self.answers.len() + self.pages.len(),
            alerts: self.watch.raised(),
            spool: self.outbox.as_ref().map(|outbox| outbox.status()).unwrap_or_default(),
            seen: self.sessions.seen(),
            deltas: self.sessions.deltas(),
            synced_s: self.sync.since_success(now).map_or(f64::INFINITY, |since| since.as_secs_f64()),
        }
    }
}

/// The spool of a node's data folder.
fn outbox(config: &Config, dice: &Dice, metrics: &Arc<Metrics>) -> Result<Arc<Outbox>, StartError> {
    let hour_ms = 3_600_000;
    let capacity = Capacity {
        bytes_max: config.limits.spool_mib << 20,
        age_ms_max: config.limits.spool_age_h * hour_ms,
        // A session that is silent for longer is closed, so its older events are not needed again.
        keep_ms: (config.limits.session_idle_s * 1_000).max(limits::KEEP_MS_MIN),
    };
    // 63 bits: the origin's database has no unsigned numbers.
    let epoch = dice.roll() >> 1;
    Ok(Arc::new(Outbox::open(&config.data_dir.join("spool"), epoch, capacity, metrics)?))
}

/// The time by the machine's clock, in milliseconds.
pub fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
