//! The vectors of the HTTP working group for Structured Fields, each of them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use quickcheck::quickcheck;
use serde::Deserialize;
use serde_json::Value;
use wire::structured::{
    self, BareItem, Date, Decimal, Dictionary, FieldString, InnerList, Integer, Item, Key, List, ListEntry,
    Parameters, StructuredError, Token,
};

/// `FRONTROW_STRUCTURED_FIELD_TESTS`, else a folder of `FRONTROW_DATA` or of the data beside the checkout.
fn folder() -> PathBuf {
    let data = std::env::var_os("FRONTROW_DATA").map_or_else(|| "../../../shared/data".into(), PathBuf::from);
    let named = std::env::var_os("FRONTROW_STRUCTURED_FIELD_TESTS").map(PathBuf::from);
    named.unwrap_or_else(|| data.join("structured-field-tests"))
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    header_type: String,
    #[serde(default)]
    raw: Option<Vec<String>>,
    #[serde(default)]
    expected: Option<Value>,
    #[serde(default)]
    must_fail: bool,
    #[serde(default)]
    can_fail: bool,
    #[serde(default)]
    canonical: Option<Vec<String>>,
}

/// A field of any type; what could not be built from the expected value is none.
#[derive(Debug, PartialEq)]
enum Field {
    Item(Item),
    List(List),
    Dictionary(Dictionary),
}

impl Field {
    fn parse(kind: &str, text: &str) -> Result<Self, StructuredError> {
        Ok(match kind {
            "item" => Self::Item(structured::item(text)?),
            "list" => Self::List(structured::list(text)?),
            "dictionary" => Self::Dictionary(structured::dictionary(text)?),
            other => panic!("unknown type {other}"),
        })
    }

    fn expected(kind: &str, value: &Value) -> Option<Self> {
        Some(match kind {
            "item" => Self::Item(item(value)?),
            "list" => Self::List(value.as_array().unwrap().iter().map(entry).collect::<Option<_>>()?),
            _ => {
                let members = value.as_array().unwrap().iter();
                Self::Dictionary(
                    members.map(|pair| Some((key(&pair[0])?, entry(&pair[1])?))).collect::<Option<_>>()?,
                )
            }
        })
    }

    fn write(&self) -> Vec<String> {
        match self {
            Self::Item(item) => vec![structured::write_item(item)],
            Self::List(list) => structured::write_list(list).into_iter().collect(),
            Self::Dictionary(dictionary) => structured::write_dictionary(dictionary).into_iter().collect(),
        }
    }
}

fn key(value: &Value) -> Option<Key> {
    Key::from_string(value.as_str().unwrap().to_owned()).ok()
}

fn entry(value: &Value) -> Option<ListEntry> {
    if value[0].is_array() {
        let items = value[0].as_array().unwrap().iter().map(item).collect::<Option<Vec<_>>>()?;
        return Some(ListEntry::InnerList(InnerList::with_params(items, parameters(&value[1])?)));
    }
    Some(ListEntry::Item(item(value)?))
}

fn item(value: &Value) -> Option<Item> {
    Some(Item::with_params(bare(&value[0])?, parameters(&value[1])?))
}

fn parameters(value: &Value) -> Option<Parameters> {
    value.as_array().unwrap().iter().map(|pair| Some((key(&pair[0])?, bare(&pair[1])?))).collect()
}

fn bare(value: &Value) -> Option<BareItem> {
    Some(match value {
        Value::Bool(flag) => BareItem::Boolean(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => BareItem::Integer(Integer::try_from(integer).ok()?),
            None => BareItem::Decimal(Decimal::try_from(number.as_f64().unwrap()).ok()?),
        },
        Value::String(text) => BareItem::String(FieldString::from_string(text.clone()).ok()?),
        Value::Object(object) => {
            let inner = &object["value"];
            match object["__type"].as_str().unwrap() {
                "token" => BareItem::Token(Token::from_string(inner.as_str().unwrap().to_owned()).ok()?),
                "binary" => BareItem::ByteSequence(base32(inner.as_str().unwrap())),
                "date" => {
                    let seconds = Integer::try_from(inner.as_i64().unwrap()).ok()?;
                    BareItem::Date(Date::from_unix_seconds(seconds))
                }
                "displaystring" => BareItem::DisplayString(inner.as_str().unwrap().to_owned()),
                other => panic!("unknown type {other}"),
            }
        }
        other => panic!("unknown value {other}"),
    })
}

