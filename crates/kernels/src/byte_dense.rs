//! A layer over numbers that are not below 0, as rectified ones are: seven bits for them, eight for the weights, exact
//! sums, floats on the way out.
//!
//! Sixteen products an instruction, and their sums stay in words of sixteen bits over [`BLOCK`] inputs: weights are
//! scaled so that they cannot leave those, whatever the inputs are. It is half as much work as with sixteen bits
//! (`fixed.rs`), for two digits instead of four: enough to put candidates in order.
#![allow(unsafe_code, reason = "vector instructions load from raw pointers")]

use alloc::vec;
use alloc::vec::Vec;

use crate::MatrixError;
use crate::byte_rows::{BLOCK, ByteRows, STEP};
use crate::groups::{GROUP, Groups};

/// The largest sum of sizes of the weights that share a word: × 127 it is below 2¹⁵, and each of the eight may have
/// been rounded up by a half.
const SIZES_MAX: f32 = 258.0 - 4.0;

/// Inputs a layer may have: as many products of the largest numbers are below 2³¹.
const INPUTS_MAX: usize = 1 << 16;

/// Weights with what they are padded to: short rows would take many times the memory of what was read.
const WEIGHTS_MAX: usize = 1 << 26;

/// The weights of a layer of `inputs` to `outputs` in at most eight bits, with a scale an output.
#[derive(Clone, Debug, PartialEq)]
pub struct ByteDense {
    inputs: usize,
    outputs: usize,
    // Padded with zeros to whole blocks of inputs and whole groups of outputs, as are scales and bias.
    weights: Groups<i8, STEP>,
    scales: Vec<f32>,
    bias: Vec<f32>,
}

impl ByteDense {
    /// The nearest to weights of `inputs × outputs`, input by input, with a bias an output.
    ///
    /// # Errors
    ///
    /// When there is nothing or too much, the shapes do not fit, or a weight, or the sum of eight, is not finite.
    pub fn quantise(inputs: usize, weights: &[f32], bias: &[f32]) -> Result<Self, MatrixError> {
        let outputs = bias.len();
        if inputs == 0 || outputs == 0 || inputs > INPUTS_MAX {
            return Err(MatrixError::Columns { columns: if outputs == 0 { 0 } else { inputs } });
        }
        if inputs.checked_mul(outputs) != Some(weights.len()) {
            return Err(MatrixError::Shape { values: weights.len() });
        }
        let (stride, padded) = (inputs.next_multiple_of(BLOCK), outputs.next_multiple_of(GROUP));
        if stride.saturating_mul(padded) > WEIGHTS_MAX {
            return Err(MatrixError::Shape { values: weights.len() });
        }
        let mut layer = Self {
            inputs,
            outputs,
            weights: Groups::zeros(stride, outputs),
            scales: vec![0.0; padded],
            bias: bias.to_vec(),
        };
        layer.bias.resize(padded, 0.0);
        let mut row = vec![0.0; stride];
        for output in 0..outputs {
            for (input, weight) in row[..inputs].iter_mut().enumerate() {
                *weight = weights[input * outputs + output];
            }
            let scale = scale(&row);
            if !scale.is_finite() {
                return Err(MatrixError::Scale { row: output });
            }
            layer.scales[output] = scale;
            // Of weights so small that their scale is 0, nothing is kept.
            let byte = |weight: f32| if scale > 0.0 { libm::rintf(weight / scale) as i8 } else { 0 };
            layer.weights.set(output, row.as_chunks::<STEP>().0.iter().map(|step| step.map(byte)));
        }
        Ok(layer)
    }

    /// Values a row of input has.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Values a row of output has.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// `to = rows · weights + bias`, row by row: each value is `sum · (row scale · weight scale) + bias`, the sum exact
    /// and then rounded to a float.
    ///
    /// # Panics
    ///
    /// When the rows are of another length than the layer's inputs, or `to` is not as many.
    pub fn apply(&self, rows: &ByteRows, to: &mut [f32]) {
        assert!(rows.inputs == self.inputs && to.len() == rows.scales.len() * self.outputs);
        let bytes = rows.bytes.chunks_exact(self.inputs.next_multiple_of(BLOCK)).zip(&rows.scales);
        for ((bytes, &scale), to) in bytes.zip(to.chunks_exact_mut(self.outputs)) {
            self.row(bytes, scale, to);
        }
    }

