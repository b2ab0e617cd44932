//! Titles and watch histories from a folder, or invented.
//!
//! An import is one transaction: it is there whole or not at all, and doing it twice changes nothing.

mod folder;
mod lines;
mod load;
mod maturity;
mod movies;
mod progress;
mod ratings;

pub use folder::{Format, Reading, import_folder};
pub use lines::{BadLine, Count, Fault};
pub use load::{Catalogue, Chunk, Imported, Watched, load};
pub use maturity::maturity;
pub use progress::Progress;

use std::io;
use std::path::{Path, PathBuf};

use crate::database::DatabaseError;

/// Why an import was refused; nothing of it is kept.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The folder holds no pair of files that we know.
    #[error("{0} holds neither ratings.dat and movies.dat nor ratings.csv and movies.csv")]
    FormatUnknown(PathBuf),
    /// A file could not be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Not one line was sound, so it is not the format it seems to be.
    #[error("{path}: none of {lines} lines could be read; first: {first}")]
    NothingSound {
        /// Which file.
        path: PathBuf,
        /// How many lines it has.
        lines: u64,
        /// What is wrong with the first of them.
        first: String,
    },
    /// Another source's titles are there, and equal numbers would mean different titles.
    #[error("the catalogue is of {there:?}, this is {wanted:?}; use another --data folder")]
    OtherCatalogue {
        /// Where the titles come from.
        there: String,
        /// What was to be imported.
        wanted: String,
    },
    /// The catalogue is larger than any we are made for.
    #[error("{0} titles are more than a catalogue may have")]
    TooManyTitles(usize),
    /// The database could not store it.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The reader ended before the end; its own error says why.
    #[error("the import was broken off")]
    BrokenOff,
    /// The reader died; the panic's message is on stderr.
    #[error("the reader ended in a panic")]
    Panicked,
}

impl ImportError {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::FormatUnknown(_) => "import-format-unknown",
            Self::Unreadable { .. } => "import-unreadable",
            Self::NothingSound { .. } => "import-nothing-sound",
            Self::OtherCatalogue { .. } => "import-other-catalogue",
            Self::TooManyTitles(_) => "import-too-many-titles",
            Self::Database(error) => error.code(),
            Self::BrokenOff => "import-broken-off",
            Self::Panicked => "panicked",
        }
    }

    fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Unreadable { path, source }
    }
}
