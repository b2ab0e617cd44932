//! A score in the style of Mux's overall viewer experience.
//!
//! Source: the public descriptions of the four scores of Mux Data. How Mux weighs them into one is not
//! published; here it is their plain mean, and what Mux takes from the player's size is taken from the
//! screen's lines (see [`crate::upscaling`]). Not Mux's own figure.

use crate::{Figures, rebuffer_ratio_of};

/// The mean of those that are known of four parts, 0 to 100:
///
/// - *success*: 0 when an error ended it, 50 when it ended before a picture was shown, else 100;
/// - *startup*: `8 / (8 + s)`: 80 at two seconds, 50 at eight;
/// - *smoothness*: the mean of `1 / sqrt(1 + (stalls / 2)^2)` and `exp(-10 stall ratio)`;
/// - *quality*: `exp(-0.33 (0.85 mean + 0.15 farthest upscaling))`: 85 at 50 % throughout.
///
/// A session that showed nothing has only the first part.
#[inline]
pub fn mux_style_v1(seen: &Figures) -> f64 {
    let shown = seen.played_ms > 0;
    let success = match (seen.failed, seen.ended && !shown) {
        (true, _) => 0.0,
        (false, true) => 50.0,
        (false, false) => 100.0,
    };
    if !shown {
        return success;
    }
    let (mut sum, mut parts) = (success + smoothness(seen), 2.0);
    if let Some(startup_ms) = seen.startup_ms {
        sum += 100.0 * 8.0 / (8.0 + f64::from(startup_ms) / 1_000.0);
        parts += 1.0;
    }
    if let Some([mean, max]) = seen.upscaling_millionths {
        sum += 100.0 * fading(0.33 * (0.85 * f64::from(mean) + 0.15 * f64::from(max)) / 1e6);
        parts += 1.0;
    }
    sum / parts
}

fn smoothness(seen: &Figures) -> f64 {
    let count = COUNTS.get(seen.stalls as usize).copied().unwrap_or_else(|| counted(seen.stalls));
    let ratio = rebuffer_ratio_of(seen);
    50.0 * (count + fading(10.0 * ratio))
}

/// `exp(-x)`; most sessions stall and stretch nothing, and need no exponential.
fn fading(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { libm::exp(-x) }
}

fn counted(stalls: u32) -> f64 {
    let half = f64::from(stalls) / 2.0;
    1.0 / libm::sqrt(1.0 + half * half)
}

/// Of few stalls: a square root without hardware costs as much as all the rest.
const COUNTS: [f64; 16] = [
    1.0,
    0.894_427_190_999_915_9,
    0.707_106_781_186_547_5,
    0.554_700_196_225_229_1,
    0.447_213_595_499_957_9,
    0.371_390_676_354_103_7,
    0.316_227_766_016_837_94,
    0.274_721_127_897_378_07,
    0.242_535_625_036_332_97,
    0.216_930_457_818_656_16,
    0.196_116_135_138_184_04,
    0.178_885_438_199_983_18,
    0.164_398_987_305_357_3,
    0.152_057_184_253_941_1,
    0.141_421_356_237_309_5,
    0.132_163_720_091_017_96,
];

#[cfg(test)]
mod tests {
    use super::{COUNTS, counted};

    #[test]
    fn the_table_is_what_the_formula_says() {
        for (stalls, count) in COUNTS.iter().enumerate() {
            assert_eq!(*count, counted(stalls as u32), "{stalls}");
        }
    }
}
