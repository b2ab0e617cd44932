//! A layer in fixed point: rows and weights as whole numbers of sixteen bits, exact sums, floats on the way out.
//!
//! Twice as fast as floats where vectors have 128 bits, and still four digits: with eight bits a transformer's
//! vector would be off by a few per cent.
#![allow(unsafe_code, reason = "vector instructions load from raw pointers")]

use alloc::vec;
use alloc::vec::Vec;

use crate::MatrixError;
use crate::groups::{GROUP, Groups};
use crate::lanes::{LANES, Lanes};
use crate::row::ROUND;

/// Lanes between two backward branches, of which each has a check that an engine adds.
const STRAIGHT: usize = 4;

/// The largest weight: 12 bits, so that 512 products of the largest numbers are below 2³¹.
const WEIGHT_MAX: i32 = 2_047;

/// Inputs a layer may have: for each its largest number still has two bits.
const INPUTS_MAX: usize = 1 << 17;

/// The largest number in a row of so many.
fn word_max(stride: usize) -> f32 {
    let words = i32::try_from(stride).unwrap_or(i32::MAX);
    (i32::MAX / WEIGHT_MAX / words).min(i32::from(i16::MAX)) as f32
}

/// The weights of a layer of `inputs` to `outputs` in 12 bits, with a scale an output.
#[derive(Clone, Debug, PartialEq)]
pub struct FixedDense {
    inputs: usize,
    outputs: usize,
    // Padded with zeros to whole lanes of inputs and whole groups of outputs, as are scales and bias.
    weights: Groups<i16, LANES>,
    scales: Vec<f32>,
    bias: Vec<f32>,
}

/// Rows of floats as whole numbers, with a scale a row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FixedRows {
    inputs: usize,
    words: Vec<i16>,
    scales: Vec<f32>,
}

impl FixedRows {
    /// Rows there are.
    pub fn len(&self) -> usize {
        self.scales.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.scales.is_empty()
    }

    /// Takes whole rows of `inputs` floats, each rounded to the nearest, ties to even.
    ///
    /// A row that is not all finite gets NaN as its scale, so that what is made of it is not finite either.
    ///
    /// # Panics
    ///
    /// When there are no inputs, or the rows are not whole.
    pub fn quantise(&mut self, inputs: usize, rows: &[f32]) {
        assert!(inputs > 0 && rows.len().is_multiple_of(inputs));
        self.inputs = inputs;
        let stride = inputs.next_multiple_of(LANES);
        let most = word_max(stride);
        self.words.resize(rows.len() / inputs * stride, 0);
        self.scales.clear();
        for (row, words) in rows.chunks_exact(inputs).zip(self.words.chunks_exact_mut(stride)) {
            self.scales.push(quantise(row, words, most));
        }
    }
}

/// Writes a row's numbers and returns their scale.
fn quantise(row: &[f32], words: &mut [i16], most: f32) -> f32 {
    let (chunks, rest) = row.as_chunks::<LANES>();
    let mut end = [0.0; LANES];
    end[..rest.len()].copy_from_slice(rest);
    let mut sizes = Lanes::load(&end).sizes();
    // NaN is not greater than anything; it is found by a sum, which it spoils.
    let mut sums = sizes;
    let mut measure = |chunk: &[f32; LANES]| {
        let size = Lanes::load(chunk).sizes();
        sizes = sizes.or_greater(size);
        sums = sums.plus(size);
    };
    let (straight, straight_end) = chunks.as_chunks::<STRAIGHT>();
    for chunks in straight {
        chunks.iter().for_each(&mut measure);
    }
    straight_end.iter().for_each(measure);
    let (size, is_number) = (sizes.greatest(), !sums.sum().is_nan());
    if !is_number || size == f32::INFINITY {
        words.fill(0);
        return f32::NAN;
    }
    // Below that its reciprocal would not be finite.
    if size < f32::MIN_POSITIVE * 65_536.0 {
        words.fill(0);
        return 0.0;
    }
    let factor = Lanes::splat(most / size);
    // Adding it rounds to a whole number, which then is in the lowest bits.
    let whole = |values: Lanes| values.times(factor).plus(Lanes::splat(ROUND)).bits_above(ROUND);
    let (words, words_end) = words.as_chunks_mut::<LANES>();
    debug_assert!(words_end.is_empty());
    let (words_straight, words_end) = words[..chunks.len()].as_chunks_mut::<STRAIGHT>();
    for (words, chunks) in words_straight.iter_mut().zip(straight) {
        for (words, chunk) in words.iter_mut().zip(chunks) {
            *words = whole(Lanes::load(chunk));
        }
    }
    for (words, chunk) in words_end.iter_mut().zip(straight_end) {
        *words = whole(Lanes::load(chunk));
    }
    if !rest.is_empty()
        && let Some(words) = words.last_mut()
    {
        *words = whole(Lanes::load(&end));
    }
    size / most
}

