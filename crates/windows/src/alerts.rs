//! Windows in, alerts out.
//!
//! Every value of every dimension is judged by every line of the table. An alert is raised after some
//! bad windows in a row and cleared after some good ones; a figure between the two ends a row and
//! changes nothing, and an unknown one does not even end a row.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;

use qoe::{AlertRule, Bound, Metric, Reading, Readings, Severity};
use units::UnixMillis;

use crate::{Dimension, Window, limits};

/// The alerts of a node, by a table.
#[derive(Debug)]
pub struct Alerts {
    table: Vec<AlertRule>,
    // By dimension first, so that a look-up needs no owned name. Invariant: `WATCHED_MAX` in all.
    watched: [BTreeMap<Box<str>, Watched>; Dimension::EVERY.len()],
    untracked: u64,
}

/// Why a table was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertsError {
    /// It has more than [`limits::ALERT_RULES_MAX`] lines.
    TooManyRules {
        /// Lines it has.
        rules: usize,
    },
}

impl AlertsError {
    /// A stable name for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooManyRules { .. } => "alert-rules",
        }
    }
}

impl fmt::Display for AlertsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyRules { rules } => {
                write!(f, "{rules} alerts are more than {}", limits::ALERT_RULES_MAX)
            }
        }
    }
}

impl core::error::Error for AlertsError {}

/// An alert that is, or was, raised.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// Of which dimension.
    pub dimension: Dimension,
    /// Of which title, region and so on.
    pub value: Box<str>,
    /// The figure.
    pub metric: Metric,
    /// The bound it is, or was, beyond.
    pub bound: Bound,
    /// How bad that is.
    pub severity: Severity,
    /// End of the window that raised it.
    pub since: UnixMillis,
    /// The figure when it was last known.
    pub reading: f64,
}

/// What a window did to an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Raised or cleared.
    pub turn: Turn,
    /// End of the window that did it.
    pub at: UnixMillis,
    /// The alert.
    pub alert: Alert,
}

/// Which way an alert turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It was not there before.
    Raised,
    /// It is over.
    Cleared,
}

impl Alerts {
    /// No alerts yet.
    pub fn new(table: Vec<AlertRule>) -> Result<Self, AlertsError> {
        if table.len() > limits::ALERT_RULES_MAX {
            return Err(AlertsError::TooManyRules { rules: table.len() });
        }
        Ok(Self { table, watched: Default::default(), untracked: 0 })
    }

    /// Judges what [`crate::Windows::close`] gave, and that nothing else was seen before `closed_until`.
    pub fn judge_closed(&mut self, windows: &[Window], closed_until: UnixMillis) -> Vec<Change> {
        let mut changes = Vec::new();
        for together in windows.chunk_by(|a, b| a.start == b.start) {
            changes.extend(self.advance(together[0].start));
            changes.extend(together.iter().flat_map(|window| self.judge(window)));
        }
        changes.extend(self.advance(closed_until));
        changes
    }

    /// Judges one window. Those of a value have to come in the order of time: an older one, or the same
    /// again, changes nothing.
    pub fn judge(&mut self, window: &Window) -> Vec<Change> {
        let end = window.end();
        let is_full = self.len() >= limits::WATCHED_MAX;
        let watched = &mut self.watched[window.dimension as usize];
        if !watched.contains_key(&window.value) {
            if is_full {
                self.untracked = self.untracked.saturating_add(1);
                return Vec::new();
            }
            watched.insert(window.value.clone(), Watched::new(self.table.len()));
        }
        let Some(watched) = watched.get_mut(&window.value).filter(|watched| watched.end < end) else {
            return Vec::new();
        };
        let figures = window.totals.figures();
        let readings = Readings {
            sessions: window.totals.sessions,
            // The seed's score takes what nobody told for 0; an alert about that would never end.
            qoe: figures
                .window_v1
                .filter(|_| figures.mean_kbps.is_some() && figures.mean_buffer_ms.is_some()),
            rebuffer_ratio: figures.rebuffer_ratio,
            startup_p95_ms: figures.startup.map(|startup| startup.p95_ms as f64),
            error_rate: figures.error_rate,
            viewers_drop: None,
        };
        let drop = watched.drop_to(figures.viewers, window.start);
        (watched.end, watched.viewers, watched.is_absent) = (end, figures.viewers, false);
        let reading = |rule: &AlertRule| match rule.metric() {
            Metric::ViewersDrop => rule.read(&drop),
            _ => rule.read(&readings),
        };
        let turns = watched.step(&self.table, reading, end);
        let change =
            |(turn, rule, raised)| change(turn, end, (window.dimension, &window.value), rule, raised);
        turns.into_iter().map(change).collect()
    }

