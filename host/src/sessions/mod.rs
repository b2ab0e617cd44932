//! The playbacks that are going on, and those that have just ended.
//!
//! A session's state is bytes that the qoe component wrote; they are stored and never read. All time
//! comes in as an argument: when an event arrived, by the node's own clock, decides whether a session
//! is idle; the player's clock only dates what it saw.

mod decimal;
mod ended;
mod ids;
mod partition;
mod session;

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use foldhash::quality::RandomState;
use units::UnixMillis;
use windows::{Changes, Totals, Viewers, Window};
use wire::packed::FoldBatch;
use wire::{Event, Refusal, SessionRecord};

use crate::limits;
use crate::runtime::InvokeError;
use decimal::Decimal;
use ids::Ids;
use partition::{Came, Move, Partition, Told};
pub use session::SessionView;

/// A bounded number of sessions; those of different partitions change at the same time.
#[derive(Debug)]
pub struct Sessions {
    partitions: Box<[Mutex<Partition>]>,
    keys: RandomState,
    live: AtomicUsize,
    live_max: usize,
    viewers: Mutex<Viewers>,
}

/// Who folds, and when.
#[expect(missing_debug_implementations, reason = "a call is not shown")]
pub struct Call<'a> {
    /// The release that folds.
    pub generation: u64,
    /// Whether it is on trial, as windows tell it.
    pub arm: &'a str,
    /// When the events arrived.
    pub now: Instant,
    /// The same by the machine's clock.
    pub now_unix_ms: u64,
    /// A call of the release's component: a packed batch in, its packed answer out.
    pub fold: &'a dyn Fn(&[u8]) -> Result<Vec<u8>, InvokeError>,
}

/// A session on its way from one node to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// The release that scored it last.
    pub generation: u64,
    /// Time of its first event. Unix time, milliseconds.
    pub began_unix_ms: u64,
    /// Who watches.
    pub viewer: Option<u32>,
    /// What is watched.
    pub title: Option<u32>,
    /// Where the player is.
    pub region: Option<String>,
    /// The sort of player.
    pub device: Option<String>,
    /// How many events are in the state.
    pub events: u32,
    /// What the component wrote.
    pub state: Vec<u8>,
}

/// What became of an event.
#[derive(Clone, Debug)]
pub enum Fate {
    /// New and sound; it counts.
    Accepted,
    /// Seen before; it counted then.
    Duplicate,
    /// It does not count.
    Refused(FoldError),
}

/// What became of the events of a request.
#[derive(Debug, Default)]
pub struct Outcome {
    /// One an event.
    pub fates: Vec<Fate>,
    /// Sessions that these events ended.
    pub ended: Vec<SessionRecord>,
}

/// Why the events of one session were refused; none of them counts.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FoldError {
    /// There are as many sessions as there may be, and this would be one more.
    #[error("the node has as many sessions as it can hold")]
    Full,
    /// The qoe component gave no answer.
    #[error(transparent)]
    Invoke(#[from] InvokeError),
    /// The qoe component refused the session or its events.
    #[error("refused: {0}")]
    Session(Refusal),
    /// The qoe component answered what cannot be read.
    #[error("the component answered nonsense")]
    Nonsense,
}

impl FoldError {
    /// A stable name for answers and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Full => "sessions-full",
            Self::Invoke(error) => error.code(),
            Self::Session(refusal) => refusal.code,
            Self::Nonsense => "nonsense-answer",
        }
    }
}

impl Sessions {
    /// Holds up to `live_max` sessions at once, at least 1; requests that come at one time may each begin a few more.
    pub fn new(live_max: usize) -> Self {
        // More than processors, so that they seldom wait; few, for each has windows of its own.
        let processors = available_parallelism().map_or(1, usize::from);
        let count = (2 * processors).next_power_of_two().min(limits::PARTITIONS_MAX);
        let share = usize::try_from(limits::SESSIONS_ENDED_SHARE).unwrap_or(1);
        let ended_max = NonZeroUsize::new((live_max / share).div_ceil(count)).unwrap_or(NonZeroUsize::MIN);
        let keys = RandomState::default();
        let partition = |number| Mutex::new(Partition::new(ended_max, keys.hash_one(number)));
        Self {
            partitions: (0..count).map(partition).collect(),
            live: AtomicUsize::new(0),
            live_max,
            viewers: Mutex::new(Viewers::new(keys.hash_one("viewers"))),
            keys,
        }
    }

