//! Whether a release may take the place of the one before.

use std::fmt;

use release::FileError;
use serde::Deserialize;

use super::Figures;

/// What a release must hold.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct GateConfig {
    /// Share of a figure that a release may lose against the one before; 0 to 1.
    pub fall_max: f64,
    /// The same for the coverage, which moves with tastes and not with mistakes; 0 to 1.
    pub coverage_fall_max: f64,
    /// With few viewers a figure falls by chance: so many standard errors are never called a fall; 0 to 10.
    pub standard_errors: f64,
    /// Share of the first ten before rounding that must still be among the first ten; 0 to 1.
    pub overlap_min: f64,
}

impl Default for GateConfig {
    fn default() -> Self {
        Self { fall_max: 0.1, coverage_fall_max: 0.3, standard_errors: 2.0, overlap_min: 0.9 }
    }
}

impl GateConfig {
    /// The first key that is outside its range, and the range's upper end.
    pub fn out_of_range(&self) -> Option<(&'static str, f64)> {
        let Self { fall_max, coverage_fall_max, standard_errors, overlap_min } = *self;
        let keys = [
            ("fall_max", fall_max, 1.0),
            ("coverage_fall_max", coverage_fall_max, 1.0),
            ("standard_errors", standard_errors, 10.0),
            ("overlap_min", overlap_min, 1.0),
        ];
        let is_out = |&(_, value, max): &(&str, f64, f64)| !(0.0..=max).contains(&value);
        keys.into_iter().find(is_out).map(|(key, _, max)| (key, max))
    }
}

/// The release that is served.
#[derive(Clone, Copy, Debug)]
pub struct Before<'a> {
    /// Its number.
    pub generation: u64,
    /// What was measured of it.
    pub figures: &'a Figures,
}

/// A figure that is too low.
#[derive(Clone, Debug, PartialEq)]
pub struct Fall {
    /// Which.
    pub figure: &'static str,
    /// What was measured.
    pub now: f64,
    /// The least that would have passed.
    pub least: f64,
    /// Where that comes from.
    pub of: Least,
}

/// What a figure is held against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Least {
    /// The release that is served, and its figure.
    Generation(u64, f64),
    /// The rows of the same release without any model.
    Rows(f64),
    /// The configuration.
    Floor,
}

impl fmt::Display for Fall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:.4} is below {:.4}", self.figure, self.now, self.least)?;
        match self.of {
            Least::Generation(generation, before) => write!(f, " (generation {generation} has {before:.4})"),
            Least::Rows(rows) => write!(f, " (the rows without a model have {rows:.4})"),
            Least::Floor => write!(f, " (overlap_min)"),
        }
    }
}

/// The figures that are too low; none lets the release pass, and without one before it only what it holds by itself
/// is judged.
pub fn judge(now: &Figures, before: Option<Before<'_>>, config: &GateConfig) -> Vec<Fall> {
    let figure = |name: &str| now.get(name).copied();
    let mut falls = Vec::new();
    let mut hold = |name: &'static str, least: f64, of: Least| match figure(name) {
        Some(now) if now < least => falls.push(Fall { figure: name, now, least, of }),
        _ => {}
    };
    hold("overlap_at_10", config.overlap_min, Least::Floor);
    hold("ranked_overlap_at_10", config.overlap_min, Least::Floor);
    if let Some(rows) = figure("rows_hr_at_10") {
        hold("hr_at_10", least(rows, config.fall_max, figure("users"), config), Least::Rows(rows));
    }
    let Some(Before { generation, figures }) = before else { return falls };
    for (name, fall_max, views) in [
        ("hr_at_10", config.fall_max, "users"),
        ("ndcg_at_10", config.fall_max, "users"),
        ("debiased_hr_at_10", config.fall_max, "debiased_users"),
        ("coverage_at_10", config.coverage_fall_max, "users"),
        ("factors_hr_at_20", config.fall_max, "users"),
    ] {
        let Some(&before) = figures.get(name) else { continue };
        hold(name, least(before, fall_max, figure(views), config), Least::Generation(generation, before));
    }
    falls
}

/// What a share may fall to: by the stated part of it, or by what chance makes of the difference of two such
/// measurements, whichever is more.
fn least(before: f64, fall_max: f64, views: Option<f64>, config: &GateConfig) -> f64 {
    // Nobody was measured: chance explains everything.
    let Some(views @ 1.0..) = views else { return 0.0 };
    // The variance of a mean of numbers from 0 to 1 is at most that of a share.
    let standard_error = (2.0 * before * (1.0 - before) / views).max(0.0).sqrt();
    before - (before * fall_max).max(config.standard_errors * standard_error)
}

