//! A part of the sessions, changed by one request at a time.

use std::hint::black_box;
use std::iter::repeat_with;
use std::num::NonZeroUsize;
use std::time::Duration;

use lru::LruCache;
use units::{Millis, UnixMillis};
use windows::{Delta, End, Totals, Window, Windows};
use wire::limits::CLOCK_AHEAD_MS_MAX;
use wire::packed::{self, FoldBatch, Folded};
use wire::{Event, Refusal, SessionRecord};

use super::ended::Ended;
use super::ids::Id;
use super::session::{Session, SessionView};
use super::{Call, Carried, Fate, FoldError};
use crate::limits;

/// Playbacks by id, and what they saw within the last minutes.
#[derive(Debug)]
pub(super) struct Partition {
    /// By last event; the one silent for longest comes first.
    live: LruCache<Box<str>, Session>,
    ended: Ended,
    windows: Windows,
    /// Changes of sessions so far, to give each version of one a number of its own.
    changes: u32,
}

/// An event of a request: its place there, and what it is known by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told<'a> {
    /// Of its session's id.
    pub(super) hash: u64,
    pub(super) place: usize,
    pub(super) id: Id,
    pub(super) event: &'a Event<'a>,
}

/// The events of one session within a request.
type Group<'a, 'g> = &'g [Told<'a>];

/// What the component is asked about a session: its events go on from this version of it, none where it was not known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a, 'g> {
    pub(super) group: Group<'a, 'g>,
    version: Option<u32>,
}

