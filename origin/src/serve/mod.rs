//! The HTTP side of the origin.

mod answer;
mod batches;
mod body;
mod health;
mod listener;
mod metrics;
mod qoe;
mod rejection;
mod retrieve;
mod sender;
mod shelf;
mod tuf_files;

pub use listener::listen;
pub use shelf::Shelf;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::{get, post};
use tokio::sync::Semaphore;
use tower_http::timeout::TimeoutLayer;
use wire::Refusal;

use crate::database::Database;
use crate::ingest::Ingest;
use crate::limits;

/// What the handlers share; a clone shares it too.
#[derive(Clone, Debug)]
pub struct Server {
    database: Database,
    ingest: Arc<Ingest>,
    tuf: Arc<PathBuf>,
    metrics: Arc<metrics::Metrics>,
    /// One permit a batch in flight.
    batches: Arc<Semaphore>,
    shelf: Arc<Shelf>,
    /// One permit a retrieval in flight.
    retrievals: Arc<Semaphore>,
    /// One permit a question in flight.
    questions: Arc<Semaphore>,
}

impl Server {
    /// `tuf` holds the published repository: `metadata/` and `targets/`; it may not be there yet. The shelf holds what
    /// retrievals are answered from, and may be empty.
    pub fn new(database: Database, tuf: &Path, shelf: Arc<Shelf>) -> Self {
        Self {
            ingest: Arc::new(Ingest::new(database.clone())),
            database,
            tuf: Arc::new(tuf.to_path_buf()),
            metrics: Arc::new(metrics::Metrics::new()),
            batches: Arc::new(Semaphore::new(limits::BATCHES_IN_FLIGHT_MAX)),
            shelf,
            retrievals: Arc::new(Semaphore::new(limits::RETRIEVALS_IN_FLIGHT_MAX)),
            questions: Arc::new(Semaphore::new(limits::QOE_IN_FLIGHT_MAX)),
        }
    }

    /// All routes.
    pub fn router(self) -> Router {
        Router::new()
            .route("/healthz", get(health::alive))
            .route("/readyz", get(health::ready))
            .route("/metrics", get(metrics::exposition))
            .route("/tuf/metadata/{name}", get(tuf_files::metadata))
            .route("/tuf/targets/{name}", get(tuf_files::target))
            .route("/v1/batches", post(batches::store))
            .route("/v1/qoe", get(qoe::answer))
            .route("/v1/retrieve", post(retrieve::retrieve))
            .fallback(|| async {
                answer::refusal(StatusCode::NOT_FOUND, &Refusal::new("not-found", "there is nothing here"))
            })
            .method_not_allowed_fallback(|| async {
                let refusal = Refusal::new("method-not-allowed", "this path takes another method");
                answer::refusal(StatusCode::METHOD_NOT_ALLOWED, &refusal)
            })
            .layer(DefaultBodyLimit::disable())
            .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, limits::REQUEST_TIMEOUT))
            .with_state(self)
    }
}
