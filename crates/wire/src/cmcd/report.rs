//! One report of a player, typed and borrowed from its text.

use std::borrow::Cow;

use super::finding::Cause;
use super::key::{INTEGERS, NUMBERS, SLOTS, TEXTS, Use, those_used};
use super::limits::{NUMBERS_MAX, PLAYBACK_RATE_MILLI_MAX, RANGE_CHARS_MAX, STRINGS_MAX, TEXT_CHARS_MAX};
use super::{Event, Key, Kind, ObjectType, State, StreamType, StreamingFormat};

/// A number of an inner list and the type of object it is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// In the key's unit.
    pub value: u32,
    /// None where the player does not say, as in version 1.
    pub of: Option<ObjectType>,
}

/// An object that is asked for next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextObject<'a> {
    /// Relative to the object of this request.
    pub path: Cow<'a, str>,
    /// `<first>-`, `<first>-<last>` or `-<length>`, in bytes.
    pub range: Option<Cow<'a, str>>,
}

/// A key of the application's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Custom<'a> {
    /// With its prefix.
    pub name: Cow<'a, str>,
    /// What it says.
    pub value: CustomValue<'a>,
}

/// What a custom key says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CustomValue<'a> {
    /// A string.
    Text(Cow<'a, str>),
    /// A token.
    Token(Cow<'a, str>),
    /// An integer.
    Integer(i64),
    /// A decimal, in thousandths.
    Milli(i64),
    /// A boolean.
    Flag(bool),
}

/// The numbers of a key in the pool of the report.
#[derive(Clone, Copy, Debug, Default)]
struct Range {
    start: u8,
    length: u8,
}

/// One report of a player.
///
/// A key's value is found by its type: [`Self::integer`], [`Self::text`], [`Self::numbers`] and so on; the
/// vocabularies and the usual questions have methods of their own. Reading a report allocates only for `nor`,
/// `ec`, strings with escapes, and custom keys that are kept.
#[derive(Clone, Debug)]
pub struct Cmcd<'a> {
    pub(super) present: u64,
    flags: u64,
    /// Of the keys with numbers, those given as one value and those given as a list.
    pub(super) scalars: u64,
    pub(super) lists: u64,
    integers: [u64; INTEGERS],
    playback_rate_milli: i32,
    event: Option<Event>,
    state: Option<State>,
    object_type: Option<ObjectType>,
    format: Option<StreamingFormat>,
    stream: Option<StreamType>,
    texts: [Cow<'a, str>; TEXTS],
    ranges: [Range; NUMBERS],
    pool: [Measured; NUMBERS_MAX],
    pool_used: u8,
    next: Vec<NextObject<'a>>,
    errors: Vec<Cow<'a, str>>,
    custom: Vec<Custom<'a>>,
    /// Keys that are neither reserved nor kept.
    pub(super) others: u32,
}

impl Default for Cmcd<'_> {
    fn default() -> Self {
        Self {
            present: 0,
            flags: 0,
            scalars: 0,
            lists: 0,
            integers: [0; INTEGERS],
            playback_rate_milli: 0,
            event: None,
            state: None,
            object_type: None,
            format: None,
            stream: None,
            texts: [const { Cow::Borrowed("") }; TEXTS],
            ranges: [Range { start: 0, length: 0 }; NUMBERS],
            pool: [Measured { value: 0, of: None }; NUMBERS_MAX],
            pool_used: 0,
            next: Vec::new(),
            errors: Vec::new(),
            custom: Vec::new(),
            others: 0,
        }
    }
}

impl<'a> Cmcd<'a> {
    /// Whether the key has a value.
    pub fn has(&self, key: Key) -> bool {
        self.present & key.bit() != 0
    }

    /// The version that the report follows: what it says, 1 where it says nothing.
    pub fn version(&self) -> u8 {
        self.integer(Key::V).map_or(1, |version| version as u8)
    }

