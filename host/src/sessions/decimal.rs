//! A number as text, without an allocation.

/// Holds the digits of the number written last.
#[derive(Debug)]
pub(super) struct Decimal([u8; DIGITS_MAX]);

/// Of 2^64 - 1.
const DIGITS_MAX: usize = 20;

impl Default for Decimal {
    fn default() -> Self {
        Self([b'0'; DIGITS_MAX])
    }
}

impl Decimal {
    pub(super) fn write(&mut self, number: u64) -> &str {
        let (mut rest, mut from) = (number, DIGITS_MAX);
        loop {
            from -= 1;
            self.0[from] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                return str::from_utf8(&self.0[from..]).unwrap_or_default();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use quickcheck::quickcheck;

    use super::Decimal;

    quickcheck! {
        fn any_number_is_written_as_the_library_does(number: u64, shift: u8) -> bool {
            let number = number >> (shift % 64);
            let mut text = Decimal::default();
            text.write(u64::MAX);
            text.write(number) == number.to_string()
        }
    }
}
