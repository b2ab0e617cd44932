//! A layer over rows in three parts: what all of them share, what is looked up in a table, and a few numbers of each
//! row's own.
#![cfg_attr(
    any(target_arch = "x86_64", target_feature = "simd128"),
    allow(unsafe_code, reason = "wider registers and raw pointers")
)]

use alloc::vec;
use alloc::vec::Vec;
use core::hint::black_box;

use crate::MatrixError;
use crate::lanes::LANES;

/// Own numbers that are added in one pass: as many fit in registers.
const OWN: usize = 8;

/// Of eight outputs the weights of as many inputs as a pass takes.
type Weights = [[f32; LANES]; OWN];

/// The second and third part of such a layer; the first is whoever's it is.
#[derive(Clone, Debug, PartialEq)]
pub struct LookupDense {
    outputs: usize,
    // What an entry adds, as bytes with a scale; padded with zeros to whole lanes.
    bytes: Vec<i8>,
    scales: Vec<f32>,
    own_inputs: usize,
    // For each eight own inputs and each eight outputs: eight weights of each of the inputs; padded with zeros.
    weights: Vec<Weights>,
}

impl LookupDense {
    /// An empty table with room for so many entries, and weights of `own_inputs` to `outputs`, input by input.
    ///
    /// # Errors
    ///
    /// When there is nothing, or the shapes do not fit.
    pub fn new(
        outputs: usize,
        entries: usize,
        own_inputs: usize,
        weights: &[f32],
    ) -> Result<Self, MatrixError> {
        if own_inputs == 0 || outputs == 0 {
            return Err(MatrixError::Columns { columns: own_inputs.min(outputs) });
        }
        if own_inputs.checked_mul(outputs) != Some(weights.len()) {
            return Err(MatrixError::Shape { values: weights.len() });
        }
        let groups = outputs.div_ceil(LANES);
        let mut panels = vec![[[0.0; LANES]; OWN]; own_inputs.div_ceil(OWN) * groups];
        for (input, weights) in weights.chunks_exact(outputs).enumerate() {
            for (group, weights) in weights.chunks(LANES).enumerate() {
                panels[input / OWN * groups + group][input % OWN][..weights.len()].copy_from_slice(weights);
            }
        }
        let bytes = Vec::with_capacity(entries * groups * LANES);
        Ok(Self { outputs, bytes, scales: Vec::with_capacity(entries), own_inputs, weights: panels })
    }

    /// Adds entries to the table, row by row: the nearest bytes, with a scale a row.
    ///
    /// # Errors
    ///
    /// When the rows are not whole, or one is not finite; those before it have been added.
    pub fn extend(&mut self, rows: &[f32]) -> Result<(), MatrixError> {
        if !rows.len().is_multiple_of(self.outputs) {
            return Err(MatrixError::Shape { values: rows.len() });
        }
        for row in rows.chunks_exact(self.outputs) {
            let most = row.iter().fold(0.0_f32, |most, value| libm::fmaxf(most, libm::fabsf(*value)));
            if !row.iter().all(|value| value.is_finite()) {
                return Err(MatrixError::Scale { row: self.scales.len() });
            }
            let scale = most / f32::from(i8::MAX);
            // Of numbers so small that their scale is 0, nothing is kept.
            let byte = |value: &f32| if scale > 0.0 { libm::rintf(value / scale) as i8 } else { 0 };
            self.bytes.extend(row.iter().map(byte));
            self.scales.push(scale);
            self.bytes.resize(self.scales.len() * self.outputs.next_multiple_of(LANES), 0);
        }
        Ok(())
    }

    /// Numbers a row has of its own.
    pub fn own_inputs(&self) -> usize {
        self.own_inputs
    }

    /// Values a row of output has.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// One row an entry, one behind the other: `shared + table[entry] + own · weights`, added in this order, the own
    /// numbers in theirs, every product and sum rounded. An entry that the table does not have adds nothing.
    ///
    /// # Panics
    ///
    /// When `shared` is not one value an output, or the entries have not a row of own numbers each.
    pub fn apply(&self, shared: &[f32], entries: &[u32], own: &[f32], to: &mut Vec<f32>) {
        assert!(shared.len() == self.outputs && entries.len() * self.own_inputs == own.len());
        let padded = self.outputs.next_multiple_of(LANES);
        let mut start = vec![0.0; padded];
        start[..self.outputs].copy_from_slice(shared);
        let nothing = vec![0; padded];
        let mut row = vec![0.0; padded];
        to.clear();
        self.touch(entries);
        for (&entry, own) in entries.iter().zip(own.chunks_exact(self.own_inputs)) {
            let mut added = self.entry(entry).unwrap_or((&nothing, 0.0));
            row.copy_from_slice(&start);
            let passes = self.weights.chunks_exact(padded / LANES);
            for (own, weights) in own.chunks(OWN).zip(passes) {
                let mut numbers = [0.0; OWN];
                numbers[..own.len()].copy_from_slice(own);
                add(added, &numbers, weights, &mut row);
                added = (&nothing, 0.0);
            }
            to.extend_from_slice(&row[..self.outputs]);
        }
    }

