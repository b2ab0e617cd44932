//! Playbacks that are not live any more.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::time::Instant;

use lru::LruCache;
use windows::End;

use super::session::Session;
use crate::limits;

/// Kept for late events, repeated ones and questions; the oldest goes when it is full.
#[derive(Debug)]
pub(super) struct Ended {
    kept: LruCache<Box<str>, Session>,
    /// When those had their last event that fell silent, in this order. Some may have had another since.
    silent: VecDeque<(Instant, Box<str>)>,
}

impl Ended {
    pub(super) fn new(max: NonZeroUsize) -> Self {
        Self { kept: LruCache::sparse(max), silent: VecDeque::new() }
    }

    pub(super) fn get(&self, id: &str) -> Option<&Session> {
        self.kept.peek(id)
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Session> {
        self.kept.peek_mut(id)
    }

    pub(super) fn take(&mut self, id: &str) -> Option<(Box<str>, Session)> {
        self.kept.pop_entry(id)
    }

    /// Keeps one; returns another that had to go for it and what that came to, where nobody has counted it.
    #[must_use]
    pub(super) fn keep(&mut self, id: Box<str>, session: Session) -> Option<(Session, End)> {
        if let Some(since) = session.silent_since() {
            self.silent.push_back((since, id.clone()));
        }
        let (_, mut gone) = self.kept.push(id, session)?;
        gone.take_silent().map(|end| (gone, end))
    }

    /// Has what those came to counted that have been silent for [`limits::SILENCE`], or all of the silent ones.
    pub(super) fn count_over(&mut self, all: bool, now: Instant, mut count: impl FnMut(&Session, &End)) {
        let is_over = |since: Instant| all || now.saturating_duration_since(since) >= limits::SILENCE;
        while self.silent.len() > self.kept.cap().get()
            || self.silent.front().is_some_and(|(since, _)| is_over(*since))
        {
            let Some((since, id)) = self.silent.pop_front() else { return };
            if let Some(session) = self.kept.peek_mut(&id)
                && session.silent_since() == Some(since)
                && let Some(end) = session.take_silent()
            {
                count(session, &end);
            }
        }
    }
}
