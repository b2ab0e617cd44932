//! Eight floats that are computed with together, one in each lane.
//!
//! Written out because what the compiler makes of plain loops for WebAssembly is mostly one float at a time.
#![cfg_attr(
    target_feature = "simd128",
    allow(unsafe_code, reason = "vector instructions load from raw pointers")
)]

/// Lanes there are.
pub(crate) const LANES: usize = 8;

/// Inputs of eight rows that are turned at once.
pub(crate) const INPUTS: usize = 4;

#[cfg(target_feature = "simd128")]
use core::arch::wasm32 as arch;

/// Eight floats; whatever is done to them is done in every lane, and rounds in every lane.
#[derive(Clone, Copy)]
pub(crate) struct Lanes(
    #[cfg(target_feature = "simd128")] [arch::v128; 2],
    #[cfg(not(target_feature = "simd128"))] [f32; LANES],
);

#[cfg(target_feature = "simd128")]
#[allow(clippy::inline_always, reason = "instructions")]
impl Lanes {
    #[inline(always)]
    pub(crate) fn splat(value: f32) -> Self {
        Self([arch::f32x4_splat(value); 2])
    }

    #[inline(always)]
    pub(crate) fn load(from: &[f32; LANES]) -> Self {
        // SAFETY: eight floats.
        unsafe { Self([arch::v128_load(from.as_ptr().cast()), arch::v128_load(from[4..].as_ptr().cast())]) }
    }

    /// Four columns of eight rows.
    #[inline(always)]
    pub(crate) fn columns(rows: [&[f32; INPUTS]; LANES]) -> [Self; INPUTS] {
        // SAFETY: four floats each.
        let [a, b, c, d, e, f, g, h] = rows.map(|row| unsafe { arch::v128_load(row.as_ptr().cast()) });
        let [low, high] = [[a, b, c, d], [e, f, g, h]].map(turned);
        core::array::from_fn(|column| Self([low[column], high[column]]))
    }

    #[inline(always)]
    pub(crate) fn from_bytes(from: &[i8; LANES]) -> Self {
        // SAFETY: eight bytes.
        let words = unsafe { arch::i16x8_load_extend_i8x8(from.as_ptr()) };
        let (low, high) = (arch::i32x4_extend_low_i16x8(words), arch::i32x4_extend_high_i16x8(words));
        Self([arch::f32x4_convert_i32x4(low), arch::f32x4_convert_i32x4(high)])
    }

    #[inline(always)]
    pub(crate) fn store(self, to: &mut [f32; LANES]) {
        // SAFETY: eight floats.
        unsafe {
            arch::v128_store(to.as_mut_ptr().cast(), self.0[0]);
            arch::v128_store(to[4..].as_mut_ptr().cast(), self.0[1]);
        }
    }

    #[inline(always)]
    pub(crate) fn plus(self, other: Self) -> Self {
        Self([arch::f32x4_add(self.0[0], other.0[0]), arch::f32x4_add(self.0[1], other.0[1])])
    }

    #[inline(always)]
    pub(crate) fn minus(self, other: Self) -> Self {
        Self([arch::f32x4_sub(self.0[0], other.0[0]), arch::f32x4_sub(self.0[1], other.0[1])])
    }

    #[inline(always)]
    pub(crate) fn times(self, other: Self) -> Self {
        Self([arch::f32x4_mul(self.0[0], other.0[0]), arch::f32x4_mul(self.0[1], other.0[1])])
    }

    /// The other where it is greater.
    #[inline(always)]
    pub(crate) fn or_greater(self, other: Self) -> Self {
        // Not the instruction for it: where a crate has relaxed ones, the compiler takes the relaxed one instead.
        let greater = |a, b| arch::v128_bitselect(b, a, arch::f32x4_lt(a, b));
        Self([greater(self.0[0], other.0[0]), greater(self.0[1], other.0[1])])
    }

    /// What is not above 0 as 0.
    #[inline(always)]
    pub(crate) fn rectified(self) -> Self {
        let zero = arch::f32x4_splat(0.0);
        Self(self.0.map(|half| arch::v128_and(half, arch::f32x4_gt(half, zero))))
    }

    /// Without their signs.
    #[inline(always)]
    pub(crate) fn sizes(self) -> Self {
        Self([arch::f32x4_abs(self.0[0]), arch::f32x4_abs(self.0[1])])
    }

    /// Whether a lane is at least as great.
    #[inline(always)]
    pub(crate) fn any_reaches(self, threshold: Self) -> bool {
        let [low, high] = [0, 1].map(|half| arch::f32x4_ge(self.0[half], threshold.0[half]));
        arch::v128_any_true(arch::v128_or(low, high))
    }

    /// The lowest bits of each lane as a whole number, less those of `zero`.
    #[inline(always)]
    pub(crate) fn bits_above(self, zero: f32) -> [i16; LANES] {
        let zero = arch::i32x4_splat(zero.to_bits() as i32);
        let [low, high] = self.0.map(|half| arch::i32x4_sub(half, zero));
        let mut words = [0; LANES];
        // SAFETY: eight words.
        unsafe { arch::v128_store(words.as_mut_ptr().cast(), arch::i16x8_narrow_i32x4(low, high)) };
        words
    }

    /// 2ⁿ in each lane, for n from −126 to 127 whose whole number `bits_above(zero)` would be.
    #[inline(always)]
    pub(crate) fn powers_of_two(self, zero: f32) -> Self {
        let zero = arch::i32x4_splat((zero.to_bits() as i32).wrapping_sub(127));
        Self(self.0.map(|half| arch::i32x4_shl(arch::i32x4_sub(half, zero), 23)))
    }

