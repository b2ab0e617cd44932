//! Answers to questions that were asked before.
//!
//! A key holds all that an answer depends on. Of the request's time that is only which licence windows
//! are open, so the key holds the number of window boundaries before it: from one boundary to the next
//! the answer is the same, and on the far side of a boundary an older answer is not found.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lru::LruCache;
use sha2::{Digest, Sha256};

use crate::runtime::ranking::Progress;

/// A bounded number of answers, each for a bounded time; the least recently used goes first.
#[derive(Debug)]
pub struct AnswerCache<A> {
    answers: Option<Mutex<LruCache<Key, Kept<A>>>>,
}

#[derive(Debug)]
struct Kept<A> {
    answer: Arc<A>,
    since: Instant,
}

/// All that an answer depends on; a list and a page are kept apart.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The digest of the manifest of the release that is asked: a number could come back with other files.
    pub manifest_sha256: &'a str,
    /// Whose candidates.
    pub region: &'a str,
    /// Boundaries of the region's licence windows at or before the request's time.
    pub window: u64,
    /// Titles watched, oldest first.
    pub history: &'a [u32],
    /// Titles never to show; rising, each once.
    pub exclude: &'a [u32],
    /// Picks wanted.
    pub k: u32,
    /// Highest age rating, in years.
    pub maturity_max: u8,
    /// What the place that explores is drawn by.
    pub seed: Option<u32>,
    /// Titles begun, oldest first.
    pub in_progress: &'a [Progress],
}

/// Stands for a [`Question`]: a digest that nobody can make collide, so nobody gets another's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key([u8; 32]);

impl Question<'_> {
    /// The key of this question.
    pub fn key(&self) -> Key {
        let mut digest = Sha256::new();
        digest.update(self.window.to_le_bytes());
        digest.update(self.k.to_le_bytes());
        digest.update([self.maturity_max, u8::from(self.seed.is_some())]);
        digest.update(self.seed.unwrap_or(0).to_le_bytes());
        // Each part with its length first, so that no two questions have the same bytes.
        for text in [self.manifest_sha256, self.region] {
            digest.update((text.len() as u64).to_le_bytes());
            digest.update(text);
        }
        for titles in [self.history, self.exclude] {
            digest.update((titles.len() as u64).to_le_bytes());
            let bytes: Vec<u8> = titles.iter().flat_map(|title| title.to_le_bytes()).collect();
            digest.update(bytes);
        }
        for begun in self.in_progress {
            digest.update(begun.title.to_le_bytes());
            digest.update(begun.share.to_bits().to_le_bytes());
        }
        Key(digest.finalize().into())
    }
}

impl<A> AnswerCache<A> {
    /// Keeps up to `answers_max`; 0 keeps none.
    pub fn new(answers_max: usize) -> Self {
        let answers = NonZeroUsize::new(answers_max).map(|max| Mutex::new(LruCache::sparse(max)));
        Self { answers }
    }

    /// The answer, unless it is older than `ttl`.
    pub fn get(&self, key: &Key, ttl: Duration, now: Instant) -> Option<Arc<A>> {
        let mut answers = self.answers.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = answers.get(key)?;
        if now.saturating_duration_since(kept.since) < ttl {
            return Some(Arc::clone(&kept.answer));
        }
        answers.pop(key);
        None
    }

    /// Keeps an answer from `now` on.
    pub fn put(&self, key: Key, answer: Arc<A>, now: Instant) {
        let Some(answers) = &self.answers else { return };
        answers.lock().unwrap_or_else(PoisonError::into_inner).put(key, Kept { answer, since: now });
    }

    /// Answers kept now.
    pub fn len(&self) -> usize {
        let Some(answers) = &self.answers else { return 0 };
        answers.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::ranking::Answer;

    const TTL: Duration = Duration::from_secs(60);

    fn answer() -> Arc<Answer> {
        Arc::new(Answer { picks: Vec::new(), eligible: 7, ranked: false })
    }

    fn question() -> Question<'static> {
        Question {
            manifest_sha256: "a1",
            region: "eu",
            window: 3,
            history: &[5, 4],
            exclude: &[1, 2],
            k: 10,
            maturity_max: 18,
            seed: None,
            in_progress: &[],
        }
    }

    #[test]
    fn an_answer_is_found_until_its_time_is_over() {
        let (cache, now) = (AnswerCache::new(4), Instant::now());
        cache.put(question().key(), answer(), now);
        assert!(cache.get(&question().key(), TTL, now + TTL - Duration::from_millis(1)).is_some());
        assert!(cache.get(&question().key(), TTL, now + TTL).is_none());
        assert!(cache.is_empty());
    }

    #[test]
    fn every_part_of_a_question_tells_answers_apart() {
        let others = [
            Question { manifest_sha256: "a2", ..question() },
            Question { region: "us", ..question() },
            Question { window: 4, ..question() },
            Question { history: &[4, 5], ..question() },
            Question { history: &[5], exclude: &[4, 1, 2], ..question() },
            Question { exclude: &[1], ..question() },
            Question { k: 11, ..question() },
            Question { maturity_max: 12, ..question() },
            Question { seed: Some(0), ..question() },
            Question { in_progress: &[Progress { title: 0, share: 0.0 }], ..question() },
        ];
        for other in others {
            assert_ne!(other.key(), question().key(), "{other:?}");
        }
    }

    #[test]
    fn the_least_recently_used_answer_goes_first() {
        let (cache, now) = (AnswerCache::new(2), Instant::now());
        let key = |k| Question { k, ..question() }.key();
        for k in [1, 2] {
            cache.put(key(k), answer(), now);
        }
        assert!(cache.get(&key(1), TTL, now).is_some());
        cache.put(key(3), answer(), now);
        assert!(cache.get(&key(2), TTL, now).is_none());
        assert!(cache.get(&key(1), TTL, now).is_some());
        assert_eq!(cache.len(), 2);
    }

    #[test]
    fn a_cache_of_size_zero_keeps_nothing() {
        let (cache, now) = (AnswerCache::<Answer>::new(0), Instant::now());
        cache.put(question().key(), answer(), now);
        assert!(cache.get(&question().key(), TTL, now).is_none());
    }
}
