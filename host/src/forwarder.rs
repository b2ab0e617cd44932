//! Sends the frames of a lane to the origin, in their order, until they are stored.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, StatusCode, Url};
use spool::{Frames, Lane};
use tokio::sync::watch;
use tracing::{info, warn};
use wire::{Batch, BatchStored, Frame};

use crate::dice::Dice;
use crate::limits;
use crate::metrics::Metrics;
use crate::outbox::Outbox;

/// Empties a lane of the outbox into the origin.
#[derive(Debug)]
pub struct Forwarder {
    /// Which.
    pub lane: Lane,
    /// What sends.
    pub client: Client,
    /// Where batches go.
    pub url: Url,
    /// Who sends, as the origin's token says.
    pub token_file: PathBuf,
    /// The same by name.
    pub node: String,
    /// What is sent.
    pub outbox: Arc<Outbox>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Varies pauses.
    pub dice: Dice,
}

/// Why a batch is not stored.
#[derive(Debug, thiserror::Error)]
enum SendError {
    #[error("the token cannot be read: {0}")]
    Token(std::io::Error),
    #[error("the spool cannot be read: {0}")]
    Spool(std::io::Error),
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
    /// Runs until `stop` holds true and nothing waits.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut cursor = self.outbox.cursor(self.lane);
        loop {
            let frames = self.read(cursor).await;
            if !frames.frames.is_empty() {
                self.deliver(&frames).await;
                cursor = frames.next;
                continue;
            }
            cursor = frames.next;
            if *stop.borrow() {
                return;
            }
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

    async fn gathered(&self) {
        self.outbox.more(self.lane).await;
        tokio::time::sleep(limits::BATCH_LINGER).await;
    }

    /// What comes next; tries again when the disk fails.
    async fn read(&self, after: spool::Cursor) -> Frames {
        let mut pause = limits::BATCH_PAUSE_MIN;
        loop {
            let (outbox, lane) = (Arc::clone(&self.outbox), self.lane);
            let read = tokio::task::spawn_blocking(move || outbox.read(lane, after)).await;
            let error = match read {
                Ok(Ok(frames)) => return frames,
                Ok(Err(error)) => SendError::Spool(error),
                Err(panicked) => SendError::Spool(std::io::Error::other(panicked)),
            };
            warn!(lane = self.lane.name(), %error, "trying again");
            tokio::time::sleep(self.dice.vary(pause)).await;
            pause = pause.saturating_mul(2).min(limits::BATCH_PAUSE_MAX);
        }
    }

    /// Sends frames until they are stored. What is refused for good is halved until the frame at fault is alone: only that
    /// one is dropped, and a size that something on the way refuses is found.
    async fn deliver(&self, frames: &Frames) {
        let mut parts = vec![frames.frames.as_slice()];
        while let Some(part) = parts.pop() {
            let Some(last) = part.last().map(|frame| frame.sequence) else { continue };
            match self.deliver_part(frames.epoch, part, last).await {
                Err(_) if part.len() > 1 => {
                    self.metrics.batch("halved");
                    let (first, rest) = part.split_at(part.len() / 2);
                    parts.extend([rest, first]);
                    continue;
                }
                Err(error) => {
                    self.metrics.batch("refused");
                    let records = part.iter().map(|frame| frame.records as usize).sum();
                    self.metrics.dropped(self.lane.name(), records);
                    warn!(lane = self.lane.name(), last, records, %error, "a frame was refused and dropped");
                }
                Ok(()) => self.metrics.batch("stored"),
            }
            self.outbox.acknowledge(self.lane, frames.epoch, last);
        }
    }

    /// Sends one batch until it is stored or refused for good.
    async fn deliver_part(&self, epoch: u64, part: &[spool::Frame], last: u64) -> Result<(), SendError> {
        let lane = match self.lane {
            Lane::Records => wire::Lane::Records,
            Lane::Events => wire::Lane::Events,
        };
        let frames = part.iter().map(|frame| Frame { sequence: frame.sequence, payload: &frame.payload });
        let batch = Batch { node: self.node.clone(), lane, epoch, frames: frames.collect() };
        let body = bytes::Bytes::from(wire::encode_msgpack(&batch));
        let mut pause = limits::BATCH_PAUSE_MIN;
        let mut failed = false;
        loop {
            let error = match self.send(&body, lane, epoch, last).await {
                Ok(()) if failed => {
                    info!(lane = self.lane.name(), last, "the origin takes batches again");
                    return Ok(());
                }
                Err(error) if !error.is_final() => error,
                done => return done,
            };
            self.metrics.batch("failed");
            if !failed {
                warn!(lane = self.lane.name(), last, %error, "a batch was not sent; trying again");
                failed = true;
            }
            tokio::time::sleep(self.dice.vary(pause)).await;
            pause = pause.saturating_mul(2).min(limits::BATCH_PAUSE_MAX);
        }
    }

    async fn send(
        &self,
        body: &bytes::Bytes,
        lane: wire::Lane,
        epoch: u64,
        last: u64,
    ) -> Result<(), SendError> {
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
        let is_ours = (&stored.node, stored.lane, stored.epoch) == (&self.node, lane, epoch);
        if is_ours && stored.sequence >= last { Ok(()) } else { Err(SendError::NotAcknowledged) }
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

/// What a drain waits for the forwarders at most; what is left is sent by the next start.
pub async fn finish(tasks: Vec<tokio::task::JoinHandle<()>>, within: Duration) {
    let deadline = tokio::time::Instant::now() + within;
    for task in tasks {
        let abort = task.abort_handle();
        if tokio::time::timeout_at(deadline, task).await.is_err() {
            abort.abort();
            info!("the origin did not take all in time; the rest waits in the spool");
        }
    }
}
