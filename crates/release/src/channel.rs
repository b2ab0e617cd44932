//! A channel: the name by which nodes find the release they should serve.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::FileError;
use crate::limits::CHANNEL_BYTES_MAX;

const SCHEMA: &str = "frontrow-channel-1";

/// What a channel points to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    schema: String,
    /// Its name.
    pub channel: String,
    /// The release to serve.
    pub generation: u64,
}

impl Channel {
    /// A pointer of this name to this release.
    pub fn new(channel: &str, generation: u64) -> Self {
        Self { schema: SCHEMA.to_string(), channel: channel.to_string(), generation }
    }

    /// Reads the file of a channel.
    ///
    /// # Errors
    ///
    /// When it is too large, not JSON, or of another schema.
    pub fn decode(bytes: &[u8]) -> Result<Self, FileError> {
        FileError::check_size(bytes, CHANNEL_BYTES_MAX)?;
        let channel: Self = serde_json::from_slice(bytes)?;
        if channel.schema != SCHEMA {
            return Err(FileError::Schema { expected: SCHEMA });
        }
        Ok(channel)
    }

    /// Writes the file of a channel.
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("names and numbers can be written as JSON")
    }
}

/// The TUF target of a channel.
pub fn channel_target(channel: &str) -> String {
    format!("channel-{channel}.json")
}

/// The TUF target of a generation's manifest.
pub fn manifest_target(generation: u64) -> String {
    format!("manifest-{generation}.json")
}

/// The TUF target of a file, named by its content, so that generations share it.
pub fn file_target(sha256: &str) -> String {
    format!("sha256-{sha256}")
}