/// What came of the events of a partition.
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
            ended: Ended::new(ended_max),
            windows: Windows::new(settings(), seed),
            changes: 0,
        }
    }

    fn next_version(&mut self) -> u32 {
        self.changes = self.changes.wrapping_add(1);
        self.changes
    }

    /// Folds the new events of some sessions with a call of its own; `events` are sorted by session, and at most `room`
    /// sessions may begin.
    pub(super) fn fold(
        &mut self,
        events: &[Told<'_>],
        room: usize,
        call: &Call<'_>,
        fates: &mut [Fate],
    ) -> Came {
        let mut came = Came::default();
        let mut batch = FoldBatch::with_capacity(events.len());
        let mut asked = Vec::with_capacity(events.len());
        self.prepare(events, room, &mut batch, &mut asked, fates);
        // Written by the component of another release: what was seen so far is lost, the rest counts.
        let unknown = self.ask(&asked, &batch, call, fates, &mut came);
        if !unknown.is_empty() {
            let mut batch = FoldBatch::with_capacity(unknown.len());
            match unknown.iter().try_for_each(|asked| add(&mut batch, &[], asked.group, fates)) {
                Ok(()) => {
                    for asked in self.ask(&unknown, &batch, call, fates, &mut came) {
                        refuse(asked.group, &FoldError::Nonsense, fates);
                    }
                }
                Err(error) => unknown.iter().for_each(|asked| refuse(asked.group, &error, fates)),
            }
        }
        came
    }

    /// Adds the new events of some sessions, sorted by session, to a batch; at most `room` sessions may begin. Returns
    /// how many would.
    pub(super) fn prepare<'a, 'g>(
        &self,
        events: &'g [Told<'a>],
        room: usize,
        batch: &mut FoldBatch,
        asked: &mut Vec<Asked<'a, 'g>>,
        fates: &mut [Fate],
    ) -> usize {
        let mut newcomers = 0;
        // All are looked up before any is worked on: memory answers many questions at once as soon as one.
        let groups = events.chunk_by(|a, b| *a.event.session_id == *b.event.session_id);
        let known = |group: Group<'_, '_>| self.known(&group[0].event.session_id).map(|(session, _)| session);
        let groups: Vec<_> = groups.map(|group| (group, known(group))).collect();
        groups.iter().for_each(|(_, known)| _ = black_box(known.map(Session::touch)));
        for (group, known) in groups {
            if known.is_none() && newcomers == room {
                refuse(group, &FoldError::Full, fates);
                continue;
            }
            if !mark(known, group, fates) {
                continue;
            }
            let state = known.map_or(&[][..], |session| &session.state);
            match add(batch, state, group, fates) {
                Ok(()) => {
                    newcomers += usize::from(known.is_none());
                    asked.push(Asked { group, version: known.map(Session::version) });
                }
                Err(error) => refuse(group, &error, fates),
            }
        }
        newcomers
    }

    /// Has the component fold, and takes over what it made; returns the sessions whose state it does not know.
    fn ask<'a, 'g>(
        &mut self,
        asked: &[Asked<'a, 'g>],
        batch: &FoldBatch,
        call: &Call<'_>,
        fates: &mut [Fate],
        came: &mut Came,
    ) -> Vec<Asked<'a, 'g>> {
        if asked.is_empty() {
            return Vec::new();
        }
        let mut answer = Vec::new();
        let folded = (call.fold)(batch.bytes()).map_err(FoldError::Invoke).and_then(|told| {
            answer = told;
            folded(&answer, asked.len())
        });
        match folded {
            Ok(folded) => self.finish(asked, folded, call, fates, came),
            Err(error) => {
                asked.iter().for_each(|asked| refuse(asked.group, &error, fates));
                Vec::new()
            }
        }
    }

    /// Takes over what the component made of these sessions; returns those whose state it does not know, and those that
    /// somebody else has changed since they were prepared.
    pub(super) fn finish<'a, 'g, 'f>(
        &mut self,
        asked: &[Asked<'a, 'g>],
        folded: impl IntoIterator<Item = Result<Folded<'f>, Refusal>>,
        call: &Call<'_>,
        fates: &mut [Fate],
        came: &mut Came,
    ) -> Vec<Asked<'a, 'g>> {
        let mut again = Vec::new();
        for (asked, folded) in asked.iter().zip(folded) {
            let group = asked.group;
            let version = self.known(&group[0].event.session_id).map(|(session, _)| session.version());
            match folded {
                _ if version != asked.version => again.push(*asked),
                Ok(folded) => self.take(group, folded, call, fates, came),
                Err(refusal) if refusal.code == STATE_MALFORMED => again.push(*asked),
                Err(refusal) => refuse(group, &FoldError::Session(refusal), fates),
            }
        }
        again
    }

    /// Takes over what the component made of a session's events.
    fn take(
        &mut self,
        group: Group<'_, '_>,
        folded: Folded<'_>,
        call: &Call<'_>,
        fates: &[Fate],
        came: &mut Came,
    ) {
        let id = &*group[0].event.session_id;
        let version = self.next_version();
        if let Some(session) = self.live.get_mut(id) {
            session.set_version(version);
            let delta = update(session, group, &folded, call, fates);
            note(&mut self.windows, session, &delta, call);
            came.moves.extend(session.count(!session.has_stopped()));
            if session.has_stopped()
                && let Some((key, session)) = self.live.pop_entry(id)
            {
                came.stopped += 1;
                came.ended.extend(folded.full.map(|full| session.record(id, full.0, full.1)));
                self.keep(key, session, call);
            }
            return;
        }
        // A session that was closed for its silence lives again with its next event.
        let known = self.ended.take(id);
        let (key, mut session) = known.unwrap_or_else(|| (id.into(), Session::new(call.now)));
        let had_stopped = session.has_stopped();
        session.set_version(version);
        let delta = update(&mut session, group, &folded, call, fates);
        note(&mut self.windows, &session, &delta, call);
        let has_stopped = session.has_stopped();
        came.moves.extend(session.count(!has_stopped));
        if has_stopped {
            if !had_stopped {
                came.ended.extend(folded.full.map(|full| session.record(id, full.0, full.1)));
            }
            self.keep(key, session, call);
        } else {
            came.begun += 1;
            self.live.put(key, session);
        }
    }

    /// Closes up to [`limits::SWEPT_MAX`] sessions that had no event for `idle`, or any where there is no such time;
    /// returns what they were. Windows count what those came to that have been silent for longer; where all are closed,
    /// all that were silent before: the others go on elsewhere.
    pub(super) fn sweep(&mut self, idle: Option<Duration>, call: &Call<'_>) -> Came {
        let mut silent = Vec::new();
        let is_over = |session: &Session| idle.is_none_or(|idle| session.is_idle(idle, call.now));
        while silent.len() < limits::SWEPT_MAX
            && self.live.peek_lru().is_some_and(|(_, session)| is_over(session))
        {
            silent.extend(self.live.pop_lru());
        }
        let mut came = Came::default();
        if !silent.is_empty() {
            self.close(silent, idle.is_some(), call, &mut came);
        }
        let windows = &mut self.windows;
        let count = |session: &Session, end: &End| note_silent(windows, session, end, call);
        self.ended.count_over(idle.is_none(), call.now, count);
        came
    }

    /// Closes sessions that were live.
    fn close(
        &mut self,
        silent: Vec<(Box<str>, Session)>,
        are_silent: bool,
        call: &Call<'_>,
        came: &mut Came,
    ) {
        let mut batch = FoldBatch::with_capacity(silent.len());
        let asked = silent.iter().try_for_each(|(_, session)| add(&mut batch, &session.state, &[], &[]));
        let answer = asked.and_then(|()| Ok((call.fold)(batch.bytes())?)).unwrap_or_default();
        let told = folded(&answer, silent.len()).unwrap_or_default();
        for ((id, mut session), told) in
            silent.into_iter().zip(told.into_iter().map(Some).chain(repeat_with(|| None)))
        {
            // Without the component there is nothing to tell; the events are on their way to the origin.
            if let Some(full) = told.and_then(Result::ok).and_then(|told| told.full) {
                if are_silent {
                    session.fall_silent(&full);
                }
                came.ended.push(session.record(&id, full.0, full.1));
            }
            came.stopped += 1;
            came.moves.extend(session.count(false));
            self.keep(id, session, call);
        }
    }

    /// Keeps a session that is not live any more.
    fn keep(&mut self, id: Box<str>, session: Session, call: &Call<'_>) {
        if let Some((gone, end)) = self.ended.keep(id, session) {
            note_silent(&mut self.windows, &gone, &end, call);
        }
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
            // At a start nobody has been silent yet.
            _ = self.ended.keep(id, session);
        }
        came
    }

    /// What is known of a session, with what the component says of its state.
    pub(super) fn view(&self, session_id: &str, call: &Call<'_>) -> Result<Option<SessionView>, FoldError> {
        let Some((session, is_live)) = self.known(session_id) else { return Ok(None) };
        let mut batch = FoldBatch::default();
        add(&mut batch, &session.state, &[], &[])?;
        let answer = (call.fold)(batch.bytes())?;
        let told = folded(&answer, 1)?.pop().ok_or(FoldError::Nonsense)?.map_err(FoldError::Session)?;
        let (summary, scores) = *told.full.ok_or(FoldError::Nonsense)?;
        Ok(Some(SessionView {
            generation: session.generation,
            viewer: session.viewer,
            title: session.title,
            ended: !is_live,
            summary,
            scores,
        }))
    }

    /// Forgets that an event was folded: it could not be stored, and has to count when it comes again.
    pub(super) fn forget(&mut self, session_id: &str, id: Id) {
        let live = self.live.peek_mut(session_id);
        if let Some(session) = live.or_else(|| self.ended.get_mut(session_id)) {
            session.forget(id);
        }
    }

    /// How many events of a session were folded; none if it is not known here.
    pub(super) fn events_of(&self, session_id: &str) -> Option<u32> {
        self.known(session_id).map(|(session, _)| session.events())
    }

    /// A session as it is now, for another node.
    pub(super) fn carry(&self, session_id: &str) -> Option<Carried> {
        self.known(session_id).map(|(session, _)| session.carry())
    }

    /// Takes over a session that is not known here, or whose viewer has been elsewhere since. What it saw elsewhere was
    /// counted there.
    pub(super) fn adopt(
        &mut self,
        session_id: &str,
        carried: Carried,
        call: &Call<'_>,
    ) -> Result<Came, FoldError> {
        let mut came = Came::default();
        if self.events_of(session_id).is_some_and(|events| events >= carried.events) {
            return Ok(came);
        }
        let mut batch = FoldBatch::default();
        add(&mut batch, &carried.state, &[], &[])?;
        let answer = (call.fold)(batch.bytes())?;
        let told = folded(&answer, 1)?.pop().ok_or(FoldError::Nonsense)?.map_err(FoldError::Session)?;
        // Whoever knows more events may still not know the last ones.
        if self.known(session_id).is_some_and(|(known, _)| known.is_beyond(&told)) {
            return Ok(came);
        }
        let mut session = Session::carried(carried, &told, call.now);
        session.set_version(self.next_version());
        let live = self.live.pop_entry(session_id);
        let was_live = live.is_some();
        let key = match live.or_else(|| self.ended.take(session_id)) {
            Some((key, known)) => {
                session.follow(known);
                key
            }
            None => session_id.into(),
        };
        let is_live = !session.has_stopped();
        came.begun = usize::from(is_live && !was_live);
        came.stopped = usize::from(was_live && !is_live);
        came.moves.extend(session.count(is_live));
        if is_live {
            self.live.put(key, session);
        } else {
            self.keep(key, session, call);
        }
        Ok(came)
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

    /// What windows counted so far.
    pub(super) fn seen(&self) -> Totals {
        self.windows.so_far()
    }

    /// What became of what was noted in windows.
    pub(super) fn deltas(&self) -> windows::Counts {
        self.windows.counts()
    }

    /// All windows as they are.
    pub(super) fn drain_windows(&mut self) -> Vec<Window> {
        self.windows.drain()
    }

    /// What is known of a session, and whether it is live.
    fn known(&self, session_id: &str) -> Option<(&Session, bool)> {
        let live = self.live.peek(session_id).map(|session| (session, true));
        live.or_else(|| self.ended.get(session_id).map(|session| (session, false)))
    }
}

