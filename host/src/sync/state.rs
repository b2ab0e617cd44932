//! How the node stands to its origin, for answers, metrics and operators.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

/// How the node stands to its origin.
#[derive(Debug, Default)]
pub struct SyncState {
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    succeeded: Option<Instant>,
    status: SyncStatus,
    /// The manifest of the release that was refused last.
    refused: Option<String>,
}

/// The same as JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SyncStatus {
    /// When the node last looked. Unix time, milliseconds.
    pub last_check_unix_ms: Option<u64>,
    /// When a look last found the node in step, or brought it there.
    pub last_success_unix_ms: Option<u64>,
    /// What the last look found: `in-step`, `switched`, `refused` or `unreachable`.
    pub last_outcome: Option<&'static str>,
    /// Releases and signed states refused since the start; one that stays is counted once.
    pub refused: u64,
    /// Why the last look that failed did.
    pub last_error: Option<SyncProblem>,
    /// Generations kept besides the one that serves, the latest first.
    pub previous: Vec<u64>,
}

/// Why a look at the origin failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SyncProblem {
    /// Kebab-case, stable.
    pub code: &'static str,
    /// For operators.
    pub message: String,
    /// Unix time, milliseconds.
    pub at_unix_ms: u64,
}

impl SyncState {
    /// Whether the last good look is longer ago than `stale_after`, or there was none.
    pub fn is_stale(&self, stale_after: Duration, now: Instant) -> bool {
        self.since_success(now).is_none_or(|since| since > stale_after)
    }

    /// Since the last good look; none before the first.
    pub fn since_success(&self, now: Instant) -> Option<Duration> {
        self.lock().succeeded.map(|succeeded| now.saturating_duration_since(succeeded))
    }

    /// For operators.
    pub fn status(&self) -> SyncStatus {
        self.lock().status.clone()
    }

    /// A look found the node in step, or brought it there.
    pub(super) fn succeeded(&self, outcome: &'static str, now: Instant, unix_ms: u64) {
        let mut told = self.lock();
        told.succeeded = Some(now);
        told.status.last_success_unix_ms = Some(unix_ms);
        told.status.last_check_unix_ms = Some(unix_ms);
        told.status.last_outcome = Some(outcome);
    }

    /// A look failed; returns whether it failed for another reason than the one before, or refused another
    /// release (told by the digest of its manifest) for the same.
    pub(super) fn failed(
        &self,
        outcome: &'static str,
        problem: SyncProblem,
        refused: Option<String>,
    ) -> bool {
        let mut told = self.lock();
        let was = &told.status;
        let is_same = told.refused == refused
            && was.last_outcome == Some(outcome)
            && was
                .last_error
                .as_ref()
                .is_some_and(|last| (last.code, &last.message) == (problem.code, &problem.message));
        told.status.last_check_unix_ms = Some(problem.at_unix_ms);
        told.status.last_outcome = Some(outcome);
        told.status.last_error = Some(problem);
        told.refused = refused;
        if !is_same && outcome == "refused" {
            told.status.refused += 1;
        }
        !is_same
    }

    pub(super) fn keeps(&self, previous: Vec<u64>) {
        self.lock().status.previous = previous;
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(code: &'static str) -> SyncProblem {
        SyncProblem { code, message: "why".to_owned(), at_unix_ms: 1 }
    }

    #[test]
    fn answers_are_stale_until_the_first_good_look_and_some_time_after_the_last() {
        let (state, now, after) = (SyncState::default(), Instant::now(), Duration::from_secs(60));
        assert!(state.is_stale(after, now));
        state.succeeded("in-step", now, 1);
        assert!(!state.is_stale(after, now + after));
        state.failed("unreachable", problem("origin-unreachable"), None);
        assert!(state.is_stale(after, now + after + Duration::from_millis(1)));
    }

    #[test]
    fn a_refusal_that_stays_is_counted_once() {
        let state = SyncState::default();
        assert!(state.failed("refused", problem("signature"), None));
        assert!(!state.failed("refused", problem("signature"), None));
        assert!(state.failed("refused", problem("expired"), None));
        assert!(state.failed("unreachable", problem("origin-unreachable"), None));
        assert_eq!(state.status().refused, 2);
    }

    #[test]
    fn another_release_refused_for_the_same_reason_is_counted_too() {
        let state = SyncState::default();
        let refuse = |manifest: &str| {
            state.failed("refused", problem("candidates-malformed"), Some(manifest.to_owned()))
        };
        assert!(refuse("a1"));
        assert!(!refuse("a1"));
        assert!(refuse("a2"));
        assert_eq!(state.status().refused, 2);
    }
}
