//! Products of a query with four rows of bytes at a time, by what the processor has.
#![allow(unsafe_code, reason = "vector instructions load from raw pointers")]

use crate::bytes::{GROUP, STEP};

/// How products are made here; the result is the same for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dot {
    #[cfg_attr(target_feature = "simd128", allow(dead_code, reason = "the other form for tests"))]
    Plain,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_feature = "simd128")]
    Simd128,
}

#[cfg(target_arch = "x86_64")]
cpufeatures::new!(cpu_has_avx2, "avx2");

impl Dot {
    /// The fastest one.
    pub(crate) fn best() -> Self {
        #[cfg(target_feature = "simd128")]
        return Self::Simd128;
        #[cfg(target_arch = "x86_64")]
        if cpu_has_avx2::get() {
            return Self::Avx2;
        }
        #[cfg(not(target_feature = "simd128"))]
        Self::Plain
    }

    /// The scores of rows, as many as `scores` has places: (product with the query + shift) · scale, each in one
    /// rounding.
    ///
    /// # Panics
    ///
    /// When the scores are not whole groups, the query not whole steps, or the rows, shifts or scales are not as
    /// many as the scores.
    #[inline]
    pub(crate) fn scores(self, rows: Rows<'_>, query: &[u8], scores: &mut [f32]) {
        let Rows { values, shifts, scales } = rows;
        assert!(!query.is_empty() && query.len().is_multiple_of(STEP) && scores.len().is_multiple_of(GROUP));
        assert!(values.len() == scores.len() * query.len());
        assert!(shifts.len() == scores.len() && scales.len() == scores.len());
        match self {
            Self::Plain => plain(rows, query, scores),
            // SAFETY: the lengths were checked; AVX2 was found before this variant was made.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => unsafe { x86::scores(rows, query, scores) },
            // SAFETY: the lengths were checked.
            #[cfg(target_feature = "simd128")]
            Self::Simd128 => unsafe { wasm::scores(rows, query, scores) },
        }
    }
}

/// Rows of bytes, with what a product of each is added to and then multiplied with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows<'a> {
    pub(crate) values: &'a [i8],
    pub(crate) shifts: &'a [i32],
    pub(crate) scales: &'a [f32],
}

fn plain(rows: Rows<'_>, query: &[u8], scores: &mut [f32]) {
    let factors = rows.shifts.iter().zip(rows.scales);
    for ((score, (shift, scale)), row) in
        scores.iter_mut().zip(factors).zip(rows.values.chunks_exact(query.len()))
    {
        let terms = row.iter().zip(query).map(|(&value, &asked)| i32::from(value) * i32::from(asked));
        *score = (shift + terms.sum::<i32>()) as f32 * scale;
    }
}

#[cfg(target_feature = "simd128")]
pub(crate) mod wasm {
    use core::hint::black_box;

    use core::arch::wasm32::{
        f32x4_convert_i32x4, f32x4_mul, i32x4_add, i32x4_shuffle, i32x4_splat, v128, v128_load, v128_store,
    };

    use super::{GROUP, Rows, STEP};

