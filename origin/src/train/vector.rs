//! Loops over rows of floats that the compiler turns into vector instructions where the machine has them.
//!
//! Sums are taken in [`LANES`] interleaved parts, so their order is the same whatever the width of the vectors.

use pulp::{Arch, NullaryFnOnce};

/// Parts a sum is taken in: two vectors of the widest kind.
const LANES: usize = 32;

/// Defines a function whose body is compiled once for each set of vector instructions, and chosen when it runs.
///
/// A closure would not do: the shim that calls it is compiled for the plain processor.
macro_rules! vectorised {
    ($(#[$doc:meta])* fn $name:ident<'a>($($argument:ident: $type:ty),* $(,)?) $(-> $output:ty)? = $body:ident) => {
        $(#[$doc])*
        pub(super) fn $name<'a>($($argument: $type),*) $(-> $output)? {
            struct Call<'a>($($type,)* std::marker::PhantomData<&'a ()>);
            impl<'a> NullaryFnOnce for Call<'a> {
                type Output = vectorised!(@output $($output)?);

                #[inline(always)]
                fn call(self) -> Self::Output {
                    let Self($($argument,)* _) = self;
                    $body($($argument),*)
                }
            }
            Arch::new().dispatch(Call($($argument,)* std::marker::PhantomData))
        }
    };
    (@output $output:ty) => { $output };
    (@output) => { () };
}

vectorised! {
    /// Turns a row of scores into exp(score − largest of the row); returns the largest and the sum.
    fn exp_shifted<'a>(row: &'a mut [f32]) -> (f32, f32) = exp_row
}

vectorised! {
    /// Softmax of row `i` over its first `i + 1` entries, each moved by the `bias` of its age, the rest set to 0.
    ///
    /// `bias` ends with the entry of age 0.
    fn causal_softmax<'a>(scores: &'a mut [f32], length: usize, bias: &'a [f32]) = causal_rows
}

vectorised! {
    /// From chances P and the slopes of the loss by P, the slopes by the scores before the softmax; those of each
    /// age are also added to `bias_slopes`.
    fn causal_softmax_back<'a>(
        chances: &'a [f32],
        slopes: &'a mut [f32],
        length: usize,
        bias_slopes: &'a mut [f32],
    ) = causal_rows_back
}

vectorised! {
    /// a · b, summed in the order of this module.
    fn dot<'a>(a: &'a [f32], b: &'a [f32]) -> f32 = dot_row
}

vectorised! {
    /// Brings rows to mean 0 and variance 1; `inverses` gets one over the deviation of each.
    fn normalise<'a>(input: &'a [f32], width: usize, hats: &'a mut [f32], inverses: &'a mut [f32]) = normalise_rows
}

vectorised! {
    /// Multiplies each row with `gain` and adds `bias`.
    fn stretch<'a>(hats: &'a [f32], gain: &'a [f32], bias: &'a [f32], output: &'a mut [f32]) = stretch_rows
}

vectorised! {
    /// The way back of [`normalise`] and [`stretch`]; everything is added to what is there.
    fn normalise_back<'a>(hats: &'a [f32], inverses: &'a [f32], gain: &'a [f32], slopes: NormSlopes<'a>) = norm_rows_back
}

vectorised! {
    /// Moves parameters, moments and means by the slopes; all are of one length.
    fn adam<'a>(
        step: &'a AdamStep,
        slopes: &'a [f32],
        parameters: &'a mut [f32],
        moments: (&'a mut [f32], &'a mut [f32]),
        means: &'a mut [f32],
    ) = adam_rows
}

/// Slopes around a layer norm.
pub(super) struct NormSlopes<'a> {
    /// By the output.
    pub(super) output: &'a [f32],
    /// By the input.
    pub(super) input: &'a mut [f32],
    /// By gain and bias.
    pub(super) gain: &'a mut [f32],
    pub(super) bias: &'a mut [f32],
}

/// One step of Adam (Kingma, Ba, 2015) and of the running mean of the parameters.
pub(super) struct AdamStep {
    pub(super) rate: f32,
    /// 1 − β₁ᵗ and 1 − β₂ᵗ.
    pub(super) corrections: [f32; 2],
    /// Share of the old mean of parameters that stays.
    pub(super) keep: f32,
    /// Share of a parameter that is taken away.
    pub(super) decay: f32,
}

