//! Ranges of settings, checked while they are parsed, so that a refusal knows its line.

use reqwest::Url;
use serde::de::{Deserialize, Deserializer, Error};

/// A whole number from `MIN` to `MAX`.
pub(super) fn within<'de, const MIN: u64, const MAX: u64, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<u64, D::Error> {
    let value = i64::deserialize(deserializer)?;
    let in_range = u64::try_from(value).ok().filter(|value| (MIN..=MAX).contains(value));
    in_range.ok_or_else(|| D::Error::custom(format_args!("{value} is not {MIN} to {MAX}")))
}

/// A name that becomes part of metrics and file names.
pub(super) fn label<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let label = String::deserialize(deserializer)?;
    let max = wire::limits::LABEL_CHARS_MAX;
    let sound = (1..=max).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if sound {
        return Ok(label);
    }
    Err(D::Error::custom(format_args!("{label:?} is not 1 to {max} ASCII letters, digits, - or _")))
}

/// The base of the origin's addresses, with a closing slash.
pub(super) fn origin_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    let mut text = String::deserialize(deserializer)?;
    if !text.ends_with('/') {
        text.push('/');
    }
    let url = Url::parse(&text).map_err(|error| D::Error::custom(format_args!("{text:?}: {error}")))?;
    let plain = url.query().is_none() && url.fragment().is_none() && url.host().is_some();
    if matches!(url.scheme(), "http" | "https") && plain {
        return Ok(url);
    }
    Err(D::Error::custom(format_args!("{text:?} is not a plain http or https address")))
}
