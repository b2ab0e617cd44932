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
//! | length of the state, 16 bits | [`Status`], 8 bits; nothing follows one that is not 0 |
//! | the state; none begins a session | length of the state, 16 bits |
//! | number of events, 16 bits | the state |
//! | the events, [`EVENT_BYTES`] each | the summary and the scores, as of [`qoe::packed`] |
//!
//! | event, from byte | number |
//! |---|---|
//! | 0 | time, milliseconds since 1970; 64 bits |
//! | 8 | bits of what is there, in the order of [`Event`]'s optional fields |
//! | 12 | kind, codec, screen, nothing; 8 bits each |
//! | 16 | width, height; 16 bits each |
//! | 20 | position, duration, in milliseconds; 64 bits each |
//! | 36 | sequence, rate, top rate, throughput, buffer, latency, startup, stalled, stalled more, buffering events, dropped frames, frame rate; 32 bits each |

use alloc::vec::Vec;
use core::fmt;

use qoe::packed::{Bits, Present, Reader, SCORES_BYTES, SUMMARY_BYTES};
pub use qoe::packed::{PackedError, VERSION};
use qoe::{Scores, Summary};
use units::{Kbps, Millis, UnixMillis};

use crate::{Codec, Event, FoldError, KINDS, SavedError, Screen, Session, limits};

/// Of an event.
pub const EVENT_BYTES: usize = 84;

/// In the order of their numbers.
pub(crate) const CODECS: [Codec; 6] =
    [Codec::Avc, Codec::Hevc, Codec::Vp9, Codec::Av1, Codec::Vvc, Codec::Other];

/// In the order of their numbers.
pub(crate) const SCREENS: [Screen; 4] = [Screen::Phone, Screen::Tablet, Screen::Desktop, Screen::Tv];

/// Appends an event. Lengths of time other than positions are cut to 49 days.
pub fn pack_event(event: &Event, out: &mut Vec<u8>) {
    let ms = |length: Option<Millis>| length.map_or(0, |ms| u32::try_from(ms.get()).unwrap_or(u32::MAX));
    let kbps = |rate: Option<Kbps>| rate.map_or(0, Kbps::get);
    let position = |length: Option<Millis>| length.map_or(0, Millis::get);
    out.extend_from_slice(&event.at.get().to_le_bytes());
    out.extend_from_slice(&bits(event).to_le_bytes());
    // Kinds, codecs and screens are numbered in their order.
    let small = [
        event.kind as u8,
        event.codec.map_or(0, |codec| codec as u8),
        event.screen.map_or(0, |screen| screen as u8),
        0,
    ];
    out.extend_from_slice(&small);
    let sizes = [event.width.unwrap_or(0), event.height.unwrap_or(0)];
    out.extend_from_slice(sizes.map(u16::to_le_bytes).as_flattened());
    let positions = [position(event.position), position(event.duration)];
    out.extend_from_slice(positions.map(u64::to_le_bytes).as_flattened());
    let numbers = [
        event.sequence.unwrap_or(0),
        kbps(event.rate),
        kbps(event.top_rate),
        kbps(event.throughput),
        ms(event.buffer),
        ms(event.latency),
        ms(event.startup),
        ms(event.stalled),
        ms(event.stalled_more),
        event.buffering_events.unwrap_or(0),
        event.dropped_frames.unwrap_or(0),
        event.frame_rate_milli.unwrap_or(0),
    ];
    out.extend_from_slice(numbers.map(u32::to_le_bytes).as_flattened());
}

fn bits(event: &Event) -> u32 {
    Bits::default()
        .flag(event.sequence.is_some())
        .flag(event.position.is_some())
        .flag(event.duration.is_some())
        .flag(event.rate.is_some())
        .flag(event.top_rate.is_some())
        .flag(event.throughput.is_some())
        .flag(event.buffer.is_some())
        .flag(event.latency.is_some())
        .flag(event.startup.is_some())
        .flag(event.stalled.is_some())
        .flag(event.stalled_more.is_some())
        .flag(event.buffering_events.is_some())
        .flag(event.dropped_frames.is_some())
        .flag(event.width.is_some())
        .flag(event.height.is_some())
        .flag(event.frame_rate_milli.is_some())
        .flag(event.codec.is_some())
        .flag(event.screen.is_some())
        .get()
}

/// Reads an event.
pub fn unpack_event(record: &[u8; EVENT_BYTES]) -> Result<Event, PackedError> {
    let mut next = Reader::new(record);
    let at = UnixMillis::new(next.u64());
    let mut present = Present::new(next.u32());
    let [kind, codec, screen, nothing] = [(); 4].map(|()| next.u8());
    let [width, height] = [(); 2].map(|()| next.u16());
    let [position, duration] = [(); 2].map(|()| Millis::new(next.u64()));
    let [sequence, rate, top_rate, throughput] = [(); 4].map(|()| next.u32());
    let [buffer, latency, startup, stalled, stalled_more] =
        [(); 5].map(|()| Millis::new(u64::from(next.u32())));
    let [buffering_events, dropped_frames, frame_rate_milli] = [(); 3].map(|()| next.u32());
    let kind = KINDS.get(usize::from(kind)).copied().ok_or(PackedError::Record)?;
    let event = Event {
        at,
        kind,
        sequence: present.number(sequence),
        position: present.number(position),
        duration: present.number(duration),
        rate: present.number(Kbps::new(rate)),
        top_rate: present.number(Kbps::new(top_rate)),
        throughput: present.number(Kbps::new(throughput)),
        buffer: present.number(buffer),
        latency: present.number(latency),
        startup: present.number(startup),
        stalled: present.number(stalled),
        stalled_more: present.number(stalled_more),
        buffering_events: present.number(buffering_events),
        dropped_frames: present.number(dropped_frames),
        width: present.number(width),
        height: present.number(height),
        frame_rate_milli: present.number(frame_rate_milli),
        codec: present.number(codec).and_then(|number| CODECS.get(usize::from(number)).copied()),
        screen: present.number(screen).and_then(|number| SCREENS.get(usize::from(number)).copied()),
    };
    let in_lists = usize::from(codec) < CODECS.len() && usize::from(screen) < SCREENS.len();
    (present.is_sound() && in_lists && nothing == 0).then_some(event).ok_or(PackedError::Record)
}

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
    let mut records = Vec::with_capacity(events.len() * EVENT_BYTES);
    events.iter().for_each(|event| pack_event(event, &mut records));
    pack_session_records(state, &records, batch)
}

