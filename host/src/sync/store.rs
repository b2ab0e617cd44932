//! The files of releases on disk, each under its SHA-256, and which generations they belong to.
//!
//! A file is there whole or not at all. What is read is checked again: a disk may rot.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::durable;
use crate::limits;

/// A node's files.
#[derive(Debug)]
pub(super) struct Store {
    files: PathBuf,
    current: PathBuf,
}

/// The generations a node keeps, the one that serves first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    /// The one that serves, then those before it; at most [`limits::PREVIOUS_KEPT`] of them.
    pub(super) generations: Vec<KeptGeneration>,
}

/// A generation on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeptGeneration {
    /// Its number.
    pub(super) generation: u64,
    /// The digest of its manifest, 64 hexadecimal digits.
    pub(super) manifest: String,
}

impl Kept {
    /// The same, with this generation serving.
    pub(super) fn with(&self, serving: &KeptGeneration) -> Self {
        let others = self.generations.iter().filter(|kept| *kept != serving).take(limits::PREVIOUS_KEPT);
        Self { generations: std::iter::once(serving).chain(others).cloned().collect() }
    }
}

/// A file as the manifest or the signed metadata names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// 64 hexadecimal digits.
    pub(super) sha256: String,
    /// Its length.
    pub(super) bytes: u64,
}

/// Why a file is not there.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It is not in the store.
    #[error("{0} is not in the store")]
    Missing(String),
    /// It is not what its name says; it has been removed.
    #[error("{0} has been damaged on disk")]
    Damaged(String),
    /// The disk failed.
    #[error("the store cannot be read or written: {0}")]
    Io(#[from] io::Error),
}

impl StoreError {
    /// A stable name for logs and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "file-missing",
            Self::Damaged(_) => "file-damaged",
            Self::Io(_) => "store-io",
        }
    }
}

