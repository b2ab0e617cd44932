//! What the node has seen of the origin's signed state, so that it never believes an older one.
//!
//! The states are numbered folders below one folder; the one with the highest number counts. The TUF
//! client works on a copy: it writes without care for a power cut, and what it writes counts only once
//! the copy has been synced and renamed. A state that cannot be read fails every look at the origin
//! (the client alone would take it for a first start and believe an old state): an operator who wants
//! to begin anew removes the folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tempfile::TempDir;
use tough::schema::{Root, Signed, Snapshot, Timestamp};

use super::durable;

/// The signed state seen so far.
#[derive(Debug)]
pub(super) struct Trust {
    folder: PathBuf,
    /// The root that an operator brought here.
    bootstrap: Vec<u8>,
}

/// A copy of the state for one look at the origin.
#[derive(Debug)]
pub(super) struct Copy {
    folder: TempDir,
    root: Vec<u8>,
}

impl Copy {
    /// Where the TUF client may write.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The newest root the node trusts.
    pub(super) fn root(&self) -> &Vec<u8> {
        &self.root
    }
}

/// Why the state cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// A file of the state is not what was written.
    #[error("the state in {folder} is damaged ({file}: {reason}); remove the folder to begin anew from root.json", folder = folder.display())]
    Damaged {
        /// Where.
        folder: PathBuf,
        /// Which file.
        file: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The root that the configuration names is not one.
    #[error("root.json is not a signed root: {0}")]
    BadRoot(String),
    /// The disk failed.
    #[error("the state cannot be read or written: {0}")]
    Io(#[from] io::Error),
}

impl TrustError {
    /// A stable name for logs, metrics and exit messages.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Damaged { .. } => "trust-damaged",
            Self::BadRoot(_) => "root-malformed",
            Self::Io(_) => "trust-io",
        }
    }
}

/// What the client writes and what a state holds.
const FILES: [&str; 5] =
    ["root.json", "timestamp.json", "snapshot.json", "targets.json", "latest_known_time.json"];

impl Trust {
    /// The state below `folder`, made if there is none; `bootstrap` is the trusted `root.json`.
    pub(super) fn open(folder: PathBuf, bootstrap: Vec<u8>) -> Result<Self, TrustError> {
        root_version(&bootstrap).map_err(TrustError::BadRoot)?;
        fs::create_dir_all(&folder)?;
        durable::remove_leftovers(&folder)?;
        Ok(Self { folder, bootstrap })
    }

    /// Copies the newest state.
    pub(super) fn copy(&self) -> Result<Copy, TrustError> {
        let folder = tempfile::Builder::new().prefix(durable::PREFIX).tempdir_in(&self.folder)?;
        let mut root = self.bootstrap.clone();
        if let Some((_, newest)) = self.newest()? {
            let stored = check(&newest)?;
            for name in FILES {
                if let Some(bytes) = read(&newest.join(name))? {
                    fs::write(folder.path().join(name), bytes)?;
                }
            }
            // An operator may have brought a newer root since.
            if version_of(&stored) >= version_of(&root) {
                root = stored;
            }
        }
        Ok(Copy { folder, root })
    }

    /// Makes what the client verified and wrote the state, if it differs; returns whether it did.
    ///
    /// Also after a look that failed: each file was verified on its own before it was written, and a new
    /// root counts even when what follows it is withheld.
    pub(super) fn keep(&self, copy: &Copy) -> Result<bool, TrustError> {
        let newest = self.newest()?;
        let old = newest.as_ref().map(|(_, folder)| versions(folder)).transpose()?;
        let new = versions(copy.folder())?;
        // The time alone is not worth a write at every look.
        if new.root.is_none() || old == Some(new) {
            return Ok(false);
        }
        let aside = tempfile::Builder::new().prefix(durable::PREFIX).tempdir_in(&self.folder)?;
        for name in FILES {
            if let Some(bytes) = read(&copy.folder().join(name))? {
                durable::write(&aside.path().join(name), &bytes)?;
            }
        }
        let number = newest.as_ref().map_or(0, |(number, _)| *number) + 1;
        fs::rename(aside.path(), self.folder.join(number.to_string()))?;
        // Renamed away: there is nothing left to remove.
        let _ = aside.keep();
        durable::sync_folder(&self.folder)?;
        if let Some((_, old)) = newest {
            fs::remove_dir_all(old)?;
        }
        Ok(true)
    }

    fn newest(&self) -> io::Result<Option<(u64, PathBuf)>> {
        let mut newest = None;
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let Ok(number) = entry.file_name().to_string_lossy().parse::<u64>() else { continue };
            if newest.as_ref().is_none_or(|(highest, _)| number > *highest) {
                newest = Some((number, entry.path()));
            }
        }
        Ok(newest)
    }
}

/// Checks that a state is as it was written, and returns its root.
fn check(folder: &Path) -> Result<Vec<u8>, TrustError> {
    let damaged = |file, reason: String| TrustError::Damaged { folder: folder.to_path_buf(), file, reason };
    let bytes = read(&folder.join("root.json"))?.ok_or_else(|| damaged("root.json", "missing".to_owned()))?;
    let root: Signed<Root> = signed(&bytes).map_err(|reason| damaged("root.json", reason))?;
    root.signed.verify_role(&root).map_err(|error| damaged("root.json", error.to_string()))?;
    // Only whether they can be read: a root with a higher threshold rightly outdates their signatures.
    if let Some(bytes) = read(&folder.join("timestamp.json"))? {
        signed::<Timestamp>(&bytes).map_err(|reason| damaged("timestamp.json", reason))?;
    }
    if let Some(bytes) = read(&folder.join("snapshot.json"))? {
        signed::<Snapshot>(&bytes).map_err(|reason| damaged("snapshot.json", reason))?;
    }
    Ok(bytes)
}

fn signed<T: DeserializeOwned>(bytes: &[u8]) -> Result<Signed<T>, String> {
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}

/// The version of each role in a state; the client writes one and the same role in different words.
#[derive(Debug, PartialEq, Eq)]
struct Versions {
    root: Option<u64>,
    timestamp: Option<u64>,
    snapshot: Option<u64>,
    targets: Option<u64>,
}

fn versions(folder: &Path) -> io::Result<Versions> {
    #[derive(Deserialize)]
    struct Numbered {
        version: u64,
    }
    #[derive(Deserialize)]
    struct Any {
        signed: Numbered,
    }
    let version = |name: &str| -> io::Result<Option<u64>> {
        let Some(bytes) = read(&folder.join(name))? else { return Ok(None) };
        Ok(serde_json::from_slice::<Any>(&bytes).ok().map(|role| role.signed.version))
    };
    Ok(Versions {
        root: version("root.json")?,
        timestamp: version("timestamp.json")?,
        snapshot: version("snapshot.json")?,
        targets: version("targets.json")?,
    })
}

fn root_version(bytes: &[u8]) -> Result<u64, String> {
    let root: Signed<Root> = signed(bytes)?;
    root.signed.verify_role(&root).map_err(|error| error.to_string())?;
    Ok(root.signed.version.get())
}

fn version_of(root: &[u8]) -> u64 {
    root_version(root).unwrap_or(0)
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
