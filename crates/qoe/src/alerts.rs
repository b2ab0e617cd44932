//! When a figure is bad, and when it is good again.

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

impl Metric {
    /// A stable name for tables and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Qoe => "qoe",
            Self::RebufferRatio => "rebuffer-ratio",
            Self::StartupP95Ms => "startup-p95-ms",
            Self::ErrorRate => "error-rate",
            Self::ViewersDrop => "viewers-drop",
        }
    }
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

impl Severity {
    /// A stable name for tables and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// A line of the table: raise an alert when the figure is beyond the bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AlertRule {
    metric: Metric,
    // Invariant: finite.
    bound: Bound,
    severity: Severity,
    // Invariant: `clear` is finite and not on the bad side of the bound; neither count is 0.
    hysteresis: Hysteresis,
}

/// What keeps an alert from being raised and cleared over and over by a figure near its bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hysteresis {
    /// The figure is good again at this or on the far side of it; none for the bound itself.
    pub clear: Option<f64>,
    /// Windows in a row with a bad figure until the alert is raised.
    pub raise_after: u8,
    /// Windows in a row with a good figure until it is cleared.
    pub clear_after: u8,
    /// With fewer sessions in a window the figure is unknown: one viewer is no trend.
    pub sessions_min: u64,
}

impl Default for Hysteresis {
    /// None at all: raised by one bad window, cleared by one good one.
    fn default() -> Self {
        Self { clear: None, raise_after: 1, clear_after: 1, sessions_min: 0 }
    }
}

/// Why a line was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertRuleError {
    /// The bound is not a finite number: it could never, or would always, be crossed.
    BoundNotFinite,
    /// The figure would be good and bad at once, or never good.
    ClearIsBad,
    /// Nothing can be raised or cleared after no window.
    NoWindows,
}

impl AlertRuleError {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BoundNotFinite => "bound-not-finite",
            Self::ClearIsBad => "clear-is-bad",
            Self::NoWindows => "alert-without-windows",
        }
    }
}

impl fmt::Display for AlertRuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BoundNotFinite => write!(f, "the bound of an alert is not a finite number"),
            Self::ClearIsBad => write!(f, "an alert is to be cleared on the bad side of its bound"),
            Self::NoWindows => write!(f, "an alert is to be raised or cleared after no window"),
        }
    }
}

impl core::error::Error for AlertRuleError {}

impl AlertRule {
    /// Checks that the bound is a finite number. Without hysteresis.
    pub fn new(metric: Metric, bound: Bound, severity: Severity) -> Result<Self, AlertRuleError> {
        let (Bound::Below(value) | Bound::Above(value)) = bound;
        if value.is_finite() {
            Ok(Self { metric, bound, severity, hysteresis: Hysteresis::default() })
        } else {
            Err(AlertRuleError::BoundNotFinite)
        }
    }

    /// The same line with hysteresis.
    pub fn with(self, hysteresis: Hysteresis) -> Result<Self, AlertRuleError> {
        let is_good = |clear: f64| match self.bound {
            Bound::Below(bound) => clear.is_finite() && clear >= bound,
            Bound::Above(bound) => clear.is_finite() && clear <= bound,
        };
        if !hysteresis.clear.is_none_or(is_good) {
            return Err(AlertRuleError::ClearIsBad);
        }
        if hysteresis.raise_after == 0 || hysteresis.clear_after == 0 {
            return Err(AlertRuleError::NoWindows);
        }
        Ok(Self { hysteresis, ..self })
    }

    /// The figure watched.
    pub fn metric(&self) -> Metric {
        self.metric
    }

    /// When it is bad.
    pub fn bound(&self) -> Bound {
        self.bound
    }

    /// How bad that is.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// When it is good again.
    pub fn hysteresis(&self) -> Hysteresis {
        self.hysteresis
    }

    /// What these readings say to this line.
    pub fn read(&self, readings: &Readings) -> Reading {
        let known = readings.get(self.metric).filter(|value| !value.is_nan());
        let Some(value) = known.filter(|_| readings.sessions >= self.hysteresis.sessions_min) else {
            return Reading::Unknown;
        };
        let (is_bad, is_good) = match self.bound {
            Bound::Below(bound) => (value < bound, value >= self.hysteresis.clear.unwrap_or(bound)),
            Bound::Above(bound) => (value > bound, value <= self.hysteresis.clear.unwrap_or(bound)),
        };
        match (is_bad, is_good) {
            (true, _) => Reading::Bad(value),
            (_, true) => Reading::Good(value),
            _ => Reading::Between(value),
        }
    }
}

