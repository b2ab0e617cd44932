//! Common Media Server Data (CTA-5006): what origins and intermediaries tell players about a response.
//!
//! `CMSD-Static` is a dictionary that an origin writes once and caches keep. `CMSD-Dynamic` is a list to which
//! every hop appends an item, its name with parameters; players take the last one. Browsers show these headers
//! only where `Access-Control-Expose-Headers` names both.
//!
//! ```
//! use wire::cmsd::{self, Hop};
//!
//! let hop = Hop { throughput_kbps: Some(96_076), rtt_ms: Some(30), ..Hop::named("edge-7") };
//! let field = cmsd::append(Some("\"origin\";rd=120"), &hop).field;
//! assert_eq!(field, "\"origin\";rd=120, \"edge-7\";etp=96076;rtt=30");
//! assert_eq!(cmsd::Dynamic::read(&field).unwrap().last(), Some(&hop));
//! ```

pub mod limits;

use sfv::{BareItem, Dictionary, Item, Key, List, ListEntry, Parameters};

use crate::cmcd::{ObjectType, StreamType, StreamingFormat};
use crate::limits::{KBPS_MAX, MEDIA_MS_MAX, UNIX_MS_MAX};
use crate::structured::{self, StructuredError};

/// Name of the header that an origin writes.
pub const STATIC: &str = "CMSD-Static";

/// Name of the header to which every hop appends.
pub const DYNAMIC: &str = "CMSD-Dynamic";

/// `CMSD-Static`: what is true of an object wherever it is served from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Static {
    /// `at`: when the object is or was available, Unix time, ms.
    pub available_at_unix_ms: Option<u64>,
    /// `br`: its bit rate, kbit/s.
    pub kbps: Option<u32>,
    /// `d`: its length, ms.
    pub duration_ms: Option<u64>,
    /// `ht`: how long it was held back, ms.
    pub held_ms: Option<u64>,
    /// `n`: who wrote this, at most [`limits::NAME_CHARS_MAX`] characters.
    pub name: Option<String>,
    /// `nor`: the object that follows, relative to this one.
    pub next: Option<String>,
    /// `nrr`: the range of the object that follows.
    pub next_range: Option<String>,
    /// `ot`.
    pub object_type: Option<ObjectType>,
    /// `sf`.
    pub format: Option<StreamingFormat>,
    /// `st`.
    pub stream: Option<StreamType>,
    /// `su`: whether it is needed for a start.
    pub is_startup: bool,
    /// Keys that are not known, or whose value cannot be: passed over, as the standard asks.
    pub passed_over: u32,
}

impl Static {
    /// Reads the header's text. Errors are those of the syntax alone.
    pub fn read(field: &str) -> Result<Self, StructuredError> {
        let mut read = Self::default();
        for (key, entry) in &structured::dictionary(field)? {
            let ListEntry::Item(Item { bare_item, .. }) = entry else {
                read.passed_over += 1;
                continue;
            };
            if read.take(key.as_str(), bare_item).is_none() {
                read.passed_over += 1;
            }
        }
        Ok(read)
    }

    fn take(&mut self, key: &str, value: &BareItem) -> Option<()> {
        match key {
            "at" => self.available_at_unix_ms = Some(number(value, UNIX_MS_MAX)?),
            "br" => self.kbps = Some(kbps(value)?),
            "d" => self.duration_ms = Some(number(value, MEDIA_MS_MAX)?),
            "ht" => self.held_ms = Some(number(value, MEDIA_MS_MAX)?),
            "n" => self.name = Some(text(value, limits::NAME_CHARS_MAX)?),
            "nor" => self.next = Some(text(value, limits::PATH_CHARS_MAX)?),
            "nrr" => self.next_range = Some(text(value, limits::NAME_CHARS_MAX)?),
            "ot" => self.object_type = Some(ObjectType::from_token(token(value)?)?),
            "sf" => self.format = Some(StreamingFormat::from_token(token(value)?)?),
            "st" => self.stream = Some(StreamType::from_token(token(value)?)?),
            "su" => self.is_startup = flag(value)?,
            "v" => _ = number(value, 1)?,
            _ => return None,
        }
        Some(())
    }

