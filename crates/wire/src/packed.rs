//! Folds and scores of many sessions as bytes, for a host that knows no domain crate.
//!
//! The layouts are those of `session::packed` and `qoe::packed`. What cannot be read is a [`Refusal`] with
//! a stable code, never a panic.

use crate::{Event, PlaybackEvent, Refusal, Scores, Summary};
use session::packed;
use units::{Millis, UnixMillis};

/// Bytes of a packed event.
pub const EVENT_BYTES: usize = packed::EVENT_BYTES;

/// Sessions in one batch of folds.
pub const SESSIONS_MAX: usize = session::limits::BATCH_SESSIONS_MAX;

/// Events of one session in one fold.
pub const SESSION_EVENTS_MAX: usize = session::limits::EVENTS_MAX;

/// Events in one batch of folds.
pub const EVENTS_MAX: usize = session::limits::BATCH_EVENTS_MAX;

/// Summaries in one batch of scores.
pub const SCORED_MAX: usize = qoe::packed::SCORED_MAX;

/// Appends an event.
pub fn pack_event(event: &PlaybackEvent, out: &mut Vec<u8>) {
    packed::pack_event(&(*event).into(), out);
}

/// Sessions to fold, in the form that `fold-batch` takes.
#[derive(Debug)]
pub struct FoldBatch {
    bytes: Vec<u8>,
    sessions: usize,
    events: usize,
    /// The session that was begun, and events before it.
    open: Option<(packed::Open, usize)>,
}

impl Default for FoldBatch {
    fn default() -> Self {
        Self { bytes: packed::begin_batch(), sessions: 0, events: 0, open: None }
    }
}

impl FoldBatch {
    /// With room for so many sessions of one event each.
    pub fn with_capacity(sessions: usize) -> Self {
        let mut batch = Self::default();
        batch.bytes.reserve(sessions.min(SESSIONS_MAX) * SESSION_BYTES_USUAL);
        batch
    }

    /// Adds a session: its state, empty for a new one, and its events. What is refused was not added.
    pub fn add(&mut self, state: &[u8], events: &[PlaybackEvent]) -> Result<(), Refusal> {
        self.begin_session(state)?;
        events.iter().for_each(|event| pack_event(event, &mut self.bytes));
        self.events += events.len();
        self.end_session()
    }

    /// The same of events that [`pack_event`] wrote one after another.
    pub fn add_packed(&mut self, state: &[u8], records: &[u8]) -> Result<(), Refusal> {
        self.begin_session(state)?;
        self.bytes.extend_from_slice(records);
        self.events += records.len() / EVENT_BYTES;
        self.end_session()
    }

    /// Begins a session with its state, empty for a new one; [`Self::event`] adds its events, and
    /// [`Self::end_session`] ends it. One that was not ended is taken away by the next.
    pub fn begin_session(&mut self, state: &[u8]) -> Result<(), Refusal> {
        self.cancel();
        if self.sessions == SESSIONS_MAX {
            return Err(packed::PackedError::TooMany(SESSIONS_MAX).into());
        }
        self.open = Some((packed::begin_session(state, &mut self.bytes)?, self.events));
        Ok(())
    }

    /// Adds an event to the session that was begun; without one it is lost.
    pub fn event(&mut self, event: &Event<'_>) {
        if self.open.is_some() {
            packed::pack_event(&event.into(), &mut self.bytes);
            self.events += 1;
        }
    }

    /// Ends the session that was begun. When it is refused, nothing of it was added.
    pub fn end_session(&mut self) -> Result<(), Refusal> {
        if self.events > EVENTS_MAX {
            self.cancel();
            return Err(packed::PackedError::TooMany(EVENTS_MAX).into());
        }
        if let Some((open, events)) = self.open.take() {
            open.end(&mut self.bytes).inspect_err(|_| self.events = events)?;
            self.sessions += 1;
        }
        Ok(())
    }

    /// Takes away the session that was begun, if any.
    fn cancel(&mut self) {
        if let Some((open, events)) = self.open.take() {
            open.cancel(&mut self.bytes);
            self.events = events;
        }
    }

    /// Sessions so far.
    pub fn sessions(&self) -> usize {
        self.sessions
    }

    /// Events so far.
    pub fn events(&self) -> usize {
        self.events
    }