impl FixedDense {
    /// The nearest to weights of `inputs × outputs`, input by input, with a bias an output.
    ///
    /// # Errors
    ///
    /// When there is nothing or too much, the shapes do not fit, or a weight is not finite.
    pub fn quantise(inputs: usize, weights: &[f32], bias: &[f32]) -> Result<Self, MatrixError> {
        let outputs = bias.len();
        if inputs == 0 || outputs == 0 || inputs > INPUTS_MAX {
            return Err(MatrixError::Columns { columns: inputs.min(outputs) });
        }
        if inputs.checked_mul(outputs) != Some(weights.len()) {
            return Err(MatrixError::Shape { values: weights.len() });
        }
        let (stride, padded) = (inputs.next_multiple_of(LANES), outputs.next_multiple_of(GROUP));
        let mut layer = Self {
            inputs,
            outputs,
            weights: Groups::zeros(stride, outputs),
            scales: vec![0.0; padded],
            bias: bias.to_vec(),
        };
        layer.bias.resize(padded, 0.0);
        let mut words = vec![0; stride];
        for output in 0..outputs {
            let row: Vec<f32> = (0..inputs).map(|input| weights[input * outputs + output]).collect();
            let scale = quantise(&row, &mut words, WEIGHT_MAX as f32);
            if scale.is_nan() {
                return Err(MatrixError::Scale { row: output });
            }
            layer.scales[output] = scale;
            layer.weights.set(output, words.as_chunks::<LANES>().0.iter().copied());
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
    pub fn apply(&self, rows: &FixedRows, to: &mut [f32]) {
        assert!(rows.inputs == self.inputs && to.len() == rows.scales.len() * self.outputs);
        let stride = self.inputs.next_multiple_of(LANES);
        let words = rows.words.chunks(2 * stride).zip(rows.scales.chunks(2));
        for ((words, scales), to) in words.zip(to.chunks_mut(2 * self.outputs)) {
            match scales {
                &[a, b] => self.rows(words, [a, b], to),
                _ => self.rows(words, [scales[0]], to),
            }
        }
    }

    /// One or two rows: the weights are read once for both.
    fn rows<const ROWS: usize>(&self, words: &[i16], scales: [f32; ROWS], to: &mut [f32]) {
        let whole = self.outputs / GROUP * GROUP;
        #[cfg(target_feature = "simd128")]
        // SAFETY: as many rows of one stride each, and as many rows of outputs.
        unsafe {
            wasm::rows(self, words, scales, whole, to);
        }
        #[cfg(target_arch = "x86_64")]
        if x86::has_avx2() {
            // SAFETY: as above, and AVX2 was found.
            unsafe { x86::rows(self, words, scales, whole, to) };
        } else {
            self.plain(words, scales, 0..whole, to);
        }
        #[cfg(not(any(target_feature = "simd128", target_arch = "x86_64")))]
        self.plain(words, scales, 0..whole, to);
        self.plain(words, scales, whole..self.outputs, to);
    }

    fn plain<const ROWS: usize>(
        &self,
        words: &[i16],
        scales: [f32; ROWS],
        outputs: core::ops::Range<usize>,
        to: &mut [f32],
    ) {
        let stride = words.len() / ROWS;
        for ((words, scale), to) in
            words.chunks_exact(stride).zip(scales).zip(to.chunks_exact_mut(self.outputs))
        {
            for output in outputs.clone() {
                let weights = self.weights.of(output);
                let terms =
                    words.iter().zip(weights).map(|(&word, weight)| i32::from(word) * i32::from(weight));
                to[output] = terms.sum::<i32>() as f32 * (scale * self.scales[output]) + self.bias[output];
            }
        }
    }
}

#[cfg(target_feature = "simd128")]
mod wasm {
    use core::hint::black_box;

    use core::arch::wasm32::{
        f32x4_add, f32x4_convert_i32x4, f32x4_mul, f32x4_splat, i32x4_add, i32x4_dot_i16x8, i32x4_splat,
        v128_load, v128_store,
    };

    use super::{FixedDense, GROUP, LANES};
    use crate::dot::wasm::transposed;

    /// # Safety
    ///
    /// The words are `ROWS` rows of one stride of the layer each, `to` as many rows of its outputs, and the whole groups
    /// of outputs are `whole`.
    #[inline(never)]
    pub(super) unsafe fn rows<const ROWS: usize>(
        layer: &FixedDense,
        words: &[i16],
        scales: [f32; ROWS],
        whole: usize,
        to: &mut [f32],
    ) {
        let stride = words.len() / ROWS;
        let rows: [*const i16; ROWS] = core::array::from_fn(|row| words[row * stride..].as_ptr());
        let mut weight = layer.weights.as_ptr();
        let (mut scale, mut bias) = (layer.scales.as_ptr(), layer.bias.as_ptr());
        let mut to_at = to.as_mut_ptr();
        let to_end = to_at.wrapping_add(whole);
        while to_at != to_end {
            let mut sums = [[i32x4_splat(0); GROUP]; ROWS];
            // Wrapping, as nothing here may bring a check and so a branch along.
            let mut words = rows;
            let mut left = stride;
            let next = weight.wrapping_add(stride.wrapping_mul(GROUP));
            // Eight steps between two backward branches, with a way out behind each; `panels.rs` says why. All ways out
            // leave nothing but the sums, or each would get a block of its own, where the compiler adds them up again.
            'row: loop {
                macro_rules! step {
                    ($number:literal) => {
                        // SAFETY: one more step of each of the rows, and of the weights of each output. At a fixed
                        // distance: an address that is summed up costs an instruction.
                        unsafe {
                            let mut values = [i32x4_splat(0); ROWS];
                            for (value, row) in values.iter_mut().zip(words) {
                                *value = v128_load(row.add($number * LANES).cast());
                            }
                            for output in 0..GROUP {
                                let weights = weight.add(($number * GROUP + output) * LANES);
                                let weights = v128_load(weights.cast());
                                for (sums, value) in sums.iter_mut().zip(values) {
                                    sums[output] = i32x4_add(sums[output], i32x4_dot_i16x8(value, weights));
                                }
                            }
                        }
                        if left == ($number + 1) * LANES {
                            break 'row;
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
                left = left.wrapping_sub(8 * LANES);
                // A pointer that the compiler can foresee it sums up anew for each load.
                weight = black_box(weight.wrapping_add(8 * GROUP * LANES));
                words = words.map(|row| black_box(row.wrapping_add(8 * LANES)));
            }
            weight = black_box(next);
            // SAFETY: four scales, biases and outputs each.
            unsafe {
                let (scaled, biased) = (v128_load(scale.cast()), v128_load(bias.cast()));
                for (row, (sums, row_scale)) in sums.into_iter().zip(scales).enumerate() {
                    let factor = f32x4_mul(f32x4_splat(row_scale), scaled);
                    let value = f32x4_add(f32x4_mul(f32x4_convert_i32x4(transposed(sums)), factor), biased);
                    v128_store(to_at.add(row.wrapping_mul(layer.outputs)).cast(), value);
                }
                (scale, bias, to_at) = (scale.add(GROUP), bias.add(GROUP), to_at.add(GROUP));
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) mod x86 {
    use core::arch::x86_64::{
        __m128i, __m256i, _mm_add_ps, _mm_cvtepi32_ps, _mm_loadu_ps, _mm_loadu_si128, _mm_mul_ps,
        _mm_set1_ps, _mm_storeu_ps, _mm_unpacklo_epi32, _mm256_add_epi32, _mm256_broadcastsi128_si256,
        _mm256_castsi256_si128, _mm256_extracti128_si256, _mm256_hadd_epi32, _mm256_loadu_si256,
        _mm256_madd_epi16, _mm256_setzero_si256,
    };

    use super::{FixedDense, GROUP, LANES};

    cpufeatures::new!(cpu_has_avx2, "avx2");

    pub(crate) fn has_avx2() -> bool {
        cpu_has_avx2::get()
    }

    /// # Safety
    ///
    /// The processor has AVX2; the words are `ROWS` rows of one stride of the layer each, `to` as many rows of its
    /// outputs, and the whole groups of outputs are `whole`.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn rows<const ROWS: usize>(
        layer: &FixedDense,
        words: &[i16],
        scales: [f32; ROWS],
        whole: usize,
        to: &mut [f32],
    ) {
        let stride = words.len() / ROWS;
        let mut weights = layer.weights.as_ptr();
        for output in (0..whole).step_by(GROUP) {
            // Of each row two registers: the first two outputs, and the other two.
            let mut sums = [[_mm256_setzero_si256(); 2]; ROWS];
            for at in (0..stride).step_by(LANES) {
                // SAFETY: below the stride of each row, and the weights of as many steps of four outputs.
                unsafe {
                    let two = [
                        _mm256_loadu_si256(weights.cast()),
                        _mm256_loadu_si256(weights.add(2 * LANES).cast()),
                    ];
                    weights = weights.add(GROUP * LANES);
                    for (row, sums) in sums.iter_mut().enumerate() {
                        let value = _mm_loadu_si128(words.as_ptr().add(row * stride + at).cast());
                        let value = _mm256_broadcastsi128_si256(value);
                        for (sum, weights) in sums.iter_mut().zip(two) {
                            *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(value, weights));
                        }
                    }
                }
            }
            // SAFETY: four of scales, biases and outputs.
            unsafe {
                let scaled = _mm_loadu_ps(layer.scales.as_ptr().add(output));
                let biased = _mm_loadu_ps(layer.bias.as_ptr().add(output));
                for (row, (sums, row_scale)) in sums.into_iter().zip(scales).enumerate() {
                    let factor = _mm_mul_ps(_mm_set1_ps(row_scale), scaled);
                    let value = _mm_add_ps(_mm_mul_ps(_mm_cvtepi32_ps(of_four(sums)), factor), biased);
                    _mm_storeu_ps(to.as_mut_ptr().add(row * layer.outputs + output), value);
                }
            }
        }
    }

    /// The sums of four outputs: those of the first and second are the halves of the first register.
    #[target_feature(enable = "avx2")]
    pub(crate) fn of_four([first, second]: [__m256i; 2]) -> __m128i {
        let pairs = _mm256_hadd_epi32(first, second);
        let sums = _mm256_hadd_epi32(pairs, pairs);
        _mm_unpacklo_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums))
    }
}

#[cfg(test)]
#[allow(clippy::needless_pass_by_value, reason = "quickcheck passes values")]
pub(crate) mod tests {
    use quickcheck::QuickCheck;

    use super::*;

    /// From −1 to 1, by a seed.
    pub(crate) fn numbers(seed: u32, count: usize) -> Vec<f32> {
        let mut state = u64::from(seed) | 1;
        let next = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 40) as f32 / 8_388_608.0 - 1.0
        };
        core::iter::repeat_with(next).take(count).collect()
    }

    fn applied(layer: &FixedDense, inputs: usize, rows: &[f32]) -> Vec<f32> {
        let mut fixed = FixedRows::default();
        fixed.quantise(inputs, rows);
        let mut to = vec![9.0; rows.len() / inputs * layer.outputs()];
        layer.apply(&fixed, &mut to);
        to
    }

    #[test]
    fn outputs_are_those_of_floats_to_three_digits() {
        fn holds(seed: u32, inputs: u8, outputs: u8, rows: u8) -> bool {
            let (inputs, outputs) = (usize::from(inputs) + 1, usize::from(outputs % 23) + 1);
            let rows = numbers(seed ^ 1, usize::from(rows % 6) * inputs);
            let (weights, bias) = (numbers(seed, inputs * outputs), numbers(seed ^ 2, outputs));
            let found = applied(&FixedDense::quantise(inputs, &weights, &bias).unwrap(), inputs, &rows);
            let mut exact = vec![0.0; found.len()];
            crate::Dense::new(inputs, &weights, &bias).unwrap().apply(&rows, &mut exact);
            // Each term is off by half a step of a weight and of a word at most; errors add like a random walk of at
            // most six standard deviations.
            let tolerance = 6.0 * (inputs as f32).sqrt() / 2_047.0;
            found.iter().zip(&exact).all(|(a, b)| (a - b).abs() <= tolerance)
        }
        QuickCheck::new().tests(300).quickcheck(holds as fn(u32, u8, u8, u8) -> bool);
    }

    #[test]
    fn the_fastest_form_gives_what_the_plain_one_gives_for_any_number_of_rows() {
        fn holds(seed: u32, inputs: u8, outputs: u8, rows: u8) -> bool {
            let (inputs, outputs) = (usize::from(inputs) * 2 + 1, usize::from(outputs % 23) + 1);
            let rows = numbers(seed ^ 1, usize::from(rows % 6) * inputs);
            let (weights, bias) = (numbers(seed, inputs * outputs), numbers(seed ^ 2, outputs));
            let layer = FixedDense::quantise(inputs, &weights, &bias).unwrap();
            let found = applied(&layer, inputs, &rows);
            let mut fixed = FixedRows::default();
            fixed.quantise(inputs, &rows);
            let stride = inputs.next_multiple_of(LANES);
            let each = fixed.words.chunks_exact(stride).zip(&fixed.scales);
            each.zip(found.chunks_exact(outputs)).all(|((words, &scale), found)| {
                let mut plain = vec![0.0; outputs];
                layer.plain(words, [scale], 0..outputs, &mut plain);
                plain.iter().map(|value| value.to_bits()).eq(found.iter().map(|value| value.to_bits()))
            })
        }
        QuickCheck::new().tests(300).quickcheck(holds as fn(u32, u8, u8, u8) -> bool);
    }

    #[test]
    fn the_extremes_do_not_overflow() {
        for inputs in [1, 64, 512, 5_000] {
            let layer = FixedDense::quantise(inputs, &vec![-1.0; inputs * 5], &[0.0; 5]).unwrap();
            for found in applied(&layer, inputs, &vec![3.0; inputs * 3]) {
                assert!((found + 3.0 * inputs as f32).abs() <= 0.01 * inputs as f32, "{inputs}: {found}");
            }
        }
    }

    #[test]
    fn what_is_not_finite_stays_not_finite_and_zero_gives_the_bias() {
        let layer = FixedDense::quantise(2, &[1.0, 1.0], &[0.5]).unwrap();
        assert_eq!(applied(&layer, 2, &[0.0, 0.0]), [0.5]);
        assert_eq!(applied(&layer, 2, &[1e-42, 0.0]), [0.5]);
        for row in [[f32::INFINITY, 1.0], [1.0, f32::NEG_INFINITY], [f32::NAN, 0.0]] {
            assert!(applied(&layer, 2, &row)[0].is_nan());
        }
        assert_eq!(FixedDense::quantise(1, &[f32::NAN], &[0.5]), Err(MatrixError::Scale { row: 0 }));
    }
}
