//! What sessions saw, for a scraper: the sums of all windows since the node started, under the names of CTA-2066 where
//! it has one. A scraper subtracts, so that these give rates and quantiles over any time, of one node or of many.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::registry::Unit;
use units::Millis;
use windows::{Sketch, Totals};

/// The sums as they were when they were asked for last.
#[derive(Debug, Default)]
pub(super) struct Playback(Mutex<Totals>);

impl Playback {
    pub(super) fn set(&self, so_far: Totals) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = so_far;
    }
}

impl Collector for Playback {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let totals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, help, count) in counts(&totals) {
            let counter = ConstCounter::new(count);
            counter.encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)?;
        }
        for (name, help, time) in times(&totals) {
            let counter = ConstCounter::new(time.get() as f64 / 1e3);
            let unit = Some(&Unit::Seconds);
            counter.encode(encoder.encode_descriptor(name, help, unit, MetricType::Counter)?)?;
        }
        for Distribution { name, help, unit, sketch, per_unit, bounds } in distributions(&totals) {
            let encoder = encoder.encode_descriptor(name, help, unit.as_ref(), MetricType::Histogram);
            let buckets = buckets(sketch, per_unit, bounds);
            let sum = sketch.sum() as f64 / per_unit;
            encoder?.encode_histogram::<NoLabelSet>(sum, sketch.count(), &buckets, None)?;
        }
        Ok(())
    }
}

fn counts(totals: &Totals) -> [(&'static str, &'static str, u64); 8] {
    [
        ("sessions_started", "Playbacks that began", totals.started),
        ("sessions_ended", "Playbacks that ended by a stop", totals.ended),
        ("sessions_failed", "Playbacks that had their first error", totals.failed),
        ("playback_errors", "Errors of players", totals.errors),
        ("playback_stall_count", "Times playback ran dry after its first frame", totals.stalls),
        ("bits_played", "Bit rate times the time it was shown", totals.rate_sum),
        ("bitrate_changes", "Changes of bit rate", totals.switches),
        ("dropped_frames", "Frames not shown", totals.dropped_frames),
    ]
}

fn times(totals: &Totals) -> [(&'static str, &'static str, Millis); 2] {
    [
        ("played", "Time in which media was shown", totals.played),
        ("playback_stall_duration", "Time spent waiting after the first frame", totals.stalled),
    ]
}

struct Distribution<'a> {
    name: &'static str,
    help: &'static str,
    unit: Option<Unit>,
    sketch: &'a Sketch,
    /// Of what the sketch counts, so many are one of the unit.
    per_unit: f64,
    /// Of the buckets, as the sketch counts, rising.
    bounds: &'static [u64],
}

fn distributions(totals: &Totals) -> [Distribution<'_>; 4] {
    [
        Distribution {
            name: "initial_startup_time",
            help: "From the request to play to the first frame, without ads",
            unit: Some(Unit::Seconds),
            sketch: &totals.startup,
            per_unit: 1e3,
            bounds: &[250, 500, 1_000, 1_500, 2_000, 3_000, 5_000, 8_000, 15_000, 30_000],
        },
        Distribution {
            name: "session_rebuffer",
            help: "Share of the time shown and stalled that was stalled, of each playback that is over",
            unit: Some(Unit::Ratios),
            sketch: &totals.rebuffer_ratio_ppm,
            per_unit: 1e6,
            bounds: &[0, 1_000, 2_500, 5_000, 10_000, 20_000, 50_000, 100_000, 250_000, 500_000],
        },
        Distribution {
            name: "session_bitrate",
            help: "Mean bit rate of each playback that is over",
            unit: Some(Unit::Other("bits_per_second".to_owned())),
            sketch: &totals.mean_kbps,
            per_unit: 1e-3,
            bounds: &[300, 600, 1_000, 1_500, 2_500, 4_000, 6_000, 10_000, 16_000, 25_000],
        },
        Distribution {
            name: "session_mos_v1",
            help: "Opinion score mos-v1 of each playback that is over, 1 to 5",
            unit: None,
            sketch: &totals.mos_milli,
            per_unit: 1e3,
            bounds: &[1_500, 2_000, 2_500, 3_000, 3_250, 3_500, 3_750, 4_000, 4_250, 4_500],
        },
    ]
}

/// Upper bounds and how many numbers are in each bucket; what is above a bound by less than 1/32 may count as below it.
fn buckets(sketch: &Sketch, per_unit: f64, bounds: &[u64]) -> Vec<(f64, u64)> {
    let mut below = 0;
    let bounded = bounds.iter().map(|&bound| {
        let until = sketch.count_to(bound);
        let count = until - below;
        below = until;
        (bound as f64 / per_unit, count)
    });
    let mut buckets: Vec<_> = bounded.collect();
    buckets.push((f64::INFINITY, sketch.count().saturating_sub(below)));
    buckets
}

#[cfg(test)]
mod tests {
    use units::Millis;
    use windows::Totals;

    use crate::metrics::{Metrics, Snapshot};

    fn totals() -> Totals {
        let mut totals = Totals {
            started: 4,
            stalls: 3,
            stalled: Millis::new(1_250),
            played: Millis::new(60_500),
            rate_sum: 242_000_000,
            ..Totals::default()
        };
        [200, 700, 700, 40_000].into_iter().for_each(|startup| totals.startup.add(startup));
        [0, 0, 12_345].into_iter().for_each(|ratio| totals.rebuffer_ratio_ppm.add(ratio));
        totals.mean_kbps.add(4_000);
        totals.mos_milli.add(4_321);
        totals
    }

    #[test]
    fn what_sessions_saw_is_told_by_the_names_of_the_standard_in_base_units() {
        let text = Metrics::new().text(Snapshot { seen: totals(), ..Snapshot::default() });
        for line in [
            "frontrow_sessions_started_total 4",
            "frontrow_playback_stall_count_total 3",
            "frontrow_playback_stall_duration_seconds_total 1.25",
            "frontrow_played_seconds_total 60.5",
            "frontrow_bits_played_total 242000000",
            "frontrow_initial_startup_time_seconds_sum 41.6",
            "frontrow_initial_startup_time_seconds_count 4",
            "frontrow_initial_startup_time_seconds_bucket{le=\"0.25\"} 1",
            "frontrow_initial_startup_time_seconds_bucket{le=\"0.5\"} 1",
            "frontrow_initial_startup_time_seconds_bucket{le=\"1.0\"} 3",
            "frontrow_initial_startup_time_seconds_bucket{le=\"30.0\"} 3",
            "frontrow_initial_startup_time_seconds_bucket{le=\"+Inf\"} 4",
            "frontrow_session_rebuffer_ratios_bucket{le=\"0.0\"} 2",
            "frontrow_session_rebuffer_ratios_bucket{le=\"0.02\"} 3",
            "frontrow_session_bitrate_bits_per_second_sum 4000000.0",
            "frontrow_session_mos_v1_bucket{le=\"4.0\"} 0",
            "frontrow_session_mos_v1_bucket{le=\"4.5\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn a_node_that_saw_nothing_tells_zeros() {
        let text = Metrics::new().text(Snapshot::default());
        assert!(text.contains("frontrow_bits_played_total 0\n"), "{text}");
        assert!(text.contains("frontrow_initial_startup_time_seconds_bucket{le=\"+Inf\"} 0\n"), "{text}");
    }
}
