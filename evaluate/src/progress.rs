//! How far a long computation is, for one who watches a terminal.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A line on standard error that counts; silent where nobody watches.
pub(crate) struct Progress {
    what: String,
    total: usize,
    done: AtomicUsize,
    is_watched: bool,
}

impl Progress {
    pub(crate) fn new(what: &str, total: usize) -> Self {
        let is_watched = std::io::stderr().is_terminal();
        Self { what: what.to_owned(), total, done: AtomicUsize::new(0), is_watched }
    }

    /// One more is done.
    pub(crate) fn step(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if self.is_watched {
            let end = if done == self.total { "\n" } else { "" };
            // A closed terminal is no reason to stop.
            let _ = write!(std::io::stderr(), "\r{} {done}/{}{end}", self.what, self.total);
        }
    }
}
