//! Percent-encoding as browsers' `encodeURIComponent` does it.

/// Where a text is not percent-encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BrokenAt(pub(crate) usize);

/// Appends the decoded text; what is not UTF-8 or not two digits after a percent sign is refused.
pub(crate) fn decode(text: &str, decoded: &mut String) -> Result<(), BrokenAt> {
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        decoded.push_str(&rest[..at]);
        let mut octets = [0; 4];
        let first = octet(&rest[at..]).ok_or_else(|| broken(text, &rest[at..]))?;
        octets[0] = first;
        // A character of UTF-8 says with its first byte how many it has.
        let length = match first {
            0..0x80 => 1,
            0xc0..0xe0 => 2,
            0xe0..0xf0 => 3,
            _ => 4,
        };
        for (index, place) in octets.iter_mut().enumerate().take(length).skip(1) {
            let more = rest.get(at + 3 * index..).and_then(octet);
            *place = more.ok_or_else(|| broken(text, &rest[at..]))?;
        }
        let character = std::str::from_utf8(&octets[..length]).map_err(|_| broken(text, &rest[at..]))?;
        decoded.push_str(character);
        rest = &rest[at + 3 * length..];
    }
    decoded.push_str(rest);
    Ok(())
}

/// Appends the encoded text.
pub(crate) fn encode(text: &str, encoded: &mut String) {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => encoded.push(char::from(byte)),
            b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')' => encoded.push(char::from(byte)),
            _ => {
                encoded.push('%');
                encoded.push(DIGITS[usize::from(byte >> 4)]);
                encoded.push(DIGITS[usize::from(byte & 15)]);
            }
        }
    }
}

fn octet(text: &str) -> Option<u8> {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    if bytes.first() != Some(&b'%') {
        return None;
    }
    Some((digit(1)? << 4 | digit(2)?) as u8)
}

fn broken(text: &str, rest: &str) -> BrokenAt {
    BrokenAt(text.len() - rest.len())
}

#[cfg(test)]
mod tests {
    use quickcheck::quickcheck;

    use super::*;

    fn decoded(text: &str) -> Option<String> {
        let mut decoded = String::new();
        decode(text, &mut decoded).ok().map(|()| decoded)
    }

    #[test]
    fn decodes_as_browsers_do() {
        assert_eq!(decoded("bl%3D3200%2Cbr%3D(2000%3Bv)").as_deref(), Some("bl=3200,br=(2000;v)"));
        assert_eq!(decoded("a+b%20%C3%BC%e2%82%ac").as_deref(), Some("a+b ü€"));
        for broken in ["%", "%4", "%zz", "%C3", "%C3a", "%ff", "%E2%82", "a%c3%"] {
            assert_eq!(decoded(broken), None, "{broken}");
        }
    }

    quickcheck! {
        fn what_is_encoded_decodes_to_itself(text: String) -> bool {
            let mut encoded = String::new();
            encode(&text, &mut encoded);
            decoded(&encoded) == Some(text)
        }
    }
}