    /// The header's text, keys sorted; none when there is nothing to say. Strings that no structured field can
    /// hold are left out. The version is 1, which is said by leaving it out.
    pub fn write(&self) -> Option<String> {
        let mut field = Dictionary::new();
        let mut put = |name: &str, value: Option<BareItem>| {
            if let (Ok(key), Some(value)) = (Key::from_string(name.to_owned()), value) {
                field.insert(key, ListEntry::Item(Item::new(value)));
            }
        };
        put("at", self.available_at_unix_ms.and_then(from_number));
        put("br", self.kbps.and_then(|kbps| from_number(kbps.into())));
        put("d", self.duration_ms.and_then(from_number));
        put("ht", self.held_ms.and_then(from_number));
        put("n", self.name.as_deref().and_then(from_text));
        put("nor", self.next.as_deref().and_then(from_text));
        put("nrr", self.next_range.as_deref().and_then(from_text));
        put("ot", self.object_type.and_then(|object_type| from_token(object_type.token())));
        put("sf", self.format.and_then(|format| from_token(format.token())));
        put("st", self.stream.and_then(|stream| from_token(stream.token())));
        put("su", self.is_startup.then_some(BareItem::Boolean(true)));
        structured::write_dictionary(&field)
    }
}

/// What one hop tells in `CMSD-Dynamic`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hop {
    /// Who it is, at most [`limits::NAME_CHARS_MAX`] characters.
    pub name: String,
    /// `du`: whether it is under more load than it can carry well.
    pub is_under_duress: bool,
    /// `etp`: throughput it expects to the next hop, kbit/s.
    pub throughput_kbps: Option<u32>,
    /// `mb`: highest bit rate the player should ask for, kbit/s. Some players obey it by default, so that a
    /// wrong value lowers the quality silently.
    pub max_kbps: Option<u32>,
    /// `rd`: how long its answer took, ms.
    pub response_delay_ms: Option<u64>,
    /// `rtt`: round-trip time to the next hop, ms.
    pub rtt_ms: Option<u64>,
}

impl Hop {
    /// A hop that tells nothing yet.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// The hop, and how many parameters were passed over.
    fn read(item: &Item) -> Option<(Self, usize)> {
        let mut hop = Self::named(text(&item.bare_item, limits::NAME_CHARS_MAX)?);
        let passed_over = item.params.iter().filter(|(key, value)| hop.take(key.as_str(), value).is_none());
        let passed_over = passed_over.count();
        Some((hop, passed_over))
    }

    fn take(&mut self, key: &str, value: &BareItem) -> Option<()> {
        match key {
            "du" => self.is_under_duress = flag(value)?,
            "etp" => self.throughput_kbps = Some(kbps(value)?),
            "mb" => self.max_kbps = Some(kbps(value)?),
            "rd" => self.response_delay_ms = Some(number(value, MEDIA_MS_MAX)?),
            "rtt" => self.rtt_ms = Some(number(value, MEDIA_MS_MAX)?),
            _ => return None,
        }
        Some(())
    }

    /// None where the name cannot be written.
    fn write(&self) -> Option<ListEntry> {
        let mut parameters = Parameters::new();
        let mut put = |name: &str, value: Option<BareItem>| {
            if let (Ok(key), Some(value)) = (Key::from_string(name.to_owned()), value) {
                parameters.insert(key, value);
            }
        };
        put("du", self.is_under_duress.then_some(BareItem::Boolean(true)));
        put("etp", self.throughput_kbps.and_then(|kbps| from_number(kbps.into())));
        put("mb", self.max_kbps.and_then(|kbps| from_number(kbps.into())));
        put("rd", self.response_delay_ms.and_then(from_number));
        put("rtt", self.rtt_ms.and_then(from_number));
        let name = Some(&*self.name).filter(|name| name.len() <= limits::NAME_CHARS_MAX);
        Some(ListEntry::Item(Item::with_params(name.and_then(from_text)?, parameters)))
    }
}