    /// An integer; none for keys of another type.
    pub fn integer(&self, key: Key) -> Option<u64> {
        let is_integer = matches!(key.kind(), Kind::Integer { .. });
        (is_integer && self.has(key)).then(|| self.integers[SLOTS[key as usize] as usize])
    }

    /// A string; none for keys of another type.
    pub fn text(&self, key: Key) -> Option<&str> {
        let is_text = matches!(key.kind(), Kind::Text { .. });
        (is_text && self.has(key)).then(|| &*self.texts[SLOTS[key as usize] as usize])
    }

    /// A boolean: false where the player says nothing, and for keys of another type.
    pub fn flag(&self, key: Key) -> bool {
        self.flags & key.bit() != 0
    }

    /// The numbers of an inner list, as they came; empty for keys of another type.
    pub fn numbers(&self, key: Key) -> &[Measured] {
        if !matches!(key.kind(), Kind::Numbers { .. }) || !self.has(key) {
            return &[];
        }
        let Range { start, length } = self.ranges[SLOTS[key as usize] as usize];
        &self.pool[usize::from(start)..usize::from(start) + usize::from(length)]
    }

    /// Sum of a list's numbers, of stalls, which may be many: of the type of object that has the greatest, for sound and
    /// picture wait together.
    pub fn sum(&self, key: Key) -> Option<u64> {
        let numbers = self.numbers(key);
        let sum = |of: Option<ObjectType>| {
            let alike = numbers.iter().filter(|number| number.of == of);
            alike.map(|number| u64::from(number.value)).sum::<u64>()
        };
        numbers.iter().map(|number| sum(number.of)).max()
    }

    /// The number about what is seen: of video, else of sound and pictures in one, else the one that names no
    /// type, unless the request is for something else than pictures.
    pub fn picture(&self, key: Key) -> Option<u32> {
        let numbers = self.numbers(key);
        let of = |wanted: ObjectType| numbers.iter().rev().find(|number| number.of == Some(wanted));
        let untyped = || match self.object_type {
            None | Some(ObjectType::Video | ObjectType::Muxed | ObjectType::Other) => {
                numbers.iter().rev().find(|number| number.of.is_none())
            }
            Some(_) => None,
        };
        let found = of(ObjectType::Video).or_else(|| of(ObjectType::Muxed)).or_else(untyped);
        found.map(|number| number.value)
    }

    /// The number about what is heard: of sound, else of sound and pictures in one, else the one that names no
    /// type in a request for sound.
    pub fn sound(&self, key: Key) -> Option<u32> {
        let numbers = self.numbers(key);
        let of = |wanted: Option<ObjectType>| numbers.iter().rev().find(|number| number.of == wanted);
        let untyped = || (self.object_type == Some(ObjectType::Audio)).then(|| of(None)).flatten();
        let found = of(Some(ObjectType::Audio)).or_else(|| of(Some(ObjectType::Muxed))).or_else(untyped);
        found.map(|number| number.value)
    }

    /// `pr` in thousandths; 1,000 where the player says nothing.
    pub fn playback_rate_milli(&self) -> i32 {
        if self.has(Key::Pr) { self.playback_rate_milli } else { 1_000 }
    }

    /// `e`.
    pub fn event(&self) -> Option<Event> {
        self.event
    }

    /// `sta`.
    pub fn state(&self) -> Option<State> {
        self.state
    }

    /// `ot`.
    pub fn object_type(&self) -> Option<ObjectType> {
        self.object_type
    }

    /// `sf`.
    pub fn format(&self) -> Option<StreamingFormat> {
        self.format
    }

    /// `st`.
    pub fn stream(&self) -> Option<StreamType> {
        self.stream
    }

    /// `nor` and `nrr`, with paths as they are, not percent-encoded.
    pub fn next(&self) -> &[NextObject<'a>] {
        &self.next
    }

    /// `ec`.
    pub fn errors(&self) -> &[Cow<'a, str>] {
        &self.errors
    }

