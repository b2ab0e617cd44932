//! Keeps tract's panics and its long messages from whoever called us.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use crate::limits::REASON_CHARS_MAX;

/// What `run` returns, or what it said when it panicked: a graph from outside can reach an `unwrap` of
/// tract. Where panics abort, as in the component, the sandbox is what contains them.
///
/// What is caught is told by the result, and not on standard error too.
pub(crate) fn contained<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    if cfg!(panic = "unwind") {
        QUIET.call_once(|| {
            let tell = take_hook();
            set_hook(Box::new(move |panic| {
                if !IS_CONTAINED.get() {
                    tell(panic);
                }
            }));
        });
    }
    let outside = IS_CONTAINED.replace(true);
    // All that `run` touched is dropped or, as a loaded plan, never changed by a run.
    let result = catch_unwind(AssertUnwindSafe(run));
    IS_CONTAINED.set(outside);
    result.map_err(|payload| short(message(&*payload)))
}

static QUIET: Once = Once::new();

thread_local! {
    static IS_CONTAINED: Cell<bool> = const { Cell::new(false) };
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