/// `CMSD-Dynamic`: what the hops of a response tell, the one nearest to the player last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dynamic {
    /// From the origin on, the last [`limits::HOPS_MAX`] of them.
    pub hops: Vec<Hop>,
    /// Entries that are no hop, and parameters that are unknown or out of their range.
    pub passed_over: usize,
}

impl Dynamic {
    /// Reads the header's text; what is no hop is passed over and counted. Errors are those of the syntax alone.
    pub fn read(field: &str) -> Result<Self, StructuredError> {
        let mut read = Self::default();
        for entry in &structured::list(field)? {
            let hop = match entry {
                ListEntry::Item(item) => Hop::read(item),
                ListEntry::InnerList(_) => None,
            };
            match hop {
                Some((hop, passed_over)) => {
                    read.hops.push(hop);
                    read.passed_over += passed_over;
                }
                None => read.passed_over += 1,
            }
        }
        let surplus = read.hops.len().saturating_sub(limits::HOPS_MAX);
        read.hops.drain(..surplus);
        Ok(read)
    }

    /// The header's text; none without hops. A hop whose name cannot be written is left out.
    pub fn write(&self) -> Option<String> {
        structured::write_list(&self.hops.iter().filter_map(Hop::write).collect())
    }

    /// What a player goes by.
    pub fn last(&self) -> Option<&Hop> {
        self.hops.last()
    }
}

/// A `CMSD-Dynamic` with a hop more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The header's text; empty only where the hop's name cannot be written and nothing stood before.
    pub field: String,
    /// Why what stood before was dropped.
    pub dropped: Option<StructuredError>,
}

/// Appends a hop to what the upstream said, unknown parameters kept. A text that is not a list is dropped: a
/// player could not read what follows it. Of more than [`limits::HOPS_MAX`] hops the oldest go.
pub fn append(upstream: Option<&str>, hop: &Hop) -> Appended {
    let (mut list, dropped) = match structured::list(upstream.unwrap_or_default()) {
        Ok(list) => (list, None),
        Err(error) => (List::new(), Some(error)),
    };
    list.extend(hop.write());
    let surplus = list.len().saturating_sub(limits::HOPS_MAX);
    list.drain(..surplus);
    Appended { field: structured::write_list(&list).unwrap_or_default(), dropped }
}

/// A whole number from 0 to `max`; decimals are rounded, half up.
fn number(value: &BareItem, max: u64) -> Option<u64> {
    let number = match value {
        BareItem::Integer(number) => i64::from(*number),
        BareItem::Decimal(number) => (i64::from(number.as_integer_scaled_1000()) + 500).div_euclid(1_000),
        _ => return None,
    };
    u64::try_from(number).ok().filter(|number| *number <= max)
}

fn kbps(value: &BareItem) -> Option<u32> {
    number(value, u64::from(KBPS_MAX)).map(|kbps| kbps as u32)
}

fn text(value: &BareItem, chars_max: usize) -> Option<String> {
    let BareItem::String(text) = value else { return None };
    Some(text.as_str().to_owned()).filter(|text| text.len() <= chars_max)
}

fn token(value: &BareItem) -> Option<&str> {
    if let BareItem::Token(token) = value { Some(token.as_str()) } else { None }
}

fn flag(value: &BareItem) -> Option<bool> {
    if let BareItem::Boolean(flag) = value { Some(*flag) } else { None }
}

fn from_number(number: u64) -> Option<BareItem> {
    structured::Integer::try_from(number).ok().map(BareItem::Integer)
}

fn from_text(text: &str) -> Option<BareItem> {
    structured::FieldString::from_string(text.to_owned()).ok().map(BareItem::String)
}

fn from_token(token: &str) -> Option<BareItem> {
    structured::Token::from_string(token.to_owned()).ok().map(BareItem::Token)
}
