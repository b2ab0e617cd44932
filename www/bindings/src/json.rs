//! Messages as text: JavaScript has one JSON parser, we have another, and both are fast.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Refusal;

/// Parses a message, within the limit that holds for a request to a node.
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Refusal> {
    Ok(wire::decode_json(text.as_bytes(), wire::limits::REQUEST_BYTES_MAX)?)
}

/// Parses a list of messages, within the same limit. `wire` takes single messages only.
pub(crate) fn parse_list<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, Refusal> {
    if text.len() > wire::limits::REQUEST_BYTES_MAX {
        return Err(Refusal::new("body-too-large", &"the list is too large"));
    }
    serde_json::from_str(text).map_err(|error| Refusal::new("json-malformed", &error))
}

/// Writes a message.
pub(crate) fn write<T: Serialize>(message: &T) -> String {
    String::from_utf8(wire::encode_json(message)).expect("JSON is UTF-8")
}
