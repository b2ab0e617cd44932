//! Events, and folds of many sessions, as bytes: what crosses the border of a component by the thousand.
//!
//! Little endian, without padding, led by [`VERSION`] in 32 bits. All that is read is checked: a batch whose
//! lengths do not add up is refused whole; a session whose state or events nobody wrote gets its own error and
//! does no harm to the others. Nothing here panics.
//!
//! | batch | answer |
//! |---|---|
//! | version, 32 bits | version, 32 bits |
//! | for each session: | for each session: |
//! | length of the state, 16 bits | 8 bits: 0 and 4 are folded; [`Status`] otherwise, and nothing follows |
//! | the state, in either form; none begins a session | length of the state, 16 bits |
//! | number of events, 16 bits | the state, as of [`Session::pack_into`] |
//! | the events, [`EVENT_BYTES`] each | what windows count, [`SEEN_BYTES`] |
//! | | after a 4: the summary and the scores, as of [`qoe::packed`] |
//!
//! Summary and scores come when these events ended the session, and when there were none, which asks for
//! them. A heartbeat, which is nearly all that a node sees, costs neither.

mod event;
mod seen;
mod state;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

pub(crate) use event::{CODECS, SCREENS};
pub use event::{EVENT_BYTES, pack_event, unpack_event};
pub use qoe::packed::PackedError;
use qoe::packed::{Reader, SCORES_BYTES, SUMMARY_BYTES};
use qoe::{Scores, Summary};
pub use seen::{SEEN_BYTES, Seen, mean_buffer_ms, mean_kbps};
pub use state::{MARK, STATE_VERSION};

use units::UnixMillis;

use crate::{Event, EventKind, FoldError, Phase, SavedError, Session, limits};

/// Of batches and answers; another is refused, never guessed at.
pub const VERSION: u32 = 2;

/// What became of a session in a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Number 1: the state is not one that this version wrote.
    State,
    /// Number 2: more events than [`limits::EVENTS_MAX`].
    TooManyEvents,
    /// Number 3: an event holds what nobody writes.
    Event,
}

impl Status {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::State => SavedError::Malformed.code(),
            Self::TooManyEvents => FoldError::TooManyEvents.code(),
            Self::Event => PackedError::Record.code(),
        }
    }

    fn number(self) -> u8 {
        match self {
            Self::State => 1,
            Self::TooManyEvents => 2,
            Self::Event => 3,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State => SavedError::Malformed.fmt(f),
            Self::TooManyEvents => FoldError::TooManyEvents.fmt(f),
            Self::Event => PackedError::Record.fmt(f),
        }
    }
}

impl core::error::Error for Status {}

/// Begins a batch; [`pack_session`] continues it.
pub fn begin_batch() -> Vec<u8> {
    VERSION.to_le_bytes().to_vec()
}

/// Appends a session's state and the events to fold into it to a batch.
///
/// # Errors
///
/// [`Status::State`] and [`Status::TooManyEvents`] where a length cannot be written; nothing was appended.
pub fn pack_session(state: &[u8], events: &[Event], batch: &mut Vec<u8>) -> Result<(), Status> {
    let open = begin_session(state, batch)?;
    events.iter().for_each(|event| pack_event(event, batch));
    open.end(batch)
}

/// A session of a batch to which [`pack_event`] may append events until [`Open::end`].
#[derive(Debug)]
#[must_use]
pub struct Open {
    begin: usize,
    /// Where the number of events will be.
    count_at: usize,
}

impl Open {
    /// Takes away a session and the events that were appended since.
    pub fn cancel(self, batch: &mut Vec<u8>) {
        batch.truncate(self.begin);
    }

    /// Ends a session with the events that were appended since.
    ///
    /// # Errors
    ///
    /// [`Status::TooManyEvents`] where their number cannot be written, and [`Status::Event`] where something
    /// else was appended; the session was taken away again.
    pub fn end(self, batch: &mut Vec<u8>) -> Result<(), Status> {
        let Self { begin, count_at } = self;
        let records = batch.get(count_at + 2..).map_or(0, <[u8]>::len);
        let count = match u16::try_from(records / EVENT_BYTES) {
            Ok(count) if records.is_multiple_of(EVENT_BYTES) => Ok(count),
            Ok(_) => Err(Status::Event),
            Err(_) => Err(Status::TooManyEvents),
        };
        match (count, batch.get_mut(count_at..count_at + 2)) {
            (Ok(count), Some(place)) => {
                place.copy_from_slice(&count.to_le_bytes());
                Ok(())
            }
            (count, _) => {
                batch.truncate(begin);
                Err(count.err().unwrap_or(Status::Event))
            }
        }
    }
}