/// The same of events that [`pack_event`] wrote one after another; bytes after the last whole record are
/// refused as [`Status::Event`].
pub fn pack_session_records(state: &[u8], records: &[u8], batch: &mut Vec<u8>) -> Result<(), Status> {
    if !records.len().is_multiple_of(EVENT_BYTES) {
        return Err(Status::Event);
    }
    let state_bytes = u16::try_from(state.len()).map_err(|_| Status::State)?;
    let count = u16::try_from(records.len() / EVENT_BYTES).map_err(|_| Status::TooManyEvents)?;
    batch.extend_from_slice(&state_bytes.to_le_bytes());
    batch.extend_from_slice(state);
    batch.extend_from_slice(&count.to_le_bytes());
    batch.extend_from_slice(records);
    Ok(())
}

/// Folds a batch and returns its answer.
pub fn fold_batch(batch: &[u8]) -> Result<Vec<u8>, PackedError> {
    let sessions = sessions(batch)?;
    let mut out = Vec::with_capacity(4 + sessions.len() * ANSWER_BYTES_USUAL);
    out.extend_from_slice(&VERSION.to_le_bytes());
    let mut events = Vec::new();
    for (state, records) in sessions {
        match fold(state, records, &mut events) {
            Ok(session) => write_folded(&session, &mut out),
            Err(status) => out.push(status.number()),
        }
    }
    Ok(out)
}

/// The states and event records of a batch, its lengths checked.
fn sessions(batch: &[u8]) -> Result<Vec<(&[u8], &[[u8; EVENT_BYTES]])>, PackedError> {
    let cut = PackedError::Length(batch.len());
    let mut next = Reader::new(batch);
    let version = next.bytes().map(u32::from_le_bytes).ok_or(cut)?;
    if version != VERSION {
        return Err(PackedError::Version(version));
    }
    let (mut sessions, mut events) = (Vec::new(), 0);
    while !next.rest().is_empty() {
        let state_bytes = next.bytes().map(u16::from_le_bytes).ok_or(cut)?;
        let state = next.slice(usize::from(state_bytes)).ok_or(cut)?;
        let count = usize::from(next.bytes().map(u16::from_le_bytes).ok_or(cut)?);
        let (records, _) = next.slice(count * EVENT_BYTES).ok_or(cut)?.as_chunks();
        events += count;
        if events > limits::BATCH_EVENTS_MAX {
            return Err(PackedError::TooMany(limits::BATCH_EVENTS_MAX));
        }
        if sessions.len() == limits::BATCH_SESSIONS_MAX {
            return Err(PackedError::TooMany(limits::BATCH_SESSIONS_MAX));
        }
        sessions.push((state, records));
    }
    Ok(sessions)
}

fn fold(state: &[u8], records: &[[u8; EVENT_BYTES]], events: &mut Vec<Event>) -> Result<Session, Status> {
    let mut session = Session::restore(state).map_err(|_| Status::State)?;
    events.clear();
    for record in records {
        events.push(unpack_event(record).map_err(|_| Status::Event)?);
    }
    session.fold_slice(events).map_err(|_| Status::TooManyEvents)?;
    Ok(session)
}

fn write_folded(session: &Session, out: &mut Vec<u8>) {
    let summary = session.summary();
    // The length is written when it is known; a saved form is at most limits::SAVED_BYTES_MAX long.
    out.extend_from_slice(&[0, 0, 0]);
    let begin = out.len();
    session.save_into(out);
    let length = (out.len() - begin) as u16;
    out[begin - 2..begin].copy_from_slice(&length.to_le_bytes());
    qoe::packed::pack_summary(&summary, out);
    qoe::packed::pack_scores(&qoe::score(&summary), out);
}

/// A session of an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Folded<'a> {
    /// Its saved form.
    pub state: &'a [u8],
    /// What was seen.
    pub summary: Summary,
    /// How good it was.
    pub scores: Scores,
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
        match next.u8() {
            0 => {}
            1 => return Ok(Err(Status::State)),
            2 => return Ok(Err(Status::TooManyEvents)),
            3 => return Ok(Err(Status::Event)),
            _ => return Err(PackedError::Record),
        }
        let state_bytes = next.bytes().map(u16::from_le_bytes).ok_or(cut)?;
        let state = next.slice(usize::from(state_bytes)).ok_or(cut)?;
        let summary = qoe::packed::unpack_summary(next.slice(SUMMARY_BYTES).ok_or(cut)?)?;
        let scores = qoe::packed::unpack_scores(next.slice(SCORES_BYTES).ok_or(cut)?)?;
        Ok(Ok(Folded { state, summary, scores }))
    }
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

/// The answer of one session with a state of usual length.
const ANSWER_BYTES_USUAL: usize = 3 + 256 + SUMMARY_BYTES + SCORES_BYTES;

const _: () = assert!(limits::SAVED_BYTES_MAX <= u16::MAX as usize);
