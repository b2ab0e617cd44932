//! A part of the sessions, changed by one request at a time.

use std::iter::repeat_with;
use std::num::NonZeroUsize;
use std::time::Duration;

use lru::LruCache;
use units::{Millis, UnixMillis};
use windows::{Delta, Dimension, Window, Windows};
use wire::limits::CLOCK_AHEAD_MS_MAX;
use wire::packed::{self, FoldBatch, Folded, pack_event};
use wire::{Event, Refusal, SessionRecord};

use super::decimal::Decimal;
use super::ids::Id;
use super::session::{Session, SessionView};
use super::{Call, Fate, FoldError};
use crate::limits;

/// Playbacks by id, and what they saw within the last minutes.
#[derive(Debug)]
pub(super) struct Partition {
    /// By last event; the one silent for longest comes first.
    live: LruCache<Box<str>, Session>,
    /// Kept for late events, repeated ones and questions; the oldest goes when it is full.
    ended: LruCache<Box<str>, Session>,
    windows: Windows,
}

/// The events of one session within a request, each with its place there and what its id is known by.
#[derive(Clone)]
pub(super) struct Group<'a> {
    pub(super) session_id: &'a str,
    pub(super) events: Vec<(u32, Id, &'a Event<'a>)>,
}

/// What came of the groups of a partition.
#[derive(Debug, Default)]
pub(super) struct Came {
    /// Sessions that these events ended.
    pub(super) ended: Vec<SessionRecord>,
    /// Sessions that are live now and were not.
    pub(super) begun: usize,
    /// Sessions that were live and are not.
    pub(super) stopped: usize,
    /// Who began or ceased to watch a title.
    pub(super) moves: Vec<Move>,
}

/// A viewer of a title, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    Joined(u32),
    Left(u32),
}

impl Partition {
    pub(super) fn new(ended_max: NonZeroUsize, seed: u64) -> Self {
        Self {
            live: LruCache::unbounded(),
            ended: LruCache::sparse(ended_max),
            windows: Windows::new(settings(), seed),
        }
    }

    /// Folds the new events of some sessions with one call of the component; at most `room` sessions may begin.
    pub(super) fn fold(
        &mut self,
        groups: &[Group<'_>],
        room: usize,
        call: &Call<'_>,
        fates: &mut [Fate],
    ) -> Came {
        let mut came = Came::default();
        let mut asked = Vec::with_capacity(groups.len());
        let mut newcomers = 0;
        for group in groups {
            let known = self.known(group.session_id).map(|(session, _)| session);
            if known.is_none() && newcomers == room {
                refuse(group, &FoldError::Full, fates);
                continue;
            }
            let fresh = fresh(known, group, fates);
            if fresh.events.is_empty() {
                continue;
            }
            newcomers += usize::from(known.is_none());
            asked.push(fresh);
        }
        let refused = self.ask(&asked, false, call, fates, &mut came);
        // Written by the component of another release: what was seen so far is lost, the rest counts.
        self.ask(&refused, true, call, fates, &mut came);
        came
    }

    /// Has the component fold, and takes over what it made; returns the sessions whose state it does not know.
    fn ask<'a>(
        &mut self,
        asked: &[Group<'a>],
        from_nothing: bool,
        call: &Call<'_>,
        fates: &mut [Fate],
        came: &mut Came,
    ) -> Vec<Group<'a>> {
        let mut unknown = Vec::new();
        if asked.is_empty() {
            return unknown;
        }
        let states = asked.iter().map(|group| {
            let known = self.known(group.session_id).filter(|_| !from_nothing);
            (known.map_or(&[][..], |(session, _)| &session.state), group.events.as_slice())
        });
        let mut answer = Vec::new();
        let asking = batch(states).and_then(|batch| Ok((call.fold)(batch.bytes())?));
        let folded = asking.and_then(|told| {
            answer = told;
            folded(&answer, asked.len())
        });
        let folded = match folded {
            Ok(folded) => folded,
            Err(error) => {
                asked.iter().for_each(|group| refuse(group, &error, fates));
                return unknown;
            }
        };
        for (group, folded) in asked.iter().zip(folded) {
            match folded {
                Ok(folded) => self.take(group, folded, call, came),
                Err(refusal) if refusal.code == STATE_MALFORMED && !from_nothing => {
                    unknown.push(group.clone())
                }
                Err(refusal) => refuse(group, &FoldError::Session(refusal), fates),
            }
        }
        unknown
    }

