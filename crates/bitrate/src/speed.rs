//! The speed of the network, from the last downloads.

use crate::{Ladder, Sample, real};

/// The estimated throughput; may be unknown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed {
    // Invariant: finite, not negative.
    kbps: Option<f64>,
}

impl Speed {
    /// Estimates from the last downloads of known speed, oldest first.
    ///
    /// The estimate is the harmonic mean of the newest [`SAMPLES_USED`] samples: the mean that a sequence
    /// of equal segments would see, and one that a single burst (a segment from a nearby cache) cannot
    /// lift far. Without a sample the speed is unknown.
    pub(crate) fn of(samples: &[Sample]) -> Self {
        let newest = || samples.iter().rev().take(SAMPLES_USED).map(|sample| sample.kbps);
        let Some(lowest) = newest().reduce(|a, b| if b < a { b } else { a }) else {
            return Self { kbps: None };
        };
        if lowest == 0.0 {
            return Self { kbps: Some(0.0) };
        }
        // n / sum(1 / x), scaled by the lowest so that equal samples give exactly themselves: a speed
        // of exactly 5 Mbit/s must not fall below the line at 5.
        let (count, sum) = newest().fold((0.0, 0.0), |(count, sum), kbps| (count + 1.0, sum + lowest / kbps));
        Self { kbps: Some(lowest * (count / sum)) }
    }

    /// Estimates as [`Speed::of`] does, but no more than two exponentially weighted means of the same samples over their
    /// time of downloading, one that has half forgotten after three seconds and one after eight: the lower of such a
    /// pair follows a fall at once and a rise late, as dash.js and Shaka Player have it. Where the time of a download is
    /// unknown, the harmonic mean is all.
    pub(crate) fn cautious(samples: &[Sample]) -> Self {
        let harmonic = Self::of(samples);
        let newest = &samples[samples.len().saturating_sub(SAMPLES_USED)..];
        let (Some(kbps), true) = (harmonic.kbps, newest.iter().all(|sample| sample.took.get() > 0)) else {
            return harmonic;
        };
        let of_pair = HALF_LIVES_S.map(|half_life_s| weighted(newest, half_life_s));
        Self {
            kbps: Some(of_pair.into_iter().fold(kbps, |least, mean| if mean < least { mean } else { least })),
        }
    }

    /// In kbit/s, finite and not negative; none when unknown.
    pub fn kbps(&self) -> Option<f64> {
        self.kbps
    }

    /// In Mbit/s; the quotient of the nearest double to a decimal is the nearest double to its thousandth.
    pub fn mbps(&self) -> Option<f64> {
        self.kbps.map(|kbps| kbps / 1000.0)
    }

    /// Returns the highest rung that [`THROUGHPUT_SHARE`] of the speed sustains; none when unknown.
    pub(crate) fn sustains(&self, ladder: &Ladder) -> Option<usize> {
        self.kbps.map(|kbps| ladder.sustained_by(kbps * THROUGHPUT_SHARE))
    }
}

/// The exponentially weighted mean of samples, oldest first, over their time of downloading; half is forgotten after so
/// long.
fn weighted(samples: &[Sample], half_life_s: f64) -> f64 {
    let lowest = samples.iter().fold(f64::INFINITY, |lowest, sample| lowest.min(sample.kbps));
    if lowest == 0.0 {
        // A download that stood still has no shares below; its time is nearly all there was.
        return 0.0;
    }
    let (mut sum, mut weight) = (0.0, 0.0);
    for sample in samples {
        let kept = real::exp(-core::f64::consts::LN_2 * (sample.took.get() as f64 / 1e3) / half_life_s);
        // In shares of the lowest, so that equal samples give exactly themselves.
        sum = sum * kept + sample.kbps / lowest * (1.0 - kept);
        weight = weight * kept + (1.0 - kept);
    }
    lowest * (sum / weight)
}

/// Seconds of download after which the fast and the slow mean have half forgotten; those of dash.js on demand.
const HALF_LIVES_S: [f64; 2] = [3.0, 8.0];

/// Known samples that count, newest first; five as in Yin et al., SIGCOMM 2015.
pub const SAMPLES_USED: usize = 5;