    fn entry(&self, entry: u32) -> Option<(&[i8], f32)> {
        let scale = *self.scales.get(entry as usize)?;
        let padded = self.outputs.next_multiple_of(LANES);
        Some((&self.bytes[entry as usize * padded..][..padded], scale))
    }

    /// Reads a byte of every line of memory that will be needed, so that the processor waits for all of them at once
    /// and not for one after the other.
    fn touch(&self, entries: &[u32]) {
        let mut touched = 0_i8;
        for &entry in entries {
            if let Some((bytes, scale)) = self.entry(entry) {
                touched ^=
                    bytes.iter().step_by(LINE_BYTES).fold(scale.to_bits() as i8, |all, byte| all ^ byte);
            }
        }
        black_box(touched);
    }
}

/// Bytes of a line of a cache.
const LINE_BYTES: usize = 64;

/// `row += bytes · scale`, then `row += numbers · weights`, number by number.
fn add((bytes, scale): (&[i8], f32), numbers: &[f32; OWN], weights: &[Weights], row: &mut [f32]) {
    assert!(weights.len() * LANES == row.len() && bytes.len() == row.len());
    #[cfg(target_feature = "simd128")]
    // SAFETY: eight outputs and bytes for each eight weights of eight inputs.
    unsafe {
        wasm::add(bytes, scale, numbers, weights, row);
    }
    #[cfg(target_arch = "x86_64")]
    if x86::has_avx2() {
        // SAFETY: as above, and AVX2 was found.
        return unsafe { x86::add(bytes, scale, numbers, weights, row) };
    }
    #[cfg(not(target_feature = "simd128"))]
    plain(bytes, scale, numbers, weights, row);
}