    fn row(&self, bytes: &[u8], scale: f32, to: &mut [f32]) {
        let whole = self.outputs / GROUP * GROUP;
        #[cfg(target_feature = "simd128")]
        // SAFETY: one stride of bytes, and whole groups of outputs.
        unsafe {
            wasm::row(self, bytes, scale, &mut to[..whole]);
        }
        #[cfg(target_arch = "x86_64")]
        if x86::has_avx2() {
            // SAFETY: as above, and AVX2 was found.
            unsafe { x86::row(self, bytes, scale, &mut to[..whole]) };
        } else {
            self.plain(bytes, scale, 0..whole, to);
        }
        #[cfg(not(any(target_feature = "simd128", target_arch = "x86_64")))]
        self.plain(bytes, scale, 0..whole, to);
        self.plain(bytes, scale, whole..self.outputs, to);
    }

    fn plain(&self, bytes: &[u8], scale: f32, outputs: core::ops::Range<usize>, to: &mut [f32]) {
        for output in outputs {
            let weights = self.weights.of(output);
            let terms = bytes.iter().zip(weights).map(|(&byte, weight)| i32::from(byte) * i32::from(weight));
            to[output] = terms.sum::<i32>() as f32 * (scale * self.scales[output]) + self.bias[output];
        }
    }
}

/// The smallest scale with which weights, whole blocks of them, fit into bytes and their sums into words.
fn scale(weights: &[f32]) -> f32 {
    let most = weights.iter().fold(0.0_f32, |most, weight| most.max(libm::fabsf(*weight))) / 127.0;
    let mut scale = if weights.iter().all(|weight| weight.is_finite()) { most } else { f32::NAN };
    for block in weights.as_chunks::<BLOCK>().0 {
        for word in 0..STEP / 2 {
            let pairs =
                block.as_chunks::<STEP>().0.iter().flat_map(|step| [step[2 * word], step[2 * word + 1]]);
            let sizes: f32 = pairs.map(libm::fabsf).sum();
            if sizes / SIZES_MAX > scale {
                scale = sizes / SIZES_MAX;
            }
        }
    }
    // Below that a quotient is off by more than the rounding that is allowed for.
    if scale < f32::MIN_POSITIVE { 0.0 } else { scale }
}

#[cfg(target_feature = "simd128")]
mod wasm {
    use core::arch::wasm32::{
        f32x4_add, f32x4_convert_i32x4, f32x4_mul, f32x4_splat, i32x4_add, i32x4_splat, v128, v128_load,
        v128_store,
    };
    use core::hint::black_box;

    use super::{BLOCK, ByteDense, GROUP, STEP};
    use crate::dot::wasm::transposed;

    // What the loop below counts on: four blocks of four steps, and more than one step in every row.
    const _: () = assert!(BLOCK == 4 * STEP);

