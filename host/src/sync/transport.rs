//! How signed files are fetched: over HTTP, within time, and honest about what is missing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures_util::stream;
use reqwest::{Client, Response, StatusCode, Url};
use tokio::sync::mpsc;
use tokio::time::timeout_at;
use tough::{Transport, TransportError, TransportErrorKind, TransportStream, async_trait};

use crate::limits;

/// A client for an origin: TLS by rustls and the machine's authorities, no redirects, no proxy from the
/// environment, no endless wait.
pub fn client(origin: &Url) -> Result<Client, reqwest::Error> {
    let client = Client::builder()
        .connect_timeout(limits::CONNECT_TIMEOUT)
        .read_timeout(limits::READ_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("frontrow-edge/", env!("CARGO_PKG_VERSION")));
    // A machine without authorities is no obstacle where none is asked: releases are signed all the same.
    let client = if origin.scheme() == "https" { client } else { client.tls_certs_only([]) };
    client.build()
}

/// Fetches for one look at the origin, and remembers whether the network failed it.
///
/// Sizes are bounded by whoever reads the stream: every role and every file has a limit or a signed
/// length. Dropping the stream ends the request.
#[derive(Clone, Debug)]
pub(super) struct OriginTransport {
    client: Client,
    failed: Arc<AtomicBool>,
}

impl OriginTransport {
    pub(super) fn new(client: Client) -> Self {
        Self { client, failed: Arc::default() }
    }

    /// Whether a request got no answer, or one that says nothing about the file.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    async fn open(&self, url: &Url) -> Result<Response, TransportError> {
        let failed = |cause: String| {
            self.failed.store(true, Ordering::Relaxed);
            TransportError::new_with_cause(TransportErrorKind::Other, url, cause)
        };
        let response =
            self.client.get(url.clone()).send().await.map_err(|error| failed(error.to_string()))?;
        match response.status() {
            StatusCode::OK => Ok(response),
            // An object store that must not tell what it lacks says 403.
            StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::FORBIDDEN => {
                Err(TransportError::new(TransportErrorKind::FileNotFound, url))
            }
            status => Err(failed(format!("status {status}"))),
        }
    }
}

#[async_trait]
impl Transport for OriginTransport {
    async fn fetch(&self, url: Url) -> Result<TransportStream, TransportError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(TransportError::new(TransportErrorKind::UnsupportedUrlScheme, url));
        }
        match self.open(&url).await {
            Ok(response) => Ok(stream_of(response, url, Arc::clone(&self.failed))),
            Err(error) if error.kind() == TransportErrorKind::FileNotFound => Err(error),
            // Returned here, any error would be taken for "there is no newer root"; whoever can cut the
            // line would keep a revoked key in force. In the stream it fails the whole look.
            Err(error) => Ok(Box::pin(stream::iter([Err(error)]))),
        }
    }
}

/// The body as a stream that may cross threads; read ahead by a few chunks only.
fn stream_of(mut response: Response, url: Url, failed: Arc<AtomicBool>) -> TransportStream {
    let (sender, mut receiver) = mpsc::channel::<Result<Bytes, TransportError>>(4);
    tokio::spawn(async move {
        let deadline = tokio::time::Instant::now() + limits::FETCH_TIMEOUT;
        loop {
            let cause = match timeout_at(deadline, response.chunk()).await {
                Ok(Ok(Some(chunk))) => match sender.send(Ok(chunk)).await {
                    Ok(()) => continue,
                    Err(_) => return,
                },
                Ok(Ok(None)) => return,
                Ok(Err(error)) => error.to_string(),
                Err(_) => format!("not whole after {} s", limits::FETCH_TIMEOUT.as_secs()),
            };
            failed.store(true, Ordering::Relaxed);
            let error = TransportError::new_with_cause(TransportErrorKind::Other, &url, cause);
            // The receiver may be gone: then nobody asks for the rest.
            drop(sender.send(Err(error)).await);
            return;
        }
    });
    Box::pin(stream::poll_fn(move |context| receiver.poll_recv(context)))
}