    /// What `fold-batch` takes, when no session is begun and not ended.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// A state of usual length, an event, and their lengths.
const SESSION_BYTES_USUAL: usize = 200 + EVENT_BYTES + 4;

/// What windows count of a session: totals since its start. Sums and not means, for they are exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Time of the newest event by the player's clock. Unix time, milliseconds; none before the first.
    pub newest_unix_ms: Option<u64>,
    /// From start to the first frame, less the ads before it, in milliseconds; none until it came.
    pub startup_ms: Option<u32>,
    /// Time in which the title was shown, in milliseconds.
    pub played_ms: u64,
    /// Time spent waiting after the first frame, in milliseconds.
    pub stalled_ms: u64,
    /// Times playback ran dry.
    pub stalls: u32,
    /// Errors reported.
    pub errors: u32,
    /// Changes of bit rate.
    pub switches: u32,
    /// Frames not shown.
    pub dropped_frames: u32,
    /// Events folded.
    pub events: u32,
    /// The bit rate played now in kbit/s; zero is unknown.
    pub kbps: u32,
    /// Time shown in which the bit rate was known, in milliseconds.
    pub rated_ms: u64,
    /// Bit rates over that time: kbit/s times milliseconds.
    pub rate_sum: u64,
    /// Buffer levels reported.
    pub buffers: u32,
    /// Their sum in milliseconds.
    pub buffer_sum_ms: u64,
    /// Whether playback has ended.
    pub ended: bool,
    /// Whether an error was the last thing before the end.
    pub failed: bool,
}

impl From<packed::Seen> for Seen {
    #[inline]
    fn from(seen: packed::Seen) -> Self {
        Self {
            newest_unix_ms: seen.newest_at.map(UnixMillis::get),
            // A session bounds its startup to minutes.
            startup_ms: seen.startup.map(|startup| startup.get() as u32),
            played_ms: seen.played.get(),
            stalled_ms: seen.stalled.get(),
            stalls: seen.stalls,
            errors: seen.errors,
            switches: seen.switches,
            dropped_frames: seen.dropped_frames,
            events: seen.events,
            kbps: seen.kbps,
            rated_ms: seen.rated.get(),
            rate_sum: seen.rate_sum,
            buffers: seen.buffers,
            buffer_sum_ms: seen.buffer_sum,
            ended: seen.ended,
            failed: seen.failed,
        }
    }
}

impl Seen {
    /// Time-weighted mean bit rate in kbit/s, as a summary has it; none until one was reported.
    pub fn mean_kbps(&self) -> Option<f64> {
        packed::mean_kbps(self.kbps, self.rate_sum, Millis::new(self.rated_ms))
    }

    /// Mean of the reported buffer levels in milliseconds, as a summary has it; none until one was reported.
    pub fn mean_buffer_ms(&self) -> Option<f64> {
        packed::mean_buffer_ms(self.buffer_sum_ms, self.buffers)
    }
}

/// A session after a fold.
#[derive(Clone, Debug, PartialEq)]
pub struct Folded<'a> {
    /// Its state, to be handed back with the next events.
    pub state: &'a [u8],
    /// What windows count of it.
    pub seen: Seen,
    /// What was seen and how good it was, where these events ended the session or there were none.
    pub full: Option<Box<(Summary, Scores)>>,
}

/// Reads the answer of `fold-batch`, in the order of the batch: for each session what became of it. An
/// answer that cannot be read is refused whole.
pub fn folded(answer: &[u8]) -> Result<Vec<Result<Folded<'_>, Refusal>>, Refusal> {
    let mut sessions = Vec::with_capacity(answer.len() / ANSWER_BYTES_LEAST);
    for entry in packed::folded(answer)? {
        sessions.push(entry?.map_err(Refusal::from).map(|folded| Folded {
            state: folded.state,
            seen: folded.seen.into(),
            full: folded.full.map(|full| Box::new((full.0.into(), full.1.into()))),
        }));
    }
    Ok(sessions)
}

/// Of a session that was folded; more room than sessions that were refused would take is not set aside.
const ANSWER_BYTES_LEAST: usize = packed::SEEN_BYTES + 32;

/// Summaries to score, in the form that `score-batch` takes.
#[derive(Clone, Debug)]
pub struct ScoreBatch {
    bytes: Vec<u8>,
}

impl Default for ScoreBatch {
    fn default() -> Self {
        Self { bytes: qoe::packed::Wanted::All.head().to_vec() }
    }
}

impl ScoreBatch {
    /// One that asks for `session-v1` and `window-v1` alone; [`score_pairs`] reads its answer.
    pub fn of_pairs() -> Self {
        Self { bytes: qoe::packed::Wanted::SessionAndWindow.head().to_vec() }
    }

    /// Adds a summary.
    pub fn add(&mut self, summary: &Summary) {
        let figures = qoe::Figures::from(&qoe::Summary::from(summary));
        qoe::packed::pack_figures(&figures, &mut self.bytes);
    }

    /// What `score-batch` takes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads the answer of `score-batch` to [`ScoreBatch::of_pairs`]: `session-v1` and `window-v1` of each.
pub fn score_pairs(answer: &[u8]) -> Result<Vec<[f64; 2]>, Refusal> {
    Ok(qoe::packed::unpack_pair_batch(answer)?)
}

/// Reads the answer of `score-batch`, in the order of the batch.
pub fn scores(answer: &[u8]) -> Result<Vec<Scores>, Refusal> {
    Ok(qoe::packed::unpack_score_batch(answer)?.into_iter().map(Scores::from).collect())
}