    /// # Safety
    ///
    /// The bytes are one stride of the layer and of seven bits, and `to` whole groups of its outputs.
    // As in `dot.rs`: the whole loop has the feature, and it stays a function.
    #[cfg_attr(feature = "relaxed-simd", target_feature(enable = "relaxed-simd"))]
    #[inline(never)]
    pub(super) unsafe fn row(layer: &ByteDense, bytes: &[u8], row_scale: f32, to: &mut [f32]) {
        let row_scale = f32x4_splat(row_scale);
        let mut weight = layer.weights.as_ptr();
        let (mut scale, mut bias) = (layer.scales.as_ptr(), layer.bias.as_ptr());
        let mut to_at = to.as_mut_ptr();
        let to_end = to_at.wrapping_add(to.len());
        while to_at != to_end {
            let (mut sums, mut words) = ([i32x4_splat(0); GROUP], [i32x4_splat(0); GROUP]);
            // Wrapping, as nothing here may bring a check and so a branch along.
            let (mut byte, mut left) = (bytes.as_ptr(), bytes.len() / STEP);
            let next = weight.wrapping_add(bytes.len().wrapping_mul(GROUP));
            // Four blocks between two backward branches, with a way out behind each step; as in `fixed.rs`. None behind
            // the first: the compiler would turn the loop around so short a beginning.
            'row: loop {
                macro_rules! step {
                    ($number:literal) => {
                        // SAFETY: one more step of the row, and of the weights of each output. At a fixed distance: an
                        // address that is summed up costs an instruction.
                        unsafe {
                            let asked = v128_load(byte.add($number * STEP).cast());
                            for output in 0..GROUP {
                                let weights = v128_load(weight.add(($number * GROUP + output) * STEP).cast());
                                words[output] = add_products(words[output], weights, asked);
                            }
                        }
                        if $number != 0 && left == $number + 1 {
                            break 'row;
                        }
                        if ($number + 1) * STEP % BLOCK == 0 {
                            for (sum, words) in sums.iter_mut().zip(&mut words) {
                                *sum = i32x4_add(*sum, widened(*words));
                                *words = i32x4_splat(0);
                            }
                        }
                    };
                }
                step!(0);
                step!(1);
                step!(2);
                step!(3);
                step!(4);
                step!(5);
                step!(6);
                step!(7);
                step!(8);
                step!(9);
                step!(10);
                step!(11);
                step!(12);
                step!(13);
                step!(14);
                step!(15);
                left = left.wrapping_sub(4 * BLOCK / STEP);
                // Pointers that the compiler can foresee it sums up from others, an instruction each.
                weight = black_box(weight.wrapping_add(4 * BLOCK * GROUP));
                byte = black_box(byte.wrapping_add(4 * BLOCK));
            }
            weight = black_box(next);
            for (sum, words) in sums.iter_mut().zip(words) {
                *sum = i32x4_add(*sum, widened(words));
            }
            // SAFETY: four scales, biases and outputs each.
            unsafe {
                let factor = f32x4_mul(row_scale, v128_load(scale.cast()));
                let value = f32x4_mul(f32x4_convert_i32x4(transposed(sums)), factor);
                v128_store(to_at.cast(), f32x4_add(value, v128_load(bias.cast())));
                (scale, bias, to_at) = (scale.add(GROUP), bias.add(GROUP), to_at.add(GROUP));
            }
        }
    }

    /// Adds the products of sixteen signed bytes with sixteen of seven bits, two to a word.
    ///
    /// Relaxed, yet exact: two products of this kind are below 2¹⁵, where engines could differ.
    #[cfg(feature = "relaxed-simd")]
    #[inline]
    #[target_feature(enable = "relaxed-simd")]
    fn add_products(words: v128, weights: v128, asked: v128) -> v128 {
        use core::arch::wasm32::{i16x8_add, i16x8_relaxed_dot_i8x16_i7x16};
        i16x8_add(words, i16x8_relaxed_dot_i8x16_i7x16(weights, asked))
    }

    /// The sums of two words each.
    #[cfg(feature = "relaxed-simd")]
    #[inline]
    fn widened(words: v128) -> v128 {
        core::arch::wasm32::i32x4_extadd_pairwise_i16x8(words)
    }

    /// Adds the products of sixteen signed bytes with sixteen of seven bits, four to a double word.
    #[cfg(not(feature = "relaxed-simd"))]
    #[inline]
    fn add_products(sums: v128, weights: v128, asked: v128) -> v128 {
        crate::dot::wasm::dot_add(weights, asked, sums)
    }

    /// They are wide already.
    #[cfg(not(feature = "relaxed-simd"))]
    #[inline]
    fn widened(sums: v128) -> v128 {
        sums
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use core::arch::x86_64::{
        _mm_add_ps, _mm_cvtepi32_ps, _mm_loadu_ps, _mm_loadu_si128, _mm_mul_ps, _mm_set1_ps, _mm_storeu_ps,
        _mm256_add_epi16, _mm256_add_epi32, _mm256_broadcastsi128_si256, _mm256_loadu_si256,
        _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_set1_epi16, _mm256_setzero_si256,
    };

    use super::{BLOCK, ByteDense, GROUP, STEP};
    pub(super) use crate::fixed::x86::has_avx2;
    use crate::fixed::x86::of_four;

    /// # Safety
    ///
    /// The processor has AVX2; the bytes are one stride of the layer and of seven bits, and `to` whole groups of its
    /// outputs.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn row(layer: &ByteDense, bytes: &[u8], scale: f32, to: &mut [f32]) {
        let (scale, ones) = (_mm_set1_ps(scale), _mm256_set1_epi16(1));
        let mut weights = layer.weights.as_ptr();
        for (group, to) in to.as_chunks_mut::<GROUP>().0.iter_mut().enumerate() {
            // The first two outputs, and the other two.
            let mut sums = [_mm256_setzero_si256(); 2];
            for block in bytes.as_chunks::<BLOCK>().0 {
                let mut words = [_mm256_setzero_si256(); 2];
                for step in block.as_chunks::<STEP>().0 {
                    // SAFETY: sixteen bytes, and the weights of as many inputs for four outputs.
                    unsafe {
                        let asked = _mm256_broadcastsi128_si256(_mm_loadu_si128(step.as_ptr().cast()));
                        for (half, words) in words.iter_mut().enumerate() {
                            let weights = _mm256_loadu_si256(weights.add(half * 2 * STEP).cast());
                            *words = _mm256_add_epi16(*words, _mm256_maddubs_epi16(asked, weights));
                        }
                        weights = weights.add(GROUP * STEP);
                    }
                }
                for (sum, words) in sums.iter_mut().zip(words) {
                    *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(words, ones));
                }
            }
            // SAFETY: four of scales, biases and outputs.
            unsafe {
                let scaled = _mm_loadu_ps(layer.scales.as_ptr().add(group * GROUP));
                let biased = _mm_loadu_ps(layer.bias.as_ptr().add(group * GROUP));
                let value = _mm_mul_ps(_mm_cvtepi32_ps(of_four(sums)), _mm_mul_ps(scale, scaled));
                _mm_storeu_ps(to.as_mut_ptr(), _mm_add_ps(value, biased));
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::needless_pass_by_value, reason = "quickcheck passes values")]
mod tests {
    use quickcheck::QuickCheck;

