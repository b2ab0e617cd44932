//! Takes the members of a structured dictionary, or of a JSON object, into a report.

use std::borrow::Cow;
use std::convert::Infallible;

use sfv::visitor::{
    DictionaryVisitor, EntryVisitor, Ignored, InnerListVisitor, ItemVisitor, ParameterVisitor,
};
use sfv::{BareItemFromInput, KeyRef, Parser};

use super::finding::{Cause, CmcdError, Finding, Findings};
use super::key::Kind;
use super::limits::{KEYS_MAX, LINE_BYTES_MAX};
use super::report::{Cmcd, Custom, CustomValue};
use super::{Event, Header, Key, ObjectType, State, StreamType, StreamingFormat, is_custom};

/// Takes members into a report and notes what is wrong with them.
pub(super) struct Taker<'t, 'a> {
    pub(super) report: &'t mut Cmcd<'a>,
    pub(super) findings: &'t mut Findings,
    /// The shard that is read.
    pub(super) header: Option<Header>,
    pub(super) keeps_custom: bool,
    /// JSON has no tokens: there they are strings.
    pub(super) strings_are_tokens: bool,
    pub(super) seen: u64,
    pub(super) keys: usize,
}

/// A value before its key gives it a type.
pub(super) enum Bare<'a> {
    Integer(i64),
    /// In thousandths.
    Milli(i64),
    Text(Cow<'a, str>),
    Token(Cow<'a, str>),
    Flag(bool),
    /// Bytes, a date or a display string: nothing in CMCD.
    Foreign,
}

#[derive(Clone, Copy)]
pub(super) enum Name<'a> {
    Known(Key),
    Custom(&'a str),
    Other,
}

impl<'a> Taker<'_, 'a> {
    /// Takes a line or shard of a report.
    pub(super) fn line(&mut self, line: &'a str) -> Result<(), CmcdError> {
        if line.len() > LINE_BYTES_MAX {
            return Err(CmcdError::LineTooLong { bytes: line.len() });
        }
        let parsed = Parser::new(line.as_bytes()).parse_dictionary_with_visitor(&mut *self);
        parsed.map_err(|error| match self.keys > KEYS_MAX {
            true => CmcdError::TooManyKeys,
            false => CmcdError::Malformed { at: error.index() },
        })
    }

    /// Begins a member; what an earlier one of the same name said is forgotten.
    pub(super) fn name(&mut self, name: &'a str) -> Result<Name<'a>, CmcdError> {
        self.keys += 1;
        if self.keys > KEYS_MAX {
            return Err(CmcdError::TooManyKeys);
        }
        let Some(key) = Key::from_name(name) else {
            if self.keeps_custom && is_custom(name) {
                return Ok(Name::Custom(name));
            }
            self.report.others = self.report.others.saturating_add(1);
            return Ok(Name::Other);
        };
        if self.seen & key.bit() != 0 {
            self.report.clear(key);
            self.findings.forget(key);
            self.findings.note(Cause::Repeated, key);
        }
        self.seen |= key.bit();
        if self.header.is_some() && self.header != key.header() {
            self.findings.push(Finding { cause: Cause::WrongHeader, key: Some(key), header: self.header });
        }
        Ok(Name::Known(key))
    }

    pub(super) fn value(&mut self, name: Name<'a>, value: Bare<'a>) {
        let result = match name {
            Name::Other => Ok(()),
            Name::Custom(name) => return self.custom(Cow::Borrowed(name), value),
            Name::Known(key) => self.known(key, value).map_err(|cause| (key, cause)),
        };
        if let Err((key, cause)) = result {
            self.findings.note(cause, key);
        }
    }

    fn known(&mut self, key: Key, value: Bare<'a>) -> Result<(), Cause> {
        match (key.kind(), value) {
            (Kind::Flag, Bare::Flag(flag)) => self.report.set_flag(key, flag),
            (Kind::Text { .. }, Bare::Text(text)) => self.report.set_text(key, text),
            (Kind::Token, Bare::Token(token)) => self.token(key, &token),
            (Kind::Token, Bare::Text(token)) if self.strings_are_tokens => self.token(key, &token),
            (Kind::Integer { .. }, value) => {
                let integer = self.whole(key, &value)?;
                self.report.set_integer(key, integer)
            }
            (Kind::Decimal, Bare::Integer(number)) => {
                self.report.set_playback_rate_milli(number.checked_mul(1_000).ok_or(Cause::OutOfRange)?)
            }
            (Kind::Decimal, Bare::Milli(milli)) => self.report.set_playback_rate_milli(milli),
            (Kind::Numbers { .. }, value) => {
                self.report.scalars |= key.bit();
                self.report.start_numbers(key);
                self.number(key, &value)
            }
            (Kind::Strings, value @ Bare::Text(_)) => {
                self.report.scalars |= key.bit();
                self.string(key, value)
            }
            _ => Err(Cause::WrongType),
        }
    }

    pub(super) fn start_list(&mut self, key: Key) {
        match key.kind() {
            Kind::Numbers { .. } => self.report.start_numbers(key),
            Kind::Strings => {}
            _ => return self.findings.note(Cause::WrongType, key),
        }
        self.report.lists |= key.bit();
    }

    pub(super) fn list_value(&mut self, key: Key, value: Bare<'a>) {
        let result = match key.kind() {
            Kind::Numbers { .. } => self.number(key, &value),
            Kind::Strings => self.string(key, value),
            // Noted when the list began.
            _ => Ok(()),
        };
        if let Err(cause) = result {
            self.findings.note(cause, key);
        }
    }

    fn number(&mut self, key: Key, value: &Bare<'a>) -> Result<(), Cause> {
        let number = self.whole(key, value)?;
        self.report.add_number(key, number, None)
    }

    fn string(&mut self, key: Key, value: Bare<'a>) -> Result<(), Cause> {
        let Bare::Text(text) = value else { return Err(Cause::WrongType) };
        if key == Key::Ec { self.report.add_error(text) } else { self.report.add_next(text, None) }
    }

    /// A number that is not negative; decimals are rounded, half up.
    fn whole(&mut self, key: Key, value: &Bare<'a>) -> Result<u64, Cause> {
        let number = match value {
            Bare::Integer(number) => *number,
            Bare::Milli(milli) => {
                self.findings.note(Cause::NotAnInteger, key);
                milli.saturating_add(500).div_euclid(1_000)
            }
            _ => return Err(Cause::WrongType),
        };
        if number < 0 && key == Key::Ltc {
            self.findings.note(Cause::ClockAhead, key);
            return Ok(0);
        }
        u64::try_from(number).map_err(|_| Cause::OutOfRange)
    }

    fn token(&mut self, key: Key, token: &str) -> Result<(), Cause> {
        match key {
            Key::E => self.report.set_event(Event::from_token(token).ok_or(Cause::UnknownMeaning)?),
            Key::Sta => self.report.set_state(State::from_token(token).ok_or(Cause::UnknownMeaning)?),
            Key::Ot => self.report.set_object_type(ObjectType::from_token(token).ok_or(Cause::UnknownType)?),
            Key::Sf => self.report.set_format(StreamingFormat::from_token(token).ok_or(Cause::UnknownType)?),
            _ => self.report.set_stream(StreamType::from_token(token).ok_or(Cause::UnknownType)?),
        }
        Ok(())
    }

    pub(super) fn custom(&mut self, name: Cow<'a, str>, value: Bare<'a>) {
        let value = match value {
            Bare::Integer(number) => CustomValue::Integer(number),
            Bare::Milli(milli) => CustomValue::Milli(milli),
            Bare::Text(text) => CustomValue::Text(text),
            Bare::Token(token) => CustomValue::Token(token),
            Bare::Flag(flag) => CustomValue::Flag(flag),
            Bare::Foreign => return self.findings.note(Cause::CustomUnusable, None),
        };
        if self.report.add_custom(Custom { name, value }).is_err() {
            self.findings.note(Cause::CustomUnusable, None);
        }
    }

    /// A parameter of the value taken last.
    fn parameter(&mut self, key: Key, name: &str, value: BareItemFromInput<'a>) {
        match (key.kind(), value) {
            (Kind::Numbers { .. }, BareItemFromInput::Boolean(true)) => {
                if let Some(of) = ObjectType::from_token(name) {
                    self.report.type_number(of);
                }
            }
            (Kind::Strings, value) if key == Key::Nor && name == "r" => {
                let range = match Bare::from(value) {
                    Bare::Text(range) => self.report.range_next(range),
                    _ => Err(Cause::WrongType),
                };
                if let Err(cause) = range {
                    self.findings.note(cause, key);
                }
            }
            _ => {}
        }
    }
}

impl<'a> From<BareItemFromInput<'a>> for Bare<'a> {
    fn from(value: BareItemFromInput<'a>) -> Self {
        match value {
            BareItemFromInput::Integer(number) => Self::Integer(number.into()),
            BareItemFromInput::Decimal(number) => Self::Milli(number.as_integer_scaled_1000().into()),
            BareItemFromInput::String(Cow::Borrowed(text)) => Self::Text(Cow::Borrowed(text.as_str())),
            BareItemFromInput::String(Cow::Owned(text)) => Self::Text(Cow::Owned(text.into())),
            BareItemFromInput::Token(token) => Self::Token(Cow::Borrowed(token.as_str())),
            BareItemFromInput::Boolean(flag) => Self::Flag(flag),
            _ => Self::Foreign,
        }
    }
}