    /// Takes over what the component made of a session's events.
    fn take(&mut self, group: &Group<'_>, folded: Folded<'_>, call: &Call<'_>, came: &mut Came) {
        let id = group.session_id;
        let was_live = self.live.contains(id);
        // A session that was closed for its silence lives again with its next event.
        let (key, mut session) = match self.live.pop_entry(id).or_else(|| self.ended.pop_entry(id)) {
            Some(known) => known,
            None => (id.into(), Session::new(call.now)),
        };
        group.events.iter().for_each(|&(_, id, event)| session.remember(id, event));
        let had_stopped = session.has_stopped();
        let delta = session.update(&folded, call.generation);
        session.touch(call.now);
        self.note(&session, &delta, call);
        let has_stopped = session.has_stopped();
        if has_stopped && !had_stopped {
            came.ended.push(session.record(id, folded.summary, folded.scores));
        }
        came.begun += usize::from(!was_live && !has_stopped);
        came.stopped += usize::from(was_live && has_stopped);
        if has_stopped {
            self.ended.put(key, session)
        } else {
            self.live.put(key, session)
        };
    }

    fn note(&mut self, session: &Session, delta: &Delta, call: &Call<'_>) {
        let mut numbers = (Decimal::default(), Decimal::default());
        let generation = numbers.0.write(call.generation);
        let mut keys = [(Dimension::All, ""); 6];
        let mut count = 0;
        let mut add = |key| {
            keys[count] = key;
            count += 1;
        };
        add((Dimension::Generation, generation));
        add((Dimension::Arm, call.arm));
        if let Some(title) = session.title {
            add((Dimension::Title, numbers.1.write(u64::from(title))));
        }
        for (dimension, label) in session.labels() {
            if let Some(label) = label {
                add((dimension, label));
            }
        }
        let now = UnixMillis::new(call.now_unix_ms);
        self.windows.note(session.newest_at(), now, &keys[..count], delta);
    }

    /// Closes up to [`limits::SWEPT_MAX`] sessions that had no event for `idle`; returns what they were.
    pub(super) fn sweep(&mut self, idle: Duration, call: &Call<'_>) -> Came {
        let mut silent = Vec::new();
        while silent.len() < limits::SWEPT_MAX
            && self.live.peek_lru().is_some_and(|(_, session)| session.is_idle(idle, call.now))
        {
            silent.extend(self.live.pop_lru());
        }
        let mut came = Came::default();
        if silent.is_empty() {
            return came;
        }
        let batch = batch(silent.iter().map(|(_, session)| (&*session.state, &[][..])));
        let answer = batch.and_then(|batch| Ok((call.fold)(batch.bytes())?)).unwrap_or_default();
        let told = folded(&answer, silent.len()).unwrap_or_default();
        for ((id, mut session), told) in
            silent.into_iter().zip(told.into_iter().map(Some).chain(repeat_with(|| None)))
        {
            // Without the component there is nothing to tell; the events are on their way to the origin.
            if let Some(Ok(told)) = told {
                came.ended.push(session.record(&id, told.summary, told.scores));
            }
            came.stopped += 1;
            came.moves.extend(session.count(false));
            self.ended.put(id, session);
        }
        came
    }

    /// Ends a session that was recorded before, unless it has had an event since.
    pub(super) fn retire(&mut self, session_id: &str, ended_unix_ms: u64) -> Came {
        let mut came = Came::default();
        let is_over = |session: &Session| session.newest_at().get() <= ended_unix_ms;
        if self.live.peek(session_id).is_some_and(is_over)
            && let Some((id, mut session)) = self.live.pop_entry(session_id)
        {
            came.stopped = 1;
            came.moves.extend(session.count(false));
            self.ended.put(id, session);
        }
        came
    }