#[cfg(not(target_feature = "simd128"))]
fn plain(bytes: &[i8], scale: f32, numbers: &[f32; OWN], weights: &[Weights], row: &mut [f32]) {
    let lanes = row.as_chunks_mut::<LANES>().0.iter_mut().zip(bytes.as_chunks::<LANES>().0);
    for ((sums, bytes), weights) in lanes.zip(weights) {
        for (sum, byte) in sums.iter_mut().zip(bytes) {
            *sum += f32::from(*byte) * scale;
        }
        for (number, weights) in numbers.iter().zip(weights) {
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum += number * weight;
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use core::arch::x86_64::{
        _mm_loadl_epi64, _mm256_add_ps, _mm256_cvtepi8_epi32, _mm256_cvtepi32_ps, _mm256_loadu_ps,
        _mm256_mul_ps, _mm256_set1_ps, _mm256_storeu_ps,
    };

    use super::{LANES, OWN, Weights};

    cpufeatures::new!(cpu_has_avx2, "avx2");

    pub(super) fn has_avx2() -> bool {
        cpu_has_avx2::get()
    }

    /// # Safety
    ///
    /// The processor has AVX2.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn add(
        bytes: &[i8],
        scale: f32,
        numbers: &[f32; OWN],
        weights: &[Weights],
        row: &mut [f32],
    ) {
        let numbers = numbers.map(|number| _mm256_set1_ps(number));
        let scale = _mm256_set1_ps(scale);
        let lanes = row.as_chunks_mut::<LANES>().0.iter_mut().zip(bytes.as_chunks::<LANES>().0);
        for ((sums, bytes), weights) in lanes.zip(weights) {
            // SAFETY: eight bytes, and eight floats each.
            unsafe {
                let bytes = _mm256_cvtepi8_epi32(_mm_loadl_epi64(bytes.as_ptr().cast()));
                let added = _mm256_mul_ps(_mm256_cvtepi32_ps(bytes), scale);
                let mut sum = _mm256_add_ps(_mm256_loadu_ps(sums.as_ptr()), added);
                for (number, weights) in numbers.iter().zip(weights) {
                    sum = _mm256_add_ps(sum, _mm256_mul_ps(*number, _mm256_loadu_ps(weights.as_ptr())));
                }
                _mm256_storeu_ps(sums.as_mut_ptr(), sum);
            }
        }
    }
}

#[cfg(target_feature = "simd128")]
mod wasm {
    use core::hint::black_box;

    use core::arch::wasm32::{
        f32x4_add, f32x4_convert_i32x4, f32x4_mul, f32x4_splat, i16x8_load_extend_i8x8,
        i32x4_extend_high_i16x8, i32x4_extend_low_i16x8, v128, v128_load, v128_store,
    };

    use super::{LANES, OWN, Weights};

    /// # Safety
    ///
    /// The row has eight outputs, and the bytes are eight, for each eight weights of eight inputs; there are some.
    #[inline(never)]
    pub(super) unsafe fn add(
        bytes: &[i8],
        scale: f32,
        numbers: &[f32; OWN],
        weights: &[Weights],
        row: &mut [f32],
    ) {
        let numbers: [v128; OWN] = numbers.map(|number| f32x4_splat(number));
        let scale = f32x4_splat(scale);
        let (mut byte, mut sums) = (bytes.as_ptr(), row.as_mut_ptr());
        let (mut weight, mut left) = (weights.as_ptr().cast::<f32>(), weights.len());
        // As in `fixed.rs`: many steps between two backward branches, each with a way out behind it, at distances that
        // are fixed.
        'row: loop {
            macro_rules! step {
                ($number:literal) => {
                    // SAFETY: eight more outputs and bytes, and eight times as many weights.
                    unsafe {
                        let words = i16x8_load_extend_i8x8(byte.add($number * LANES));
                        let halves = [i32x4_extend_low_i16x8(words), i32x4_extend_high_i16x8(words)];
                        for (half, bytes) in halves.into_iter().enumerate() {
                            let to = sums.add($number * LANES + half * 4);
                            let added = f32x4_mul(f32x4_convert_i32x4(bytes), scale);
                            let mut sum = f32x4_add(v128_load(to.cast()), added);
                            for (input, number) in numbers.into_iter().enumerate() {
                                let at = weight.add(($number * OWN + input) * LANES + half * 4);
                                sum = f32x4_add(sum, f32x4_mul(number, v128_load(at.cast())));
                            }
                            v128_store(to.cast(), sum);
                        }
                    }
                    if left == $number + 1 {
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
            left = left.wrapping_sub(8);
            byte = black_box(byte.wrapping_add(8 * LANES));
            weight = black_box(weight.wrapping_add(8 * OWN * LANES));
            sums = black_box(sums.wrapping_add(8 * LANES));
        }
    }
}

#[cfg(test)]
mod tests {
    use quickcheck::QuickCheck;

    use super::*;
    use crate::fixed::tests::numbers;

    #[test]
    fn every_value_is_the_sum_in_its_order_bit_for_bit() {
        fn holds(seed: u32, outputs: u8, own_inputs: u8, entries: Vec<u8>) -> bool {
            let (outputs, own_inputs) = (usize::from(outputs % 80) + 1, usize::from(own_inputs % 20) + 1);
            let weights = numbers(seed ^ 1, own_inputs * outputs);
            let (shared, own) = (numbers(seed ^ 2, outputs), numbers(seed ^ 3, own_inputs * entries.len()));
            let mut layer = LookupDense::new(outputs, 100, own_inputs, &weights).unwrap();
            layer.extend(&numbers(seed, outputs * 100)).unwrap();
            let entries: Vec<u32> = entries.into_iter().map(u32::from).collect();
            let mut found = vec![9.0; 3];
            layer.apply(&shared, &entries, &own, &mut found);
            let expected = entries.iter().zip(own.chunks_exact(own_inputs)).flat_map(|(&entry, own)| {
                let (layer, shared, weights) = (&layer, &shared, &weights);
                (0..outputs).map(move |output| {
                    let looked_up = layer.entry(entry);
                    let looked_up = looked_up.map(|(bytes, scale)| f32::from(bytes[output]) * scale);
                    let start = shared[output] + looked_up.unwrap_or(0.0);
                    let terms = own.iter().enumerate().map(|(at, own)| own * weights[at * outputs + output]);
                    terms.fold(start, |sum, term| sum + term)
                })
            });
            found.iter().map(|value| value.to_bits()).eq(expected.map(f32::to_bits))
        }
        QuickCheck::new().tests(300).quickcheck(holds as fn(u32, u8, u8, Vec<u8>) -> bool);
    }

    #[test]
    fn entries_are_within_half_a_step_of_what_was_added() {
        fn holds(seed: u32, outputs: u8) -> bool {
            let outputs = usize::from(outputs) + 1;
            let rows = numbers(seed, 5 * outputs);
            let mut layer = LookupDense::new(outputs, 5, 1, &vec![0.0; outputs]).unwrap();
            layer.extend(&rows).unwrap();
            let step = 1.0 / 127.0;
            rows.chunks_exact(outputs).enumerate().all(|(entry, row)| {
                let (bytes, scale) = layer.entry(entry as u32).unwrap();
                let near =
                    |(&byte, value): (&i8, &f32)| (f32::from(byte) * scale - value).abs() <= 0.51 * step;
                bytes.iter().zip(row).all(near) && bytes[outputs..].iter().all(|&byte| byte == 0)
            })
        }
        QuickCheck::new().quickcheck(holds as fn(u32, u8) -> bool);
    }

    #[test]
    fn shapes_that_do_not_fit_and_numbers_that_are_none_are_refused() {
        assert_eq!(LookupDense::new(4, 1, 0, &[]), Err(MatrixError::Columns { columns: 0 }));
        assert_eq!(LookupDense::new(4, 1, 2, &[0.0; 7]), Err(MatrixError::Shape { values: 7 }));
        let mut layer = LookupDense::new(2, 2, 1, &[0.0; 2]).unwrap();
        assert_eq!(layer.extend(&[1.0; 3]), Err(MatrixError::Shape { values: 3 }));
        assert_eq!(layer.extend(&[1.0, 2.0, f32::NAN, 0.0]), Err(MatrixError::Scale { row: 1 }));
        assert_eq!(layer.extend(&[0.0, 1e-45]), Ok(()));
    }
}
