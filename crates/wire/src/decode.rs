//! Bytes to messages and back, within limits.

use rmp_serde::Deserializer;
use rmp_serde::decode::Error;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::{Refusal, limits};

/// Parses a JSON message of at most `bytes_max` bytes.
///
/// Codes: `body-too-large`, `json-malformed` (also an unknown field, a missing one, or a number out
/// of its type's range; the message tells where).
pub fn decode_json<'a, T: Deserialize<'a>>(body: &'a [u8], bytes_max: usize) -> Result<T, Refusal> {
    check_bytes(body, bytes_max)?;
    // The parser takes a list for an object whose fields have defaults: `[]` would be a question.
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        return Err(Refusal::new("json-malformed", "a message is an object, not a list"));
    }
    // Once for the whole: the parser would do it for every name and text apart.
    let text = str::from_utf8(body).map_err(|error| Refusal::new("json-malformed", error.to_string()))?;
    serde_json::from_str(text).map_err(|error| Refusal::new("json-malformed", error.to_string()))
}

/// Parses a MessagePack message of at most `bytes_max` bytes, all of which it must use.
///
/// Codes: `body-too-large`, `msgpack-malformed`.
pub fn decode_msgpack<'a, T: Deserialize<'a>>(body: &'a [u8], bytes_max: usize) -> Result<T, Refusal> {
    check_bytes(body, bytes_max)?;
    let refuse = |message: String| Refusal::new("msgpack-malformed", message);
    let mut deserializer = Deserializer::from_read_ref(body);
    deserializer.set_max_depth(limits::MSGPACK_DEPTH_MAX);
    let message = T::deserialize(&mut deserializer).map_err(|error| refuse(error.to_string()))?;
    // Only at the very end is there no first byte of a number.
    match u8::deserialize(&mut deserializer) {
        Err(Error::InvalidMarkerRead(_)) => Ok(message),
        _ => Err(refuse("bytes follow the message".to_owned())),
    }
}

/// The bytes of each item of a JSON object with one field, which holds a list of at most `items_max`; none if it is not
/// that. An item is what lies between commas outside of brackets and texts, and need not be JSON. Of a longer list, one
/// more than so many.
pub(crate) fn json_items<'a>(body: &'a [u8], field: &str, items_max: usize) -> Option<Vec<&'a [u8]>> {
    let name = after_token(after_token(body, b"{")?, b"\"")?;
    let list = after_token(name.strip_prefix(field.as_bytes())?.strip_prefix(b"\"")?, b":")?;
    let mut rest = after_token(list, b"[")?;
    let mut found = Vec::new();
    while found.len() <= items_max {
        let (item, after) = rest.split_at(json_item_bytes(rest)?);
        found.push(item);
        match after {
            [b',', more @ ..] => rest = more,
            [_, end @ ..] => return trimmed(after_token(end, b"}")?).is_empty().then_some(found),
            [] => return None,
        }
    }
    Some(found)
}

fn after_token<'a>(body: &'a [u8], token: &[u8]) -> Option<&'a [u8]> {
    trimmed(body).strip_prefix(token)
}

/// Without the spaces before it, as JSON has them.
fn trimmed(body: &[u8]) -> &[u8] {
    let spaces = body.iter().take_while(|byte| b" \t\r\n".contains(byte)).count();
    &body[spaces..]
}

/// How many bytes there are before the comma that ends an item of a list, or the bracket that ends the list.
fn json_item_bytes(body: &[u8]) -> Option<usize> {
    let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
    for (at, byte) in body.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            _ if is_text => {}
            b',' | b']' if depth == 0 => return Some(at),
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    None
}

/// The bytes of each item of a MessagePack map with one field, which holds a list of at most `items_max`; none if
/// it is not that. An item may be anything that is MessagePack.
pub(crate) fn msgpack_items<'a>(body: &'a [u8], field: &str, items_max: usize) -> Option<Vec<&'a [u8]>> {
    let mut rest = body;
    let fields = rmp::decode::read_map_len(&mut rest).ok()?;
    let length = usize::try_from(rmp::decode::read_str_len(&mut rest).ok()?).ok()?;
    let name = rest.split_off(..length)?;
    let items = usize::try_from(rmp::decode::read_array_len(&mut rest).ok()?).ok()?;
    if fields != 1 || name != field.as_bytes() || items > items_max {
        return None;
    }
    let mut found = Vec::new();
    for _ in 0..items {
        let mut deserializer = Deserializer::new(rest);
        deserializer.set_max_depth(limits::MSGPACK_DEPTH_MAX);
        IgnoredAny::deserialize(&mut deserializer).ok()?;
        let after = deserializer.get_ref().len();
        found.push(rest.split_off(..rest.len() - after)?);
    }
    rest.is_empty().then_some(found)
}

/// Writes a message as JSON.
pub fn encode_json<T: Serialize>(message: &T) -> Vec<u8> {
    serde_json::to_vec(message).expect("our messages have text keys and write to memory")
}

/// Writes a message as MessagePack, structures as maps with their field names.
pub fn encode_msgpack<T: Serialize>(message: &T) -> Vec<u8> {
    rmp_serde::to_vec_named(message).expect("our messages know their lengths and write to memory")
}

fn check_bytes(body: &[u8], bytes_max: usize) -> Result<(), Refusal> {
    if body.len() > bytes_max {
        let message = format!("the body has more than {bytes_max} bytes");
        return Err(Refusal::new("body-too-large", message));
    }
    Ok(())
}
