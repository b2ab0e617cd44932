//! What is counted, in OpenMetrics text.

use std::fmt::Write;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::Server;
use crate::ingest::Receipt;

/// What the server counts. No label holds what a caller may choose.
#[derive(Debug)]
pub(super) struct Metrics {
    registry: Registry,
    batches: Family<Outcome, Counter>,
    events: Counter,
    sessions: Counter,
    windows: Counter,
    decisions: Counter,
    refused_frames: Counter,
    store_seconds: Histogram,
    files: Family<Outcome, Counter>,
    retrievals: Family<Outcome, Counter>,
    retrieve_seconds: Histogram,
    questions: Family<Outcome, Counter>,
    pool_in_use: Gauge,
    last_batch: Gauge<u64, AtomicU64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let mut registry = Registry::with_prefix("frontrow_origin");
        let metrics = Self {
            batches: Family::default(),
            events: Counter::default(),
            sessions: Counter::default(),
            windows: Counter::default(),
            decisions: Counter::default(),
            refused_frames: Counter::default(),
            // From a small batch on a fast disk (4 ms) to a large one on a busy one (16 s).
            store_seconds: Histogram::new((0..7).map(|step| 0.004 * 4.0_f64.powi(step))),
            files: Family::default(),
            retrievals: Family::default(),
            // From a small exact index (60 µs) to a large one behind others (1 s).
            retrieve_seconds: Histogram::new((0..8).map(|step| 0.000_06 * 4.0_f64.powi(step))),
            questions: Family::default(),
            pool_in_use: Gauge::default(),
            last_batch: Gauge::default(),
            registry: Registry::default(),
        };
        registry.register(
            "batches",
            "Batches by outcome: stored, duplicate, or the code of the refusal",
            metrics.batches.clone(),
        );
        registry.register("events", "Playback events stored", metrics.events.clone());
        registry.register("sessions", "Ended sessions stored", metrics.sessions.clone());
        registry.register("windows", "Lines of windows stored", metrics.windows.clone());
        registry.register(
            "decisions",
            "Titles shown and bit rates chosen, stored",
            metrics.decisions.clone(),
        );
        registry.register(
            "refused_frames",
            "Frames that could not be read, skipped for good",
            metrics.refused_frames.clone(),
        );
        registry.register_with_unit(
            "store",
            "Time to store a batch",
            Unit::Seconds,
            metrics.store_seconds.clone(),
        );
        registry.register(
            "files",
            "Files of published releases by outcome: sent, not-modified, not-found",
            metrics.files.clone(),
        );
        registry.register(
            "retrievals",
            "Retrievals by outcome: answered, or the code of the refusal",
            metrics.retrievals.clone(),
        );
        registry.register_with_unit(
            "retrieve",
            "Time to search the whole catalogue, waiting for other searches included",
            Unit::Seconds,
            metrics.retrieve_seconds.clone(),
        );
        registry.register(
            "questions",
            "Questions about what sessions saw by outcome: answered, or the code of the refusal",
            metrics.questions.clone(),
        );
        registry.register("connections", "Database connections in use", metrics.pool_in_use.clone());
        registry.register_with_unit(
            "last_batch_time",
            "When the last batch was stored, unix time",
            Unit::Seconds,
            metrics.last_batch.clone(),
        );
        Self { registry, ..metrics }
    }

    pub(super) fn stored(&self, receipt: &Receipt, took: Duration, now_unix_s: u64) {
        self.batch("stored");
        self.events.inc_by(receipt.events as u64);
        self.sessions.inc_by(receipt.sessions as u64);
        self.windows.inc_by(receipt.windows as u64);
        self.decisions.inc_by(receipt.decisions as u64);
        self.refused_frames.inc_by(receipt.refused as u64);
        self.store_seconds.observe(took.as_secs_f64());
        self.last_batch.set(now_unix_s);
    }

    pub(super) fn batch(&self, outcome: &'static str) {
        self.batches.get_or_create(&Outcome { outcome }).inc();
    }

    pub(super) fn question(&self, outcome: &'static str) {
        self.questions.get_or_create(&Outcome { outcome }).inc();
    }

    pub(super) fn retrieved(&self, took: Duration) {
        self.retrieve_seconds.observe(took.as_secs_f64());
    }

    pub(super) fn retrieval(&self, outcome: &'static str) {
        self.retrievals.get_or_create(&Outcome { outcome }).inc();
    }

    pub(super) fn file(&self, outcome: &'static str) {
        self.files.get_or_create(&Outcome { outcome }).inc();
    }
}

/// `GET /metrics`
pub(super) async fn exposition(State(server): State<Server>) -> Response {
    let in_use = i64::try_from(server.database.connections_in_use()).unwrap_or(i64::MAX);
    server.metrics.pool_in_use.set(in_use);
    let mut text = String::new();
    if encode(&mut text, &server.metrics.registry).is_err() {
        // Writing to a string fails only if a metric's own encoding does; say so to the scraper.
        let _ = writeln!(text, "# the metrics could not be written");
    }
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], text).into_response()
}