impl Store {
    /// The store below `folder`, made if there is none; what a crash left is removed.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let files = folder.join("files");
        fs::create_dir_all(&files)?;
        durable::remove_leftovers(folder)?;
        durable::remove_leftovers(&files)?;
        Ok(Self { files, current: folder.join("current.json") })
    }

    /// Whether the file is there, by its length; its digest is checked when it is read.
    pub(super) fn has(&self, wanted: &Wanted) -> bool {
        let metadata = self.path(&wanted.sha256).and_then(fs::metadata);
        metadata.is_ok_and(|metadata| metadata.len() == wanted.bytes)
    }

    /// Reads a file and checks that it is what its name says.
    pub(super) fn read(&self, wanted: &Wanted) -> Result<Vec<u8>, StoreError> {
        let bytes = self.read_any(&wanted.sha256)?;
        if bytes.len() as u64 == wanted.bytes {
            return Ok(bytes);
        }
        Err(StoreError::Damaged(wanted.sha256.clone()))
    }

    /// The same for a file whose length is not known.
    pub(super) fn read_any(&self, sha256: &str) -> Result<Vec<u8>, StoreError> {
        let path = self.path(sha256)?;
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(StoreError::Missing(sha256.to_owned()));
            }
            Err(error) => return Err(error.into()),
        };
        if hex(&Sha256::digest(&bytes)) == sha256 {
            return Ok(bytes);
        }
        // Out of the way, so that the next look fetches it again.
        fs::remove_file(path)?;
        Err(StoreError::Damaged(sha256.to_owned()))
    }

    /// Begins a file.
    pub(super) fn begin(&self) -> io::Result<Incoming> {
        let file = tempfile::Builder::new().prefix(durable::PREFIX).tempfile_in(&self.files)?;
        Ok(Incoming { file, digest: Sha256::new(), bytes: 0 })
    }

    /// Puts a file in its place if it is the wanted one; returns whether it was.
    pub(super) fn finish(&self, incoming: Incoming, wanted: &Wanted) -> io::Result<bool> {
        if incoming.bytes != wanted.bytes || hex(&incoming.digest.finalize()) != wanted.sha256 {
            return Ok(false);
        }
        durable::persist(incoming.file, &self.path(&wanted.sha256)?)?;
        Ok(true)
    }

    /// The generations kept, none on a new disk.
    pub(super) fn kept(&self) -> Result<Kept, StoreError> {
        let bytes = match fs::read(&self.current) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Kept::default()),
            Err(error) => return Err(error.into()),
        };
        serde_json::from_slice(&bytes).map_err(|_| StoreError::Damaged("current.json".to_owned()))
    }

    /// Says which generations are kept; from then on the first of them serves after a restart.
    pub(super) fn keep(&self, kept: &Kept) -> io::Result<()> {
        let bytes = serde_json::to_vec(kept).map_err(io::Error::other)?;
        durable::write(&self.current, &bytes)
    }

    /// Removes every file but these.
    pub(super) fn remove_others(&self, sha256s: &BTreeSet<String>) -> io::Result<usize> {
        let mut removed = 0;
        for entry in fs::read_dir(&self.files)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.strip_prefix("sha256-").is_some_and(|sha256| !sha256s.contains(sha256)) {
                fs::remove_file(entry.path())?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    fn path(&self, sha256: &str) -> io::Result<PathBuf> {
        let sound =
            sha256.len() == 64 && sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !sound {
            return Err(io::Error::other("a digest is 64 hexadecimal digits"));
        }
        Ok(self.files.join(format!("sha256-{sha256}")))
    }
}

/// A file that is being written.
#[derive(Debug)]
pub(super) struct Incoming {
    file: tempfile::NamedTempFile,
    digest: Sha256,
    bytes: u64,
}

impl Incoming {
    /// Adds what has come.
    pub(super) fn write(&mut self, chunk: &[u8]) -> io::Result<()> {
        self.digest.update(chunk);
        self.bytes += chunk.len() as u64;
        self.file.write_all(chunk)
    }
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to memory does not fail");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(bytes: &[u8]) -> Wanted {
        Wanted { sha256: hex(&Sha256::digest(bytes)), bytes: bytes.len() as u64 }
    }

    fn put(store: &Store, bytes: &[u8], wanted: &Wanted) -> bool {
        let mut incoming = store.begin().expect("a file");
        bytes.chunks(2).for_each(|chunk| incoming.write(chunk).expect("written"));
        store.finish(incoming, wanted).expect("a disk")
    }

    #[test]
    fn a_file_is_kept_only_if_it_is_the_wanted_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("a store");
        let good = wanted(b"candidates");
        assert!(!put(&store, b"candidatez", &good), "one byte differs");
        assert!(!put(&store, b"candidate", &good), "truncated");
        assert!(!store.has(&good));
        assert!(put(&store, b"candidates", &good));
        assert_eq!(store.read(&good).expect("there"), b"candidates");
        assert_eq!(fs::read_dir(&store.files).expect("a folder").count(), 1, "no leftovers");
    }

    #[test]
    fn a_file_that_rots_is_removed_and_reported() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("a store");
        let good = wanted(b"candidates");
        assert!(put(&store, b"candidates", &good));
        fs::write(store.path(&good.sha256).expect("a path"), b"candidatez").expect("written");
        assert_eq!(store.read(&good).expect_err("damaged").code(), "file-damaged");
        assert_eq!(store.read(&good).expect_err("gone").code(), "file-missing");
    }

    #[test]
    fn a_name_cannot_leave_the_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("a store");
        for name in ["../current.json", "", "A", &"A".repeat(64), &format!("{}/", "a".repeat(63))] {
            assert!(store.path(name).is_err(), "{name}");
        }
    }

    #[test]
    fn the_two_generations_before_are_kept_and_a_roll_back_keeps_its_origin() {
        let generation = |generation| KeptGeneration { generation, manifest: format!("{generation:064}") };
        let mut kept = Kept::default();
        for number in 1..=4 {
            kept = kept.with(&generation(number));
        }
        let numbers = |kept: &Kept| kept.generations.iter().map(|kept| kept.generation).collect::<Vec<_>>();
        assert_eq!(numbers(&kept), [4, 3, 2]);
        assert_eq!(numbers(&kept.with(&generation(3))), [3, 4, 2]);
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("a store");
        store.keep(&kept).expect("written");
        assert_eq!(store.kept().expect("read"), kept);
    }
}