    /// # Safety
    ///
    /// `scores` are whole groups, with a shift and a scale each, and the values one row each as long as `query`,
    /// which is whole steps and not empty.
    // The whole loop has the feature: a function that has it is not inlined into one that has not. And it stays a
    // function: within a large one its pointers would live on the stack.
    #[cfg_attr(feature = "relaxed-simd", target_feature(enable = "relaxed-simd"))]
    #[inline(never)]
    pub(super) unsafe fn scores(rows: Rows<'_>, query: &[u8], scores: &mut [f32]) {
        let stride = query.len();
        let (mut row, mut to) = (rows.values.as_ptr(), scores.as_mut_ptr());
        let (mut shift, mut scale) = (rows.shifts.as_ptr(), rows.scales.as_ptr());
        let end = to.wrapping_add(scores.len());
        while to != end {
            let mut sums = [i32x4_splat(0); GROUP];
            // Wrapping, as nothing here may bring a check and so a branch along.
            let mut group: [*const i8; GROUP] =
                core::array::from_fn(|number| row.wrapping_add(number.wrapping_mul(stride)));
            let (mut query, mut left) = (query.as_ptr(), stride / STEP);
            'row: loop {
                // A backward branch has a check that an engine adds, and around it every sum goes to the stack and
                // back; a forward one has not. So eight steps follow each other, with a way out behind each.
                macro_rules! step {
                    ($number:literal) => {
                        // SAFETY: a whole step below the stride; each row is one stride long. At a fixed distance: an
                        // address that is summed up costs an instruction.
                        unsafe {
                            let asked = v128_load(query.add($number * STEP).cast());
                            for (sum, row) in sums.iter_mut().zip(group) {
                                *sum = dot_add(v128_load(row.add($number * STEP).cast()), asked, *sum);
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
                // A pointer that the compiler can foresee it sums up anew for each load.
                query = black_box(query.wrapping_add(8 * STEP));
                group = group.map(|row| black_box(row.wrapping_add(8 * STEP)));
            }
            let sum = transposed(sums);
            // SAFETY: one group further each time, and there are as many groups of each.
            unsafe {
                let product = f32x4_convert_i32x4(i32x4_add(sum, v128_load(shift.cast())));
                v128_store(to.cast(), f32x4_mul(product, v128_load(scale.cast())));
                row = black_box(row.add(stride.wrapping_mul(GROUP)));
                (shift, scale, to) = (shift.add(GROUP), scale.add(GROUP), to.add(GROUP));
            }
        }
    }

    /// Four sums of four lanes each become one vector of four sums.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "so that it stays in registers")]
    pub(crate) fn transposed([a, b, c, d]: [v128; GROUP]) -> v128 {
        let ab = i32x4_add(i32x4_shuffle::<0, 4, 1, 5>(a, b), i32x4_shuffle::<2, 6, 3, 7>(a, b));
        let cd = i32x4_add(i32x4_shuffle::<0, 4, 1, 5>(c, d), i32x4_shuffle::<2, 6, 3, 7>(c, d));
        i32x4_add(i32x4_shuffle::<0, 1, 4, 5>(ab, cd), i32x4_shuffle::<2, 3, 6, 7>(ab, cd))
    }

    /// Adds the products of sixteen signed bytes with sixteen of seven bits, four to a lane.
    ///
    /// Relaxed, yet exact: two products of this kind are below 2^15, where engines could differ.
    #[cfg(feature = "relaxed-simd")]
    #[inline]
    #[target_feature(enable = "relaxed-simd")]
    fn dot_add(row: v128, asked: v128, sum: v128) -> v128 {
        core::arch::wasm32::i32x4_relaxed_dot_i8x16_i7x16_add(row, asked, sum)
    }

    /// Adds the products of sixteen signed bytes with sixteen of seven bits, four to a lane.
    #[cfg(not(feature = "relaxed-simd"))]
    #[inline]
    pub(crate) fn dot_add(row: v128, asked: v128, sum: v128) -> v128 {
        use core::arch::wasm32::{
            i16x8_extend_high_i8x16, i16x8_extend_low_i8x16, i32x4_dot_i16x8, u16x8_extend_high_u8x16,
            u16x8_extend_low_u8x16,
        };
        let low = i32x4_dot_i16x8(i16x8_extend_low_i8x16(row), u16x8_extend_low_u8x16(asked));
        let high = i32x4_dot_i16x8(i16x8_extend_high_i8x16(row), u16x8_extend_high_u8x16(asked));
        i32x4_add(sum, i32x4_add(low, high))
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) mod x86 {
    use core::arch::x86_64::{
        __m128i, __m256i, _mm_add_epi32, _mm_cvtepi32_ps, _mm_loadu_ps, _mm_loadu_si128, _mm_mul_ps,
        _mm_storeu_ps, _mm256_add_epi32, _mm256_castsi256_si128, _mm256_cvtepi8_epi16, _mm256_cvtepu8_epi16,
        _mm256_extracti128_si256, _mm256_hadd_epi32, _mm256_madd_epi16, _mm256_setzero_si256,
    };

    use super::{GROUP, Rows, STEP};

    /// # Safety
    ///
    /// The processor has AVX2; `scores` are whole groups, with a shift and a scale each, and the values one row each
    /// as long as `query`, which is whole steps.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn scores(rows: Rows<'_>, query: &[u8], scores: &mut [f32]) {
        let stride = query.len();
        let factors = rows.shifts.as_chunks::<GROUP>().0.iter().zip(rows.scales.as_chunks::<GROUP>().0);
        let groups = rows.values.chunks_exact(GROUP * stride).zip(factors);
        for (to, (rows, (shifts, scales))) in scores.as_chunks_mut::<GROUP>().0.iter_mut().zip(groups) {
            let mut sums = [_mm256_setzero_si256(); GROUP];
            let mut at = 0;
            while at != stride {
                // SAFETY: `at` is a whole step below the stride; each row is one stride long.
                let asked = _mm256_cvtepu8_epi16(unsafe { step(query.as_ptr().add(at).cast()) });
                for (row, sum) in sums.iter_mut().enumerate() {
                    // SAFETY: as above.
                    let values = unsafe { step(rows.as_ptr().add(row * stride + at)) };
                    *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(_mm256_cvtepi8_epi16(values), asked));
                }
                at += STEP;
            }
            let lanes = sum_lanes(sums);
            // SAFETY: four numbers of 32 bits each.
            unsafe {
                let products = _mm_cvtepi32_ps(_mm_add_epi32(lanes, _mm_loadu_si128(shifts.as_ptr().cast())));
                _mm_storeu_ps(to.as_mut_ptr(), _mm_mul_ps(products, _mm_loadu_ps(scales.as_ptr())));
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn step(from: *const i8) -> __m128i {
        // SAFETY: the caller's promise; it need not be aligned.
        unsafe { _mm_loadu_si128(from.cast()) }
    }

    /// Four sums of eight lanes each become one vector of four sums.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn sum_lanes([a, b, c, d]: [__m256i; GROUP]) -> __m128i {
        let halves = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
        _mm_add_epi32(_mm256_castsi256_si128(halves), _mm256_extracti128_si256::<1>(halves))
    }
}

#[cfg(test)]
#[allow(clippy::needless_pass_by_value, reason = "quickcheck passes values")]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use quickcheck::{Gen, QuickCheck, TestResult};

    use super::*;

    fn scores(dot: Dot, rows: Rows<'_>, query: &[u8]) -> Vec<f32> {
        let mut scores = vec![0.0; rows.shifts.len()];
        dot.scores(rows, query, &mut scores);
        scores
    }

    #[test]
    fn the_fastest_form_gives_what_the_plain_one_gives() {
        fn holds(values: Vec<i8>, asked: Vec<u8>, shift: i16) -> TestResult {
            let stride = (asked.len() / STEP * STEP).min(288);
            if stride == 0 || values.len() < GROUP * stride {
                return TestResult::discard();
            }
            let count = values.len() / (GROUP * stride) * GROUP;
            let query: Vec<u8> = asked[..stride].iter().map(|value| value & 127).collect();
            let shifts: Vec<i32> = (0..count as i32).map(|row| row * i32::from(shift)).collect();
            let scales: Vec<f32> = (0..count as i32).map(|row| libm::exp2f((row % 9) as f32 - 4.0)).collect();
            let rows = Rows { values: &values[..count * stride], shifts: &shifts, scales: &scales };
            TestResult::from_bool(scores(Dot::best(), rows, &query) == scores(Dot::Plain, rows, &query))
        }
        QuickCheck::new().rng(Gen::new(3_000)).quickcheck(holds as fn(Vec<i8>, Vec<u8>, i16) -> TestResult);
    }

    #[test]
    fn the_extremes_do_not_saturate() {
        let query = [127_u8; 64];
        for value in [i8::MIN, i8::MAX] {
            let rows = Rows { values: &[value; GROUP * 64], shifts: &[0; GROUP], scales: &[1.0; GROUP] };
            let expected = (i32::from(value) * 127 * 64) as f32;
            assert_eq!(scores(Dot::best(), rows, &query), [expected; GROUP]);
        }
    }
}
