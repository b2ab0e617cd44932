//! Loops over rows of floats: sums in one order, and the exponential function of our own, so that every form gives
//! the same bits.
//!
//! A sum is taken in eight interleaved parts, which are then added in pairs.

use crate::lanes::{LANES, Lanes};

/// Lanes that are added without a backward branch, of which each has a check that an engine adds.
const STRAIGHT: usize = 4;

/// The sum of a · b for bytes b, over the shorter of both.
pub fn dot_bytes(a: &[f32], b: &[i8]) -> f32 {
    let length = a.len().min(b.len());
    let (a, a_rest) = a[..length].as_chunks::<LANES>();
    let (b, b_rest) = b[..length].as_chunks::<LANES>();
    let mut sums = Lanes::splat(0.0);
    let (a, a_end) = a.as_chunks::<STRAIGHT>();
    let (b, b_end) = b.as_chunks::<STRAIGHT>();
    for (a, b) in a.iter().zip(b) {
        for (a, b) in a.iter().zip(b) {
            sums = sums.plus(Lanes::load(a).times(Lanes::from_bytes(b)));
        }
    }
    for (a, b) in a_end.iter().zip(b_end) {
        sums = sums.plus(Lanes::load(a).times(Lanes::from_bytes(b)));
    }
    let (mut a, mut b) = ([0.0; LANES], [0; LANES]);
    a[..a_rest.len()].copy_from_slice(a_rest);
    b[..b_rest.len()].copy_from_slice(b_rest);
    sums.plus(Lanes::load(&a).times(Lanes::from_bytes(&b))).sum()
}

/// The sum of a · b, over the shorter of both.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let length = a.len().min(b.len());
    let (a, a_rest) = a[..length].as_chunks::<LANES>();
    let (b, b_rest) = b[..length].as_chunks::<LANES>();
    let mut sums = Lanes::splat(0.0);
    for (a, b) in a.iter().zip(b) {
        sums = sums.plus(Lanes::load(a).times(Lanes::load(b)));
    }
    let (mut a, mut b) = ([0.0; LANES], [0.0; LANES]);
    a[..a_rest.len()].copy_from_slice(a_rest);
    b[..b_rest.len()].copy_from_slice(b_rest);
    sums.plus(Lanes::load(&a).times(Lanes::load(&b))).sum()
}

/// Takes what is not above 0 as 0.
pub fn rectify(values: &mut [f32]) {
    let (chunks, rest) = values.as_chunks_mut::<LANES>();
    for chunk in chunks {
        Lanes::splat(0.0).or_greater(Lanes::load(chunk)).store(chunk);
    }
    for value in rest {
        // Not `max`, which may keep the sign of a zero or not.
        *value = if *value > 0.0 { *value } else { 0.0 };
    }
}

/// Adds `values` to `sums`, over the shorter of both.
pub fn add(sums: &mut [f32], values: &[f32]) {
    let length = sums.len().min(values.len());
    let (sums, sums_rest) = sums[..length].as_chunks_mut::<LANES>();
    let (values, values_rest) = values[..length].as_chunks::<LANES>();
    for (sums, values) in sums.iter_mut().zip(values) {
        Lanes::load(sums).plus(Lanes::load(values)).store(sums);
    }
    for (sum, value) in sums_rest.iter_mut().zip(values_rest) {
        *sum += value;
    }
}

/// Turns scores into chances: exp(score − largest), over their sum. Scores must be finite.
///
/// A chance below e⁻⁸⁷ of the largest becomes that.
pub fn softmax(scores: &mut [f32]) {
    let largest = greatest(scores);
    let (chunks, rest) = scores.as_chunks_mut::<LANES>();
    let mut sums = Lanes::splat(0.0);
    for chunk in chunks {
        let chances = exp(Lanes::load(chunk).minus(Lanes::splat(largest)));
        chances.store(chunk);
        sums = sums.plus(chances);
    }
    // What is not there weighs nothing.
    let mut end = [f32::MIN; LANES];
    end[..rest.len()].copy_from_slice(rest);
    exp(Lanes::load(&end).minus(Lanes::splat(largest))).store(&mut end);
    end[rest.len()..].fill(0.0);
    rest.copy_from_slice(&end[..rest.len()]);
    let share = Lanes::splat(1.0 / sums.plus(Lanes::load(&end)).sum());
    let (chunks, rest) = scores.as_chunks_mut::<LANES>();
    for chunk in chunks {
        Lanes::load(chunk).times(share).store(chunk);
    }
    Lanes::load(&end).times(share).store(&mut end);
    rest.copy_from_slice(&end[..rest.len()]);
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
            self.row(row, to);
        }
    }

    fn row(&self, row: &[f32], to: &mut [f32]) {
        let width = row.len() as f32;
        let (chunks, rest) = row.as_chunks::<LANES>();
        let (to_chunks, to_rest) = to.as_chunks_mut::<LANES>();
        let mut sums = Lanes::splat(0.0);
        for chunk in chunks {
            sums = sums.plus(Lanes::load(chunk));
        }
        let mut end = [0.0; LANES];
        end[..rest.len()].copy_from_slice(rest);
        let mean = sums.plus(Lanes::load(&end)).sum() / width;
        let mut squares = Lanes::splat(0.0);
        for (to, chunk) in to_chunks.iter_mut().zip(chunks) {
            let apart = Lanes::load(chunk).minus(Lanes::splat(mean));
            apart.store(to);
            squares = squares.plus(apart.times(apart));
        }
        for (to, value) in to_rest.iter_mut().zip(rest) {
            *to = value - mean;
        }
        let mut end = [0.0; LANES];
        end[..rest.len()].copy_from_slice(to_rest);
        let squares = squares.plus(Lanes::load(&end).times(Lanes::load(&end)));
        let spread = 1.0 / libm::sqrtf(squares.sum() / width + self.epsilon);
        let (gains, gain_rest) = self.gain.as_chunks::<LANES>();
        let (biases, bias_rest) = self.bias.as_chunks::<LANES>();
        for (to, (gain, bias)) in to_chunks.iter_mut().zip(gains.iter().zip(biases)) {
            let scaled = Lanes::load(to).times(Lanes::splat(spread)).times(Lanes::load(gain));
            scaled.plus(Lanes::load(bias)).store(to);
        }
        for (to, (gain, bias)) in to_rest.iter_mut().zip(gain_rest.iter().zip(bias_rest)) {
            *to = *to * spread * gain + bias;
        }
    }
}

