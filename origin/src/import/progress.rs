//! How far a long step is, on stderr: one line that moves on a terminal, a line now and then elsewhere.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// How far a step is.
pub struct Progress {
    what: &'static str,
    total: u64,
    is_terminal: bool,
    shown: Instant,
    has_shown: bool,
}

/// A step that is over sooner says nothing.
const FIRST: Duration = Duration::from_secs(2);

impl Progress {
    /// A step of `total` parts begins.
    pub fn new(what: &'static str, total: u64) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        Self { what, total: total.max(1), is_terminal, shown: Instant::now(), has_shown: false }
    }

    /// So many parts are done.
    pub fn at(&mut self, done: u64) {
        let pause = match (self.has_shown, self.is_terminal) {
            (false, _) => FIRST,
            (true, true) => Duration::from_millis(200),
            (true, false) => Duration::from_secs(10),
        };
        if self.shown.elapsed() < pause {
            return;
        }
        self.shown = Instant::now();
        self.has_shown = true;
        let percent = done.min(self.total).saturating_mul(100) / self.total;
        let mut stderr = std::io::stderr().lock();
        // Progress that cannot be shown must not stop the work.
        let _ = if self.is_terminal {
            write!(stderr, "\r\x1b[36m{}\x1b[0m {percent} %\x1b[K", self.what)
        } else {
            writeln!(stderr, "{} {percent} %", self.what)
        };
    }

    /// The step is over.
    pub fn done(&mut self) {
        if self.has_shown && self.is_terminal {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
            self.has_shown = false;
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.done();
    }
}
