//! Connections: how many, how long, and how they end.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tracing::{debug, warn};

use crate::limits;

/// What a connection may take.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// Connections at once; one more waits in the system's queue.
    pub connections: usize,
    /// Time for a request's headers, and the pause between two requests.
    pub headers: Duration,
}

/// The connections that are still open; see [`Open::drain`].
pub struct Open(GracefulShutdown);

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Open({})", self.0.count())
    }
}

impl Open {
    /// Lets each connection finish its request; returns whether all had within the time.
    pub async fn drain(self, within: Duration) -> bool {
        tokio::time::timeout(within, self.0.shutdown()).await.is_ok()
    }
}

/// Takes connections until `stop` holds true or its sender is gone.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    bounds: ConnectionLimits,
    mut stop: watch::Receiver<bool>,
) -> Open {
    let open = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(bounds.connections));
    while !*stop.borrow() {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            changed = stop.changed() => match changed {
                Ok(()) => continue,
                Err(_) => break,
            },
        };
        match accepted {
            Ok((stream, place)) => converse(stream, place, router.clone(), bounds, &open),
            Err(error) => {
                // Out of sockets, as a rule: a moment later some are free.
                warn!(%error, "a connection was not taken");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    Open(open)
}

const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    // Fails only for a caller that has gone already.
    let _ = stream.set_nodelay(true);
    Ok((stream, place))
}

fn converse(
    stream: TcpStream,
    place: OwnedSemaphorePermit,
    router: Router,
    bounds: ConnectionLimits,
    open: &GracefulShutdown,
) {
    let connection = http1::Builder::new()
        // Without a timer the next line would do nothing.
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.headers)
        .max_headers(limits::HEADERS_MAX)
        .max_buf_size(limits::CONNECTION_BUFFER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let watched = open.watch(connection);
    tokio::spawn(async move {
        // A caller that goes away or sends no HTTP is its own problem.
        if let Err(error) = watched.await {
            debug!(%error, "a connection broke off");
        }
        drop(place);
    });
}
