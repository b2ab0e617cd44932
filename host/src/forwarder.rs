//! Sends batches to the origin, each until it is stored: exactly once by (node, epoch, sequence).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, StatusCode, Url};
use tokio::sync::watch;
use tracing::{info, warn};
use wire::{Batch, BatchStored};

use crate::dice::Dice;
use crate::limits;
use crate::metrics::Metrics;
use crate::outbox::{Load, Outbox};

/// Empties the outbox into the origin.
#[derive(Debug)]
pub struct Forwarder {
    client: Client,
    url: Url,
    token_file: PathBuf,
    node: String,
    // Of this run of the process: a node set back to an old image must not repeat numbers.
    epoch: u64,
    sequence: u64,
    outbox: Arc<Outbox>,
    metrics: Arc<Metrics>,
    dice: Dice,
}

/// Why a batch is not stored.
#[derive(Debug, thiserror::Error)]
enum SendError {
    #[error("the token cannot be read: {0}")]
    Token(std::io::Error),
    #[error("the origin is not reached: {0}")]
    Unreachable(#[from] reqwest::Error),
    #[error("the origin answers {0}")]
    Status(StatusCode),
    #[error("the origin does not acknowledge the batch")]
    NotAcknowledged,
}

impl SendError {
    /// Whether the same batch would be refused again.
    fn is_final(&self) -> bool {
        let Self::Status(status) = self else { return false };
        matches!(status.as_u16(), 400 | 413 | 415 | 422)
    }
}

impl Forwarder {
    /// Sends what `outbox` holds to `url` in the name of `node`.
    pub fn new(
        client: Client,
        url: Url,
        token_file: PathBuf,
        node: String,
        outbox: Arc<Outbox>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let dice = Dice::new();
        // 63 bits: the origin's database has no unsigned numbers.
        let epoch = dice.roll() >> 1;
        Self { client, url, token_file, node, epoch, sequence: 0, outbox, metrics, dice }
    }

    /// Runs until `stop` holds true and nothing waits.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            match self.outbox.take() {
                Some(load) => self.deliver(load).await,
                None if *stop.borrow() => return,
                None => {
                    let stopped = tokio::select! {
                        // One event alone is rare: the rest of it comes within moments.
                        () = self.gathered() => Ok(()),
                        stopped = stop.changed() => stopped,
                    };
                    // Whoever could say stop is gone.
                    if stopped.is_err() {
                        return;
                    }
                }
            }
        }
    }

    async fn gathered(&self) {
        self.outbox.more().await;
        tokio::time::sleep(limits::BATCH_LINGER).await;
    }

    /// Sends one batch until it is stored or refused for good.
    async fn deliver(&mut self, load: Load) {
        self.sequence += 1;
        let counts = (load.events.len(), load.sessions.len());
        let batch = Batch {
            node: self.node.clone(),
            epoch: self.epoch,
            sequence: self.sequence,
            events: load.events,
            sessions: load.sessions,
        };
        let body = bytes::Bytes::from(wire::encode_msgpack(&batch));
        drop(batch);
        let mut pause = limits::BATCH_PAUSE_MIN;
        let mut failed = false;
        loop {
            match self.send(&body).await {
                Ok(()) => {
                    self.metrics.batch("stored");
                    if failed {
                        info!(sequence = self.sequence, "the origin takes batches again");
                    }
                    return;
                }
                Err(error) if error.is_final() => {
                    self.metrics.batch("refused");
                    self.metrics.dropped("events", counts.0);
                    self.metrics.dropped("sessions", counts.1);
                    warn!(sequence = self.sequence, %error, "a batch was refused and dropped");
                    return;
                }
                Err(error) => {
                    self.metrics.batch("failed");
                    if !failed {
                        warn!(sequence = self.sequence, %error, "a batch was not sent; trying again");
                        failed = true;
                    }
                }
            }
            tokio::time::sleep(self.dice.vary(pause)).await;
            pause = pause.saturating_mul(2).min(limits::BATCH_PAUSE_MAX);
        }
    }

    async fn send(&self, body: &bytes::Bytes) -> Result<(), SendError> {
        let token = self.token().await?;
        let request = self
            .client
            .post(self.url.clone())
            .bearer_auth(token)
            .header("content-type", "application/msgpack")
            .timeout(limits::BATCH_TIMEOUT)
            .body(body.clone());
        let response = request.send().await?;
        if !response.status().is_success() {
            return Err(SendError::Status(response.status()));
        }
        let stored = read_answer(response).await?.ok_or(SendError::NotAcknowledged)?;
        if stored.node == self.node && stored.epoch == self.epoch && stored.sequence >= self.sequence {
            return Ok(());
        }
        Err(SendError::NotAcknowledged)
    }

    /// Read for every batch, so that a new token needs no restart.
    async fn token(&self) -> Result<String, SendError> {
        let metadata = tokio::fs::metadata(&self.token_file).await.map_err(SendError::Token)?;
        if metadata.len() > limits::TOKEN_BYTES_MAX {
            return Err(SendError::Token(std::io::Error::other("the file is too long")));
        }
        let text = tokio::fs::read_to_string(&self.token_file).await.map_err(SendError::Token)?;
        Ok(text.trim().to_owned())
    }
}

/// The origin's acknowledgement; none if it is not one.
async fn read_answer(mut response: reqwest::Response) -> Result<Option<BatchStored>, reqwest::Error> {
    let content_type = response.headers().get("content-type").map(|value| value.as_bytes().to_vec());
    let is_msgpack = content_type.is_some_and(|value| value.starts_with(b"application/msgpack"));
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > limits::ORIGIN_ANSWER_BYTES_MAX {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk);
    }
    let max = limits::ORIGIN_ANSWER_BYTES_MAX;
    let decoded = if is_msgpack { wire::decode_msgpack(&bytes, max) } else { wire::decode_json(&bytes, max) };
    Ok(decoded.ok())
}

/// What a drain waits for the forwarder at most.
pub async fn finish(task: tokio::task::JoinHandle<()>, within: Duration, outbox: &Outbox) {
    let abort = task.abort_handle();
    if tokio::time::timeout(within, task).await.is_err() {
        abort.abort();
        warn!(waiting = outbox.len(), "the origin did not take the last batches in time");
    }
}
