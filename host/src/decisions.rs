//! The log of decisions: what was shown or chosen, and with what probability, to learn from what came of it.

use std::sync::Mutex;
use std::sync::PoisonError;

use wire::{Decided, DecisionRecord};

use crate::node::{Node, unix_ms};

/// So many decisions a second; which ones does not depend on what was decided, only on when.
#[derive(Debug, Default)]
pub struct DecisionLog {
    /// The second, and how many were logged in it.
    second: Mutex<(u64, u64)>,
}

impl DecisionLog {
    /// Whether one more is logged.
    fn admits(&self, per_s: u64, now_unix_ms: u64) -> bool {
        let mut second = self.second.lock().unwrap_or_else(PoisonError::into_inner);
        if second.0 != now_unix_ms / 1_000 {
            *second = (now_unix_ms / 1_000, 0);
        }
        second.1 += 1;
        second.1 <= per_s
    }
}

/// Logs a decision, unless there have been too many this second.
pub(crate) fn log(
    node: &Node,
    generation: u64,
    request_id: &str,
    region: &str,
    viewer: Option<u32>,
    decided: impl FnOnce() -> Decided,
) {
    let Some(outbox) = &node.outbox else { return };
    let at_unix_ms = unix_ms();
    if !node.log.admits(node.settings.load().decisions_per_s, at_unix_ms) {
        return;
    }
    let (request_id, region) = (request_id.to_owned(), region.to_owned());
    let is_kept = outbox.note_decision(DecisionRecord {
        at_unix_ms,
        generation,
        request_id,
        region,
        viewer,
        decided: decided(),
    });
    if !is_kept {
        node.metrics.dropped("decisions", 1);
    }
}

#[cfg(test)]
mod tests {
    use super::DecisionLog;

    #[test]
    fn as_many_are_logged_a_second_as_are_configured() {
        let log = DecisionLog::default();
        assert_eq!([0, 1, 999].map(|ms| log.admits(2, ms)), [true, true, false]);
        assert_eq!([1_000, 1_001, 1_002].map(|ms| log.admits(2, ms)), [true, true, false]);
        assert!(!log.admits(0, 5_000));
    }
}
