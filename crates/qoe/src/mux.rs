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
    let half = f64::from(seen.stalls) / 2.0;
    let count = 1.0 / libm::sqrt(1.0 + half * half);
    let ratio = rebuffer_ratio_of(seen);
    50.0 * (count + fading(10.0 * ratio))
}

/// `exp(-x)`; most sessions stall and stretch nothing, and need no exponential.
fn fading(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { libm::exp(-x) }
}