    /// What is known of a session, with what the component says of its state.
    pub(super) fn view(&self, session_id: &str, call: &Call<'_>) -> Result<Option<SessionView>, FoldError> {
        let Some((session, is_live)) = self.known(session_id) else { return Ok(None) };
        let answer = (call.fold)(batch([(&*session.state, &[][..])].into_iter())?.bytes())?;
        let told = folded(&answer, 1)?.pop().ok_or(FoldError::Nonsense)?.map_err(FoldError::Session)?;
        Ok(Some(SessionView {
            generation: session.generation,
            viewer: session.viewer,
            title: session.title,
            ended: !is_live,
            summary: told.summary,
            scores: told.scores,
        }))
    }

    /// Lets go of windows that were told of before.
    pub(super) fn forget_windows(&mut self, until: UnixMillis) {
        self.windows.forget(until);
    }

    /// Windows that nothing can come late to any more, and until when all are closed.
    pub(super) fn close_windows(&mut self, now: UnixMillis) -> (Vec<Window>, UnixMillis) {
        let closed = self.windows.close(now);
        (closed, self.windows.closed_until())
    }

    /// All windows as they are.
    pub(super) fn drain_windows(&mut self) -> Vec<Window> {
        self.windows.drain()
    }

    /// What is known of a session, and whether it is live.
    fn known(&self, session_id: &str) -> Option<(&Session, bool)> {
        let live = self.live.peek(session_id).map(|session| (session, true));
        live.or_else(|| self.ended.peek(session_id).map(|session| (session, false)))
    }
}

/// States with what is to be folded into them, as the component takes them.
fn batch<'a>(
    sessions: impl Iterator<Item = (&'a [u8], &'a [(u32, Id, &'a Event<'a>)])>,
) -> Result<FoldBatch, FoldError> {
    let mut batch = FoldBatch::default();
    let mut records = Vec::new();
    for (state, events) in sessions {
        records.clear();
        events.iter().for_each(|&(_, _, event)| pack_event(&event.into(), &mut records));
        batch.add_packed(state, &records).map_err(FoldError::Session)?;
    }
    Ok(batch)
}

/// What the component says of each session of a batch of `count`.
fn folded(answer: &[u8], count: usize) -> Result<Vec<Result<Folded<'_>, Refusal>>, FoldError> {
    let folded = packed::folded(answer).map_err(|_| FoldError::Nonsense)?;
    if folded.len() == count { Ok(folded) } else { Err(FoldError::Nonsense) }
}

/// What the component says of a state that another version of it wrote.
const STATE_MALFORMED: &str = "state-malformed";

fn refuse(group: &Group<'_>, error: &FoldError, fates: &mut [Fate]) {
    for &(place, _, _) in &group.events {
        fates[place as usize] = Fate::Refused(error.clone());
    }
}

/// A heartbeat of lateness; ahead as far as an event is taken at all, or some would count in no window.
fn settings() -> windows::Settings {
    let ahead = Millis::new(CLOCK_AHEAD_MS_MAX);
    windows::Settings::new(limits::WINDOW_LATENESS, ahead).unwrap_or_default()
}

/// The events of a group that are new; the others are marked as repeated.
fn fresh<'a>(known: Option<&Session>, group: &Group<'a>, fates: &mut [Fate]) -> Group<'a> {
    let mut fresh = Group { session_id: group.session_id, events: Vec::with_capacity(group.events.len()) };
    for &(place, id, event) in &group.events {
        let is_known = known.is_some_and(|session| session.knows(id));
        if is_known || fresh.events.iter().any(|&(_, other, _)| other == id) {
            fates[place as usize] = Fate::Duplicate;
        } else {
            fates[place as usize] = Fate::Accepted;
            fresh.events.push((place, id, event));
        }
    }
    fresh
}
