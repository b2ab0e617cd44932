//! Writes reports as players do: sorted keys, defaults left out, values rounded.

use std::fmt::Write;

use super::key::{Kind, Use};
use super::report::{Cmcd, CustomValue, Measured};
use super::validate::{exact_of, is_allowed};
use super::{Event, Header, Key, Mode, ObjectType};
use crate::percent;

/// How reports are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Writer {
    /// 1 or 2; everything above counts as 2.
    pub version: u8,
    /// How they are sent.
    pub mode: Mode,
}

/// The header shards of a request; one without keys is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnedShards {
    /// In the order of [`Header::ALL`].
    pub texts: [Option<String>; 4],
}

impl Writer {
    /// Writes a line.
    pub fn line(&self, report: &Cmcd<'_>) -> String {
        let mut line = String::new();
        self.append(report, None, &mut line);
        line
    }

    /// Writes the argument of a query, `CMCD=…`.
    pub fn query(&self, report: &Cmcd<'_>) -> String {
        let mut query = String::from("CMCD=");
        percent::encode(&self.line(report), &mut query);
        query
    }

    /// Writes the header shards; custom keys go with the request.
    pub fn headers(&self, report: &Cmcd<'_>) -> OwnedShards {
        OwnedShards {
            texts: Header::ALL.map(|header| {
                let mut text = String::new();
                self.append(report, Some(header), &mut text);
                (!text.is_empty()).then_some(text)
            }),
        }
    }

    /// Writes a body of event reports.
    pub fn body<'r>(&self, reports: impl IntoIterator<Item = &'r Cmcd<'r>>) -> String {
        let mut body = String::new();
        for report in reports {
            if !body.is_empty() {
                body.push('\n');
            }
            self.append(report, None, &mut body);
        }
        body
    }

    fn append(&self, report: &Cmcd<'_>, header: Option<Header>, line: &mut String) {
        let start = line.len();
        let mut customs: Vec<_> = match header {
            None | Some(Header::Request) => report.custom().iter().collect(),
            Some(_) => Vec::new(),
        };
        customs.sort_by(|a, b| b.name.cmp(&a.name));
        let comma = |line: &mut String| {
            if line.len() > start {
                line.push(',');
            }
        };
        for key in Key::ALL.iter().copied() {
            while let Some(custom) = customs.pop_if(|custom| *custom.name < *key.name()) {
                comma(line);
                custom_member(&custom.name, &custom.value, line);
            }
            if header.is_some_and(|header| key.header() != Some(header)) || !self.writes(report, key) {
                continue;
            }
            comma(line);
            self.member(report, key, line);
        }
        while let Some(custom) = customs.pop() {
            comma(line);
            custom_member(&custom.name, &custom.value, line);
        }
    }

    /// Whether a key is written: it has a value that says something and belongs to version and mode.
    fn writes(&self, report: &Cmcd<'_>, key: Key) -> bool {
        let is_version_2 = self.version != 1;
        let event = (self.mode == Mode::Event).then(|| report.event()).flatten();
        match key.used() {
            Use::Version1 if is_version_2 => return false,
            Use::Version2 if !is_version_2 => return false,
            Use::Events | Use::Responses if !is_version_2 || self.mode != Mode::Event => return false,
            Use::Responses if event != Some(Event::Response) => return false,
            _ => {}
        }
        match key {
            Key::V => is_version_2,
            Key::Nrr => next_range(report).is_some(),
            _ if !report.has(key) => false,
            Key::Pr => report.playback_rate_milli() != 1_000 || event == Some(Event::PlaybackRate),
            Key::Bg => report.flag(key) || event == Some(Event::Background),
            Key::Cen => event == Some(Event::Custom),
            Key::D | Key::Tpb if is_version_2 => {
                report.object_type().is_none_or(|object_type| is_allowed(key, object_type))
            }
            _ if key.kind() == Kind::Flag => report.flag(key),
            _ => exact_of(key).is_none_or(|exact| !report.has(exact)),
        }
    }

    fn member(&self, report: &Cmcd<'_>, key: Key, line: &mut String) {
        line.push_str(key.name());
        let is_list = self.version != 1;
        match key.kind() {
            Kind::Flag if report.flag(key) => {}
            Kind::Flag => line.push_str("=?0"),
            Kind::Integer { .. } if key == Key::V => line.push_str("=2"),
            Kind::Integer { .. } => {
                line.push('=');
                integer(rounded(key, report.integer(key).unwrap_or_default()), line);
            }
            Kind::Decimal => {
                line.push('=');
                decimal(i64::from(report.playback_rate_milli()), line);
            }
            Kind::Text { .. } => {
                let text = if key == Key::Nrr { next_range(report) } else { report.text(key) };
                line.push('=');
                quoted(text.unwrap_or_default(), line);
            }
            Kind::Token => {
                line.push('=');
                line.push_str(token(report, key));
            }
            Kind::Numbers { .. } if is_list => numbers(key, report.numbers(key), line),
            Kind::Numbers { .. } => {
                let scalar = scalar(report.numbers(key), report.object_type());
                line.push('=');
                integer(rounded(key, u64::from(scalar)), line);
            }
            Kind::Strings if key == Key::Ec => list(report.errors(), line, |code, line| quoted(code, line)),
            Kind::Strings if is_list => list(report.next(), line, |next, line| {
                quoted(&next.path, line);
                if let Some(range) = &next.range {
                    line.push_str(";r=");
                    quoted(range, line);
                }
            }),
            Kind::Strings => {
                let mut path = String::new();
                percent::encode(report.next().first().map_or("", |next| &next.path), &mut path);
                line.push('=');
                quoted(&path, line);
            }
        }
    }
}