/// Why a release was not published.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// It is clearly worse than what is served, or than its own rows.
    #[error("{}: the release before it stays; measured: {}", list(falls), told(figures))]
    Worse {
        /// What is too low.
        falls: Vec<Fall>,
        /// All that was measured.
        figures: Figures,
    },
    /// A model gives nonsense.
    #[error("a model fails for a held-out viewer: {source}; measured without it: {}", told(figures))]
    ModelFailed {
        /// How.
        #[source]
        source: ranking::Error,
        /// What was measured before.
        figures: Figures,
    },
    /// A file would be refused by the nodes.
    #[error(transparent)]
    File(#[from] FileError),
    /// A model cannot be loaded.
    #[error(transparent)]
    Model(#[from] inference::ModelError),
}

impl From<ranking::Error> for GateError {
    fn from(source: ranking::Error) -> Self {
        Self::ModelFailed { source, figures: Figures::new() }
    }
}

impl GateError {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Worse { .. } => "quality-fell",
            Self::ModelFailed { .. } => "quality-model-failed",
            Self::File(error) => error.code(),
            Self::Model(error) => error.code(),
        }
    }

    /// What was measured, if it came to that.
    pub fn figures(&self) -> Option<&Figures> {
        match self {
            Self::Worse { figures, .. } | Self::ModelFailed { figures, .. } => Some(figures),
            Self::File(_) | Self::Model(_) => None,
        }
    }

    pub(super) fn with(mut self, measured: Figures) -> Self {
        if let Self::ModelFailed { figures, .. } = &mut self {
            *figures = measured;
        }
        self
    }
}

fn list(falls: &[Fall]) -> String {
    falls.iter().map(Fall::to_string).collect::<Vec<_>>().join(", ")
}

fn told(figures: &Figures) -> String {
    figures.iter().map(|(name, figure)| format!("{name} {figure:.4}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Judged by the stated shares alone.
    const EXACT: GateConfig =
        GateConfig { fall_max: 0.1, coverage_fall_max: 0.25, standard_errors: 0.0, overlap_min: 0.95 };

    fn figures(changes: &[(&str, f64)]) -> Figures {
        let sound = [
            ("users", 2_000.0),
            ("debiased_users", 300.0),
            ("hr_at_10", 0.25),
            ("rows_hr_at_10", 0.24),
            ("ndcg_at_10", 0.125),
            ("debiased_hr_at_10", 0.5),
            ("coverage_at_10", 0.5),
            ("overlap_at_10", 0.99),
            ("ranked_overlap_at_10", 0.99),
            ("factors_hr_at_20", 0.05),
        ];
        sound.iter().chain(changes).map(|&(name, figure)| (name.to_owned(), figure)).collect()
    }

    fn refused(now: &[(&str, f64)], config: &GateConfig) -> Vec<&'static str> {
        let before = figures(&[]);
        let before = Before { generation: 7, figures: &before };
        judge(&figures(now), Some(before), config).iter().map(|fall| fall.figure).collect()
    }

    #[test]
    fn an_equal_release_passes() {
        assert!(refused(&[], &EXACT).is_empty());
        assert!(judge(&figures(&[]), None, &EXACT).is_empty());
    }

    #[test]
    fn a_figure_may_fall_by_the_stated_share_and_no_further() {
        let checks = [
            ("ndcg_at_10", 0.1125),
            ("debiased_hr_at_10", 0.45),
            ("coverage_at_10", 0.375),
            ("overlap_at_10", 0.95),
            ("ranked_overlap_at_10", 0.95),
            ("factors_hr_at_20", 0.045),
        ];
        for (figure, least) in checks {
            assert!(refused(&[(figure, least + 1e-9)], &EXACT).is_empty(), "{figure}");
            assert_eq!(refused(&[(figure, least - 1e-9)], &EXACT), [figure]);
        }
        let fell = |now| refused(&[("hr_at_10", now), ("rows_hr_at_10", 0.0)], &EXACT);
        assert!(fell(0.225 + 1e-9).is_empty());
        assert_eq!(fell(0.225 - 1e-9), ["hr_at_10"]);
    }

    #[test]
    fn what_chance_explains_is_no_fall() {
        let config = GateConfig { standard_errors: 2.0, ..EXACT };
        // 2 √(2 · 0.25 · 0.75 / 24) = 0.25.
        let of_few = |now| refused(&[("hr_at_10", now), ("rows_hr_at_10", 0.0), ("users", 24.0)], &config);
        assert!(of_few(0.01).is_empty());
        assert_eq!(refused(&[("hr_at_10", 0.2), ("rows_hr_at_10", 0.0)], &config), ["hr_at_10"]);
        assert!(refused(&[("hr_at_10", 0.0), ("users", 0.0), ("rows_hr_at_10", 0.0)], &EXACT).is_empty());
    }

    #[test]
    fn a_model_that_spoils_its_own_rows_is_refused_in_the_first_release() {
        let falls = judge(&figures(&[("hr_at_10", 0.1)]), None, &EXACT);
        assert_eq!(falls.len(), 1);
        assert_eq!(falls[0].of, Least::Rows(0.24));
        let said = falls[0].to_string();
        assert_eq!(said, "hr_at_10 0.1000 is below 0.2160 (the rows without a model have 0.2400)");
    }

    #[test]
    fn a_refusal_names_every_figure() {
        let figures = figures(&[("hr_at_10", 0.1)]);
        let falls = judge(&figures, None, &EXACT);
        let said = GateError::Worse { falls, figures }.to_string();
        for part in ["hr_at_10 0.1000 is below", "coverage_at_10 0.5000", "overlap_at_10 0.9900"] {
            assert!(said.contains(part), "{said}");
        }
    }

    #[test]
    fn a_better_figure_is_never_refused() {
        fn property(before: u8, better: u8, views: u16) -> bool {
            let share = |parts: u8| f64::from(parts) / 255.0;
            let (before, now) = (share(before), share(before.saturating_add(better)));
            least(before, 0.1, Some(f64::from(views)), &GateConfig::default()) <= now
        }
        quickcheck::quickcheck(property as fn(u8, u8, u16) -> bool);
    }
}
