//! Keeps tract's panics and its long messages from whoever called us.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::limits::REASON_CHARS_MAX;

/// What `run` returns, or what it said when it panicked: a graph from outside can reach an `unwrap` of
/// tract. Where panics abort, as in the component, the sandbox is what contains them.
pub(crate) fn contained<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    // All that `run` touched is dropped or, as a loaded plan, never changed by a run.
    catch_unwind(AssertUnwindSafe(run)).map_err(|payload| short(message(&*payload)))
}

fn message(payload: &(dyn Any + Send)) -> &str {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text,
        (None, None) => "a panic",
    }
}

/// The beginning of a reason, in one line.
pub(crate) fn short(reason: &str) -> String {
    let line = |letter: char| if letter.is_control() { ' ' } else { letter };
    reason.chars().take(REASON_CHARS_MAX).map(line).collect()
}
