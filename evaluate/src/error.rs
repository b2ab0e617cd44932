//! Why an input was refused.

use std::path::{Path, PathBuf};

/// Why an input was refused; names the file and, where there is one, the line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    /// A file or folder could not be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// Of the file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A whole file is not what it should be.
    #[error("{}: {reason}", path.display())]
    File {
        /// Of the file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A line is not what it should be.
    #[error("{}:{line}: {reason}", path.display())]
    Line {
        /// Of the file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A folder has no trace.
    #[error("{}: no trace in this folder", folder.display())]
    NoTraces {
        /// The folder.
        folder: PathBuf,
    },
    /// The command line asks for what cannot be.
    #[error("{0}")]
    Usage(String),
}

/// What reading gives.
pub(crate) type Result<T> = std::result::Result<T, InputError>;

impl InputError {
    pub(crate) fn unreadable(path: &Path, source: std::io::Error) -> Self {
        Self::Unreadable { path: path.to_owned(), source }
    }

    pub(crate) fn file(path: &Path, reason: &str) -> Self {
        Self::File { path: path.to_owned(), reason: reason.to_owned() }
    }

    pub(crate) fn line(path: &Path, line: usize, reason: impl Into<String>) -> Self {
        Self::Line { path: path.to_owned(), line, reason: reason.into() }
    }

    pub(crate) fn json(path: &Path, error: &serde_json::Error) -> Self {
        Self::line(path, error.line(), error.to_string())
    }
}