/// β₁ and β₂ of Adam; the second is that of sequence models.
pub(super) const BETAS: [f32; 2] = [0.9, 0.98];

/// Keeps a row of equal numbers finite; the default of ONNX and of PyTorch.
pub(super) const EPSILON: f32 = 1e-5;

#[inline(always)]
fn causal_rows(scores: &mut [f32], length: usize, bias: &[f32]) {
    for (place, row) in scores.chunks_exact_mut(length).enumerate() {
        let (seen, ahead) = row.split_at_mut(place + 1);
        for (score, bias) in seen.iter_mut().zip(&bias[bias.len() - 1 - place..]) {
            *score += bias;
        }
        let (_, sum) = exp_row(seen);
        scale_row(seen, 1.0 / sum);
        ahead.fill(0.0);
    }
}

#[inline(always)]
fn causal_rows_back(chances: &[f32], slopes: &mut [f32], length: usize, bias_slopes: &mut [f32]) {
    let newest = bias_slopes.len() - 1;
    let rows = slopes.chunks_exact_mut(length).zip(chances.chunks_exact(length));
    for (place, (slopes, chances)) in rows.enumerate() {
        let (slopes, ahead) = slopes.split_at_mut(place + 1);
        let chances = &chances[..slopes.len()];
        let mean = dot_row(slopes, chances);
        for (slope, chance) in slopes.iter_mut().zip(chances) {
            *slope = chance * (*slope - mean);
        }
        for (sum, slope) in bias_slopes[newest - place..].iter_mut().zip(&*slopes) {
            *sum += slope;
        }
        ahead.fill(0.0);
    }
}

#[inline(always)]
fn normalise_rows(input: &[f32], width: usize, hats: &mut [f32], inverses: &mut [f32]) {
    let rows = input.chunks_exact(width).zip(hats.chunks_exact_mut(width));
    for ((row, hats), inverse) in rows.zip(inverses) {
        let mean = sum_row(row) / width as f32;
        for (hat, x) in hats.iter_mut().zip(row) {
            *hat = x - mean;
        }
        let variance = dot_row(hats, hats) / width as f32;
        *inverse = 1.0 / (variance + EPSILON).sqrt();
        scale_row(hats, *inverse);
    }
}

#[inline(always)]
fn stretch_rows(hats: &[f32], gain: &[f32], bias: &[f32], output: &mut [f32]) {
    for (hats, output) in hats.chunks_exact(gain.len()).zip(output.chunks_exact_mut(gain.len())) {
        for (((y, hat), gain), bias) in output.iter_mut().zip(hats).zip(gain).zip(bias) {
            *y = hat * gain + bias;
        }
    }
}

#[allow(clippy::needless_pass_by_value, reason = "a bundle of borrows is handed over whole")]
#[inline(always)]
fn norm_rows_back(hats: &[f32], inverses: &[f32], gain: &[f32], slopes: NormSlopes<'_>) {
    let width = gain.len();
    let mut by_hat = vec![0.0; width];
    let rows = slopes.output.chunks_exact(width).zip(hats.chunks_exact(width)).zip(inverses);
    for (((output, hats), inverse), input) in rows.zip(slopes.input.chunks_exact_mut(width)) {
        for ((by_hat, slope), gain) in by_hat.iter_mut().zip(output).zip(gain) {
            *by_hat = slope * gain;
        }
        for ((sum, slope), hat) in slopes.gain.iter_mut().zip(output).zip(hats) {
            *sum += slope * hat;
        }
        for (sum, slope) in slopes.bias.iter_mut().zip(output) {
            *sum += slope;
        }
        let mean = sum_row(&by_hat) / width as f32;
        let along = dot_row(&by_hat, hats) / width as f32;
        for ((x, by_hat), hat) in input.iter_mut().zip(&by_hat).zip(hats) {
            *x += inverse * (by_hat - mean - hat * along);
        }
    }
}