/// Marks which events of a group are new and which are repeated; whether any is new.
fn mark(known: Option<&Session>, group: Group<'_, '_>, fates: &mut [Fate]) -> bool {
    let mut any = false;
    for (index, told) in group.iter().enumerate() {
        let is_repeated = known.is_some_and(|session| session.knows(told.id))
            || group[..index].iter().any(|earlier| earlier.id == told.id);
        fates[told.place] = if is_repeated { Fate::Duplicate } else { Fate::Accepted };
        any |= !is_repeated;
    }
    any
}

/// Adds a session's state and its new events to a batch.
fn add(batch: &mut FoldBatch, state: &[u8], group: Group<'_, '_>, fates: &[Fate]) -> Result<(), FoldError> {
    batch.begin_session(state).map_err(FoldError::Session)?;
    fresh(group, fates).for_each(|told| batch.event(told.event));
    batch.end_session().map_err(FoldError::Session)
}

fn fresh<'a, 'g>(group: Group<'a, 'g>, fates: &'g [Fate]) -> impl Iterator<Item = &'g Told<'a>> {
    group.iter().filter(|told| matches!(fates[told.place], Fate::Accepted))
}

/// Changes a session by what was folded; returns what that added.
fn update(
    session: &mut Session,
    group: Group<'_, '_>,
    folded: &Folded<'_>,
    call: &Call<'_>,
    fates: &[Fate],
) -> Delta {
    session.expect(fresh(group, fates).count());
    fresh(group, fates).for_each(|told| session.remember(told.id, told.event));
    session.update(folded, call)
}

