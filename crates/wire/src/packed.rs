//! Folds and scores of many sessions as bytes, for a host that knows no domain crate.
//!
//! The layouts are those of `session::packed` and `qoe::packed`. What cannot be read is a [`Refusal`] with
//! a stable code, never a panic.

use crate::{PlaybackEvent, Refusal, Scores, Summary};
use session::packed;

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
#[derive(Clone, Debug)]
pub struct FoldBatch {
    bytes: Vec<u8>,
    sessions: usize,
    events: usize,
}

impl Default for FoldBatch {
    fn default() -> Self {
        Self { bytes: packed::begin_batch(), sessions: 0, events: 0 }
    }
}

impl FoldBatch {
    /// Adds a session: its state, empty for a new one, and its events. What is refused was not added.
    pub fn add(&mut self, state: &[u8], events: &[PlaybackEvent]) -> Result<(), Refusal> {
        let mut records = Vec::with_capacity(events.len() * EVENT_BYTES);
        events.iter().for_each(|event| pack_event(event, &mut records));
        self.add_packed(state, &records)
    }

    /// The same of events that [`pack_event`] wrote one after another.
    pub fn add_packed(&mut self, state: &[u8], records: &[u8]) -> Result<(), Refusal> {
        let events = records.len() / EVENT_BYTES;
        let is_full = self.sessions == SESSIONS_MAX || self.events + events > EVENTS_MAX;
        if is_full || !records.len().is_multiple_of(EVENT_BYTES) {
            return Err(packed::PackedError::Length(records.len()).into());
        }
        packed::pack_session_records(state, records, &mut self.bytes)?;
        self.sessions += 1;
        self.events += events;
        Ok(())
    }

    /// Sessions so far.
    pub fn sessions(&self) -> usize {
        self.sessions
    }

    /// Events so far.
    pub fn events(&self) -> usize {
        self.events
    }

    /// What `fold-batch` takes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// A session after a fold.
#[derive(Clone, Debug, PartialEq)]
pub struct Folded<'a> {
    /// Its state, to be handed back with the next events.
    pub state: &'a [u8],
    /// What was seen.
    pub summary: Summary,
    /// How good it was.
    pub scores: Scores,
}

/// Reads the answer of `fold-batch`, in the order of the batch: for each session what became of it. An
/// answer that cannot be read is refused whole.
pub fn folded(answer: &[u8]) -> Result<Vec<Result<Folded<'_>, Refusal>>, Refusal> {
    let mut sessions = Vec::new();
    for entry in packed::folded(answer)? {
        sessions.push(entry?.map_err(Refusal::from).map(|folded| Folded {
            state: folded.state,
            summary: folded.summary.into(),
            scores: folded.scores.into(),
        }));
    }
    Ok(sessions)
}

/// Summaries to score, in the form that `score-batch` takes.
#[derive(Clone, Debug)]
pub struct ScoreBatch {
    bytes: Vec<u8>,
}

impl Default for ScoreBatch {
    fn default() -> Self {
        Self { bytes: qoe::packed::VERSION.to_le_bytes().to_vec() }
    }
}

impl ScoreBatch {
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

/// Reads the answer of `score-batch`, in the order of the batch.
pub fn scores(answer: &[u8]) -> Result<Vec<Scores>, Refusal> {
    Ok(qoe::packed::unpack_score_batch(answer)?.into_iter().map(Scores::from).collect())
}
