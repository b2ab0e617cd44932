//! What titles are called.

use alloc::string::String;
use alloc::vec::Vec;

use ranking::TitleId;
use serde::{Deserialize, Serialize};

use crate::FileError;
use crate::limits::TITLES_BYTES_MAX;

const SCHEMA: &str = "frontrow-titles-1";

/// A title as people know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Title {
    /// Its number in the catalogue.
    pub id: TitleId,
    /// Its name.
    pub name: String,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub year: Option<u16>,
    /// What it is about.
    pub genres: Vec<String>,
}

/// All titles of a release, by rising id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Titles {
    titles: Vec<Title>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema: String,
    titles: Vec<Title>,
}

impl Titles {
    /// In any order.
    ///
    /// # Errors
    ///
    /// When two titles have one id.
    pub fn new(mut titles: Vec<Title>) -> Result<Self, FileError> {
        titles.sort_unstable_by_key(|title| title.id);
        if titles.windows(2).any(|pair| pair[0].id == pair[1].id) {
            return Err(FileError::Value { field: "id" });
        }
        Ok(Self { titles })
    }

    /// A title by its number.
    pub fn get(&self, id: TitleId) -> Option<&Title> {
        let index = self.titles.binary_search_by_key(&id, |title| title.id).ok()?;
        Some(&self.titles[index])
    }

    /// All of them, by rising id.
    pub fn as_slice(&self) -> &[Title] {
        &self.titles
    }

    /// Reads `titles.json`.
    ///
    /// # Errors
    ///
    /// When it is too large, not JSON, of another schema, or names an id twice.
    pub fn decode(bytes: &[u8]) -> Result<Self, FileError> {
        FileError::check_size(bytes, TITLES_BYTES_MAX)?;
        let file: File = serde_json::from_slice(bytes)?;
        if file.schema != SCHEMA {
            return Err(FileError::Schema { expected: SCHEMA });
        }
        Self::new(file.titles)
    }

    /// Writes `titles.json`.
    pub fn encode(&self) -> Vec<u8> {
        let file = File { schema: SCHEMA.into(), titles: self.titles.clone() };
        serde_json::to_vec(&file).expect("names and numbers can be written as JSON")
    }
}
