//! Thresholds in, alerts out.

use core::fmt;

/// A figure that alerts watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Metric {
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

/// When a figure is bad.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// Strictly below this.
    Below(f64),
    /// Strictly above this.
    Above(f64),
}

/// How bad an alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Look at it today.
    Warning,
    /// Look at it now.
    Critical,
}

/// A line of the table: raise an alert when the figure is beyond the bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AlertRule {
    metric: Metric,
    // Invariant: finite.
    bound: Bound,
    severity: Severity,
}

/// Why a line was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertRuleError {
    /// The bound is not a finite number: it could never, or would always, be crossed.
    BoundNotFinite,
}

impl AlertRuleError {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BoundNotFinite => "bound-not-finite",
        }
    }
}

impl fmt::Display for AlertRuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BoundNotFinite => write!(f, "the bound of an alert is not a finite number"),
        }
    }
}

impl core::error::Error for AlertRuleError {}

impl AlertRule {
    /// Checks that the bound is a finite number.
    pub fn new(metric: Metric, bound: Bound, severity: Severity) -> Result<Self, AlertRuleError> {
        let (Bound::Below(value) | Bound::Above(value)) = bound;
        if value.is_finite() {
            Ok(Self { metric, bound, severity })
        } else {
            Err(AlertRuleError::BoundNotFinite)
        }
    }

    /// The alert, when the figure is known and beyond the bound.
    fn check(&self, readings: &Readings) -> Option<Alert> {
        let value = readings.get(self.metric)?;
        let is_bad = match self.bound {
            Bound::Below(bound) => value < bound,
            Bound::Above(bound) => value > bound,
        };
        is_bad.then_some(Alert { metric: self.metric, bound: self.bound, severity: self.severity, value })
    }
}

/// The figures of one window; an unknown one raises no alert.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Readings {
    /// Of [`Metric::Qoe`].
    pub qoe: Option<f64>,
    /// Of [`Metric::RebufferRatio`].
    pub rebuffer_ratio: Option<f64>,
    /// Of [`Metric::StartupP95Ms`].
    pub startup_p95_ms: Option<f64>,
    /// Of [`Metric::ErrorRate`].
    pub error_rate: Option<f64>,
    /// Of [`Metric::ViewersDrop`].
    pub viewers_drop: Option<f64>,
}

impl Readings {
    fn get(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::Qoe => self.qoe,
            Metric::RebufferRatio => self.rebuffer_ratio,
            Metric::StartupP95Ms => self.startup_p95_ms,
            Metric::ErrorRate => self.error_rate,
            Metric::ViewersDrop => self.viewers_drop,
        }
    }
}

/// A figure beyond its bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alert {
    /// The figure.
    pub metric: Metric,
    /// The bound it is beyond.
    pub bound: Bound,
    /// How bad it is.
    pub severity: Severity,
    /// What was read.
    pub value: f64,
}

/// Returns the alerts that these readings raise, in the order of the table.
pub fn fired<'a>(table: &'a [AlertRule], readings: &'a Readings) -> impl Iterator<Item = Alert> + 'a {
    table.iter().filter_map(|rule| rule.check(readings))
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use quickcheck::quickcheck;

    use super::{Alert, AlertRule, AlertRuleError, Bound, Metric, Readings, Severity, fired};

    fn alerts(readings: Readings) -> Vec<(Metric, Severity)> {
        let table = [
            (Metric::Qoe, Bound::Below(70.0), Severity::Warning),
            (Metric::RebufferRatio, Bound::Above(0.02), Severity::Critical),
            (Metric::StartupP95Ms, Bound::Above(3_000.0), Severity::Warning),
            (Metric::ErrorRate, Bound::Above(0.01), Severity::Critical),
            (Metric::ViewersDrop, Bound::Above(0.5), Severity::Critical),
        ];
        let table = table.map(|(metric, bound, severity)| AlertRule::new(metric, bound, severity).unwrap());
        let pair = |alert: Alert| (alert.metric, alert.severity);
        fired(&table, &readings).map(pair).collect()
    }

    #[test]
    fn fires_strictly_beyond_the_bound() {
        let qoe = |qoe| alerts(Readings { qoe: Some(qoe), ..Readings::default() });
        assert_eq!(qoe(69.9), [(Metric::Qoe, Severity::Warning)]);
        assert_eq!(qoe(70.0), []);
        let ratio = |ratio| alerts(Readings { rebuffer_ratio: Some(ratio), ..Readings::default() });
        assert_eq!(ratio(0.0201), [(Metric::RebufferRatio, Severity::Critical)]);
        assert_eq!(ratio(0.02), []);
        let startup = |ms| alerts(Readings { startup_p95_ms: Some(ms), ..Readings::default() });
        assert_eq!(startup(3_001.0), [(Metric::StartupP95Ms, Severity::Warning)]);
        assert_eq!(startup(3_000.0), []);
    }

    #[test]
    fn several_figures_fire_in_the_order_of_the_table() {
        let readings = Readings {
            viewers_drop: Some(0.6),
            error_rate: Some(0.02),
            qoe: Some(10.0),
            ..Readings::default()
        };
        let metrics: Vec<Metric> = alerts(readings).into_iter().map(|(metric, _)| metric).collect();
        assert_eq!(metrics, [Metric::Qoe, Metric::ErrorRate, Metric::ViewersDrop]);
    }

    #[test]
    fn an_unknown_figure_raises_no_alert() {
        assert_eq!(alerts(Readings::default()), []);
        assert_eq!(alerts(Readings { qoe: Some(f64::NAN), ..Readings::default() }), []);
    }

    quickcheck! {
        fn a_worse_figure_never_clears_an_alert(bound: i16, value: i16, worse_by: u16, is_floor: bool) -> bool {
            let (bound, value, worse_by) = (f64::from(bound), f64::from(value), f64::from(worse_by));
            let (bound, worse) =
                if is_floor { (Bound::Below(bound), value - worse_by) } else { (Bound::Above(bound), value + worse_by) };
            let table = [AlertRule::new(Metric::Qoe, bound, Severity::Warning).unwrap()];
            let fires = |qoe| fired(&table, &Readings { qoe: Some(qoe), ..Readings::default() }).next().is_some();
            !fires(value) || fires(worse)
        }
    }

    #[test]
    fn a_bound_must_be_a_number() {
        for value in [f64::NAN, f64::INFINITY] {
            let rule = AlertRule::new(Metric::Qoe, Bound::Below(value), Severity::Warning);
            assert_eq!(rule, Err(AlertRuleError::BoundNotFinite));
        }
    }
}