    use super::*;
    use crate::fixed::tests::numbers;

    fn applied(layer: &ByteDense, inputs: usize, rows: &[f32]) -> Vec<f32> {
        let mut bytes = ByteRows::default();
        bytes.quantise(inputs, rows);
        let mut to = vec![9.0; rows.len() / inputs * layer.outputs()];
        layer.apply(&bytes, &mut to);
        to
    }

    #[test]
    fn outputs_are_those_of_rectified_floats_to_two_digits() {
        fn holds(seed: u32, inputs: u8, outputs: u8, rows: u8) -> bool {
            let (inputs, outputs) = (usize::from(inputs) + 1, usize::from(outputs % 23) + 1);
            let mut rows = numbers(seed ^ 1, usize::from(rows % 6) * inputs);
            let (weights, bias) = (numbers(seed, inputs * outputs), numbers(seed ^ 2, outputs));
            let found = applied(&ByteDense::quantise(inputs, &weights, &bias).unwrap(), inputs, &rows);
            crate::rectify(&mut rows);
            let mut exact = vec![0.0; found.len()];
            crate::Dense::new(inputs, &weights, &bias).unwrap().apply(&rows, &mut exact);
            // Eight weights of up to 1 share a word: a step is at most 8 / 254. Each term is off by half a step of its
            // weight and of its byte at most; errors add like a random walk of at most six standard deviations.
            let tolerance = 6.0 * (inputs as f32).sqrt() / 100.0;
            found.iter().zip(&exact).all(|(a, b)| (a - b).abs() <= tolerance)
        }
        QuickCheck::new().tests(300).quickcheck(holds as fn(u32, u8, u8, u8) -> bool);
    }

