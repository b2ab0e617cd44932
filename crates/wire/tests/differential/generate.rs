//! Reports as players could send them, always the same for a seed.

use serde_json::{Map, Value, json};
use wire::cmcd::{
    Cmcd, Custom, CustomValue, Event, Key, Kind, Measured, Mode, ObjectType, State, StreamType,
    StreamingFormat, Writer,
};
use wire::cmsd::{Dynamic, Hop, Static};

use crate::canon;

/// SplitMix64.
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut hash = self.0;
        hash = (hash ^ hash >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ hash >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        hash ^ hash >> 31
    }

    /// 0 to `end`, without `end`; small numbers are as likely as large ones.
    fn below(&mut self, end: u64) -> u64 {
        let bits = self.next() % 64;
        (self.next() >> bits) % end
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[(self.next() % all.len() as u64) as usize]
    }

    fn happens(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    fn text(&mut self, chars_max: u64) -> String {
        let length = 1 + self.next() % chars_max.min(40);
        (0..length).map(|_| char::from(b' ' + (self.next() % 95) as u8)).collect()
    }
}

/// Data, and how it is sent.
pub(crate) struct Case {
    pub(crate) version: u8,
    pub(crate) mode: Mode,
    /// In the form of [`canon::of`] for version 2.
    pub(crate) data: Value,
}

/// A case: half of them events, the rest requests of both versions.
pub(crate) fn case(draw: &mut Draw, index: usize) -> Case {
    let (version, mode) = match index % 4 {
        0 | 1 => (2, Mode::Event),
        2 => (2, Mode::Request),
        _ => (1, Mode::Request),
    };
    let mut report = Cmcd::default();
    for key in Key::ALL.iter().copied() {
        if draw.happens(35) {
            put(draw, &mut report, key, version);
        }
    }
    if mode == Mode::Event {
        let event = draw.one_of(Event::ALL);
        report.set_event(event);
        let carried = match event {
            Event::BitrateChange => Some(Key::Br),
            Event::PlayState => Some(Key::Sta),
            Event::PlaybackRate => Some(Key::Pr),
            Event::ContentId => Some(Key::Cid),
            Event::Background => Some(Key::Bg),
            Event::Error => Some(Key::Ec),
            Event::Response => Some(Key::Url),
            Event::Custom => Some(Key::Cen),
            _ => None,
        };
        for key in carried.into_iter().chain([Key::Ts]) {
            put(draw, &mut report, key, version);
        }
    }
    report.set_integer(Key::V, 2).unwrap();
    for _ in 0..draw.next() % 3 {
        let name = draw.one_of(&["com.example-a", "com.example-z", "x-1", "zz-top"]);
        let value = match draw.next() % 5 {
            0 => CustomValue::Text(draw.text(40).into()),
            1 => CustomValue::Token(draw.one_of(&["a", "B*c", "d/e:f"]).into()),
            2 => CustomValue::Integer(draw.below(1_000_000_000_000) as i64 - 1_000),
            3 => CustomValue::Milli(draw.below(1_000_000) as i64 * 1_000 + 125),
            _ => CustomValue::Flag(true),
        };
        report.add_custom(Custom { name: name.into(), value }).unwrap();
    }
    Case { version, mode, data: canon::of(&report) }
}

fn put(draw: &mut Draw, report: &mut Cmcd<'_>, key: Key, version: u8) {
    match key.kind() {
        Kind::Integer { max } => report.set_integer(key, draw.below(max + 1)).unwrap(),
        Kind::Flag => report.set_flag(key, draw.happens(70)).unwrap(),
        Kind::Decimal => report.set_playback_rate_milli(draw.below(4_001) as i64).unwrap(),
        Kind::Text { chars_max } => report.set_text(key, draw.text(chars_max as u64)).unwrap(),
        Kind::Numbers { max } => {
            // See the known difference `version-1-choice`.
            let count = if version == 1 { 1 } else { 1 + draw.next() % 3 };
            let numbers = (0..count).map(|_| number(draw, key, max));
            let numbers: Vec<_> = numbers.collect();
            report.clear(key);
            report.set_numbers(key, &numbers).unwrap();
        }
        Kind::Strings => {
            report.clear(key);
            for _ in 0..=draw.next() % 3 {
                match key {
                    Key::Ec => report.add_error(draw.text(40)).unwrap(),
                    _ => {
                        let range = draw.happens(50).then(|| format!("{}-", draw.below(1_000_000)));
                        report.add_next(format!("../{}", draw.text(40)), range.map(Into::into)).unwrap();
                    }
                }
            }
        }
        Kind::Token => match key {
            Key::Sta => report.set_state(draw.one_of(State::ALL)),
            Key::Ot => report.set_object_type(draw.one_of(ObjectType::ALL)),
            Key::Sf => report.set_format(draw.one_of(StreamingFormat::ALL)),
            Key::St => report.set_stream(draw.one_of(StreamType::ALL)),
            _ => report.set_event(draw.one_of(Event::ALL)),
        },
    }
}

