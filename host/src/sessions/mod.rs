//! The playbacks that are going on, and those that have just ended.
//!
//! A session's state is bytes that the qoe component wrote; they are stored and never read. All time
//! comes in as an argument: when an event arrived, by the node's own clock, decides whether a session
//! is idle; the player's clock only dates what it saw.

mod session;

use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lru::LruCache;
use wire::{Event, SessionRecord};

use crate::limits;
use crate::runtime::{InvokeError, qoe};
use session::Session;
pub use session::SessionView;

/// A bounded number of sessions; those of different shards change at the same time.
#[derive(Debug)]
pub struct Sessions {
    shards: Box<[Mutex<Shard>]>,
    keys: RandomState,
    live: AtomicUsize,
    live_max: usize,
}

#[derive(Debug)]
struct Shard {
    /// By last event; the one silent for longest comes first.
    live: LruCache<String, Session>,
    /// Kept for late events, repeated ones and questions; the oldest goes when it is full.
    ended: LruCache<String, Session>,
}

/// What became of the events of one session.
#[derive(Debug, PartialEq)]
pub struct Fold {
    /// Whether the event is new, one an event; a repeated one is not.
    pub fresh: Vec<bool>,
    /// The session, if these events ended it.
    pub ended: Option<SessionRecord>,
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
}

impl FoldError {
    /// A stable name for answers and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Full => "sessions-full",
            Self::Invoke(error) => error.code(),
        }
    }
}

impl Sessions {
    /// Holds up to `live_max` sessions at once, at least 1.
    pub fn new(live_max: usize) -> Self {
        let share = usize::try_from(limits::SESSIONS_ENDED_SHARE).unwrap_or(1);
        let ended_max = (live_max / share).div_ceil(limits::SESSION_SHARDS);
        let ended_max = NonZeroUsize::new(ended_max).unwrap_or(NonZeroUsize::MIN);
        let shard = || Mutex::new(Shard { live: LruCache::unbounded(), ended: LruCache::sparse(ended_max) });
        Self {
            shards: (0..limits::SESSION_SHARDS).map(|_| shard()).collect(),
            keys: RandomState::new(),
            live: AtomicUsize::new(0),
            live_max,
        }
    }

    /// Folds events of one session that arrived at `now`; `fold` is a call of the release's component.
    pub fn fold(
        &self,
        session_id: &str,
        events: &[&Event],
        generation: u64,
        now: Instant,
        fold: impl Fn(&[u8], &[qoe::Event]) -> Result<qoe::Folded, InvokeError>,
    ) -> Result<Fold, FoldError> {
        let mut shard = self.shard(session_id);
        let live = shard.live.pop(session_id);
        let was_live = live.is_some();
        let known = live.or_else(|| shard.ended.pop(session_id));
        if known.is_none() && self.live() >= self.live_max {
            return Err(FoldError::Full);
        }
        let is_new = known.is_none();
        let mut session = known.unwrap_or_else(|| Session::new(now));
        let ids: Vec<u64> = events.iter().map(|event| self.keys.hash_one(&event.event_id)).collect();
        let folded = session.fold(&ids, events, generation, now, fold);
        let (fresh, any_fresh) = match &folded {
            Ok(fresh) => (fresh.clone(), fresh.contains(&true)),
            Err(_) => (Vec::new(), false),
        };
        // A session that was closed for its silence lives again with its next event.
        let is_live = if any_fresh { !session.has_stopped() } else { was_live };
        let ended =
            (any_fresh && session.has_stopped() && (was_live || is_new)).then(|| session.record(session_id));
        if folded.is_ok() || !is_new {
            shard.keep(session_id, session, is_live);
            match (was_live, is_live) {
                (false, true) => _ = self.live.fetch_add(1, Ordering::Relaxed),
                (true, false) => _ = self.live.fetch_sub(1, Ordering::Relaxed),
                _ => {}
            }
        }
        folded?;
        Ok(Fold { fresh, ended })
    }

    /// Closes the sessions that had no event for `idle`, and returns them.
    pub fn sweep(&self, idle: Duration, now: Instant) -> Vec<SessionRecord> {
        let mut closed = Vec::new();
        for shard in &self.shards {
            let mut shard = lock(shard);
            while shard.live.peek_lru().is_some_and(|(_, session)| session.is_idle(idle, now)) {
                let Some((id, session)) = shard.live.pop_lru() else { break };
                self.live.fetch_sub(1, Ordering::Relaxed);
                closed.push(session.record(&id));
                shard.ended.put(id, session);
            }
        }
        closed
    }

    /// Closes all sessions and returns them.
    pub fn close_all(&self) -> Vec<SessionRecord> {
        let mut closed = Vec::new();
        for shard in &self.shards {
            let mut shard = lock(shard);
            while let Some((id, session)) = shard.live.pop_lru() {
                self.live.fetch_sub(1, Ordering::Relaxed);
                closed.push(session.record(&id));
                shard.ended.put(id, session);
            }
        }
        closed
    }

    /// What is known of a session, while it goes on and for some time after.
    pub fn view(&self, session_id: &str) -> Option<SessionView> {
        let shard = self.shard(session_id);
        let live = shard.live.peek(session_id).map(|session| session.view(false));
        live.or_else(|| shard.ended.peek(session_id).map(|session| session.view(true)))
    }

    /// Playbacks going on.
    pub fn live(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }

    fn shard(&self, session_id: &str) -> MutexGuard<'_, Shard> {
        let shards = self.shards.len() as u64;
        let index = usize::try_from(self.keys.hash_one(session_id) % shards).unwrap_or(0);
        lock(&self.shards[index])
    }
}

impl Shard {
    fn keep(&mut self, session_id: &str, session: Session, is_live: bool) {
        let list = if is_live { &mut self.live } else { &mut self.ended };
        list.put(session_id.to_owned(), session);
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