/// The range of version 1: alone it is one of the object that is asked for now.
fn next_range<'r>(report: &'r Cmcd<'_>) -> Option<&'r str> {
    let of_next = || report.next().first().and_then(|next| next.range.as_deref());
    report.text(Key::Nrr).or_else(of_next)
}

fn list<T>(items: &[T], line: &mut String, mut item: impl FnMut(&T, &mut String)) {
    line.push_str("=(");
    for (index, value) in items.iter().enumerate() {
        if index > 0 {
            line.push(' ');
        }
        item(value, line);
    }
    line.push(')');
}

fn numbers(key: Key, numbers: &[Measured], line: &mut String) {
    list(numbers, line, |number, line| {
        integer(rounded(key, u64::from(number.value)), line);
        if let Some(of) = number.of {
            line.push(';');
            line.push_str(of.token());
        }
    });
}

/// The one number of version 1: about the object that is asked for, else the first.
fn scalar(numbers: &[Measured], object_type: Option<ObjectType>) -> u32 {
    let wanted = numbers.iter().find(|number| object_type.is_some() && number.of == object_type);
    wanted.or(numbers.first()).map_or(0, |number| number.value)
}

/// To hundreds, half up, where the standard wants it: fewer digits tell less about the viewer.
fn rounded(key: Key, value: u64) -> u64 {
    match key {
        Key::Bl | Key::Dl | Key::Mtp | Key::Rtp | Key::Tbl => (value + 50) / 100 * 100,
        _ => value,
    }
}

fn token(report: &Cmcd<'_>, key: Key) -> &'static str {
    let token = match key {
        Key::E => report.event().map(Event::token),
        Key::Sta => report.state().map(super::State::token),
        Key::Ot => report.object_type().map(ObjectType::token),
        Key::Sf => report.format().map(super::StreamingFormat::token),
        _ => report.stream().map(super::StreamType::token),
    };
    token.unwrap_or_default()
}

fn custom_member(name: &str, value: &CustomValue<'_>, line: &mut String) {
    line.push_str(name);
    match value {
        CustomValue::Flag(true) => return,
        CustomValue::Flag(false) => return line.push_str("=?0"),
        _ => line.push('='),
    }
    match value {
        CustomValue::Text(text) => quoted(text, line),
        CustomValue::Token(token) => line.push_str(token),
        CustomValue::Integer(number) => _ = write!(line, "{number}"),
        CustomValue::Milli(milli) => decimal(*milli, line),
        CustomValue::Flag(_) => {}
    }
}

fn integer(number: u64, line: &mut String) {
    // Writing into a string cannot fail.
    _ = write!(line, "{number}");
}

/// Thousandths, with one to three digits after the point.
fn decimal(milli: i64, line: &mut String) {
    let start = line.len();
    let sign = if milli < 0 { "-" } else { "" };
    let (whole, part) = (milli.unsigned_abs() / 1_000, milli.unsigned_abs() % 1_000);
    _ = write!(line, "{sign}{whole}.{part:03}");
    while line.len() - start > 3 && line.ends_with('0') && !line.ends_with(".0") {
        line.pop();
    }
}

fn quoted(text: &str, line: &mut String) {
    line.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            line.push('\\');
        }
        line.push(character);
    }
    line.push('"');
}