fn note(windows: &mut Windows, session: &Session, delta: &Delta, call: &Call<'_>) {
    let now = UnixMillis::new(call.now_unix_ms);
    session.keyed(call, |keys| windows.note(session.newest_at(), now, keys, delta));
}

fn note_silent(windows: &mut Windows, session: &Session, end: &End, call: &Call<'_>) {
    session.keyed(call, |keys| windows.note_silent(UnixMillis::new(call.now_unix_ms), keys, end));
}

/// What the component says of each session of a batch of `count`.
pub(super) fn folded(answer: &[u8], count: usize) -> Result<Vec<Result<Folded<'_>, Refusal>>, FoldError> {
    let folded = packed::folded(answer).map_err(|_| FoldError::Nonsense)?;
    if folded.len() == count { Ok(folded) } else { Err(FoldError::Nonsense) }
}

/// What the component says of a state that another version of it wrote.
const STATE_MALFORMED: &str = "state-malformed";

pub(super) fn refuse(group: Group<'_, '_>, error: &FoldError, fates: &mut [Fate]) {
    for (index, told) in group.iter().enumerate() {
        // What was known before counted then, whatever becomes of the others; a repeat of one of these did not.
        let is_repeat_of_refused = group[..index]
            .iter()
            .any(|earlier| earlier.id == told.id && matches!(fates[earlier.place], Fate::Refused(_)));
        if is_repeat_of_refused || !matches!(fates[told.place], Fate::Duplicate) {
            fates[told.place] = Fate::Refused(error.clone());
        }
    }
}

/// A heartbeat of lateness; ahead as far as an event is taken at all, or some would count in no window.
fn settings() -> windows::Settings {
    let ahead = Millis::new(CLOCK_AHEAD_MS_MAX);
    windows::Settings::new(limits::WINDOW_LATENESS, ahead).unwrap_or_default()
}
