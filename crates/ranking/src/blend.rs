//! Puts the scores of the item-to-item rows and of the tower on one scale, and adds them.
//!
//! The tower's dot product is the logarithm of a chance, but for a constant that is the same for all candidates.
//! A row score is itself an estimate of that chance (a regression on "was watched next"), so its logarithm is on
//! the same scale: blended = tower + `weight` · ln((max(row, 0) + `floor`) / `floor`). The floor is what a candidate
//! without any row entry is still worth; such a candidate keeps the tower's score as it is.

use core::fmt;

use crate::limits::{BLEND_FLOOR_MIN, BLEND_WEIGHT_MAX};

/// How two sources are blended; chosen on held-out views, shipped with the rules of a release.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Blend {
    weight: f32,
    floor: f32,
}

/// Why numbers are no blend.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BlendError {
    /// The weight is not from 0 to [`crate::limits::BLEND_WEIGHT_MAX`].
    Weight {
        /// What it was.
        weight: f32,
    },
    /// The floor is not from [`crate::limits::BLEND_FLOOR_MIN`] to 1.
    Floor {
        /// What it was.
        floor: f32,
    },
}

impl Blend {
    /// Checks both numbers.
    ///
    /// # Errors
    ///
    /// Names the number that is outside its range.
    pub fn new(weight: f32, floor: f32) -> Result<Self, BlendError> {
        if !(0.0..=BLEND_WEIGHT_MAX).contains(&weight) {
            return Err(BlendError::Weight { weight });
        }
        if !(BLEND_FLOOR_MIN..=1.0).contains(&floor) {
            return Err(BlendError::Floor { floor });
        }
        Ok(Self { weight, floor })
    }

    /// What the logarithm of a row score counts.
    pub fn weight(&self) -> f32 {
        self.weight
    }

    /// What a candidate without a row entry is worth, as a chance.
    pub fn floor(&self) -> f32 {
        self.floor
    }

    /// The blended score of one candidate.
    pub fn score(&self, row: f32, tower: f32) -> f32 {
        // Most candidates have no entry: no logarithm for them, and exactly the tower's score.
        if row <= 0.0 {
            return tower;
        }
        tower + self.weight * libm::log1pf(row / self.floor)
    }

    /// Adds what a row says to a tower score that is still to be multiplied with `scale`, a power of two, as is the sum;
    /// with a logarithm that is off by up to 2 · 10⁻⁵ · weight, to choose the candidates whose score is then taken
    /// exactly.
    pub(crate) fn rough_score(&self, row: f32, tower: f32, scale: f32) -> f32 {
        if row <= 0.0 {
            return tower;
        }
        tower + self.weight / scale * rough_ln(1.0 + row / self.floor)
    }

    /// Adds what the rows say to the tower's scores of the same candidates; the shorter slice ends it.
    pub fn add_rows(&self, rows: &[f32], tower: &mut [f32]) {
        for (tower, &row) in tower.iter_mut().zip(rows) {
            *tower = self.score(row, *tower);
        }
    }
}

/// ln x for a normal x above 0, to 2 · 10⁻⁵: the exponent, and a polynomial for the mantissa.
fn rough_ln(x: f32) -> f32 {
    let bits = x.to_bits();
    let exponent = (bits >> 23) as i32 - 127;
    let t = f32::from_bits(bits & 0x007f_ffff | 0x3f80_0000) - 1.0;
    let p = MANTISSA.iter().rev().fold(0.0, |p, c| p * t + c);
    #[allow(clippy::cast_precision_loss, reason = "an exponent is below 256")]
    let exponent = exponent as f32;
    exponent * core::f32::consts::LN_2 + p * t
}

/// ln(1 + t) / t on 0 to 1, fitted by least squares at Chebyshev's points.
const MANTISSA: [f32; 5] = [0.999_435, -0.491_347_93, 0.287_826_3, -0.134_135_43, 0.031_377_59];

