//! Bytes to messages and back, within limits.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Refusal, limits};

/// Parses a JSON message of at most `bytes_max` bytes.
///
/// Codes: `body-too-large`, `json-malformed` (also an unknown field, a missing one, or a number out
/// of its type's range; the message tells where).
pub fn decode_json<T: DeserializeOwned>(body: &[u8], bytes_max: usize) -> Result<T, Refusal> {
    check_bytes(body, bytes_max)?;
    // The parser takes a list for an object whose fields have defaults: `[]` would be a question.
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        return Err(Refusal::new("json-malformed", "a message is an object, not a list"));
    }
    serde_json::from_slice(body).map_err(|error| Refusal::new("json-malformed", error.to_string()))
}

/// Parses a MessagePack message of at most `bytes_max` bytes, all of which it must use.
///
/// Codes: `body-too-large`, `msgpack-malformed`.
pub fn decode_msgpack<T: DeserializeOwned>(body: &[u8], bytes_max: usize) -> Result<T, Refusal> {
    check_bytes(body, bytes_max)?;
    let refuse = |message: String| Refusal::new("msgpack-malformed", message);
    let mut deserializer = rmp_serde::Deserializer::new(body);
    deserializer.set_max_depth(limits::MSGPACK_DEPTH_MAX);
    let message = T::deserialize(&mut deserializer).map_err(|error| refuse(error.to_string()))?;
    match deserializer.get_ref().len() {
        0 => Ok(message),
        rest => Err(refuse(format!("{rest} bytes follow the message"))),
    }
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
