//! What the node counts, as OpenMetrics. Labels have few values: never a session, a viewer or a title.

mod playback;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use windows::Totals;

use playback::Playback;

/// All counters of a node.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    request_seconds: Family<Route, Histogram, fn() -> Histogram>,
    refusals: Family<Code, Counter>,
    releases_refused: Family<Code, Counter>,
    invocations: Family<Invocation, Counter>,
    invocation_seconds: Family<Component, Histogram, fn() -> Histogram>,
    cache: Family<Outcome, Counter>,
    events: Family<Outcome, Counter>,
    sessions_closed: Family<Outcome, Counter>,
    syncs: Family<Outcome, Counter>,
    batches: Family<Outcome, Counter>,
    dropped: Family<Outcome, Counter>,
    alerts: Family<AlertTurn, Counter>,
    cmcd_remarks: Family<Code, Counter>,
    reloads: Family<Outcome, Counter>,
    now: Now,
}

/// What is true now; set when it is asked for.
#[derive(Debug, Default)]
struct Now {
    generation: Gauge<i64, AtomicI64>,
    stale: Gauge<i64, AtomicI64>,
    viewers: Gauge<i64, AtomicI64>,
    answers: Gauge<i64, AtomicI64>,
    alerts: Family<Alert, Gauge>,
    window_deltas: Family<Outcome, Counter>,
    spool_bytes: Family<Lane, Gauge>,
    spool_waiting: Family<Lane, Gauge>,
    synced_seconds: Gauge<f64, AtomicU64>,
    playback: Arc<Playback>,
}