/// A figure, as a line of the table sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reading {
    /// Nothing, or of too few sessions: raises nothing and clears nothing.
    Unknown,
    /// Beyond the bound.
    Bad(f64),
    /// Not beyond the bound, but not where it is good again.
    Between(f64),
    /// Where it is good again.
    Good(f64),
}

/// The figures of one window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Readings {
    /// Sessions they are of.
    pub sessions: u64,
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

#[cfg(test)]
mod tests {
    use quickcheck::quickcheck;

    use super::{AlertRule, AlertRuleError, Bound, Hysteresis, Metric, Reading, Readings, Severity};

    fn rule(bound: Bound) -> AlertRule {
        AlertRule::new(Metric::Qoe, bound, Severity::Warning).unwrap()
    }

    fn read(rule: &AlertRule, qoe: f64) -> Reading {
        rule.read(&Readings { qoe: Some(qoe), ..Readings::default() })
    }

    #[test]
    fn a_figure_is_bad_strictly_beyond_the_bound() {
        assert_eq!(read(&rule(Bound::Below(70.0)), 69.9), Reading::Bad(69.9));
        assert_eq!(read(&rule(Bound::Below(70.0)), 70.0), Reading::Good(70.0));
        assert_eq!(read(&rule(Bound::Above(0.02)), 0.0201), Reading::Bad(0.0201));
        assert_eq!(read(&rule(Bound::Above(0.02)), 0.02), Reading::Good(0.02));
    }

    #[test]
    fn between_the_bound_and_where_it_clears_a_figure_is_neither() {
        let below = rule(Bound::Below(70.0)).with(Hysteresis { clear: Some(75.0), ..Hysteresis::default() });
        let below = below.unwrap();
        assert_eq!(read(&below, 70.0), Reading::Between(70.0));
        assert_eq!(read(&below, 74.9), Reading::Between(74.9));
        assert_eq!(read(&below, 75.0), Reading::Good(75.0));
        let above = rule(Bound::Above(0.02)).with(Hysteresis { clear: Some(0.01), ..Hysteresis::default() });
        assert_eq!(read(&above.unwrap(), 0.015), Reading::Between(0.015));
    }

    #[test]
    fn a_figure_that_is_missing_or_of_too_few_sessions_is_unknown() {
        let few = rule(Bound::Below(70.0)).with(Hysteresis { sessions_min: 10, ..Hysteresis::default() });
        let few = few.unwrap();
        let of = |sessions, qoe| few.read(&Readings { sessions, qoe, ..Readings::default() });
        assert_eq!(of(9, Some(1.0)), Reading::Unknown);
        assert_eq!(of(10, Some(1.0)), Reading::Bad(1.0));
        assert_eq!(of(10, None), Reading::Unknown);
        assert_eq!(of(10, Some(f64::NAN)), Reading::Unknown);
        let other = Readings { sessions: 10, error_rate: Some(1.0), ..Readings::default() };
        assert_eq!(few.read(&other), Reading::Unknown);
    }

    quickcheck! {
        fn a_worse_figure_never_reads_better(bound: i16, band: u8, value: i16, worse_by: u16, is_floor: bool) -> bool {
            let (bound, band) = (f64::from(bound), f64::from(band));
            let (value, worse_by) = (f64::from(value), f64::from(worse_by));
            let (bound, clear, worse) = if is_floor {
                (Bound::Below(bound), bound + band, value - worse_by)
            } else {
                (Bound::Above(bound), bound - band, value + worse_by)
            };
            let rule = rule(bound).with(Hysteresis { clear: Some(clear), ..Hysteresis::default() }).unwrap();
            let rank = |value| match read(&rule, value) {
                Reading::Good(_) => 0,
                Reading::Between(_) => 1,
                Reading::Bad(_) => 2,
                Reading::Unknown => 3,
            };
            rank(worse) >= rank(value) && rank(worse) < 3
        }
    }

    #[test]
    fn a_line_that_could_not_work_is_refused() {
        for value in [f64::NAN, f64::INFINITY] {
            let rule = AlertRule::new(Metric::Qoe, Bound::Below(value), Severity::Warning);
            assert_eq!(rule, Err(AlertRuleError::BoundNotFinite));
        }
        for clear in [69.0, f64::NAN, f64::INFINITY] {
            let hysteresis = Hysteresis { clear: Some(clear), ..Hysteresis::default() };
            assert_eq!(rule(Bound::Below(70.0)).with(hysteresis), Err(AlertRuleError::ClearIsBad));
        }
        for (raise_after, clear_after) in [(0, 1), (1, 0)] {
            let hysteresis = Hysteresis { raise_after, clear_after, ..Hysteresis::default() };
            assert_eq!(rule(Bound::Above(1.0)).with(hysteresis), Err(AlertRuleError::NoWindows));
        }
    }
}
