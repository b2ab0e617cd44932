//! Events as most players write them, read in one pass: numbers, and texts without escapes.
//!
//! What it reads, `serde_json` reads in the same way, which a test compares; at anything else it gives up, and the
//! general reader decides. More than twice as fast as that: reading was the largest part of what an event costs a node.

use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error, StrDeserializer};

use crate::{Event, EventKind, Text, Told};

/// The events of a body, each of them checked.
pub(crate) fn read(body: &[u8], events_max: usize) -> Option<Vec<Told<'_>>> {
    let mut reader = Reader { text: str::from_utf8(body).ok()?, at: 0 };
    reader.sign(b'{')?;
    if reader.text::<&str>()? != "events" {
        return None;
    }
    reader.sign(b':')?;
    reader.sign(b'[')?;
    let mut events = Vec::with_capacity(events_max);
    let mut order = [u8::MAX; FIELDS];
    loop {
        let event = event(&mut reader, &mut order)?;
        events.push(event.validate().map(|()| event));
        match reader.next()? {
            b',' if events.len() < events_max => (),
            b']' => break,
            _ => return None,
        }
    }
    reader.sign(b'}')?;
    reader.pass_space();
    (reader.at == body.len()).then_some(events)
}

/// Reads the fields of an event, each by the method of [`Reader`] that is named beside it. `order` has the fields as
/// the event before had them, for a player writes all its events in one order: a name that is where it was is only
/// compared with what it should be.
macro_rules! fields {
    ($($number:literal $field:ident $read:ident)+) => {
        fn event<'a>(reader: &mut Reader<'a>, order: &mut [u8; FIELDS]) -> Option<Event<'a>> {
            let mut event = Event::new("", "", EventKind::Start, 0);
            let mut seen = 0_u32;
            reader.sign(b'{')?;
            for expected in order {
                reader.pass_space();
                match *expected {
                    $($number if reader.passes(concat!("\"", stringify!($field), "\":")) => {
                        event.$field = reader.$read()?;
                    })+
                    _ => {
                        let name = reader.text()?;
                        reader.sign(b':')?;
                        match name {
                            $(stringify!($field) => {
                                *expected = $number;
                                event.$field = reader.$read()?;
                            })+
                            _ => return None,
                        }
                    }
                }
                let field = 1 << *expected;
                // None may stand twice.
                if seen & field != 0 {
                    return None;
                }
                seen |= field;
                match reader.next()? {
                    b',' => (),
                    b'}' => return (seen & REQUIRED == REQUIRED).then_some(event),
                    _ => return None,
                }
            }
            None
        }

        const FIELDS: usize = [$($number),+].len();
    };
}

fields! {
    0 event_id text
    1 session_id text
    2 kind name
    3 at_unix_ms number
    4 sequence number_or_null
    5 viewer number_or_null
    6 title number_or_null
    7 region text_or_null
    8 device text_or_null
    9 cdn text_or_null
    10 position_ms number_or_null
    11 duration_ms number_or_null
    12 kbps number_or_null
    13 top_kbps number_or_null
    14 throughput_kbps number_or_null
    15 buffer_ms number_or_null
    16 latency_ms number_or_null
    17 startup_ms number_or_null
    18 buffering_events number_or_null
    19 stalled_ms number_or_null
    20 stalled_more_ms number_or_null
    21 dropped_frames number_or_null
    22 width number_or_null
    23 height number_or_null
    24 frame_rate_milli number_or_null
    25 codec name_or_null
    26 error_code text_or_null
}