fn number(draw: &mut Draw, key: Key, max: u64) -> Measured {
    let value = draw.below(max + 1) as u32;
    // See the known difference `tbl`.
    let value = if key == Key::Tbl { value / 100 * 100 } else { value };
    let of = draw.happens(80).then(|| draw.one_of(ObjectType::ALL));
    Measured { value, of }
}

impl Case {
    pub(crate) fn writer(&self) -> Writer {
        Writer { version: self.version, mode: self.mode }
    }

    /// The report again, from the data that the library gets too.
    pub(crate) fn report(&self) -> Cmcd<'_> {
        let mut report = Cmcd::default();
        let object: &Map<String, Value> = self.data.as_object().unwrap();
        for (name, value) in object {
            let Some(key) = Key::from_name(name) else {
                report.add_custom(Custom { name: name.into(), value: custom(value) }).unwrap();
                continue;
            };
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            match key.kind() {
                Kind::Integer { .. } => report.set_integer(key, value.as_u64().unwrap()).unwrap(),
                Kind::Flag => report.set_flag(key, value.as_bool().unwrap()).unwrap(),
                Kind::Decimal => report.set_playback_rate_milli(milli(value)).unwrap(),
                Kind::Text { .. } => report.set_text(key, text(value)).unwrap(),
                Kind::Numbers { .. } => {
                    let numbers = value.as_array().unwrap().iter().map(|pair| Measured {
                        value: pair[0].as_u64().unwrap() as u32,
                        of: pair[1].as_str().and_then(ObjectType::from_token),
                    });
                    report.set_numbers(key, &numbers.collect::<Vec<_>>()).unwrap();
                }
                Kind::Strings if key == Key::Ec => {
                    value.as_array().unwrap().iter().for_each(|code| report.add_error(text(code)).unwrap());
                }
                Kind::Strings => value.as_array().unwrap().iter().for_each(|next| {
                    let range = next[1].as_str().map(|range| range.to_owned().into());
                    report.add_next(text(&next[0]), range).unwrap();
                }),
                Kind::Token => match (key, value.as_str().unwrap()) {
                    (Key::E, token) => report.set_event(Event::from_token(token).unwrap()),
                    (Key::Sta, token) => report.set_state(State::from_token(token).unwrap()),
                    (Key::Ot, token) => report.set_object_type(ObjectType::from_token(token).unwrap()),
                    (Key::Sf, token) => report.set_format(StreamingFormat::from_token(token).unwrap()),
                    (_, token) => report.set_stream(StreamType::from_token(token).unwrap()),
                },
            }
        }
        report
    }
}

fn milli(value: &Value) -> i64 {
    (value.as_f64().unwrap() * 1_000.0).round() as i64
}

fn custom(value: &Value) -> CustomValue<'_> {
    match value {
        Value::Bool(flag) => CustomValue::Flag(*flag),
        Value::String(text) => CustomValue::Text(text.into()),
        Value::Number(number) => {
            number.as_i64().map_or_else(|| CustomValue::Milli(milli(value)), CustomValue::Integer)
        }
        other => CustomValue::Token(other["token"].as_str().unwrap().into()),
    }
}

pub(crate) fn fixed(draw: &mut Draw) -> Static {
    Static {
        available_at_unix_ms: draw.happens(50).then(|| draw.below(253_402_300_799_999)),
        kbps: draw.happens(50).then(|| draw.below(10_000_000) as u32),
        duration_ms: draw.happens(50).then(|| draw.below(2_000_000_000)),
        held_ms: draw.happens(50).then(|| draw.below(2_000_000_000)),
        name: draw.happens(50).then(|| draw.text(40)),
        next: draw.happens(50).then(|| draw.text(40)),
        next_range: draw.happens(50).then(|| format!("{}-", draw.below(1_000))),
        object_type: draw.happens(50).then(|| draw.one_of(ObjectType::ALL)),
        format: draw.happens(50).then(|| draw.one_of(StreamingFormat::ALL)),
        stream: draw.happens(50).then(|| draw.one_of(StreamType::ALL)),
        is_startup: draw.happens(50),
        passed_over: 0,
    }
}

pub(crate) fn hops(draw: &mut Draw) -> Dynamic {
    let count = 1 + draw.next() % 4;
    let hops = (0..count).map(|_| Hop {
        name: draw.text(40),
        is_under_duress: draw.happens(50),
        throughput_kbps: draw.happens(50).then(|| draw.below(10_000_000) as u32),
        max_kbps: draw.happens(50).then(|| draw.below(10_000_000) as u32),
        response_delay_ms: draw.happens(50).then(|| draw.below(2_000_000_000)),
        rtt_ms: draw.happens(50).then(|| draw.below(2_000_000_000)),
    });
    Dynamic { hops: hops.collect(), ..Dynamic::default() }
}

#[test]
fn the_same_seed_gives_the_same_cases() {
    let (mut one, mut other) = (Draw::new(1), Draw::new(1));
    for index in 0..100 {
        assert_eq!(case(&mut one, index).data, case(&mut other, index).data);
    }
    assert_ne!(json!(null), case(&mut one, 0).data);
}