    #[inline(always)]
    fn to_array(self) -> [f32; LANES] {
        let mut array = [0.0; LANES];
        self.store(&mut array);
        array
    }
}

#[cfg(not(target_feature = "simd128"))]
#[allow(clippy::inline_always, reason = "instructions")]
impl Lanes {
    #[inline(always)]
    pub(crate) fn splat(value: f32) -> Self {
        Self([value; LANES])
    }

    #[inline(always)]
    pub(crate) fn load(from: &[f32; LANES]) -> Self {
        Self(*from)
    }

    /// Four columns of eight rows.
    #[inline(always)]
    pub(crate) fn columns(rows: [&[f32; INPUTS]; LANES]) -> [Self; INPUTS] {
        core::array::from_fn(|column| Self(rows.map(|row| row[column])))
    }

    #[inline(always)]
    pub(crate) fn from_bytes(from: &[i8; LANES]) -> Self {
        Self(from.map(f32::from))
    }

    #[inline(always)]
    pub(crate) fn store(self, to: &mut [f32; LANES]) {
        *to = self.0;
    }

    #[inline(always)]
    fn with(self, other: Self, both: impl Fn(f32, f32) -> f32) -> Self {
        Self(core::array::from_fn(|lane| both(self.0[lane], other.0[lane])))
    }

    #[inline(always)]
    pub(crate) fn plus(self, other: Self) -> Self {
        self.with(other, |a, b| a + b)
    }

    #[inline(always)]
    pub(crate) fn minus(self, other: Self) -> Self {
        self.with(other, |a, b| a - b)
    }

    #[inline(always)]
    pub(crate) fn times(self, other: Self) -> Self {
        self.with(other, |a, b| a * b)
    }

    /// The other where it is greater.
    #[inline(always)]
    pub(crate) fn or_greater(self, other: Self) -> Self {
        self.with(other, |a, b| if b > a { b } else { a })
    }

    /// What is not above 0 as 0.
    #[inline(always)]
    pub(crate) fn rectified(self) -> Self {
        Self(self.0.map(|value| if value > 0.0 { value } else { 0.0 }))
    }

    /// Without their signs.
    #[inline(always)]
    pub(crate) fn sizes(self) -> Self {
        Self(self.0.map(f32::abs))
    }

    /// Whether a lane is at least as great.
    #[inline(always)]
    pub(crate) fn any_reaches(self, threshold: Self) -> bool {
        self.0.iter().zip(threshold.0).fold(false, |any, (&value, threshold)| any | (value >= threshold))
    }

    /// The lowest bits of each lane as a whole number, less those of `zero`.
    #[inline(always)]
    pub(crate) fn bits_above(self, zero: f32) -> [i16; LANES] {
        self.0.map(|value| (value.to_bits() as i32).wrapping_sub(zero.to_bits() as i32) as i16)
    }

    /// 2ⁿ in each lane, for n from −126 to 127 whose whole number `bits_above(zero)` would be.
    #[inline(always)]
    pub(crate) fn powers_of_two(self, zero: f32) -> Self {
        let power = |value: f32| value.to_bits().wrapping_sub(zero.to_bits()).wrapping_add(127) << 23;
        Self(self.0.map(|value| f32::from_bits(power(value))))
    }

    #[inline(always)]
    fn to_array(self) -> [f32; LANES] {
        self.0
    }
}

impl Lanes {
    /// The sum of all, in pairs: an order that vector units of any width can keep.
    #[inline]
    pub(crate) fn sum(self) -> f32 {
        let [a, b, c, d, e, f, g, h] = self.to_array();
        ((a + e) + (c + g)) + ((b + f) + (d + h))
    }

    /// The greatest.
    #[inline]
    pub(crate) fn greatest(self) -> f32 {
        self.to_array()
            .into_iter()
            .fold(f32::MIN, |greatest, value| if value > greatest { value } else { greatest })
    }
}

/// Rows as columns.
#[cfg(target_feature = "simd128")]
#[allow(clippy::inline_always, reason = "so that it stays in registers")]
#[inline(always)]
fn turned([a, b, c, d]: [arch::v128; INPUTS]) -> [arch::v128; INPUTS] {
    let pairs = |a, b| [arch::i32x4_shuffle::<0, 4, 1, 5>(a, b), arch::i32x4_shuffle::<2, 6, 3, 7>(a, b)];
    let ([ab, ab_end], [cd, cd_end]) = (pairs(a, b), pairs(c, d));
    let halves = |a, b| [arch::i64x2_shuffle::<0, 2>(a, b), arch::i64x2_shuffle::<1, 3>(a, b)];
    let ([first, second], [third, fourth]) = (halves(ab, cd), halves(ab_end, cd_end));
    [first, second, third, fourth]
}

/// Words from 0 to 255 as bytes.
#[inline(always)]
#[allow(clippy::inline_always, reason = "an instruction")]
pub(crate) fn narrow(words: [[i16; LANES]; 2]) -> [u8; 2 * LANES] {
    let mut bytes = [0; 2 * LANES];
    #[cfg(target_feature = "simd128")]
    // SAFETY: eight words each, and sixteen bytes.
    unsafe {
        let [low, high] = words.map(|words| arch::v128_load(words.as_ptr().cast()));
        arch::v128_store(bytes.as_mut_ptr().cast(), arch::u8x16_narrow_i16x8(low, high));
    }
    #[cfg(not(target_feature = "simd128"))]
    for (byte, word) in bytes.iter_mut().zip(words.as_flattened()) {
        *byte = *word as u8;
    }
    bytes
}