#[allow(clippy::needless_pass_by_value, reason = "a bundle of borrows is handed over whole")]
#[inline(always)]
fn adam_rows(
    step: &AdamStep,
    slopes: &[f32],
    parameters: &mut [f32],
    moments: (&mut [f32], &mut [f32]),
    means: &mut [f32],
) {
    let [first, second] = BETAS;
    let (rate, root) = (step.rate / step.corrections[0], step.corrections[1].sqrt());
    let moments = moments.0.iter_mut().zip(moments.1.iter_mut());
    let rows = parameters.iter_mut().zip(means.iter_mut()).zip(slopes).zip(moments);
    for (((parameter, mean), slope), (m, v)) in rows {
        *m = first * *m + (1.0 - first) * slope;
        *v = second * *v + (1.0 - second) * slope * slope;
        *parameter -= rate * *m / (v.sqrt() / root + 1e-8) + step.decay * *parameter;
        *mean += (1.0 - step.keep) * (*parameter - *mean);
    }
}

#[inline(always)]
fn exp_row(row: &mut [f32]) -> (f32, f32) {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = if x > *lane { x } else { *lane };
        }
    }
    let largest = lanes.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max);
    let mut lanes = [0.0; LANES];
    let (chunks, rest) = row.as_chunks_mut::<LANES>();
    for chunk in chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *x = exp(*x - largest);
            *lane += *x;
        }
    }
    for (lane, x) in lanes.iter_mut().zip(rest) {
        *x = exp(*x - largest);
        *lane += *x;
    }
    (largest, lanes.iter().sum())
}

#[inline(always)]
fn scale_row(row: &mut [f32], factor: f32) {
    for x in row {
        *x *= factor;
    }
}

#[inline(always)]
fn sum_row(row: &[f32]) -> f32 {
    let mut lanes = [0.0; LANES];
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks.iter().map(<[f32; LANES]>::as_slice).chain([rest]) {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane += x;
        }
    }
    lanes.iter().sum()
}

#[inline(always)]
fn dot_row(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    for ((lane, a), b) in lanes.iter_mut().zip(a_rest).zip(b_rest) {
        *lane += a * b;
    }
    lanes.iter().sum()
}

/// eˣ for x of at most 0, within two units in the last place; below −87 the smallest normal number.
///
/// x = n ln 2 + r with |r| ≤ ln 2 / 2; a polynomial for eʳ (Cephes, `expf`), n straight into the exponent.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    // Adding 1.5 · 2²³ rounds to a whole number and leaves it in the low bits.
    const ROUND: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let x = if x > -87.0 { x } else { -87.0 };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * LN_2_HIGH - n * LN_2_LOW;
    let mut sum = 1.987_569_1e-4;
    for coefficient in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5] {
        sum = sum * r + coefficient;
    }
    let power = shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23;
    (sum * r * r + r + 1.0) * f32::from_bits(power)
}

#[cfg(test)]
#[allow(clippy::needless_pass_by_value, reason = "quickcheck passes values")]
mod tests {
    use super::*;

    #[test]
    fn exp_is_that_of_the_standard_library() {
        fn property(x: u32) -> bool {
            let x = -87.0 * (x as f32 / u32::MAX as f32);
            (f64::from(exp(x)) / f64::from(x).exp() - 1.0).abs() < 3e-7
        }
        quickcheck::quickcheck(property as fn(u32) -> bool);
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(f32::NEG_INFINITY) < 2e-38);
    }

    #[test]
    fn sums_are_those_of_double_precision() {
        fn property(values: Vec<i16>) -> bool {
            let a: Vec<f32> = values.iter().map(|&value| f32::from(value) / 1e3).collect();
            let b: Vec<f32> = a.iter().rev().copied().collect();
            let exact: f64 = a.iter().zip(&b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            let size: f64 = a.iter().zip(&b).map(|(a, b)| f64::from(a * b).abs()).sum();
            (f64::from(dot(&a, &b)) - exact).abs() <= 1e-6 * size.max(1.0)
        }
        quickcheck::quickcheck(property as fn(Vec<i16>) -> bool);
    }

    #[test]
    fn a_causal_softmax_looks_back_only() {
        let mut scores = vec![5.0, 9.0, 9.0, 1.0, 1.0, 9.0, 0.0, 0.0, 0.0];
        causal_softmax(&mut scores, 3, &[7.0, 0.0, 0.0, 2.0_f32.ln()]);
        let expected = [1.0, 0.0, 0.0, 1.0 / 3.0, 2.0 / 3.0, 0.0, 0.25, 0.25, 0.5];
        assert!(
            scores.iter().zip(expected).all(|(own, expected)| (own - expected).abs() < 1e-6),
            "{scores:?}"
        );
    }
}
