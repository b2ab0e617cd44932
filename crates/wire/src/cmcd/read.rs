//! Reads reports from every transport: a line, four headers, a query, a body, and the JSON of version 1.

use std::borrow::Cow;

use serde_json::Value;

use super::finding::{Cause, CmcdError, Finding, Findings};
use super::limits::{BODY_BYTES_MAX, BODY_LINES_MAX, LINE_BYTES_MAX};
use super::report::Cmcd;
use super::take::{Bare, Taker};
use super::{Header, Key, Mode};
use crate::percent::{self, BrokenAt};

/// A report and what is wrong with it.
#[derive(Clone, Debug, Default)]
pub struct Reading<'a> {
    /// What could be read.
    pub report: Cmcd<'a>,
    /// What is wrong.
    pub findings: Findings,
}

impl Reading<'_> {
    /// The first thing for which the report does not count; none when it counts.
    pub fn refused(&self) -> Option<&Finding> {
        self.findings.refused()
    }
}

/// How reports are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reader {
    /// How they were sent.
    pub mode: Mode,
    /// Whether keys of the application's own are kept; they are counted in any case.
    pub keeps_custom: bool,
}

/// The header shards of a request, each as one text: lines of one name are joined by a comma.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shards<'a> {
    /// `CMCD-Object`.
    pub object: Option<&'a str>,
    /// `CMCD-Request`.
    pub request: Option<&'a str>,
    /// `CMCD-Session`.
    pub session: Option<&'a str>,
    /// `CMCD-Status`.
    pub status: Option<&'a str>,
}

impl Reader {
    /// For event reports, the lines of a body `application/cmcd`.
    pub const EVENTS: Self = Self { mode: Mode::Event, keeps_custom: false };
    /// For what comes with a request for media.
    pub const REQUESTS: Self = Self { mode: Mode::Request, keeps_custom: false };

    /// Reads one line.
    pub fn line<'a>(&self, line: &'a str) -> Result<Reading<'a>, CmcdError> {
        self.read(|taker| taker.line(line))
    }

    /// Reads the header shards of a request, merged. A key in the shard of others counts and is told.
    pub fn headers<'a>(&self, shards: &Shards<'a>) -> Result<Reading<'a>, CmcdError> {
        let texts = [shards.object, shards.request, shards.session, shards.status];
        self.read(|taker| {
            for (header, text) in Header::ALL.into_iter().zip(texts) {
                taker.header = Some(header);
                text.map_or(Ok(()), |text| taker.line(text))?;
            }
            Ok(())
        })
    }

    /// Reads the argument `CMCD` of a query (what follows the `?`); none where there is no such argument.
    /// `decoded` holds the text that the report borrows from.
    pub fn query<'a>(&self, query: &str, decoded: &'a mut String) -> Result<Option<Reading<'a>>, CmcdError> {
        let argument = query.split('&').find_map(|pair| pair.strip_prefix("CMCD="));
        let Some(argument) = argument else { return Ok(None) };
        // Three characters a byte, at most.
        if argument.len() > 3 * LINE_BYTES_MAX {
            return Err(CmcdError::LineTooLong { bytes: argument.len() });
        }
        decoded.clear();
        percent::decode(argument, decoded).map_err(|BrokenAt(at)| CmcdError::Malformed { at: Some(at) })?;
        self.line(decoded).map(Some)
    }

    /// Reads a body of event reports, a line a report, each beside its text; empty lines are passed over. Each line stands
    /// for itself: one that cannot be read, or is not text (its text is empty then), does not harm its neighbours.
    pub fn body<'a>(
        self,
        body: &'a [u8],
    ) -> Result<impl Iterator<Item = (&'a str, Result<Reading<'a>, CmcdError>)>, CmcdError> {
        if body.len() > BODY_BYTES_MAX {
            return Err(CmcdError::BodyTooLong { bytes: body.len() });
        }
        let ends_with_feed = body.ends_with(b"\n");
        let lines = body.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let mut lines = lines.filter(|line| !line.is_empty()).enumerate().peekable();
        Ok(std::iter::from_fn(move || {
            let (index, line) = lines.next()?;
            let line = match str::from_utf8(line) {
                _ if index >= BODY_LINES_MAX => return Some(("", Err(CmcdError::TooManyLines))),
                Ok(line) => line,
                Err(broken) => {
                    return Some(("", Err(CmcdError::Malformed { at: Some(broken.valid_up_to()) })));
                }
            };
            let is_last = lines.peek().is_none();
            let reading = self.line(line).map(|mut reading| {
                if is_last && ends_with_feed {
                    reading.findings.note(Cause::TrailingLineFeed, None);
                }
                reading
            });
            Some((line, reading))
        }))
    }

    /// Reads the JSON object of version 1.
    pub fn json(&self, text: &str) -> Result<Reading<'static>, CmcdError> {
        if text.len() > LINE_BYTES_MAX {
            return Err(CmcdError::LineTooLong { bytes: text.len() });
        }
        let object: serde_json::Map<String, Value> =
            serde_json::from_str(text).map_err(|_| CmcdError::Malformed { at: None })?;
        self.read(|taker| {
            taker.strings_are_tokens = true;
            object.into_iter().try_for_each(|(name, value)| member(taker, name, value))
        })
    }

    fn read<'a>(
        &self,
        take: impl FnOnce(&mut Taker<'_, 'a>) -> Result<(), CmcdError>,
    ) -> Result<Reading<'a>, CmcdError> {
        let mut reading = Reading::default();
        let Reading { report, findings } = &mut reading;
        take(&mut Taker {
            report,
            findings,
            header: None,
            keeps_custom: self.keeps_custom,
            strings_are_tokens: false,
            seen: 0,
            keys: 0,
        })?;
        settle_next(report, findings);
        report.validate(self.mode, findings);
        Ok(reading)
    }
}

/// Version 1 percent-encodes the path and gives its range by a key of its own.
fn settle_next(report: &mut Cmcd<'_>, findings: &mut Findings) {
    if report.version() != 1 || !report.has(Key::Nor) {
        return;
    }
    let range = report.text(Key::Nrr).map(str::to_owned);
    for next in report.next_mut() {
        if next.path.contains('%') {
            let mut path = String::new();
            match percent::decode(&next.path, &mut path) {
                // What is not ASCII stays encoded: no structured string can hold it.
                Ok(()) if path.bytes().all(|byte| matches!(byte, b' '..=b'~')) => {
                    next.path = Cow::Owned(path);
                }
                _ => findings.note(Cause::NotEncoded, Key::Nor),
            }
        }
        next.range = next.range.take().or_else(|| range.clone().map(Cow::Owned));
    }
}

fn member(taker: &mut Taker<'_, 'static>, name: String, value: Value) -> Result<(), CmcdError> {
    let bare = match value {
        Value::Bool(flag) => Bare::Flag(flag),
        Value::String(text) => Bare::Text(Cow::Owned(text)),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Bare::Integer(integer),
            (None, Some(real)) if real.abs() < 1e12 => Bare::Milli((real * 1_000.0).round() as i64),
            _ => Bare::Foreign,
        },
        _ => Bare::Foreign,
    };
    if taker.keeps_custom && super::is_custom(&name) {
        taker.custom(Cow::Owned(name), bare);
        return Ok(());
    }
    let known = Key::from_name(&name).map_or("", Key::name);
    let name = taker.name(known)?;
    taker.value(name, bare);
    Ok(())
}
