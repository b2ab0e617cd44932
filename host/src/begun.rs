//! What viewers have begun, by the sessions that ended on this node: for pages whose callers do not say.

use std::collections::hash_map::RandomState;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use wire::SessionRecord;

use crate::limits;
use crate::runtime::ranking::Progress;

/// How far viewers are in their newest titles; of the viewers those who watched last are kept.
#[derive(Debug)]
pub struct Begun(Mutex<LruCache<u32, Vec<Progress>, RandomState>>);

impl Default for Begun {
    fn default() -> Self {
        Self::new(limits::BEGUN_VIEWERS_MAX)
    }
}

impl Begun {
    fn new(viewers_max: NonZeroUsize) -> Self {
        Self(Mutex::new(LruCache::with_hasher(viewers_max, RandomState::new())))
    }

    /// Takes the place at which a session ended; one without a viewer, a title or its length says nothing.
    pub fn note(&self, session: &SessionRecord) {
        let summary = &session.summary;
        let length = summary.duration_ms.filter(|&length| length > 0);
        let (Some(viewer), Some(title), Some(length)) = (session.viewer, session.title, length) else {
            return;
        };
        let share = (summary.position_ms as f64 / length as f64).min(1.0) as f32;
        let mut viewers = self.lock();
        let begun = viewers.get_or_insert_mut(viewer, Vec::new);
        begun.retain(|progress| progress.title != title);
        begun.push(Progress { title, share });
        if begun.len() > limits::BEGUN_TITLES_MAX {
            begun.remove(0);
        }
    }

    /// What a viewer has begun, the newest last.
    pub fn of(&self, viewer: u32) -> Vec<Progress> {
        self.lock().peek(&viewer).cloned().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<u32, Vec<Progress>, RandomState>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use wire::{Scores, Summary};

    use super::*;

    fn session(viewer: u32, title: u32, position_ms: u64, duration_ms: Option<u64>) -> SessionRecord {
        SessionRecord {
            session_id: "s".to_owned(),
            viewer: Some(viewer),
            title: Some(title),
            region: None,
            device: None,
            cdn: None,
            generation: 1,
            started_unix_ms: 1,
            ended_unix_ms: 2,
            summary: Summary { position_ms, duration_ms, ..Summary::default() },
            scores: Scores::default(),
        }
    }

    fn told(begun: &Begun, viewer: u32) -> Vec<(u32, f32)> {
        begun.of(viewer).iter().map(|progress| (progress.title, progress.share)).collect()
    }

    #[test]
    fn the_newest_place_of_a_title_counts_and_the_newest_title_is_the_last() {
        let begun = Begun::default();
        for (title, position) in [(1, 10), (2, 50), (1, 75)] {
            begun.note(&session(7, title, position, Some(100)));
        }
        begun.note(&session(8, 3, 500, Some(100)));
        assert_eq!(told(&begun, 7), [(2, 0.5), (1, 0.75)]);
        assert_eq!(told(&begun, 8), [(3, 1.0)]);
        assert_eq!(told(&begun, 9), []);
    }

    #[test]
    fn a_session_of_unknown_length_says_nothing() {
        let begun = Begun::default();
        begun.note(&session(7, 1, 10, None));
        begun.note(&session(7, 1, 10, Some(0)));
        begun.note(&SessionRecord { viewer: None, ..session(7, 1, 10, Some(100)) });
        begun.note(&SessionRecord { title: None, ..session(7, 1, 10, Some(100)) });
        assert_eq!(told(&begun, 7), []);
    }

    #[test]
    fn titles_of_a_viewer_and_viewers_are_bounded() {
        let begun = Begun::new(NonZeroUsize::MIN);
        for title in 0..100 {
            begun.note(&session(7, title, 10, Some(100)));
        }
        assert_eq!(begun.of(7).len(), limits::BEGUN_TITLES_MAX);
        assert_eq!(begun.of(7).last().map(|progress| progress.title), Some(99));
        begun.note(&session(8, 1, 10, Some(100)));
        assert_eq!((begun.of(7).len(), begun.of(8).len()), (0, 1));
    }
}
