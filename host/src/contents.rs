//! What players that tell by CMCD play, for the reports that do not say it again.

use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lru::LruCache;

use crate::limits;

/// Contents by the `sid` of their players; the one not heard of for longest goes first.
#[derive(Debug)]
pub struct Contents {
    players: Mutex<LruCache<String, Playing>>,
}

#[derive(Debug, Default)]
struct Playing {
    content: Option<Box<str>>,
    /// Whether it sends event reports, which tell more than its requests do.
    has_events: bool,
}

impl Default for Contents {
    fn default() -> Self {
        let max = NonZeroUsize::new(limits::CONTENTS_MAX).unwrap_or(NonZeroUsize::MIN);
        Self { players: Mutex::new(LruCache::sparse(max)) }
    }
}

impl Contents {
    /// What a player plays: what its report says, else what it said last.
    pub fn of(&self, sid: &str, told: Option<&str>) -> Option<String> {
        let mut players = self.lock();
        let playing = players.get_or_insert_mut_ref(sid, Playing::default);
        if let Some(told) = told
            && playing.content.as_deref() != Some(told)
        {
            playing.content = Some(told.into());
        }
        playing.content.as_deref().map(str::to_owned)
    }

    /// A player that sends event reports has been seen.
    pub fn tells_events(&self, sid: &str) {
        self.lock().get_or_insert_mut_ref(sid, Playing::default).has_events = true;
    }

    /// Whether a player sends event reports.
    pub fn has_events(&self, sid: &str) -> bool {
        self.lock().get(sid).is_some_and(|playing| playing.has_events)
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<String, Playing>> {
        self.players.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::Contents;

    #[test]
    fn a_report_without_content_is_of_what_its_player_played_last() {
        let contents = Contents::default();
        assert_eq!(contents.of("s", None), None);
        assert_eq!(contents.of("s", Some("film")).as_deref(), Some("film"));
        assert_eq!(contents.of("s", None).as_deref(), Some("film"));
        assert_eq!(contents.of("s", Some("series")).as_deref(), Some("series"));
        assert_eq!(contents.of("other", None), None);
    }
}
