//! Logarithm and exponential from additions, products and quotients alone: the same bits everywhere.

/// Returns the natural logarithm of a positive finite number, within 1e-12 of it; of anything else, of the nearest
/// such number (0 and below: of the smallest normal one).
pub(crate) fn ln(x: f64) -> f64 {
    let x = if x > f64::MIN_POSITIVE { x.min(f64::MAX) } else { f64::MIN_POSITIVE };
    let bits = x.to_bits();
    // The mantissa as a number from 1 to 2, moved to 0.75 to 1.5, where the series below is short.
    let mantissa = f64::from_bits((bits & MANTISSA) | ONE);
    let exponent = ((bits >> 52) as i64 - 1_023) as f64;
    let (mantissa, exponent) =
        if mantissa > 1.5 { (mantissa * 0.5, exponent + 1.0) } else { (mantissa, exponent) };
    // ln m = 2 artanh((m - 1) / (m + 1)); the argument is at most 0.2.
    let t = (mantissa - 1.0) / (mantissa + 1.0);
    let square = t * t;
    let series = INVERSE_ODDS.iter().rev().fold(0.0, |series, factor| series * square + factor);
    exponent * core::f64::consts::LN_2 + 2.0 * t * series
}

/// Returns e to the power of `x`, within 1e-13 of it; `x` is taken to be between -700 and 700.
pub(crate) fn exp(x: f64) -> f64 {
    let x = if x > -700.0 { x.min(700.0) } else { -700.0 };
    let halves = x * core::f64::consts::LOG2_E;
    let whole = (halves + if halves < 0.0 { -0.5 } else { 0.5 }) as i64;
    let rest = (halves - whole as f64) * core::f64::consts::LN_2;
    let series = INVERSE_FACTORIALS.iter().rev().fold(0.0, |series, factor| series * rest + factor);
    series * f64::from_bits(((whole + 1_023) as u64) << 52)
}

/// 1 / 1, 1 / 3, … 1 / 15.
const INVERSE_ODDS: [f64; 8] =
    [1.0, 1.0 / 3.0, 1.0 / 5.0, 1.0 / 7.0, 1.0 / 9.0, 1.0 / 11.0, 1.0 / 13.0, 1.0 / 15.0];

/// 1 / 0!, 1 / 1!, … 1 / 13!.
const INVERSE_FACTORIALS: [f64; 14] = [
    1.0,
    1.0,
    1.0 / 2.0,
    1.0 / 6.0,
    1.0 / 24.0,
    1.0 / 120.0,
    1.0 / 720.0,
    1.0 / 5_040.0,
    1.0 / 40_320.0,
    1.0 / 362_880.0,
    1.0 / 3_628_800.0,
    1.0 / 39_916_800.0,
    1.0 / 479_001_600.0,
    1.0 / 6_227_020_800.0,
];

const MANTISSA: u64 = (1 << 52) - 1;
const ONE: u64 = 1_023 << 52;

#[cfg(test)]
mod tests {
    use quickcheck::quickcheck;

    use super::{exp, ln};

    quickcheck! {
        fn ln_agrees_with_libm(x: f64) -> bool {
            let x = x.abs();
            !x.is_normal() || (ln(x) - libm::log(x)).abs() <= 1e-12 * libm::log(x).abs().max(1.0)
        }

        fn exp_agrees_with_libm(x: f64) -> bool {
            let x = x % 700.0;
            !x.is_finite() || (exp(x) / libm::exp(x) - 1.0).abs() <= 1e-12
        }
    }

    #[test]
    fn nonsense_gives_numbers() {
        for x in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0] {
            assert!(ln(x).is_finite() && exp(x).is_finite(), "{x}");
        }
    }
}