    /// The application's own keys, where the reader was told to keep them.
    pub fn custom(&self) -> &[Custom<'a>] {
        &self.custom
    }

    /// How many keys were neither reserved nor kept.
    pub fn others(&self) -> u32 {
        self.others
    }

    /// Sets an integer.
    pub fn set_integer(&mut self, key: Key, value: u64) -> Result<(), Cause> {
        let Kind::Integer { max } = key.kind() else { return Err(Cause::WrongType) };
        if value > max {
            return Err(Cause::OutOfRange);
        }
        self.integers[SLOTS[key as usize] as usize] = value;
        self.present |= key.bit();
        Ok(())
    }

    /// Sets a boolean.
    pub fn set_flag(&mut self, key: Key, value: bool) -> Result<(), Cause> {
        if key.kind() != Kind::Flag {
            return Err(Cause::WrongType);
        }
        self.present |= key.bit();
        self.flags = if value { self.flags | key.bit() } else { self.flags & !key.bit() };
        Ok(())
    }

    /// Sets a string of printable ASCII.
    pub fn set_text(&mut self, key: Key, value: impl Into<Cow<'a, str>>) -> Result<(), Cause> {
        let Kind::Text { chars_max } = key.kind() else { return Err(Cause::WrongType) };
        let value = value.into();
        check_text(&value, chars_max)?;
        self.texts[SLOTS[key as usize] as usize] = value;
        self.present |= key.bit();
        Ok(())
    }

    /// Sets the numbers of an inner list.
    pub fn set_numbers(&mut self, key: Key, numbers: &[Measured]) -> Result<(), Cause> {
        self.start_numbers(key);
        numbers.iter().try_for_each(|number| self.add_number(key, u64::from(number.value), number.of))
    }

    /// Sets `pr`, in thousandths.
    pub fn set_playback_rate_milli(&mut self, milli: i64) -> Result<(), Cause> {
        if milli.abs() > PLAYBACK_RATE_MILLI_MAX {
            return Err(Cause::OutOfRange);
        }
        self.playback_rate_milli = milli as i32;
        self.present |= Key::Pr.bit();
        Ok(())
    }

    /// Sets `e`.
    pub fn set_event(&mut self, event: Event) {
        self.event = Some(event);
        self.present |= Key::E.bit();
    }

    /// Sets `sta`.
    pub fn set_state(&mut self, state: State) {
        self.state = Some(state);
        self.present |= Key::Sta.bit();
    }

    /// Sets `ot`.
    pub fn set_object_type(&mut self, object_type: ObjectType) {
        self.object_type = Some(object_type);
        self.present |= Key::Ot.bit();
    }

    /// Sets `sf`.
    pub fn set_format(&mut self, format: StreamingFormat) {
        self.format = Some(format);
        self.present |= Key::Sf.bit();
    }

    /// Sets `st`.
    pub fn set_stream(&mut self, stream: StreamType) {
        self.stream = Some(stream);
        self.present |= Key::St.bit();
    }

    /// Adds to `nor`.
    pub fn add_next(
        &mut self,
        path: impl Into<Cow<'a, str>>,
        range: Option<Cow<'a, str>>,
    ) -> Result<(), Cause> {
        let path = path.into();
        check_text(&path, TEXT_CHARS_MAX)?;
        range.as_deref().map_or(Ok(()), |range| check_text(range, RANGE_CHARS_MAX))?;
        if self.next.len() >= STRINGS_MAX {
            return Err(Cause::TooMany);
        }
        self.next.push(NextObject { path, range });
        self.present |= Key::Nor.bit();
        Ok(())
    }

    /// Adds to `ec`.
    pub fn add_error(&mut self, code: impl Into<Cow<'a, str>>) -> Result<(), Cause> {
        let code = code.into();
        check_text(&code, TEXT_CHARS_MAX)?;
        if self.errors.len() >= STRINGS_MAX {
            return Err(Cause::TooMany);
        }
        self.errors.push(code);
        self.present |= Key::Ec.bit();
        Ok(())
    }

