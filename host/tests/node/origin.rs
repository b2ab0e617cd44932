//! What a node sees of an origin: static signed files, and a place for batches.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, HeaderMap};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tower_http::services::ServeDir;
use wire::{Batch, BatchStored};

/// An origin on a free port; gone when dropped.
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<Behaviour>>,
    server: JoinHandle<()>,
}

/// How it answers.
#[derive(Default)]
struct Behaviour {
    /// Paths that hold this get 503.
    broken: Option<String>,
    /// What batches are answered with instead of being stored.
    batch_status: Option<StatusCode>,
    batches: Vec<Batch>,
    /// Batches that came, stored or not.
    attempts: usize,
}

impl Origin {
    /// Serves a publisher's folder.
    pub(crate) async fn start(folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Self::on(listener, folder)
    }

    fn on(listener: TcpListener, folder: &Path) -> Self {
        let state = Arc::new(Mutex::new(Behaviour::default()));
        let address = listener.local_addr().expect("an address");
        let router = Router::new()
            .route("/v1/batches", post(store))
            .with_state(Arc::clone(&state))
            .nest_service("/tuf", ServeDir::new(PathBuf::from(folder)))
            .layer(from_fn_with_state(Arc::clone(&state), break_some));
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("it serves until it is aborted");
        });
        Self { address, state, server }
    }

    /// Paths that hold this get 503 from now on; `None` mends all.
    pub(crate) fn break_paths(&self, holding: Option<&str>) {
        self.lock().broken = holding.map(str::to_owned);
    }

    /// Answers batches with this status instead of storing them.
    pub(crate) fn refuse_batches(&self, status: Option<StatusCode>) {
        self.lock().batch_status = status;
    }

    pub(crate) fn batches(&self) -> Vec<Batch> {
        self.lock().batches.clone()
    }

    pub(crate) fn attempts(&self) -> usize {
        self.lock().attempts
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Behaviour> {
        self.state.lock().expect("no test panics while it holds it")
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn break_some(State(state): State<Arc<Mutex<Behaviour>>>, request: Request, next: Next) -> Response {
    let broken = state.lock().expect("not poisoned").broken.clone();
    if broken.is_some_and(|holding| request.uri().path().contains(&holding)) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    next.run(request).await
}

async fn store(State(state): State<Arc<Mutex<Behaviour>>>, headers: HeaderMap, body: Bytes) -> Response {
    let mut state = state.lock().expect("not poisoned");
    state.attempts += 1;
    if headers.get(AUTHORIZATION).is_none_or(|token| token != "Bearer secret") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if let Some(status) = state.batch_status {
        return status.into_response();
    }
    let batch: Batch = wire::decode_msgpack(&body, wire::limits::BATCH_BYTES_MAX).expect("a sound batch");
    batch.validate().expect("a sound batch");
    let stored = BatchStored { node: batch.node.clone(), epoch: batch.epoch, sequence: batch.sequence };
    state.batches.push(batch);
    wire::encode_json(&stored).into_response()
}
