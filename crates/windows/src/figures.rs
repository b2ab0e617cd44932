//! Sums into figures that people read.

use qoe::WindowFigures;
use units::Millis;

use crate::Totals;

/// The figures of a window; none where nothing was seen that they could say.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// Score `window-v1`, 0 to 100, with the 95th percentile of the startup times.
    pub window_v1: Option<f64>,
    /// stalled / (played + stalled), 0 to 1.
    pub rebuffer_ratio: Option<f64>,
    /// Time-weighted mean bit rate in kbit/s.
    pub mean_kbps: Option<f64>,
    /// Mean of the reported buffer levels in milliseconds.
    pub mean_buffer_ms: Option<f64>,
    /// Startup times.
    pub startup: Option<Startup>,
    /// Share of the sessions that had their first error in the window, 0 to 1.
    pub error_rate: Option<f64>,
    /// Changes of bit rate per minute shown.
    pub switches_per_minute: Option<f64>,
    /// Mean share of its title that an ended session saw, 0 to 1.
    pub completion: Option<f64>,
    /// Share of the ended sessions that saw nine tenths of their title, 0 to 1.
    pub completed_share: Option<f64>,
    /// Mean score `session-v1` of the sessions that ended, 0 to 100.
    pub session_v1: Option<f64>,
    /// Mean opinion score of the sessions that ended, 1 to 5.
    pub mos: Option<f64>,
    /// Sessions active in the window that had not ended by its end.
    pub viewers: u64,
}

/// Startup times in milliseconds, to within 1/64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Startup {
    /// The median.
    pub p50_ms: u64,
    /// The 95th percentile.
    pub p95_ms: u64,
    /// The 99th percentile.
    pub p99_ms: u64,
}

impl Totals {
    /// The figures of these sums.
    pub fn figures(&self) -> Figures {
        let watched = self.played.saturating_add(self.stalled);
        let rebuffer_ratio =
            (watched != Millis::ZERO).then(|| qoe::rebuffer_ratio(self.played, self.stalled));
        let mean_kbps = share(self.rate_sum, self.rated.get());
        let mean_buffer_ms = share(self.buffer_sum, self.buffers);
        let startup = self.startup();
        let window_v1 = (rebuffer_ratio.is_some() || startup.is_some()).then(|| {
            qoe::window_v1(&WindowFigures {
                startup: startup.map(|startup| Millis::new(startup.p95_ms)),
                rebuffer_ratio: rebuffer_ratio.unwrap_or(0.0),
                mean_kbps: mean_kbps.unwrap_or(0.0),
                mean_buffer_s: mean_buffer_ms.unwrap_or(0.0) / 1_000.0,
            })
        });
        Figures {
            window_v1,
            rebuffer_ratio,
            mean_kbps,
            mean_buffer_ms,
            startup,
            // A late event may bring an error of a session that is not counted here.
            error_rate: share(self.failed, self.sessions).map(|rate| rate.min(1.0)),
            switches_per_minute: share(self.switches, self.played.get()).map(|per_ms| per_ms * 60_000.0),
            completion: share(self.completion_ppm_sum, self.completions).map(|ppm| ppm / 1e6),
            completed_share: share(self.completed, self.completions),
            session_v1: share(self.session_v1_milli_sum, self.session_v1s).map(|milli| milli / 1e3),
            mos: share(self.mos_milli_sum, self.moses).map(|milli| milli / 1e3),
            viewers: self.sessions.saturating_sub(self.ended),
        }
    }

    fn startup(&self) -> Option<Startup> {
        let quantile = |per_mille| self.startup.quantile(per_mille);
        Some(Startup { p50_ms: quantile(500)?, p95_ms: quantile(950)?, p99_ms: quantile(990)? })
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use units::Millis;

    use crate::{Figures, Sketch, Startup, Totals};

    #[test]
    fn nothing_seen_has_no_figures() {
        assert_eq!(Totals::default().figures(), Figures::default());
    }

    /// `window-v1` of (startup 800 ms, no stall, 5,000 kbit/s, 15 s) is 88: the seed's own check value.
    #[test]
    fn the_score_agrees_with_the_seed() {
        let mut startup = Sketch::default();
        startup.add(800);
        let totals = Totals {
            played: Millis::new(60_000),
            rate_sum: 5_000 * 60_000,
            rated: Millis::new(60_000),
            buffer_sum: 30_000,
            buffers: 2,
            startup,
            ..Totals::default()
        };
        let figures = totals.figures();
        assert_eq!(figures.startup, Some(Startup { p50_ms: 800, p95_ms: 800, p99_ms: 800 }));
        assert!((figures.window_v1.unwrap() - 88.0).abs() < 1e-9, "{figures:?}");
    }

    #[test]
    fn figures_divide_by_what_they_name() {
        let totals = Totals {
            sessions: 200,
            ended: 50,
            failed: 3,
            played: Millis::new(120_000),
            stalled: Millis::new(30_000),
            switches: 4,
            completion_ppm_sum: 1_500_000,
            completions: 2,
            completed: 1,
            session_v1_milli_sum: 150_500,
            session_v1s: 2,
            mos_milli_sum: 8_000,
            moses: 2,
            ..Totals::default()
        };
        let figures = totals.figures();
        assert_eq!(figures.rebuffer_ratio, Some(0.2));
        assert_eq!(figures.error_rate, Some(0.015));
        assert_eq!(figures.switches_per_minute, Some(2.0));
        assert_eq!((figures.completion, figures.completed_share), (Some(0.75), Some(0.5)));
        assert_eq!((figures.session_v1, figures.mos), (Some(75.25), Some(4.0)));
        assert_eq!(figures.viewers, 150);
        assert_eq!((figures.mean_kbps, figures.mean_buffer_ms, figures.startup), (None, None, None));
    }
}