/// Those without which an event is none: the first four.
const REQUIRED: u32 = 0b1111;

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn pass_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is not space.
    fn next(&mut self) -> Option<u8> {
        self.pass_space();
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn sign(&mut self, sign: u8) -> Option<()> {
        (self.next()? == sign).then_some(())
    }

    /// Whether these bytes come next; then they are behind.
    #[inline(always)]
    fn passes(&mut self, bytes: &str) -> bool {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let comes = rest.starts_with(bytes.as_bytes());
        self.at += if comes { bytes.len() } else { 0 };
        comes
    }

    fn text<T: From<&'a str>>(&mut self) -> Option<T> {
        self.sign(b'"')?;
        let from = self.at;
        let rest = self.text.as_bytes().get(from..)?;
        let length = plain_length(rest);
        // Not the end: an escape, or a control character.
        if *rest.get(length)? != b'"' {
            return None;
        }
        self.at = from + length + 1;
        self.text.get(from..from + length).map(T::from)
    }

    fn number<T: TryFrom<u64>>(&mut self) -> Option<T> {
        self.pass_space();
        let digits = self.text.as_bytes().get(self.at..)?;
        let (mut value, mut length) = (0_u64, 0);
        while let Some(digit @ 0..=9) = digits.get(length).map(|byte| byte.wrapping_sub(b'0')) {
            value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
            length += 1;
        }
        let is_padded = length > 1 && digits[0] == b'0';
        if length == 0 || length > DIGITS_MAX || is_padded {
            return None;
        }
        self.at += length;
        T::try_from(value).ok()
    }

    /// A name of an enumeration, in the words of its own.
    fn name<T: Deserialize<'a>>(&mut self) -> Option<T> {
        let name: StrDeserializer<'a, Error> = self.text::<&str>()?.into_deserializer();
        T::deserialize(name).ok()
    }

    fn number_or_null<T: TryFrom<u64>>(&mut self) -> Option<Option<T>> {
        self.or_null(Self::number)
    }

    fn text_or_null(&mut self) -> Option<Option<Text<'a>>> {
        self.or_null(Self::text)
    }

    fn name_or_null<T: Deserialize<'a>>(&mut self) -> Option<Option<T>> {
        self.or_null(Self::name)
    }

    fn or_null<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        self.pass_space();
        if self.peek()? != b'n' {
            return read(self).map(Some);
        }
        self.text.as_bytes().get(self.at..)?.starts_with(b"null").then(|| self.at += 4)?;
        Some(None)
    }
}

/// So many always fit 64 bits.
const DIGITS_MAX: usize = 19;

/// Bytes before the first that ends a text or makes it more than its bytes; all when there is none.
fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    let mut at = 0;
    // Eight at once: a byte's highest bit tells, and the lowest of them is right, for what a subtraction carries on
    // goes upwards.
    while let Some(eight) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let eight = u64::from_le_bytes(*eight);
        let zero_in = |word: u64| word.wrapping_sub(ONES) & !word;
        let control = eight.wrapping_sub(ONES * 0x20) & !eight;
        let quote = zero_in(eight ^ (ONES * u64::from(b'"')));
        let escape = zero_in(eight ^ (ONES * u64::from(b'\\')));
        let found = (control | quote | escape) & (ONES * 0x80);
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    let ends = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    at + rest.iter().position(ends).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(body: &str) -> bool {
        read(body.as_bytes(), 2).is_some()
    }

    #[test]
    fn what_players_write_is_read_in_one_pass() {
        let one =
            r#"{"event_id":"e","session_id":"s","kind":"start","at_unix_ms":1,"kbps":null,"codec":"av1"}"#;
        assert!(reads(&format!(r#"{{"events":[{one},{one}]}}"#)));
        let spaced = one.replace(':', ": ").replace(',', ", ");
        assert!(reads(&format!("{{\"events\": [{spaced},\n {spaced}]}}\n")));
        let turned = r#"{"at_unix_ms":1,"kind":"stop","session_id":"s","event_id":"e"}"#;
        assert!(reads(&format!(r#"{{"events":[{one},{turned}]}}"#)));
    }

    #[test]
    fn what_needs_more_care_is_left_to_the_general_reader() {
        let one = |more: &str| {
            format!(
                r#"{{"events":[{{"event_id":"e","session_id":"s","kind":"start","at_unix_ms":1{more}}}]}}"#
            )
        };
        assert!(reads(&one("")));
        for more in [
            r#","region":"\u0065u""#,
            r#","kbps":1e3"#,
            r#","kbps":-1"#,
            r#","kbps":007"#,
            r#","kbps":4294967296"#,
            r#","position_ms":18446744073709551616"#,
            r#","kbps":5,"kbps":5"#,
            r#","colour":1"#,
            r#","codec":"divx""#,
            r#","title":nul"#,
            ",",
        ] {
            assert!(!reads(&one(more)), "{more}");
        }
        let three = [r#"{"event_id":"e","session_id":"s","kind":"start","at_unix_ms":1}"#; 3].join(",");
        assert!(!reads(&format!(r#"{{"events":[{three}]}}"#)));
        for body in ["", "{", r#"{"events":[]}"#, r#"{"events":[{}]}"#, r#"{"Events":[{}]}"#] {
            assert!(!reads(body), "{body}");
        }
        assert!(!reads(&(one("") + "x")));
    }

    #[test]
    fn a_text_ends_at_its_first_byte_that_is_not_plain() {
        for length in 0..40 {
            for last in [b'"', b'\\', 0, 0x1f] {
                let text = [&vec![b'~'; length][..], &[last], &[b'"'; 9]].concat();
                assert_eq!(plain_length(&text), length, "{last}");
            }
            let text = vec![0xc3; length];
            assert_eq!(plain_length(&text), length);
        }
    }
}
