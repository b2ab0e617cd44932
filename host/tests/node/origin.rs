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
use wire::{Batch, BatchStored, EventKind, Lane, Records};

/// A frame as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) node: String,
    pub(crate) lane: Lane,
    pub(crate) epoch: u64,
    pub(crate) sequence: u64,
    pub(crate) payload: Vec<u8>,
}

/// What of an event the tests look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reported {
    pub(crate) session_id: String,
    pub(crate) event_id: String,
    pub(crate) kind: EventKind,
}

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
    /// A frame with this text makes its batch one that is refused for good.
    poison: Option<String>,
    frames: Vec<Received>,
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

    pub(crate) fn refuse_frames_with(&self, text: &str) {
        self.lock().poison = Some(text.to_owned());
    }

    /// All frames that were stored, in the order they came; those that came twice only once, as an origin does.
    pub(crate) fn frames(&self, lane: Lane) -> Vec<Received> {
        self.lock().frames.iter().filter(|frame| frame.lane == lane).cloned().collect()
    }

    /// The events in them.
    pub(crate) fn events(&self) -> Vec<Reported> {
        let frames = self.frames(Lane::Events);
        let of = |frame: &Received| -> Vec<Reported> {
            let events = wire::read_events(&frame.payload).expect("sound events");
            let report = |event: &wire::Event<'_>| Reported {
                session_id: event.session_id.to_string(),
                event_id: event.event_id.to_string(),
                kind: event.kind,
            };
            events.iter().map(report).collect()
        };
        frames.iter().flat_map(of).collect()
    }

    /// The records in them.
    pub(crate) fn records(&self) -> Records {
        let mut all = Records::default();
        for frame in self.frames(Lane::Records) {
            let records = wire::read_records(&frame.payload).expect("sound records");
            all.sessions.extend(records.sessions);
            all.windows.extend(records.windows);
            all.decisions.extend(records.decisions);
        }
        all
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
    let batch: Batch<'_> = wire::decode_msgpack(&body, wire::limits::BATCH_BYTES_MAX).expect("a sound batch");
    batch.validate().expect("a sound batch");
    let holds = |text: &String| {
        let mut payloads = batch.frames.iter().map(|frame| frame.payload);
        payloads.any(|payload| payload.windows(text.len()).any(|some| some == text.as_bytes()))
    };
    if state.poison.as_ref().is_some_and(holds) {
        return StatusCode::UNPROCESSABLE_ENTITY.into_response();
    }
    let (lane, epoch) = (batch.lane, batch.epoch);
    let is_of = |frame: &&Received| frame.lane == lane && frame.epoch == epoch;
    let stored = state.frames.iter().filter(is_of).map(|frame| frame.sequence).max().unwrap_or(0);
    let fresh = batch.frames.iter().filter(|frame| frame.sequence > stored);
    let fresh: Vec<Received> = fresh
        .map(|frame| Received {
            node: batch.node.clone(),
            lane,
            epoch,
            sequence: frame.sequence,
            payload: frame.payload.to_vec(),
        })
        .collect();
    let sequence = batch.frames.last().map_or(stored, |frame| frame.sequence.max(stored));
    state.frames.extend(fresh);
    wire::encode_json(&BatchStored { node: batch.node, lane, epoch, sequence }).into_response()
}
