//! What operators are told of without asking: alerts by the table of the configuration.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use tracing::{info, warn};
use units::UnixMillis;
use windows::{Alert, Alerts, Bound, Change, Turn, Window};
use wire::AlertsFile;

use crate::config::{Config, ConfigError, parse_toml, read_text};
use crate::limits;
use crate::metrics::Metrics;

/// The alerts that are raised, and the last that turned.
#[derive(Debug)]
pub struct Watch {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    alerts: Alerts,
    changes: VecDeque<Change>,
}

/// What `/v1/alerts` answers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlertsAnswer {
    /// Those that are raised, the worst first.
    pub raised: Vec<AlertShown>,
    /// The last that turned, the newest first.
    pub changes: Vec<ChangeShown>,
}

/// An alert.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlertShown {
    /// What the sessions have in common.
    pub dimension: &'static str,
    /// Its value.
    pub value: String,
    /// The figure.
    pub metric: &'static str,
    /// How bad it is.
    pub severity: &'static str,
    /// Strictly below it is bad.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
    /// Strictly above it is bad.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub above: Option<f64>,
    /// The figure when it was last known.
    pub reading: f64,
    /// End of the window that raised it. Unix time, milliseconds.
    pub since_unix_ms: u64,
}

/// An alert that was raised or cleared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChangeShown {
    /// `raised` or `cleared`.
    pub turn: &'static str,
    /// End of the window that did it. Unix time, milliseconds.
    pub at_unix_ms: u64,
    /// The alert.
    pub alert: AlertShown,
}

impl Watch {
    /// By the table that the configuration names; without one nothing is raised.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let path = config.alerts.as_deref();
        let refuse = |message: String| {
            let path = path.unwrap_or(Path::new("")).to_path_buf();
            ConfigError::NotRising { path, message }
        };
        let file = path.map(|path| parse_toml::<AlertsFile>(&read_text(path)?, path)).transpose()?;
        let table =
            file.map(|file| file.to_domain()).transpose().map_err(|error| refuse(error.to_string()))?;
        let alerts = Alerts::new(table.unwrap_or_default()).map_err(|error| refuse(error.to_string()))?;
        Ok(Self { state: Mutex::new(State { alerts, changes: VecDeque::new() }) })
    }

    /// Judges windows that have just been closed, and that nothing else was seen before `closed_until`.
    pub fn judge(&self, windows: &[Window], closed_until: UnixMillis, metrics: &Metrics) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = state.alerts.judge_closed(windows, closed_until);
        for change in changes {
            let alert = &change.alert;
            let (dimension, metric, severity) =
                (alert.dimension.name(), alert.metric.name(), alert.severity.name());
            match change.turn {
                Turn::Raised => {
                    warn!(
                        dimension,
                        value = &*alert.value,
                        metric,
                        severity,
                        alert.reading,
                        "an alert was raised"
                    );
                }
                Turn::Cleared => {
                    info!(dimension, value = &*alert.value, metric, severity, "an alert was cleared");
                }
            }
            metrics.alert_turned(metric, severity, turn(change.turn));
            if state.changes.len() == limits::ALERT_CHANGES_KEPT {
                state.changes.pop_back();
            }
            state.changes.push_front(change);
        }
    }

    /// Alerts that are raised, by metric and severity.
    pub fn raised(&self) -> Vec<(&'static str, &'static str)> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.alerts.current().iter().map(|alert| (alert.metric.name(), alert.severity.name())).collect()
    }

    /// For people and programs.
    pub fn answer(&self) -> AlertsAnswer {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        AlertsAnswer {
            raised: state.alerts.current().iter().map(AlertShown::of).collect(),
            changes: state.changes.iter().map(ChangeShown::of).collect(),
        }
    }
}

impl AlertShown {
    fn of(alert: &Alert) -> Self {
        let (below, above) = match alert.bound {
            Bound::Below(bound) => (Some(bound), None),
            Bound::Above(bound) => (None, Some(bound)),
        };
        Self {
            dimension: alert.dimension.name(),
            value: alert.value.to_string(),
            metric: alert.metric.name(),
            severity: alert.severity.name(),
            below,
            above,
            reading: alert.reading,
            since_unix_ms: alert.since.get(),
        }
    }
}

impl ChangeShown {
    fn of(change: &Change) -> Self {
        Self { turn: turn(change.turn), at_unix_ms: change.at.get(), alert: AlertShown::of(&change.alert) }
    }
}

fn turn(turn: Turn) -> &'static str {
    match turn {
        Turn::Raised => "raised",
        Turn::Cleared => "cleared",
    }
}
