//! The simulator: a player that fetches one chunk after another over a trace.
//!
//! The protocol is that of Pensieve's `fixed_env.py` (SIGCOMM 2017), on which the figures of the
//! literature are made: the trace begins at its beginning and again at its end; a download carries
//! [`PAYLOAD_SHARE`] of the link; the round trip is added to every download and does not move the trace
//! on; what does not arrive in time stalls; a buffer above its maximum waits in steps of
//! [`WAIT_STEP_MS`], during which the trace moves on and the buffer drains.

use crate::session::Mode;
use crate::trace::Trace;
use crate::video::Video;

/// Share of the link's speed that carries media; the rest are headers.
const PAYLOAD_SHARE: f64 = 0.95;

/// A full buffer is looked at again after this time.
const WAIT_STEP_MS: f64 = 500.0;

/// What every session has in common.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Protocol {
    /// Media the player holds at most.
    pub(crate) buffer_max_ms: f64,
    /// From a request to its first byte.
    pub(crate) rtt_ms: f64,
    /// What the player knows.
    pub(crate) mode: Mode,
}

/// A session between two chunks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Player<'a> {
    video: &'a Video,
    trace: &'a Trace,
    protocol: Protocol,
    segment: usize,
    // Of the segment, at most its length.
    passed_s: f64,
    level_ms: f64,
    chunk: usize,
}

/// What fetching a chunk brought.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fetched {
    /// From request to last byte.
    pub(crate) took_ms: f64,
    /// Of it without a picture; for the first chunk that is the start.
    pub(crate) stall_ms: f64,
    /// Buffer after the chunk and the wait.
    pub(crate) level_ms: f64,
    /// Size.
    pub(crate) bytes: f64,
}

impl<'a> Player<'a> {
    /// Before the first chunk.
    pub(crate) fn new(video: &'a Video, trace: &'a Trace, protocol: Protocol) -> Self {
        Self { video, trace, protocol, segment: 0, passed_s: 0.0, level_ms: 0.0, chunk: 0 }
    }

    /// Index of the chunk to fetch next; the number of chunks at the end.
    pub(crate) fn chunk(&self) -> usize {
        self.chunk
    }

    /// Media in the buffer.
    pub(crate) fn level_ms(&self) -> f64 {
        self.level_ms
    }

    /// Fetches the next chunk at `rung`.
    pub(crate) fn fetch(&mut self, rung: usize) -> Fetched {
        let bytes = self.video.bytes(self.chunk, rung);
        let took_ms = self.download_s(bytes) * 1e3 + self.protocol.rtt_ms;
        let stall_ms = (took_ms - self.level_ms).max(0.0);
        self.level_ms = (self.level_ms - took_ms).max(0.0) + f64::from(self.video.chunk_ms);
        self.wait();
        self.chunk += 1;
        Fetched { took_ms, stall_ms, level_ms: self.level_ms, bytes }
    }

    fn download_s(&mut self, bytes: f64) -> f64 {
        let (mut seconds, mut got) = (0.0, 0.0);
        loop {
            let segment = self.trace.segments()[self.segment];
            let bytes_per_s = segment.mbps * 1e6 / 8.0;
            let left_s = segment.seconds - self.passed_s;
            let carries = bytes_per_s * left_s * PAYLOAD_SHARE;
            if got + carries > bytes {
                let last_s = (bytes - got) / bytes_per_s / PAYLOAD_SHARE;
                self.passed_s += last_s;
                return seconds + last_s;
            }
            got += carries;
            seconds += left_s;
            self.next_segment();
        }
    }

    fn wait(&mut self) {
        let above_ms = self.level_ms - self.protocol.buffer_max_ms;
        if above_ms <= 0.0 {
            return;
        }
        let mut wait_ms = (above_ms / WAIT_STEP_MS).ceil() * WAIT_STEP_MS;
        self.level_ms -= wait_ms;
        loop {
            let left_s = self.trace.segments()[self.segment].seconds - self.passed_s;
            if left_s > wait_ms / 1e3 {
                self.passed_s += wait_ms / 1e3;
                return;
            }
            wait_ms -= left_s * 1e3;
            self.next_segment();
        }
    }

    fn next_segment(&mut self) {
        self.segment = (self.segment + 1) % self.trace.segments().len();
        self.passed_s = 0.0;
    }
}
