//! The files of `cdn-config/` that every form reads: ladder, bit rate rules, alert thresholds.

use std::collections::BTreeMap;

use qoe::{Bound, Hysteresis};
use serde::{Deserialize, Serialize};

use crate::text::check_label;
use crate::{Refusal, Rung, decision};

/// `ladder.toml`: the renditions a node offers when the player names none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LadderFile {
    /// kbps strictly rising.
    pub rungs: Vec<Rung>,
}

impl LadderFile {
    /// Checks that the rungs make a ladder. Codes: those of [`bitrate::InputError::code`].
    pub fn validate(&self) -> Result<(), Refusal> {
        decision::ladder(&self.rungs)?;
        Ok(())
    }
}

/// `bitrate-rules.toml`: the table of network speed to picture height, by region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RulesFile {
    /// Holds for every region that has no table of its own.
    pub default: Vec<SpeedRule>,
    /// Tables by region.
    #[serde(default)]
    pub regions: BTreeMap<String, Vec<SpeedRule>>,
}

impl RulesFile {
    /// Checks that every table rises in speed and names a height, and the names of the regions.
    pub fn validate(&self) -> Result<(), Refusal> {
        self.regions.keys().try_for_each(|name| check_label("name of a region", Some(name)))?;
        for table in self.regions.values().chain([&self.default]) {
            decision::rules(table)?;
            if let Some(index) = table.iter().position(|line| line.height == 0) {
                return Err(Refusal::new("rule-without-height", format!("line {index} names no height")));
            }
        }
        Ok(())
    }

    /// The region's table, else the default one.
    pub fn of(&self, region: &str) -> &[SpeedRule] {
        self.regions.get(region).unwrap_or(&self.default)
    }
}

/// One line of a region's table; the line with the greatest speed not above the measured one holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpeedRule {
    /// From this network speed on, in Mbit/s.
    pub mbps_min: f64,
    /// Picture height to show.
    pub height: u16,
    /// Where to fetch it; the player's own choice without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cdn_endpoint: Option<String>,
}

/// `alerts.toml`: when to raise an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertsFile {
    /// In the order they are reported.
    pub alerts: Vec<AlertRule>,
}

impl AlertsFile {
    /// The domain's table. Codes: `alert-bound`, and those of [`qoe::AlertRuleError::code`].
    pub fn to_domain(&self) -> Result<Vec<qoe::AlertRule>, Refusal> {
        self.alerts.iter().copied().map(AlertRule::to_domain).collect()
    }
}

/// Raises an alert when the figure is below `below` or above `above`; exactly one of them is given.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertRule {
    /// The figure watched.
    pub metric: AlertMetric,
    /// Fires strictly below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
    /// Fires strictly above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<f64>,
    /// How bad it is.
    pub severity: Severity,
    /// Good again at this or on the far side of it; the bound itself without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clear: Option<f64>,
    /// Windows in a row with a bad figure until the alert is raised; 1 without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raise_after: Option<u8>,
    /// Windows in a row with a good figure until it is cleared; 1 without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clear_after: Option<u8>,
    /// With fewer sessions in a window the figure says nothing; 0 without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions_min: Option<u32>,
}

impl AlertRule {
    fn to_domain(self) -> Result<qoe::AlertRule, Refusal> {
        let bound = match (self.below, self.above) {
            (Some(below), None) => Bound::Below(below),
            (None, Some(above)) => Bound::Above(above),
            _ => return Err(Refusal::new("alert-bound", "an alert has either `below` or `above`")),
        };
        let none = Hysteresis::default();
        let hysteresis = Hysteresis {
            clear: self.clear,
            raise_after: self.raise_after.unwrap_or(none.raise_after),
            clear_after: self.clear_after.unwrap_or(none.clear_after),
            sessions_min: self.sessions_min.map_or(none.sessions_min, u64::from),
        };
        let rule = qoe::AlertRule::new(self.metric.into(), bound, self.severity.into());
        rule.and_then(|rule| rule.with(hysteresis))
            .map_err(|error| Refusal::new(error.code(), error.to_string()))
    }
}

/// A figure that alerts watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlertMetric {
    /// Score `window-v1`, 0 to 100.
    Qoe,
    /// stalled / (played + stalled), 0 to 1.
    RebufferRatio,
    /// 95th percentile of the startup time, in milliseconds.
    StartupP95Ms,
    /// Share of sessions with an error, 0 to 1.
    ErrorRate,
    /// Share of the viewers lost since the window before, 0 to 1.
    ViewersDrop,
}

/// How bad an alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Look at it today.
    Warning,
    /// Look at it now.
    Critical,
}

impl From<AlertMetric> for qoe::Metric {
    fn from(metric: AlertMetric) -> Self {
        match metric {
            AlertMetric::Qoe => Self::Qoe,
            AlertMetric::RebufferRatio => Self::RebufferRatio,
            AlertMetric::StartupP95Ms => Self::StartupP95Ms,
            AlertMetric::ErrorRate => Self::ErrorRate,
            AlertMetric::ViewersDrop => Self::ViewersDrop,
        }
    }
}

impl From<Severity> for qoe::Severity {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Warning => Self::Warning,
            Severity::Critical => Self::Critical,
        }
    }
}
