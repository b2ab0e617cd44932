//! The files of `cdn-config/` that every form reads: ladder, bit rate rules, alert thresholds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Rung;

/// `ladder.toml`: the renditions a node offers when the player names none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LadderFile {
    /// kbps strictly rising.
    pub rungs: Vec<Rung>,
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
