//! Structured Fields for HTTP (RFC 9651): the syntax below CMCD and CMSD.
//!
//! Parsing and writing are those of the crate `sfv`; what is ours is the bound on the text and one error
//! with a stable code. All 2,135 vectors of the HTTP working group are a test of this module.

pub mod limits;

use std::fmt;

pub use sfv::{
    BareItem, Date, Decimal, Dictionary, InnerList, Integer, Item, Key, KeyRef, List, ListEntry, Parameters,
    String as FieldString, Token,
};
use sfv::{FieldType, Parser};

/// Why a field was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StructuredError {
    /// It has more than [`limits::FIELD_BYTES_MAX`] bytes.
    TooLong {
        /// How many it has.
        bytes: usize,
    },
    /// It does not follow the grammar.
    Malformed {
        /// The byte that does not fit; none when the field ends too early or a rule above the grammar broke.
        at: Option<usize>,
    },
}

impl StructuredError {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "field-too-long",
            Self::Malformed { .. } => "field-malformed",
        }
    }
}

impl fmt::Display for StructuredError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { bytes } => {
                write!(f, "{bytes} bytes are more than the {} of a structured field", limits::FIELD_BYTES_MAX)
            }
            Self::Malformed { at: Some(at) } => write!(f, "no structured field: byte {at} does not fit"),
            Self::Malformed { at: None } => write!(f, "no structured field"),
        }
    }
}

impl std::error::Error for StructuredError {}

impl From<sfv::Error> for StructuredError {
    fn from(error: sfv::Error) -> Self {
        Self::Malformed { at: error.index() }
    }
}

/// Parses a dictionary; of a key that is repeated the last value counts.
pub fn dictionary(field: impl AsRef<[u8]>) -> Result<Dictionary, StructuredError> {
    parse(field.as_ref())
}

/// Parses a list.
pub fn list(field: impl AsRef<[u8]>) -> Result<List, StructuredError> {
    parse(field.as_ref())
}

/// Parses a single item.
pub fn item(field: impl AsRef<[u8]>) -> Result<Item, StructuredError> {
    parse(field.as_ref())
}

/// Writes a dictionary; nothing when it has no member, since such a field is left out.
pub fn write_dictionary(field: &Dictionary) -> Option<String> {
    field.serialize()
}

/// Writes a list; nothing when it has no member, since such a field is left out.
pub fn write_list(field: &List) -> Option<String> {
    field.serialize()
}

/// Writes a single item.
pub fn write_item(field: &Item) -> String {
    field.serialize()
}

fn parse<T: FieldType>(field: &[u8]) -> Result<T, StructuredError> {
    check_length(field)?;
    Ok(Parser::new(field).parse()?)
}

/// A parser with a visitor has to ask this first.
pub(crate) fn check_length(field: &[u8]) -> Result<(), StructuredError> {
    if field.len() > limits::FIELD_BYTES_MAX {
        return Err(StructuredError::TooLong { bytes: field.len() });
    }
    Ok(())
}