/// Appends a session's state; its events are to follow.
///
/// # Errors
///
/// [`Status::State`] where its length cannot be written; nothing was appended.
pub fn begin_session(state: &[u8], batch: &mut Vec<u8>) -> Result<Open, Status> {
    let state_bytes = u16::try_from(state.len()).map_err(|_| Status::State)?;
    let begin = batch.len();
    batch.reserve(2 + state.len() + 2 + EVENT_BYTES);
    batch.extend_from_slice(&state_bytes.to_le_bytes());
    batch.extend_from_slice(state);
    let count_at = batch.len();
    batch.extend_from_slice(&[0, 0]);
    Ok(Open { begin, count_at })
}

/// The same of events that [`pack_event`] wrote one after another; bytes after the last whole record are
/// refused as [`Status::Event`].
pub fn pack_session_records(state: &[u8], records: &[u8], batch: &mut Vec<u8>) -> Result<(), Status> {
    let open = begin_session(state, batch)?;
    batch.extend_from_slice(records);
    open.end(batch)
}

/// Folds a batch and returns its answer. What was folded before a length that does not add up, or beyond a
/// limit, is thrown away with the batch.
pub fn fold_batch(batch: &[u8]) -> Result<Vec<u8>, PackedError> {
    let cut = PackedError::Length(batch.len());
    let mut next = Reader::new(batch);
    let version = next.bytes().map(u32::from_le_bytes).ok_or(cut)?;
    if version != VERSION {
        return Err(PackedError::Version(version));
    }
    // A session of one event is about as long in the answer; a short batch may ask for much.
    let mut out = Vec::with_capacity(batch.len() + ANSWER_BYTES_MAX);
    out.extend_from_slice(&VERSION.to_le_bytes());
    let mut events = Vec::new();
    let (mut sessions_left, mut events_left) = (limits::BATCH_SESSIONS_MAX, limits::BATCH_EVENTS_MAX);
    while !next.rest().is_empty() {
        let (state, records) = next_session(&mut next).ok_or(cut)?;
        events_left =
            events_left.checked_sub(records.len()).ok_or(PackedError::TooMany(limits::BATCH_EVENTS_MAX))?;
        sessions_left =
            sessions_left.checked_sub(1).ok_or(PackedError::TooMany(limits::BATCH_SESSIONS_MAX))?;
        if let Err(status) = fold(state, records, &mut events, &mut out) {
            out.push(status.number());
        }
    }
    Ok(out)
}

/// The next state and its event records; none where bytes are missing.
#[inline]
fn next_session<'a>(next: &mut Reader<'a>) -> Option<(&'a [u8], &'a [[u8; EVENT_BYTES]])> {
    let state_bytes = next.bytes().map(u16::from_le_bytes)?;
    let state = next.slice(usize::from(state_bytes))?;
    let count = next.bytes().map(u16::from_le_bytes)?;
    let (records, _) = next.slice(usize::from(count) * EVENT_BYTES)?.as_chunks();
    Some((state, records))
}

/// Folds a session and appends what became of it; appends nothing when it is refused. Events are read over
/// those of the session before.
fn fold(
    state: &[u8],
    records: &[[u8; EVENT_BYTES]],
    events: &mut Vec<Event>,
    out: &mut Vec<u8>,
) -> Result<(), Status> {
    let mut session = Session::default();
    session.load_any(state).map_err(|_| Status::State)?;
    let had_ended = session.phase() == Phase::Ended;
    if events.len() < records.len() {
        events.resize(records.len(), Event::new(EventKind::Start, UnixMillis::default()));
    }
    let events = &mut events[..records.len()];
    for (record, event) in records.iter().zip(&mut *events) {
        event::read_event(record, event).map_err(|_| Status::Event)?;
    }
    session.fold_slice(events).map_err(|_| Status::TooManyEvents)?;
    let has_ended = session.phase() == Phase::Ended && !had_ended;
    write_folded(&session, has_ended || records.is_empty(), out);
    Ok(())
}