    #[test]
    fn the_fastest_form_gives_what_the_plain_one_gives() {
        fn holds(seed: u32, inputs: u8, outputs: u8, rows: u8) -> bool {
            let (inputs, outputs) = (usize::from(inputs) * 3 + 1, usize::from(outputs % 23) + 1);
            let rows = numbers(seed ^ 1, usize::from(rows % 6) * inputs);
            let (weights, bias) = (numbers(seed, inputs * outputs), numbers(seed ^ 2, outputs));
            let layer = ByteDense::quantise(inputs, &weights, &bias).unwrap();
            let found = applied(&layer, inputs, &rows);
            let mut bytes = ByteRows::default();
            bytes.quantise(inputs, &rows);
            let each = bytes.bytes.chunks_exact(inputs.next_multiple_of(BLOCK)).zip(&bytes.scales);
            each.zip(found.chunks_exact(outputs)).all(|((bytes, &scale), found)| {
                let mut plain = vec![0.0; outputs];
                layer.plain(bytes, scale, 0..outputs, &mut plain);
                plain.iter().map(|value| value.to_bits()).eq(found.iter().map(|value| value.to_bits()))
            })
        }
        QuickCheck::new().tests(300).quickcheck(holds as fn(u32, u8, u8, u8) -> bool);
    }

    /// The layer with as many products that nothing may be added to any word.
    #[test]
    fn the_fullest_words_are_exact_in_every_form() {
        for sign in [1.0, -1.0] {
            for tiny in [1.0, f32::MIN_POSITIVE, f32::from_bits(47)] {
                // Seven weights that are rounded up by a half, and one more: 258 in each word.
                let weight =
                    |input: usize| sign * tiny * if input % 16 < 2 && input % 64 < 2 { 33.5 } else { 31.5 };
                let weights: Vec<f32> = (0..256 * 5).map(|at| weight(at / 5)).collect();
                let layer = ByteDense::quantise(256, &weights, &[0.0; 5]).unwrap();
                let mut bytes = ByteRows::default();
                bytes.quantise(256, &[1e30; 256]);
                let (mut found, mut plain) = ([9.0; 5], [9.0; 5]);
                layer.apply(&bytes, &mut found);
                layer.plain(&bytes.bytes, bytes.scales[0], 0..5, &mut plain);
                assert_eq!(found, plain);
                assert!(tiny < 1.0 || found[0] * sign > 1e33, "{found:?}");
            }
        }
    }

    #[test]
    fn the_extremes_stay_exact_in_their_words() {
        for inputs in [1, 16, 64, 256, 5_000] {
            for weight in [1.0, -1.0] {
                let layer = ByteDense::quantise(inputs, &vec![weight; inputs * 5], &[0.0; 5]).unwrap();
                for found in applied(&layer, inputs, &vec![3.0; inputs * 3]) {
                    let expected = 3.0 * weight * inputs as f32;
                    assert!((found - expected).abs() <= 0.03 * expected.abs(), "{inputs}: {found}");
                }
            }
        }
    }

    #[test]
    fn what_is_infinite_or_nan_throughout_stays_so_and_what_is_below_zero_counts_as_zero() {
        // Five outputs: four together, and one by itself.
        let layer = ByteDense::quantise(2, &[1.0; 10], &[0.5; 5]).unwrap();
        for row in [[0.0, -0.0], [1e-42, 0.0], [-3.0, f32::NEG_INFINITY]] {
            assert_eq!(applied(&layer, 2, &row), [0.5; 5]);
        }
        assert_eq!(applied(&layer, 2, &[f32::NAN, 1.0]), applied(&layer, 2, &[0.0, 1.0]));
        for row in [[f32::INFINITY, -1.0], [f32::NAN, f32::INFINITY], [f32::NAN; 2], [-1.0, -f32::NAN]] {
            assert!(applied(&layer, 2, &row).iter().all(|value| value.is_nan()), "{row:?}");
        }
        assert_eq!(ByteDense::quantise(1, &[f32::NAN], &[0.5]), Err(MatrixError::Scale { row: 0 }));
        assert_eq!(ByteDense::quantise(1, &[f32::INFINITY], &[0.5]), Err(MatrixError::Scale { row: 0 }));
        let tiny = ByteDense::quantise(1, &[1e-45; 5], &[0.5; 5]).unwrap();
        assert_eq!(applied(&tiny, 1, &[1.0]), [0.5; 5]);
    }
}
