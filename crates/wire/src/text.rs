//! The checks that the texts and numbers of several messages share.

use crate::{Refusal, limits};

/// An id is 1 to 64 characters without control characters.
pub(crate) fn check_id(field: &str, id: &str) -> Result<(), Refusal> {
    if id.is_empty() || id.chars().nth(limits::ID_CHARS_MAX).is_some() {
        let max = limits::ID_CHARS_MAX;
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
