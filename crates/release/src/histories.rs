//! What each viewer has watched, as of the release.

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use ranking::{TitleId, ViewerId};

use crate::FileError;
use crate::limits::{HISTORIES_BYTES_MAX, HISTORY_TITLES_MAX};
use crate::tensors::{Reader, Writer};

const SCHEMA: &str = "frontrow-histories-1";

/// The newest titles of every viewer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histories {
    viewer_ids: Vec<ViewerId>,
    offsets: Vec<u32>,
    titles: Vec<TitleId>,
}

impl Histories {
    /// From viewers in rising order of their ids, each with titles watched, oldest first; the newest
    /// [`HISTORY_TITLES_MAX`] are kept.
    ///
    /// # Errors
    ///
    /// When the ids do not rise.
    pub fn new<'a>(viewers: impl IntoIterator<Item = (ViewerId, &'a [TitleId])>) -> Result<Self, FileError> {
        let mut histories = Self { viewer_ids: Vec::new(), offsets: vec![0], titles: Vec::new() };
        for (viewer, watched) in viewers {
            let newest = &watched[watched.len().saturating_sub(HISTORY_TITLES_MAX)..];
            histories.viewer_ids.push(viewer);
            histories.titles.extend_from_slice(newest);
            let end =
                u32::try_from(histories.titles.len()).map_err(|_| FileError::Value { field: "offset" })?;
            histories.offsets.push(end);
        }
        histories.check()?;
        Ok(histories)
    }

    /// What a viewer has watched, oldest first; none for a viewer never seen.
    pub fn of(&self, viewer: ViewerId) -> Option<&[TitleId]> {
        let index = self.viewer_ids.binary_search(&viewer).ok()?;
        Some(&self.titles[self.offsets[index] as usize..self.offsets[index + 1] as usize])
    }

    /// Viewers with a history.
    pub fn viewers(&self) -> usize {
        self.viewer_ids.len()
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// Names the tensor or the value that is not as the schema says.
    pub fn decode(bytes: &[u8]) -> Result<Self, FileError> {
        let file = Reader::open(bytes, HISTORIES_BYTES_MAX, SCHEMA)?;
        let histories = Self {
            viewer_ids: file.column("viewer_id")?,
            offsets: file.column("offset")?,
            titles: file.column("title")?,
        };
        histories.check()?;
        Ok(histories)
    }

    /// Writes the file; equal histories give equal bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut file = Writer::default();
        file.column("viewer_id", &self.viewer_ids);
        file.column("offset", &self.offsets);
        file.column("title", &self.titles);
        file.finish(&[("schema", SCHEMA.to_string())])
    }

    fn check(&self) -> Result<(), FileError> {
        if self.viewer_ids.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(FileError::Value { field: "viewer_id" });
        }
        let ends = self.offsets.len() == self.viewer_ids.len() + 1
            && self.offsets.first() == Some(&0)
            && self.offsets.last().is_some_and(|&end| end as usize == self.titles.len());
        let is_bounded = self
            .offsets
            .windows(2)
            .all(|pair| pair[0] <= pair[1] && (pair[1] - pair[0]) as usize <= HISTORY_TITLES_MAX);
        if ends && is_bounded { Ok(()) } else { Err(FileError::Value { field: "offset" }) }
    }
}