fn write_folded(session: &Session, is_full: bool, out: &mut Vec<u8>) {
    // The length is written when it is known; a state is at most limits::STATE_BYTES_MAX long.
    out.extend_from_slice(&[if is_full { FULL } else { FOLDED }, 0, 0]);
    let begin = out.len();
    session.pack_into(out);
    let length = (out.len() - begin) as u16;
    out[begin - 2..begin].copy_from_slice(&length.to_le_bytes());
    session.seen().pack_into(out);
    if is_full {
        let summary = session.summary();
        qoe::packed::pack_summary(&summary, out);
        qoe::packed::pack_scores(&qoe::score(&summary), out);
    }
}

/// The number of a session that was folded, and of one whose summary and scores follow.
const FOLDED: u8 = 0;
const FULL: u8 = 4;

/// A session of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Folded<'a> {
    /// Its state, to be handed back with the next events.
    pub state: &'a [u8],
    /// What windows count of it.
    pub seen: Seen,
    /// What was seen and how good it was, where these events ended it or there were none.
    pub full: Option<Box<(Summary, Scores)>>,
}

/// Reads the answer to a batch, session by session; an answer that breaks off ends with the error.
pub fn folded(answer: &[u8]) -> Result<FoldedSessions<'_>, PackedError> {
    let mut next = Reader::new(answer);
    let version = next.bytes().map(u32::from_le_bytes).ok_or(PackedError::Length(answer.len()))?;
    if version != VERSION {
        return Err(PackedError::Version(version));
    }
    Ok(FoldedSessions { next })
}

/// The sessions of an answer, in the order of the batch.
pub struct FoldedSessions<'a> {
    next: Reader<'a>,
}

impl<'a> FoldedSessions<'a> {
    fn read(&mut self) -> Result<Result<Folded<'a>, Status>, PackedError> {
        let next = &mut self.next;
        let cut = PackedError::Length(next.rest().len());
        let is_full = match next.u8() {
            FOLDED => false,
            FULL => true,
            1 => return Ok(Err(Status::State)),
            2 => return Ok(Err(Status::TooManyEvents)),
            3 => return Ok(Err(Status::Event)),
            _ => return Err(PackedError::Record),
        };
        let state_bytes = next.bytes().map(u16::from_le_bytes).ok_or(cut)?;
        let state = next.slice(usize::from(state_bytes)).ok_or(cut)?;
        let seen = Seen::unpack(&next.bytes().ok_or(cut)?)?;
        let full = if is_full { Some(Box::new(read_full(next, cut)?)) } else { None };
        Ok(Ok(Folded { state, seen, full }))
    }
}

fn read_full(next: &mut Reader<'_>, cut: PackedError) -> Result<(Summary, Scores), PackedError> {
    let summary = qoe::packed::unpack_summary(next.slice(SUMMARY_BYTES).ok_or(cut)?)?;
    let scores = qoe::packed::unpack_scores(next.slice(SCORES_BYTES).ok_or(cut)?)?;
    Ok((summary, scores))
}

impl<'a> Iterator for FoldedSessions<'a> {
    type Item = Result<Result<Folded<'a>, Status>, PackedError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next.rest().is_empty() {
            return None;
        }
        let read = self.read();
        if read.is_err() {
            // What follows a broken entry cannot be found.
            self.next = Reader::new(&[]);
        }
        Some(read)
    }
}

/// The longest answer of one session.
const ANSWER_BYTES_MAX: usize = 3 + limits::STATE_BYTES_MAX + SEEN_BYTES + SUMMARY_BYTES + SCORES_BYTES;

const _: () = assert!(limits::STATE_BYTES_MAX <= u16::MAX as usize);

/// The number of 32 bits at a fixed place of a record.
#[inline(always)]
fn short<const AT: usize, const ALL: usize>(record: &[u8; ALL]) -> u32 {
    u32::from_le_bytes([record[AT], record[AT + 1], record[AT + 2], record[AT + 3]])
}

/// The number of 64 bits at a fixed place of a record.
#[inline(always)]
fn long<const AT: usize, const ALL: usize>(record: &[u8; ALL]) -> u64 {
    let high = u32::from_le_bytes([record[AT + 4], record[AT + 5], record[AT + 6], record[AT + 7]]);
    u64::from(short::<AT, ALL>(record)) | u64::from(high) << 32
}