fn greatest(row: &[f32]) -> f32 {
    let (chunks, rest) = row.as_chunks::<LANES>();
    let lanes = chunks.iter().fold(Lanes::splat(f32::MIN), |most, chunk| most.or_greater(Lanes::load(chunk)));
    rest.iter().fold(lanes.greatest(), |most, &value| if value > most { value } else { most })
}

/// eˣ for x from −87 to 0, to 2 units in the last place; below −87 as at −87.
///
/// x = n · ln 2 + r, and a polynomial for eʳ: only sums and products, which have the same bits everywhere.
#[allow(clippy::inline_always, reason = "so that it stays in registers")]
#[inline(always)]
fn exp(x: Lanes) -> Lanes {
    let x = Lanes::splat(-87.0).or_greater(x);
    let shifted = x.times(Lanes::splat(core::f32::consts::LOG2_E)).plus(Lanes::splat(ROUND));
    let n = shifted.minus(Lanes::splat(ROUND));
    let r = x.minus(n.times(Lanes::splat(LN2_HIGH))).minus(n.times(Lanes::splat(LN2_LOW)));
    let p = EXP.iter().fold(Lanes::splat(0.0), |p, &c| p.times(r).plus(Lanes::splat(c)));
    // The lowest bits of `shifted` hold n as a whole number.
    p.times(shifted.powers_of_two(ROUND))
}

/// 1.5 · 2²³: adding it to a small number rounds that to a whole one.
pub(crate) const ROUND: f32 = 12_582_912.0;

/// ln 2 in two parts; n times the first is exact for the n at hand.
const LN2_HIGH: f32 = 0.693_359_4;
const LN2_LOW: f32 = -2.121_944_4e-4;

/// 1 / 7! to 1 / 0!: on |r| ≤ ln 2 / 2 what is left out is below a tenth of the last place.
const EXP: [f32; 8] = [1.0 / 5_040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];

#[cfg(test)]
#[allow(clippy::needless_pass_by_value, reason = "quickcheck passes values")]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;

    fn small(values: Vec<i16>) -> Vec<f32> {
        values.into_iter().map(|value| f32::from(value) / 1_000.0).collect()
    }

    fn of_one(x: f32) -> f32 {
        let mut to = [0.0; LANES];
        exp(Lanes::splat(x)).store(&mut to);
        assert!(to.iter().all(|lane| lane.to_bits() == to[0].to_bits()));
        to[0]
    }

    #[test]
    fn the_exponential_is_that_of_libm_to_two_places() {
        for step in 0..=87_000 {
            let x = -(step as f32) / 1_000.0;
            let (own, theirs) = (of_one(x), libm::expf(x));
            let off = own.to_bits().abs_diff(theirs.to_bits());
            assert!(off <= 2, "{x}: {own} {theirs}");
        }
        assert_eq!(of_one(0.0), 1.0);
        assert_eq!(of_one(-1e30), of_one(-87.0));
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
        fn property(a: Vec<i16>, b: Vec<i8>) -> bool {
            let a = small(a);
            let plain: f64 = a.iter().zip(&b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            let size: f64 = a.iter().zip(&b).map(|(a, b)| (f64::from(*a) * f64::from(*b)).abs()).sum();
            (f64::from(dot_bytes(&a, &b)) - plain).abs() <= 1e-6 * size + 1e-9
        }
        quickcheck::quickcheck(property as fn(Vec<i16>, Vec<i8>) -> bool);
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
            let mean = to.iter().sum::<f32>() / row.len().max(1) as f32;
            mean.abs() < 1e-2 && near
        }
        quickcheck::quickcheck(property as fn(Vec<i16>) -> bool);
    }
}