    /// Folds the events of a request; those of several windows one window after the other, for what they add to a
    /// session counts in that of the newest.
    pub fn fold<'a>(&self, events: &[&'a Event<'a>], call: &Call<'_>) -> Outcome {
        let mut outcome = Outcome { fates: vec![Fate::Accepted; events.len()], ended: Vec::new() };
        let mut told: Vec<Told<'_>> =
            (0..).zip(events).map(|(place, event)| self.told(place, event)).collect();
        let window = |told: &Told<'_>| window(told.event.at_unix_ms, call.now_unix_ms);
        // Nearly always there is one.
        if told.iter().any(|other| window(other) != window(&told[0])) {
            told.sort_by_key(window);
            let windows: Vec<Vec<Told<'_>>> =
                told.chunk_by(|a, b| window(a) == window(b)).map(<[_]>::to_vec).collect();
            windows.into_iter().for_each(|told| self.fold_window(told, call, &mut outcome));
        } else {
            self.fold_window(told, call, &mut outcome);
        }
        outcome
    }

    fn fold_window<'a>(&self, told: Vec<Told<'a>>, call: &Call<'_>, outcome: &mut Outcome) {
        let mut told = told;
        // By partition, which the hash begins with, and the events of a session beside each other, in their order.
        told.sort_unstable_by(|a, b| {
            let of_one_hash = || (&*a.event.session_id, a.place).cmp(&(&*b.event.session_id, b.place));
            a.hash.cmp(&b.hash).then_with(of_one_hash)
        });
        for _ in 0..limits::FOLD_ROUNDS {
            match self.fold_at_once(&told, call, outcome) {
                Some(again) if !again.is_empty() => told = again,
                Some(_) => return,
                None => break,
            }
        }
        // Those that were overtaken each time, and all when the component fails: whom it does not survive takes only
        // its own partition with it.
        for part in self.parts(&told) {
            let mut partition = lock(&self.partitions[self.partition(part[0].hash)]);
            let room = self.live_max.saturating_sub(self.live());
            let came = partition.fold(part, room, call, &mut outcome.fates);
            self.count(came, &mut outcome.ended);
            drop(partition);
        }
    }

    /// Folds events, those of a session and of a partition beside each other, with one call during which no partition
    /// is held. Returns those of sessions that others changed meanwhile, or whose state the component does not know;
    /// none where it fails and may not fail partition by partition.
    fn fold_at_once<'a>(
        &self,
        told: &[Told<'a>],
        call: &Call<'_>,
        outcome: &mut Outcome,
    ) -> Option<Vec<Told<'a>>> {
        let mut batch = FoldBatch::with_capacity(told.len());
        let mut asked = Vec::with_capacity(told.len());
        let mut ends = Vec::with_capacity(self.partitions.len());
        let mut room = self.live_max.saturating_sub(self.live());
        for part in self.parts(told) {
            let (index, before) = (self.partition(part[0].hash), asked.len());
            let partition = lock(&self.partitions[index]);
            room -= partition.prepare(part, room, &mut batch, &mut asked, &mut outcome.fates);
            drop(partition);
            if asked.len() > before {
                ends.push((index, asked.len()));
            }
        }
        if asked.is_empty() {
            return Some(Vec::new());
        }
        let answer = (call.fold)(batch.bytes()).map_err(FoldError::Invoke);
        let folded = answer.as_ref().map_err(Clone::clone);
        let mut folded = match folded.and_then(|answer| partition::folded(answer, asked.len())) {
            Ok(folded) => folded.into_iter(),
            Err(_) if ends.len() > 1 => return None,
            Err(error) => {
                asked.iter().for_each(|asked| partition::refuse(asked.group, &error, &mut outcome.fates));
                return Some(Vec::new());
            }
        };
        let (mut again, mut from) = (Vec::new(), 0);
        for (index, end) in ends {
            let part = &asked[from..end];
            from = end;
            let mut came = Came::default();
            let folded = folded.by_ref().take(part.len());
            let mut partition = lock(&self.partitions[index]);
            let overtaken = partition.finish(part, folded, call, &mut outcome.fates, &mut came);
            self.count(came, &mut outcome.ended);
            drop(partition);
            again.extend(overtaken.iter().flat_map(|asked| asked.group));
        }
        Some(again)
    }

    /// By partition what stands so.
    fn parts<'a, 'g>(&self, told: &'g [Told<'a>]) -> impl Iterator<Item = &'g [Told<'a>]> {
        told.chunk_by(|a, b| self.partition(a.hash) == self.partition(b.hash))
    }

    /// Forgets that these events were folded: they could not be stored. A session then counts them twice when they
    /// come again, which does less harm than that nobody has them.
    pub fn forget<'a>(&self, events: impl Iterator<Item = &'a Event<'a>>) {
        for (place, event) in events.enumerate() {
            let told = self.told(place, event);
            lock(&self.partitions[self.partition(told.hash)]).forget(&event.session_id, told.id);
        }
    }

    fn told<'a>(&self, place: usize, event: &'a Event<'a>) -> Told<'a> {
        let id = Ids::of(self.keys.hash_one(&*event.event_id));
        Told { hash: self.keys.hash_one(&*event.session_id), place, id, event }
    }

    /// Closes the sessions that had no event for `idle`, or all where there is no such time, and returns them.
    pub fn sweep(&self, idle: Option<Duration>, call: &Call<'_>) -> Vec<SessionRecord> {
        let mut closed = Vec::new();
        for partition in &self.partitions {
            loop {
                let mut partition = lock(partition);
                let came = partition.sweep(idle, call);
                let is_last = came.stopped < limits::SWEPT_MAX;
                self.count(came, &mut closed);
                drop(partition);
                if is_last {
                    break;
                }
            }
        }
        closed
    }

    /// The windows that nothing can come late to any more, those of one time and value as one; and until when all
    /// are closed.
    pub fn close_windows(&self, now: UnixMillis) -> (Vec<Window>, UnixMillis) {
        let mut until = UnixMillis::new(u64::MAX);
        let mut closed = Vec::new();
        for partition in &self.partitions {
            let (windows, closed_until) = lock(partition).close_windows(now);
            until = until.min(closed_until);
            closed.extend(windows);
        }
        (merged(closed.into_iter()), until)
    }

    /// What all sessions saw since the start, as far as windows counted it.
    pub fn seen(&self) -> Totals {
        let mut totals = Totals::default();
        self.partitions.iter().for_each(|partition| totals.merge(&lock(partition).seen()));
        totals
    }

    /// What became of what events added to sessions, since the start.
    pub fn deltas(&self) -> windows::Counts {
        let counts = self.partitions.iter().map(|partition| lock(partition).deltas());
        counts.fold(windows::Counts::default(), windows::Counts::merged)
    }

    /// All windows as they are, for a node that ends.
    pub fn drain_windows(&self) -> Vec<Window> {
        merged(self.partitions.iter().flat_map(|partition| lock(partition).drain_windows()))
    }

    /// What is known of a session, while it goes on and for some time after.
    pub fn view(&self, session_id: &str, call: &Call<'_>) -> Result<Option<SessionView>, FoldError> {
        let partition = self.partition(self.keys.hash_one(session_id));
        lock(&self.partitions[partition]).view(session_id, call)
    }

    /// Ends sessions that were recorded before, unless they have had an event since; by id, with the time of the last
    /// event that the record knew.
    pub(crate) fn retire(&self, recorded: &HashMap<String, u64>) {
        for (session_id, ended_unix_ms) in recorded {
            let partition = self.partition(self.keys.hash_one(&**session_id));
            let mut partition = lock(&self.partitions[partition]);
            let came = partition.retire(session_id, *ended_unix_ms);
            self.count(came, &mut Vec::new());
        }
    }

    /// Lets go of windows that were told of before.
    pub(crate) fn forget_windows(&self, until: UnixMillis) {
        self.partitions.iter().for_each(|partition| lock(partition).forget_windows(until));
    }

    /// Who watches what now, as far as it changed since a cursor.
    pub fn viewers_since(&self, cursor: u64, titles_max: usize) -> Changes {
        self.viewers.lock().unwrap_or_else(PoisonError::into_inner).changes_since(cursor, titles_max)
    }

    /// Counts who came and went, and keeps the records of sessions that ended; while their partition is held, or an
    /// end could be counted before its beginning.
    fn count(&self, came: Came, ended: &mut Vec<SessionRecord>) {
        self.live.fetch_add(came.begun, Ordering::Relaxed);
        self.live.fetch_sub(came.stopped, Ordering::Relaxed);
        ended.extend(came.ended);
        if came.moves.is_empty() {
            return;
        }
        let mut viewers = self.viewers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = Decimal::default();
        for moved in came.moves {
            match moved {
                Move::Joined(title) => viewers.joined(text.write(u64::from(title))),
                Move::Left(title) => viewers.left(text.write(u64::from(title))),
            }
        }
    }

    /// How many events of a session were folded, here or before it came; none if it is not known here.
    pub fn events_of(&self, session_id: &str) -> Option<u32> {
        self.of(session_id).events_of(session_id)
    }

    /// A session as it is now, for another node.
    pub fn carry(&self, session_id: &str) -> Option<Carried> {
        self.of(session_id).carry(session_id)
    }

    /// Takes over a session, if the component knows its state, unless as many of its events or more are known here.
    pub fn adopt(&self, session_id: &str, carried: Carried, call: &Call<'_>) -> Result<(), FoldError> {
        let mut of = self.of(session_id);
        if self.live() >= self.live_max && of.events_of(session_id).is_none() {
            return Err(FoldError::Full);
        }
        let came = of.adopt(session_id, carried, call)?;
        self.count(came, &mut Vec::new());
        Ok(())
    }

    fn of(&self, session_id: &str) -> MutexGuard<'_, Partition> {
        lock(&self.partitions[self.partition(self.keys.hash_one(session_id))])
    }

    /// Playbacks going on.
    pub fn live(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }

    /// Playbacks there may be at once.
    pub fn live_max(&self) -> usize {
        self.live_max
    }

    fn partition(&self, hash: u64) -> usize {
        // The highest bits, so that what is sorted by its hash is sorted by partition.
        ((u128::from(hash) * self.partitions.len() as u128) >> 64) as usize
    }
}

/// The number of the window of an event; 0 of one that nothing counts in any more.
fn window(at_unix_ms: u64, now_unix_ms: u64) -> u64 {
    let length = windows::limits::WINDOW.get();
    let number = at_unix_ms / length;
    let is_over = (number.saturating_add(1).saturating_mul(length))
        .saturating_add(limits::WINDOW_LATENESS.get())
        <= now_unix_ms;
    if is_over { 0 } else { number }
}

/// Windows of several partitions as those of the node.
fn merged(windows: impl Iterator<Item = Window>) -> Vec<Window> {
    let mut by_key: BTreeMap<_, Window> = BTreeMap::new();
    for window in windows {
        let key = (window.start, window.dimension, window.value.clone());
        match by_key.get_mut(&key) {
            Some(known) => known.totals.merge(&window.totals),
            None => _ = by_key.insert(key, window),
        }
    }
    by_key.into_values().collect()
}

fn lock(partition: &Mutex<Partition>) -> MutexGuard<'_, Partition> {
    partition.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