/// Share of the measured speed a rung may use; the rest absorbs retransmissions, the bit rate's own
/// variation and the audio. 0.85 is Shaka Player's `bandwidthUpgradeTarget`.
pub const THROUGHPUT_SHARE: f64 = 0.85;

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use quickcheck::quickcheck;
    use units::Millis;

    use crate::{History, InputError, Sample, limits};

    fn check(samples_kbps: &[f64], expected: Option<f64>) {
        assert_eq!(History::of_speeds(samples_kbps).unwrap().speed().kbps(), expected, "{samples_kbps:?}");
    }

    #[test]
    fn is_the_harmonic_mean_of_the_newest_five() {
        check(&[2_000.0, 6_000.0], Some(3_000.0));
        check(&[1_000.0, 2_000.0, 4_000.0, 4_000.0], Some(2_000.0));
        check(&[9e9, 9e9, 700.0, 700.0, 700.0, 700.0, 700.0], Some(700.0));
    }

    fn cautious(samples: &[(f64, u64)]) -> Option<f64> {
        let sample = |&(kbps, took_ms)| Sample { kbps, took: Millis::new(took_ms), waited: Millis::ZERO };
        History::new(samples.iter().map(sample).collect()).unwrap().cautious_speed().kbps()
    }

    /// By `2 ** (-took / half_life)` in Python.
    #[test]
    fn the_pair_of_means_follows_a_fall_and_waits_at_a_rise() {
        let near = |samples: &[(f64, u64)], expected: f64| {
            let kbps = cautious(samples).unwrap();
            assert!((kbps / expected - 1.0).abs() < 1e-12, "{samples:?}: {kbps}");
        };
        // As many bytes each: harmonic 2,500, the slow mean at 1,488.
        near(&[(5_000.0, 4_000), (5_000.0, 4_000), (5_000.0, 4_000), (1_000.0, 20_000)], 1036.9344714412734);
        // Harmonic 1,250, the fast mean far above it.
        near(&[(1_000.0, 4_000), (1_000.0, 4_000), (1_000.0, 4_000), (5_000.0, 4_000)], 1_250.0);
        // Of unknown length.
        near(&[(5_000.0, 4_000), (1_000.0, 0)], 5_000.0 / 3.0);
        assert_eq!(cautious(&[(5_000.0, 4_000), (0.0, 4_000)]), Some(0.0));
        assert_eq!(cautious(&[]), None);
    }

    #[test]
    fn is_unknown_without_a_known_sample() {
        check(&[], None);
        check(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, -f64::MIN_POSITIVE], None);
    }

    #[test]
    fn leaves_unknown_samples_out() {
        check(&[f64::NAN, 5_000.0, -3.0], Some(5_000.0));
    }

    #[test]
    fn a_download_that_stood_still_is_a_speed_of_zero() {
        check(&[5_000.0, 0.0], Some(0.0));
        check(&[-0.0], Some(0.0));
    }

    #[test]
    fn refuses_more_samples_than_the_limit() {
        let samples = vec![1.0; limits::SAMPLES_MAX + 1];
        assert_eq!(History::of_speeds(&samples), Err(InputError::TooMany { max: limits::SAMPLES_MAX }));
    }

    quickcheck! {
        fn equal_samples_give_exactly_themselves(kbps: u32, tenths: u8, count: u8) -> bool {
            let speed = f64::from(kbps) + f64::from(tenths % 10) / 10.0;
            let samples = vec![speed; usize::from(count) + 1];
            History::of_speeds(&samples).unwrap().speed().kbps() == Some(speed)
        }

        fn lies_between_the_lowest_and_the_highest_sample(samples: Vec<u32>) -> bool {
            let samples: Vec<f64> = samples.into_iter().map(f64::from).collect();
            let newest = &samples[samples.len().saturating_sub(5)..];
            match History::of_speeds(&samples[..samples.len().min(limits::SAMPLES_MAX)]).unwrap().speed().kbps() {
                None => samples.is_empty(),
                Some(kbps) if samples.len() <= limits::SAMPLES_MAX => {
                    let lowest = newest.iter().copied().fold(f64::INFINITY, f64::min);
                    let highest = newest.iter().copied().fold(0.0, f64::max);
                    // One rounding of each of the two divisions and the product.
                    lowest * (1.0 - 1e-14) <= kbps && kbps <= highest * (1.0 + 1e-14)
                }
                Some(_) => true,
            }
        }

        fn the_cautious_estimate_is_never_above_the_other(samples: Vec<(u32, u16)>) -> bool {
            let sample = |&(kbps, took_ms): &(u32, u16)| Sample {
                kbps: f64::from(kbps),
                took: Millis::new(u64::from(took_ms)),
                waited: Millis::ZERO,
            };
            let samples = &samples[..samples.len().min(limits::SAMPLES_MAX)];
            let history = History::new(samples.iter().map(sample).collect()).unwrap();
            match (history.cautious_speed().kbps(), history.speed().kbps()) {
                (Some(cautious), Some(kbps)) => (0.0..=kbps).contains(&cautious),
                (cautious, kbps) => cautious == kbps,
            }
        }

        fn equal_downloads_are_no_reason_for_caution(kbps: u32, took_ms: u16, count: u8) -> bool {
            let samples = vec![(f64::from(kbps), u64::from(took_ms)); usize::from(count) + 1];
            cautious(&samples) == Some(f64::from(kbps))
        }

        fn is_finite_whatever_the_samples(samples: Vec<f64>) -> bool {
            let samples = &samples[..samples.len().min(limits::SAMPLES_MAX)];
            History::of_speeds(samples).unwrap().speed().kbps().is_none_or(|kbps| kbps.is_finite() && kbps >= 0.0)
        }
    }
}
