//! Logarithm and exponential from additions, products and quotients alone: the same bits everywhere.

/// Returns the natural logarithm of a positive finite number, within 1e-12 of it; of anything else, of the nearest
/// such number (0 and below: of the smallest normal one).
pub(crate) fn ln(x: f64) -> f64 {
    let x = if x > f64::MIN_POSITIVE { x.min(f64::MAX) } else { f64::MIN_POSITIVE };
    let bits = x.to_bits();
    // The mantissa as a number from 1 to 2, moved to 0.75 to 1.5, where the series below is short.
    let mantissa = f64::from_bits((bits & MANTISSA) | ONE);
    let exponent = ((bits >> 52) as i64 - 1_023) as f64;
    let (mantissa, exponent) = if mantissa > 1.5 { (mantissa * 0.5, exponent + 1.0) } else { (mantissa, exponent) };
    // ln m = 2 artanh((m - 1) / (m + 1)); the argument is at most 0.2.
    let t = (mantissa - 1.0) / (mantissa + 1.0);
    let square = t * t;
    let mut series = 0.0;
    for odd in [15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0] {
        series = series * square + 1.0 / odd;
    }
    exponent * core::f64::consts::LN_2 + 2.0 * t * series
}

/// Returns e to the power of `x`, within 1e-13 of it; `x` is taken to be between -700 and 700.
pub(crate) fn exp(x: f64) -> f64 {
    let x = if x > -700.0 { x.min(700.0) } else { -700.0 };
    let halves = x * core::f64::consts::LOG2_E;
    let whole = (halves + if halves < 0.0 { -0.5 } else { 0.5 }) as i64;
    let rest = (halves - whole as f64) * core::f64::consts::LN_2;
    let mut series = 1.0;
    for power in [14.0, 13.0, 12.0, 11.0, 10.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0] {
        series = 1.0 + rest / power * series;
    }
    series * f64::from_bits(((whole + 1_023) as u64) << 52)
}

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