    /// Adds a key of the application's own; one of the same name is replaced.
    pub fn add_custom(&mut self, custom: Custom<'a>) -> Result<(), Cause> {
        if !super::is_custom(&custom.name) {
            return Err(Cause::WrongType);
        }
        match &custom.value {
            CustomValue::Text(text) => check_text(text, super::limits::CUSTOM_CHARS_MAX)?,
            CustomValue::Token(token) => {
                check_text(token, super::limits::CUSTOM_CHARS_MAX)?;
                sfv::TokenRef::from_str(token).map_err(|_| Cause::WrongType)?;
            }
            CustomValue::Integer(number) | CustomValue::Milli(number) => {
                sfv::Integer::try_from(*number).map_err(|_| Cause::OutOfRange)?;
            }
            CustomValue::Flag(_) => {}
        }
        self.custom.retain(|known| known.name != custom.name);
        if self.custom.len() >= STRINGS_MAX {
            return Err(Cause::TooMany);
        }
        self.custom.push(custom);
        Ok(())
    }

    /// Takes a key's value away.
    pub fn clear(&mut self, key: Key) {
        self.present &= !key.bit();
        self.flags &= !key.bit();
        self.scalars &= !key.bit();
        self.lists &= !key.bit();
        match key {
            Key::E => self.event = None,
            Key::Sta => self.state = None,
            Key::Ot => self.object_type = None,
            Key::Sf => self.format = None,
            Key::St => self.stream = None,
            Key::Nor => self.next.clear(),
            Key::Ec => self.errors.clear(),
            _ => {}
        }
    }

    /// The keys that were given and belong to version 2 alone.
    pub(super) fn has_version_2_keys(&self) -> bool {
        const VERSION_2: u64 =
            those_used(Use::Version2) | those_used(Use::Events) | those_used(Use::Responses);
        self.present & VERSION_2 != 0
    }

    pub(super) fn start_numbers(&mut self, key: Key) {
        self.ranges[SLOTS[key as usize] as usize] = Range { start: self.pool_used, length: 0 };
    }

    /// Adds a number to the key that was started last.
    pub(super) fn add_number(&mut self, key: Key, value: u64, of: Option<ObjectType>) -> Result<(), Cause> {
        let Kind::Numbers { max } = key.kind() else { return Err(Cause::WrongType) };
        let value = u32::try_from(value).ok().filter(|value| u64::from(*value) <= max);
        let value = value.ok_or(Cause::OutOfRange)?;
        let room = self.pool.get_mut(usize::from(self.pool_used)).ok_or(Cause::TooMany)?;
        *room = Measured { value, of };
        self.pool_used += 1;
        self.ranges[SLOTS[key as usize] as usize].length += 1;
        self.present |= key.bit();
        Ok(())
    }

    /// Says what the number added last is about.
    pub(super) fn type_number(&mut self, of: ObjectType) {
        if let Some(number) =
            usize::from(self.pool_used).checked_sub(1).and_then(|last| self.pool.get_mut(last))
        {
            number.of = Some(of);
        }
    }

    /// Gives the path added last its range.
    pub(super) fn range_next(&mut self, range: Cow<'a, str>) -> Result<(), Cause> {
        check_text(&range, RANGE_CHARS_MAX)?;
        if let Some(next) = self.next.last_mut() {
            next.range = Some(range);
        }
        Ok(())
    }

    pub(super) fn next_mut(&mut self) -> &mut [NextObject<'a>] {
        &mut self.next
    }
}

fn check_text(text: &str, chars_max: usize) -> Result<(), Cause> {
    if text.len() > chars_max {
        return Err(Cause::TooLong);
    }
    if !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(Cause::NotAscii);
    }
    Ok(())
}