impl fmt::Display for BlendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Weight { weight } => write!(f, "the weight {weight} is not from 0 to {BLEND_WEIGHT_MAX}"),
            Self::Floor { floor } => write!(f, "the floor {floor} is not from {BLEND_FLOOR_MIN} to 1"),
        }
    }
}

impl core::error::Error for BlendError {}

#[cfg(test)]
mod tests {

    use super::*;

    const BLEND: Blend = Blend { weight: 0.5, floor: 0.001 };

    fn small(value: i16) -> f32 {
        f32::from(value) / 1_000.0
    }

    #[test]
    fn adds_logarithms_of_chances() {
        // 0.5 · ln((0.099 + 0.001) / 0.001) = ln 10.
        assert!((BLEND.score(0.099, -3.0) - (-3.0 + 10.0_f32.ln())).abs() < 1e-6);
        let mut scores = [1.0, -2.0, 3.0];
        BLEND.add_rows(&[0.0, -0.4, 0.003], &mut scores);
        assert_eq!(scores[..2], [1.0, -2.0]);
        assert!((scores[2] - (3.0 + 0.5 * 4.0_f32.ln())).abs() < 1e-6);
    }

    #[test]
    fn a_better_source_never_lowers_a_score() {
        fn property(row: i16, tower: i16, more: u8) -> bool {
            let (row, tower, more) = (small(row), small(tower), f32::from(more) / 100.0);
            let score = BLEND.score(row, tower);
            BLEND.score(row + more, tower) >= score && BLEND.score(row, tower + more) >= score
        }
        quickcheck::quickcheck(property as fn(i16, i16, u8) -> bool);
    }

    #[test]
    fn a_constant_on_the_tower_changes_no_order() {
        fn property(a: (i16, i16), b: (i16, i16), constant: i8) -> bool {
            let score = |(row, tower): (i16, i16), more: f32| BLEND.score(small(row), small(tower) + more);
            let gap = score(a, 0.0) - score(b, 0.0);
            let moved = score(a, f32::from(constant)) - score(b, f32::from(constant));
            (gap - moved).abs() < 1e-3
        }
        quickcheck::quickcheck(property as fn((i16, i16), (i16, i16), i8) -> bool);
    }

    #[test]
    fn scores_stay_finite() {
        fn property(row: f32, tower: f32) -> bool {
            !row.is_finite() || !tower.is_finite() || BLEND.score(row.min(1e30), tower.min(1e30)).is_finite()
        }
        quickcheck::quickcheck(property as fn(f32, f32) -> bool);
    }

    #[test]
    fn without_weight_the_tower_decides() {
        fn property(row: i16, tower: i16) -> bool {
            let blend = Blend::new(0.0, 0.01).unwrap();
            blend.score(small(row), small(tower)) == small(tower)
        }
        quickcheck::quickcheck(property as fn(i16, i16) -> bool);
    }

    #[test]
    fn a_rough_score_is_near_the_exact_one() {
        fn property(row: i16, weight: u8, floor: u8, scale_log2: i8) -> bool {
            let blend = Blend::new(f32::from(weight) / 50.0, (f32::from(floor) + 1.0) / 1_000.0).unwrap();
            let (row, scale) = (small(row), libm::exp2f(f32::from(scale_log2 % 20)));
            let exact = blend.score(row, 0.5);
            let rough = blend.rough_score(row, 0.5 / scale, scale) * scale;
            (exact - rough).abs() <= 3e-5 * blend.weight() + 1e-5 * exact.abs()
        }
        quickcheck::quickcheck(property as fn(i16, u8, u8, i8) -> bool);
    }

    #[test]
    fn refuses_numbers_out_of_range() {
        assert!(matches!(Blend::new(-0.1, 0.1), Err(BlendError::Weight { .. })));
        assert!(matches!(Blend::new(f32::NAN, 0.1), Err(BlendError::Weight { .. })));
        assert!(matches!(Blend::new(1.0, 0.0), Err(BlendError::Floor { .. })));
        assert!(matches!(Blend::new(1.0, f32::NAN), Err(BlendError::Floor { .. })));
    }
}
