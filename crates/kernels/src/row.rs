//! Loops over rows of floats: sums in one order, and the exponential function of our own, so that every form gives
//! the same bits.
//!
//! A sum is taken in [`LANES`] interleaved parts, which are then added in pairs: an order that vector units of any
//! width can keep.

/// Parts a sum is taken in.
const LANES: usize = 8;

/// The sum of a · b, over the shorter of both.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let length = a.len().min(b.len());
    let (a, a_rest) = a[..length].as_chunks::<LANES>();
    let (b, b_rest) = b[..length].as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    for ((sum, a), b) in sums.iter_mut().zip(a_rest).zip(b_rest) {
        *sum += a * b;
    }
    fold(sums)
}

/// The sum of a · b for bytes b, in the same order.
pub fn dot_bytes(a: &[f32], b: &[i8]) -> f32 {
    let length = a.len().min(b.len());
    let (a, a_rest) = a[..length].as_chunks::<LANES>();
    let (b, b_rest) = b[..length].as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * f32::from(*b);
        }
    }
    for ((sum, a), b) in sums.iter_mut().zip(a_rest).zip(b_rest) {
        *sum += a * f32::from(*b);
    }
    fold(sums)
}

/// Adds `values · factor` to `sums`, over the shorter of both.
pub fn add_scaled(sums: &mut [f32], values: &[f32], factor: f32) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value * factor;
    }
}

/// Turns scores into chances: exp(score − largest), over their sum. Scores must be finite.
///
/// A chance below e⁻⁸⁷ of the largest becomes that.
pub fn softmax(scores: &mut [f32]) {
    let largest = largest(scores);
    for score in scores.iter_mut() {
        *score = exp(*score - largest);
    }
    let share = 1.0 / sum(scores);
    for score in scores.iter_mut() {
        *score *= share;
    }
}

/// The gain and bias of a layer norm, over rows of their length.
#[derive(Clone, Copy, Debug)]
pub struct LayerNorm<'a> {
    /// What a value is multiplied with.
    pub gain: &'a [f32],
    /// What is added then.
    pub bias: &'a [f32],
    /// What is added to the variance.
    pub epsilon: f32,
}

impl LayerNorm<'_> {
    /// (value − mean) / √(variance + ε) · gain + bias. After Ba et al., "Layer normalization", 2016.
    ///
    /// Whole rows only; what is left over is not looked at.
    pub fn apply(&self, rows: &[f32], to: &mut [f32]) {
        let width = self.gain.len().max(1);
        for (row, to) in rows.chunks_exact(width).zip(to.chunks_exact_mut(width)) {
            let mean = sum(row) / width as f32;
            for (to, value) in to.iter_mut().zip(row) {
                *to = value - mean;
            }
            let spread = 1.0 / libm::sqrtf(dot(to, to) / width as f32 + self.epsilon);
            for ((to, gain), bias) in to.iter_mut().zip(self.gain).zip(self.bias) {
                *to = *to * spread * gain + bias;
            }
        }
    }
}

/// The sum of a row, in the order of this module.
pub fn sum(row: &[f32]) -> f32 {
    let (chunks, rest) = row.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for chunk in chunks {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            *sum += value;
        }
    }
    for (sum, value) in sums.iter_mut().zip(rest) {
        *sum += value;
    }
    fold(sums)
}

fn fold([a, b, c, d, e, f, g, h]: [f32; LANES]) -> f32 {
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

fn largest(row: &[f32]) -> f32 {
    // Not `max`, which may keep the sign of a zero or not.
    let greater = |a: f32, b: f32| if b > a { b } else { a };
    row.iter().fold(f32::MIN, |largest, &value| greater(largest, value))
}

/// eˣ for x from −87 to 0, to 2 units in the last place; below −87 as at −87.
///
/// x = n · ln 2 + r, and a polynomial for eʳ: only sums and products, which have the same bits everywhere.
fn exp(x: f32) -> f32 {
    let x = if x < -87.0 { -87.0 } else { x };
    let shifted = x * core::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN2_HIGH) - n * LN2_LOW;
    let p = EXP.iter().fold(0.0, |p, c| p * r + c);
    // The lowest bits of `shifted` hold n as a whole number.
    let power = f32::from_bits(shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23);
    p * power
}

/// 1.5 · 2²³: adding it to a small number rounds that to a whole one.
const ROUND: f32 = 12_582_912.0;

/// ln 2 in two parts; n times the first is exact for the n at hand.
const LN2_HIGH: f32 = 0.693_359_4;
const LN2_LOW: f32 = -2.121_944_4e-4;

/// 1 / 7! to 1 / 0!: on |r| ≤ ln 2 / 2 what is left out is below a tenth of the last place.
const EXP: [f32; 8] = [1.0 / 5_040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;

    fn small(values: Vec<i16>) -> Vec<f32> {
        values.into_iter().map(|value| f32::from(value) / 1_000.0).collect()
    }

    #[test]
    fn the_exponential_is_that_of_libm_to_two_places() {
        for step in 0..=87_000 {
            let x = -(step as f32) / 1_000.0;
            let (own, theirs) = (exp(x), libm::expf(x));
            let off = own.to_bits().abs_diff(theirs.to_bits());
            assert!(off <= 2, "{x}: {own} {theirs}");
        }
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(-1e30), exp(-87.0));
    }

    #[test]
    fn chances_sum_to_one_and_keep_the_order() {
        fn property(scores: Vec<i16>) -> bool {
            let scores = small(scores);
            let mut chances = scores.clone();
            softmax(&mut chances);
            let total: f32 = chances.iter().sum();
            let keeps_order = (1..scores.len()).all(|at| {
                (scores[at] <= scores[at - 1]) == (chances[at] <= chances[at - 1])
                    || (scores[at] - scores[at - 1]).abs() < 1e-5
                    || chances[at] < 1e-37
            });
            scores.is_empty() || ((total - 1.0).abs() < 1e-5 && keeps_order)
        }
        quickcheck::quickcheck(property as fn(Vec<i16>) -> bool);
    }

    #[test]
    fn a_product_is_the_sum_of_products() {
        fn property(a: Vec<i16>, b: Vec<i16>) -> bool {
            let (a, b) = (small(a), small(b));
            let plain: f64 = a.iter().zip(&b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            let size: f64 = a.iter().zip(&b).map(|(a, b)| (f64::from(*a) * f64::from(*b)).abs()).sum();
            (f64::from(dot(&a, &b)) - plain).abs() <= 1e-6 * size + 1e-9
        }
        quickcheck::quickcheck(property as fn(Vec<i16>, Vec<i16>) -> bool);
    }

    #[test]
    fn a_layer_norm_takes_out_mean_and_spread() {
        fn property(row: Vec<i16>) -> bool {
            let row = small(row);
            let (gain, bias) = (vec![1.0; row.len()], vec![0.0; row.len()]);
            let mut to = vec![0.0; row.len()];
            LayerNorm { gain: &gain, bias: &bias, epsilon: 1e-6 }.apply(&row, &mut to);
            let moved: Vec<f32> = row.iter().map(|value| value * 3.0 + 7.0).collect();
            let mut again = vec![0.0; row.len()];
            LayerNorm { gain: &gain, bias: &bias, epsilon: 9e-6 }.apply(&moved, &mut again);
            let near = to.iter().zip(&again).all(|(a, b)| (a - b).abs() < 2e-2 * a.abs().max(1.0));
            let mean = sum(&to) / row.len().max(1) as f32;
            mean.abs() < 1e-2 && near
        }
        quickcheck::quickcheck(property as fn(Vec<i16>) -> bool);
    }
}