/// RFC 4648, section 6.
fn base32(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (mut bits, mut held) = (0_u32, 0);
    for letter in text.bytes().filter(|letter| *letter != b'=') {
        let five = if letter.is_ascii_uppercase() { letter - b'A' } else { letter - b'2' + 26 };
        bits = bits << 5 | u32::from(five);
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff) as u8);
        }
    }
    bytes
}

/// Counts of what was checked.
#[derive(Default, Debug, PartialEq)]
struct Counts {
    parsed: usize,
    refused: usize,
    /// Of those that a parser may refuse, the ones ours refuses.
    refused_freely: usize,
    written: usize,
    not_writable: usize,
}

fn vectors(folder: &std::path::Path) -> Vec<(String, Vec<Vector>)> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files.into_iter().map(|file| (file.display().to_string(), read(&file))).collect()
}

fn read(file: &std::path::Path) -> Vec<Vector> {
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

fn check(file: &str, vector: &Vector, counts: &mut Counts) {
    let subject = format!("{file}: {}", vector.name);
    let expected = vector.expected.as_ref().and_then(|value| Field::expected(&vector.header_type, value));
    if let Some(raw) = &vector.raw {
        let parsed = Field::parse(&vector.header_type, &raw.join(", "));
        match (&parsed, vector.must_fail) {
            (Ok(field), true) => panic!("{subject}: parsed as {field:?}"),
            (Ok(field), false) => {
                assert_eq!(Some(field), expected.as_ref(), "{subject}");
                counts.parsed += 1;
            }
            (Err(_), true) => counts.refused += 1,
            (Err(_), false) if vector.can_fail => counts.refused_freely += 1,
            (Err(error), false) => panic!("{subject}: {error}"),
        }
    }
    match (&expected, vector.must_fail) {
        (None, true) => counts.not_writable += usize::from(vector.raw.is_none()),
        (Some(field), false) => {
            let canonical = vector.canonical.as_ref().or(vector.raw.as_ref()).unwrap();
            assert_eq!(&field.write(), canonical, "{subject}");
            counts.written += 1;
        }
        (field, must_fail) => panic!("{subject}: {field:?} although must_fail is {must_fail}"),
    }
}

#[test]
fn every_vector_of_the_working_group_passes() {
    let folder = folder();
    if !folder.is_dir() {
        let variable = "FRONTROW_STRUCTURED_FIELD_TESTS";
        // Past the test runner, who would keep it to himself.
        let said = format!("not run: there is no {} ({variable} names another folder)\n", folder.display());
        io::stderr().write_all(said.as_bytes()).unwrap();
        return;
    }
    let mut counts = Counts::default();
    let mut number = 0;
    let both = [vectors(&folder), vectors(&folder.join("serialisation-tests"))];
    for (file, vectors) in both.into_iter().flatten() {
        for vector in &vectors {
            check(&file, vector, &mut counts);
            number += 1;
        }
    }
    eprintln!("{number} vectors: {counts:?}");
    assert_eq!(number, 2_135);
}

#[test]
fn a_field_above_the_limit_is_refused_before_it_is_parsed() {
    let longest = "a".repeat(structured::limits::FIELD_BYTES_MAX);
    assert!(structured::item(&longest).is_ok());
    let error = structured::item(longest + "a").unwrap_err();
    assert_eq!(error.code(), "field-too-long");
    assert_eq!(structured::list("(").unwrap_err().code(), "field-malformed");
}

quickcheck! {
    fn any_bytes_are_a_dictionary_or_an_error_and_what_is_written_reads_as_the_same(bytes: Vec<u8>) -> bool {
        structured::dictionary(&bytes).map_or(true, |field| {
            structured::dictionary(structured::write_dictionary(&field).unwrap_or_default()) == Ok(field)
        })
    }

    fn any_bytes_are_a_list_or_an_error_and_what_is_written_reads_as_the_same(bytes: Vec<u8>) -> bool {
        structured::list(&bytes)
            .map_or(true, |field| structured::list(structured::write_list(&field).unwrap_or_default()) == Ok(field))
    }
}