/// What is true now.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The generation that serves; 0 before the first.
    pub generation: u64,
    /// Whether answers are marked stale.
    pub stale: bool,
    /// Playbacks going on.
    pub viewers: usize,
    /// Answers kept.
    pub answers: usize,
    /// What goes to the origin.
    pub spool: spool::Status,
    /// Alerts that are raised, by metric and severity.
    pub alerts: Vec<(&'static str, &'static str)>,
    /// Since the last good look at the origin, in seconds; infinite before the first.
    pub synced_s: f64,
    /// What sessions saw since the start.
    pub seen: Totals,
    /// What of it windows could count.
    pub deltas: windows::Counts,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    route: &'static str,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Route {
    route: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Code {
    code: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Component {
    component: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Invocation {
    component: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Lane {
    lane: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Alert {
    metric: &'static str,
    severity: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct AlertTurn {
    metric: &'static str,
    severity: &'static str,
    turn: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All counters at 0.
    pub fn new() -> Self {
        // 20 µs to 5 s, and 5 µs to 0.3 s: each bucket is 4 times the one before.
        let request = || Histogram::new(exponential_buckets(20e-6, 4.0, 10));
        let invocation = || Histogram::new(exponential_buckets(5e-6, 4.0, 9));
        let mut metrics = Self {
            registry: Registry::with_prefix("frontrow"),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(request),
            refusals: Family::default(),
            releases_refused: Family::default(),
            invocations: Family::default(),
            invocation_seconds: Family::new_with_constructor(invocation),
            cache: Family::default(),
            events: Family::default(),
            sessions_closed: Family::default(),
            syncs: Family::default(),
            batches: Family::default(),
            dropped: Family::default(),
            alerts: Family::default(),
            cmcd_remarks: Family::default(),
            reloads: Family::default(),
            now: Now::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let r = &mut self.registry;
        r.register("http_requests", "Answers by route and status", self.requests.clone());
        r.register_with_unit(
            "http_request_duration",
            "From the request's headers to its answer",
            Unit::Seconds,
            self.request_seconds.clone(),
        );
        r.register("refusals", "Requests and events refused, by code", self.refusals.clone());
        r.register("releases_refused", "Releases refused, by code", self.releases_refused.clone());
        r.register("invocations", "Calls into components, by outcome", self.invocations.clone());
        r.register_with_unit(
            "invocation_duration",
            "Time in a component",
            Unit::Seconds,
            self.invocation_seconds.clone(),
        );
        r.register("answer_cache_lookups", "Lookups of kept answers", self.cache.clone());
        r.register("events", "Events of players", self.events.clone());
        r.register("sessions_closed", "Sessions that ended, by cause", self.sessions_closed.clone());
        r.register("sync_checks", "Looks at the origin, by outcome", self.syncs.clone());
        r.register("origin_batches", "Batches sent to the origin, by outcome", self.batches.clone());
        r.register("outbox_dropped", "What was dropped on the way to the origin", self.dropped.clone());
        r.register("alerts_turned", "Alerts raised and cleared", self.alerts.clone());
        r.register("alerts_raised", "Alerts that are raised now", self.now.alerts.clone());
        r.register(
            "window_deltas",
            "What events added to sessions: counted in a window, or too late, ahead or full; other: of values too many",
            self.now.window_deltas.clone(),
        );
        r.register(
            "cmcd_remarks",
            "Things in CMCD reports that players should do otherwise",
            self.cmcd_remarks.clone(),
        );
        r.register("config_reloads", "Reloads of the configuration, by outcome", self.reloads.clone());
        r.register(
            "generation",
            "The generation that serves; 0 before the first",
            self.now.generation.clone(),
        );
        r.register("stale", "1 while answers are marked stale", self.now.stale.clone());
        r.register("viewers", "Playbacks going on", self.now.viewers.clone());
        r.register("answers_kept", "Answers in the cache", self.now.answers.clone());
        r.register("spool_bytes", "What is kept for the origin, by lane", self.now.spool_bytes.clone());
        r.register(
            "spool_waiting_frames",
            "Frames the origin has not yet, by lane",
            self.now.spool_waiting.clone(),
        );
        r.register_with_unit(
            "since_last_sync",
            "Since the last good look at the origin",
            Unit::Seconds,
            self.now.synced_seconds.clone(),
        );
        r.register_collector(Box::new(Arc::clone(&self.now.playback)));
    }

    /// A request was answered after so many seconds.
    pub fn answered(&self, route: &'static str, status: u16, seconds: f64) {
        self.requests.get_or_create(&Answered { route, status }).inc();
        self.request_seconds.get_or_create(&Route { route }).observe(seconds);
    }

    /// A request or an event was refused.
    pub fn refused(&self, code: &'static str) {
        self.refusals.get_or_create(&Code { code }).inc();
    }

    /// A component was called; `outcome` is `ok` or the code of an error.
    pub fn invoked(&self, component: &'static str, outcome: &'static str, seconds: f64) {
        self.invocations.get_or_create(&Invocation { component, outcome }).inc();
        self.invocation_seconds.get_or_create(&Component { component }).observe(seconds);
    }

    /// A kept answer was looked up.
    pub fn looked_up(&self, hit: bool) {
        let outcome = if hit { "hit" } else { "miss" };
        self.cache.get_or_create(&Outcome { outcome }).inc();
    }

    /// Events were `accepted`, `duplicate` or `refused`.
    pub fn events(&self, outcome: &'static str, events: usize) {
        self.events.get_or_create(&Outcome { outcome }).inc_by(events as u64);
    }

    /// Sessions ended by `stop`, by being `idle`, or with the process (`drain`).
    pub fn sessions_closed(&self, cause: &'static str, sessions: usize) {
        self.sessions_closed.get_or_create(&Outcome { outcome: cause }).inc_by(sessions as u64);
    }

    /// A look at the origin ended.
    pub fn synced(&self, outcome: &'static str) {
        self.syncs.get_or_create(&Outcome { outcome }).inc();
    }

    /// A release was refused, at the origin or on our own disk.
    pub fn release_refused(&self, code: &'static str) {
        self.releases_refused.get_or_create(&Code { code }).inc();
    }

    /// A batch was `stored`, `refused` or `failed` and will be sent again.
    pub fn batch(&self, outcome: &'static str) {
        self.batches.get_or_create(&Outcome { outcome }).inc();
    }

    /// So many `events`, `records` or `decisions` were dropped on the way to the origin.
    pub fn dropped(&self, what: &'static str, count: usize) {
        if count > 0 {
            self.dropped.get_or_create(&Outcome { outcome: what }).inc_by(count as u64);
        }
    }

    /// The configuration was `loaded` again or `refused`.
    pub fn reloaded(&self, outcome: &'static str) {
        self.reloads.get_or_create(&Outcome { outcome }).inc();
    }

    /// A CMCD report that counts has something in it that should be otherwise.
    pub fn cmcd_remark(&self, cause: wire::cmcd::Cause) {
        self.cmcd_remarks.get_or_create(&Code { code: cause.code() }).inc();
    }

    /// An alert was `raised` or `cleared`.
    pub fn alert_turned(&self, metric: &'static str, severity: &'static str, turn: &'static str) {
        self.alerts.get_or_create(&AlertTurn { metric, severity, turn }).inc();
    }

    /// All of it as OpenMetrics text.
    pub fn text(&self, now: Snapshot) -> String {
        let whole = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.now.generation.set(i64::try_from(now.generation).unwrap_or(i64::MAX));
        self.now.stale.set(i64::from(now.stale));
        self.now.viewers.set(whole(now.viewers));
        self.now.answers.set(whole(now.answers));
        for (lane, status) in spool::Lane::ALL.into_iter().zip(now.spool.lanes) {
            let (lane, number) =
                (Lane { lane: lane.name() }, |number| i64::try_from(number).unwrap_or(i64::MAX));
            self.now.spool_bytes.get_or_create(&lane).set(number(status.bytes));
            let waiting = status.last.saturating_sub(status.acknowledged);
            self.now.spool_waiting.get_or_create(&lane).set(number(waiting));
        }
        // Those that were cleared are gone from the list.
        self.now.alerts.clear();
        for (metric, severity) in now.alerts {
            self.now.alerts.get_or_create(&Alert { metric, severity }).inc();
        }
        let windows::Counts { counted, late, ahead, full, other } = now.deltas;
        for (outcome, count) in
            [("counted", counted), ("late", late), ("ahead", ahead), ("full", full), ("other", other)]
        {
            self.now
                .window_deltas
                .get_or_create(&Outcome { outcome })
                .inner()
                .store(count, Ordering::Relaxed);
        }
        self.now.synced_seconds.set(now.synced_s);
        self.now.playback.set(now.seen);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)
            .expect("writing to memory does not fail");
        text
    }
}