    /// Judges that values without a window before `closed_until` had no session: their viewers are gone,
    /// and after [`limits::ABSENT_MAX`] windows they are forgotten.
    pub fn advance(&mut self, closed_until: UnixMillis) -> Vec<Change> {
        let mut changes = Vec::new();
        for (dimension, watched) in Dimension::EVERY.into_iter().zip(&mut self.watched) {
            watched.retain(|value, watched| {
                let absent = closed_until.saturating_since(watched.end).get() / limits::WINDOW.get();
                if absent > 0 && !watched.is_absent {
                    watched.is_absent = true;
                    let drop = watched.drop_to(0, watched.end);
                    let reading = |rule: &AlertRule| match rule.metric() {
                        Metric::ViewersDrop => rule.read(&drop),
                        _ => Reading::Unknown,
                    };
                    let at = UnixMillis::new(watched.end.get().saturating_add(limits::WINDOW.get()));
                    let turns = watched.step(&self.table, reading, at);
                    let change = |(turn, rule, raised)| change(turn, at, (dimension, value), rule, raised);
                    changes.extend(turns.into_iter().map(change));
                }
                let is_forgotten = absent >= limits::ABSENT_MAX;
                if is_forgotten {
                    let raised = self.table.iter().zip(&watched.states);
                    let raised = raised.filter_map(|(rule, state)| Some((rule, state.raised?)));
                    changes.extend(raised.map(|(rule, raised)| {
                        change(Turn::Cleared, closed_until, (dimension, value), rule, raised)
                    }));
                }
                !is_forgotten
            });
        }
        changes
    }

    /// The alerts that are raised, the worst first, then by dimension and value.
    pub fn current(&self) -> Vec<Alert> {
        let mut alerts = Vec::new();
        for (dimension, watched) in Dimension::EVERY.into_iter().zip(&self.watched) {
            for (value, watched) in watched {
                for (rule, state) in self.table.iter().zip(&watched.states) {
                    let raised = state.raised.map(|raised| alert((dimension, value), rule, raised));
                    alerts.extend(raised);
                }
            }
        }
        alerts.sort_by_key(|alert| core::cmp::Reverse(alert.severity));
        alerts
    }

    /// Values that alerts remember.
    pub fn len(&self) -> usize {
        self.watched.iter().map(BTreeMap::len).sum()
    }

    /// Whether none is remembered.
    pub fn is_empty(&self) -> bool {
        self.watched.iter().all(BTreeMap::is_empty)
    }

    /// Windows that were not judged because [`limits::WATCHED_MAX`] values were remembered.
    pub fn untracked(&self) -> u64 {
        self.untracked
    }
}

fn change(turn: Turn, at: UnixMillis, of: (Dimension, &str), rule: &AlertRule, raised: Raised) -> Change {
    Change { turn, at, alert: alert(of, rule, raised) }
}

fn alert((dimension, value): (Dimension, &str), rule: &AlertRule, raised: Raised) -> Alert {
    Alert {
        dimension,
        value: Box::from(value),
        metric: rule.metric(),
        bound: rule.bound(),
        severity: rule.severity(),
        since: raised.since,
        reading: raised.reading,
    }
}

/// What is remembered of a value.
#[derive(Debug)]
struct Watched {
    /// End of its newest window.
    end: UnixMillis,
    /// Viewers at that end.
    viewers: u64,
    /// Whether the window after it was judged to have had no session.
    is_absent: bool,
    // One a line of the table.
    states: Box<[State]>,
}

impl Watched {
    fn new(rules: usize) -> Self {
        let states = (0..rules).map(|_| State::default()).collect();
        Self { end: UnixMillis::default(), viewers: 0, is_absent: false, states }
    }

    /// The share of the viewers lost in the window that starts at `start`, if the one before is known.
    fn drop_to(&self, viewers: u64, start: UnixMillis) -> Readings {
        let is_next = self.end == start && self.viewers > 0;
        let drop = || 1.0 - (viewers as f64 / self.viewers as f64).min(1.0);
        Readings { sessions: self.viewers, viewers_drop: is_next.then(drop), ..Readings::default() }
    }

    fn step<'a>(
        &mut self,
        table: &'a [AlertRule],
        reading: impl Fn(&AlertRule) -> Reading,
        end: UnixMillis,
    ) -> Vec<(Turn, &'a AlertRule, Raised)> {
        let states = table.iter().zip(&mut self.states);
        states.filter_map(|(rule, state)| state.step(rule, reading(rule), end)).collect()
    }
}

/// How one value stands to one line of the table.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// Windows in a row that would raise it, or clear it when it is raised.
    run: u8,
    raised: Option<Raised>,
}

#[derive(Clone, Copy, Debug)]
struct Raised {
    since: UnixMillis,
    reading: f64,
}

impl State {
    fn step<'a>(
        &mut self,
        rule: &'a AlertRule,
        reading: Reading,
        end: UnixMillis,
    ) -> Option<(Turn, &'a AlertRule, Raised)> {
        let (value, is_bad, is_good) = match reading {
            Reading::Unknown => return None,
            Reading::Bad(value) => (value, true, false),
            Reading::Between(value) => (value, false, false),
            Reading::Good(value) => (value, false, true),
        };
        if let Some(raised) = &mut self.raised {
            raised.reading = value;
        }
        let hysteresis = rule.hysteresis();
        let (continues, needed) = match self.raised {
            None => (is_bad, hysteresis.raise_after),
            Some(_) => (is_good, hysteresis.clear_after),
        };
        self.run = if continues { self.run.saturating_add(1) } else { 0 };
        if !continues || self.run < needed {
            return None;
        }
        self.run = 0;
        match self.raised.take() {
            Some(raised) => Some((Turn::Cleared, rule, raised)),
            None => {
                let raised = Raised { since: end, reading: value };
                self.raised = Some(raised);
                Some((Turn::Raised, rule, raised))
            }
        }
    }
}

#[cfg(test)]
mod tests;
