//! Why a spool refuses.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::limits;

/// Why a spool was not opened, or a payload not stored.
///
/// A clone shares the cause: one failed write is told to everyone who waited for it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SpoolError {
    /// Another process holds the folder.
    #[error("the spool {folder:?} belongs to another process")]
    Locked {
        /// Of the spool.
        folder: PathBuf,
    },
    /// A setting is out of its range.
    #[error("{field} is {value}, outside {min} to {max}")]
    Setting {
        /// Its name.
        field: &'static str,
        /// What it is.
        value: u64,
        /// The least it may be.
        min: u64,
        /// The most it may be.
        max: u64,
    },
    /// The folder or one of its files cannot be read or made.
    #[error("{path:?}: {source}")]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: Arc<io::Error>,
    },
    /// No batch would hold it.
    #[error("a payload of {bytes} bytes is more than {}", limits::FRAME_BYTES_MAX)]
    TooLarge {
        /// Of the payload.
        bytes: usize,
    },
    /// More waits to be written than the queue holds; the disk is too slow for what comes.
    #[error("{waiting_bytes} bytes wait to be written")]
    Full {
        /// Before this one.
        waiting_bytes: usize,
    },
    /// It could not be written, and nothing of it stays; the next may go well.
    #[error("not written: {0}")]
    Write(#[source] Arc<io::Error>),
    /// The system could not say what is on the disk, so nothing is taken until the spool is opened anew.
    #[error("the spool is broken until it is opened anew: {0}")]
    Broken(#[source] Arc<io::Error>),
    /// It is being closed.
    #[error("the spool is closed")]
    Closed,
}

impl SpoolError {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Locked { .. } => "spool-locked",
            Self::Setting { .. } => "spool-setting",
            Self::Folder { .. } => "spool-folder",
            Self::TooLarge { .. } => "spool-frame-too-large",
            Self::Full { .. } => "spool-full",
            Self::Write(error) if error.kind() == io::ErrorKind::StorageFull => "spool-disk-full",
            Self::Write(_) => "spool-write",
            Self::Broken(_) => "spool-broken",
            Self::Closed => "spool-closed",
        }
    }
}
