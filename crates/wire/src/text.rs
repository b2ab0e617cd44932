//! Texts of messages: borrowed where they can be, and the checks that several messages share.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Refusal, limits};

/// A text of a message: part of the body it came in, or its own where the body escapes characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<'a>(Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

// Not derived: a `Cow` within an `Option` would always be copied.
impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrowing;

        impl<'de> Visitor<'de> for Borrowing {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(text.into())
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(text.to_owned().into())
            }
        }

        deserializer.deserialize_str(Borrowing)
    }
}

/// An id is 1 to 64 characters without control characters.
pub(crate) fn check_id(field: &str, id: &str) -> Result<(), Refusal> {
    check_name(field, id, limits::ID_CHARS_MAX)
}

/// A name is 1 to `max` characters without control characters.
pub(crate) fn check_name(field: &str, id: &str, max: usize) -> Result<(), Refusal> {
    // Almost every id; the general rule below would say the same. Without a way out, so that many bytes are looked at
    // at once.
    let are_plain = |id: &str| id.bytes().fold(true, |so_far, byte| so_far & (b' '..0x7f).contains(&byte));
    if (1..=max).contains(&id.len()) && are_plain(id) {
        return Ok(());
    }
    if id.is_empty() || id.chars().nth(max).is_some() {
        return Err(Refusal::new("id-length", format!("{field} must have 1 to {max} characters")));
    }
    if id.chars().any(char::is_control) {
        return Err(Refusal::new("id-character", format!("{field} holds a control character")));
    }
    Ok(())
}

/// A label is 1 to 32 ASCII letters, digits, `-` or `_`: it becomes part of metrics and file names.
pub(crate) fn check_label(field: &str, label: Option<&str>) -> Result<(), Refusal> {
    let Some(label) = label else { return Ok(()) };
    let max = limits::LABEL_CHARS_MAX;
    if label.is_empty() || label.len() > max {
        return Err(Refusal::new("label-length", format!("{field} must have 1 to {max} characters")));
    }
    if !label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_') {
        let message = format!("{field} may hold ASCII letters, digits, - and _ only");
        return Err(Refusal::new("label-character", message));
    }
    Ok(())
}

/// A time is not after the year 9999.
pub(crate) fn check_time(field: &str, unix_ms: Option<u64>) -> Result<(), Refusal> {
    match unix_ms {
        Some(at) if at > limits::UNIX_MS_MAX => {
            Err(Refusal::new("time-out-of-range", format!("{field} is after the year 9999")))
        }
        _ => Ok(()),
    }
}

/// A number is at most `max`.
pub(crate) fn check_max(field: &str, value: Option<u64>, max: u64) -> Result<(), Refusal> {
    match value {
        Some(value) if value > max => {
            let message = format!("{field} is {value}, more than {max}");
            Err(Refusal::new("number-out-of-range", message))
        }
        _ => Ok(()),
    }
}