impl<'a> DictionaryVisitor<'a> for &mut Taker<'_, 'a> {
    type Out = ();
    type Error = CmcdError;

    fn entry(&mut self, key: &'a KeyRef) -> Result<impl EntryVisitor<'a>, CmcdError> {
        let name = self.name(key.as_str())?;
        Ok(Member { taker: self, name, in_list: false })
    }

    fn finish(self) -> Result<(), CmcdError> {
        Ok(())
    }
}

/// A member, an item of its list, or the parameters of either.
struct Member<'m, 't, 'a> {
    taker: &'m mut Taker<'t, 'a>,
    name: Name<'a>,
    in_list: bool,
}

impl<'a> EntryVisitor<'a> for Member<'_, '_, 'a> {
    type Error = Infallible;

    fn item(self) -> Result<impl ItemVisitor<'a>, Infallible> {
        Ok(self)
    }

    fn inner_list(self) -> Result<impl InnerListVisitor<'a>, Infallible> {
        match self.name {
            Name::Known(key) => self.taker.start_list(key),
            Name::Custom(_) => self.taker.findings.note(Cause::CustomUnusable, None),
            Name::Other => {}
        }
        Ok(Member { in_list: true, ..self })
    }
}

impl<'a> ItemVisitor<'a> for Member<'_, '_, 'a> {
    type Out = ();
    type Error = Infallible;

    fn bare_item(
        self,
        value: BareItemFromInput<'a>,
    ) -> Result<impl ParameterVisitor<'a, Out = ()>, Infallible> {
        match (self.name, self.in_list) {
            (Name::Known(key), true) => self.taker.list_value(key, value.into()),
            (Name::Custom(_) | Name::Other, true) => {}
            (name, false) => self.taker.value(name, value.into()),
        }
        Ok(self)
    }
}

impl<'a> InnerListVisitor<'a> for Member<'_, '_, 'a> {
    type Error = Infallible;

    fn item(&mut self) -> Result<impl ItemVisitor<'a>, Infallible> {
        Ok(Member { taker: self.taker, name: self.name, in_list: true })
    }

    fn finish(self) -> Result<impl ParameterVisitor<'a>, Infallible> {
        Ok(Ignored)
    }
}

impl<'a> ParameterVisitor<'a> for Member<'_, '_, 'a> {
    type Out = ();
    type Error = Infallible;

    fn parameter(&mut self, name: &'a KeyRef, value: BareItemFromInput<'a>) -> Result<(), Infallible> {
        if let Name::Known(key) = self.name {
            self.taker.parameter(key, name.as_str(), value);
        }
        Ok(())
    }

    fn finish(self) -> Result<(), Infallible> {
        Ok(())
    }
}
