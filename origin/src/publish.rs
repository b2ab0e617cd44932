//! Publishes releases as a TUF repository of static files.
//!
//! `tuf/targets` holds the files by content, `tuf/metadata` what signs them. A publication writes the
//! files first and `timestamp.json` last, each by rename: a node that reads in between sees the old
//! state or the new one. Versions only ever rise, also when a channel goes back to an older release.

use std::fs::{self, File};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use release::{Channel, channel_target, sha256_hex};
use tough::editor::RepositoryEditor;
use tough::schema::{Hashes, Target};
use tough::{ExpirationEnforcement, FilesystemTransport, Repository, RepositoryLoader, TargetName};
use url::Url;

use crate::keys::{Keys, KeysError};
use crate::limits::{SNAPSHOT_VALID, TARGETS_VALID, TIMESTAMP_RENEWED_BELOW, TIMESTAMP_VALID};

/// Why nothing was published; what was published before stays.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// There are no keys to sign with.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// What was published before does not verify, or the new state cannot be signed.
    #[error("the repository cannot be signed: {0}")]
    Tuf(#[source] Box<tough::error::Error>),
    /// A file could not be handled.
    #[error("cannot {what} {path}: {source}")]
    File {
        /// What for, as `write`.
        what: &'static str,
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

impl PublishError {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Keys(error) => error.code(),
            Self::Tuf(_) => "publish-sign",
            Self::File { .. } => "publish-file",
        }
    }
}

impl From<tough::error::Error> for PublishError {
    fn from(error: tough::error::Error) -> Self {
        Self::Tuf(Box::new(error))
    }
}

/// A file to publish.
#[derive(Clone, Debug)]
pub struct NewTarget {
    /// Its name as a target.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// The published state of an origin.
#[derive(Clone, Debug)]
pub struct Publisher {
    keys: Keys,
    folder: PathBuf,
}

impl Publisher {
    /// The repository in an origin's data folder, whether it exists or not.
    pub fn of(data: &Path) -> Self {
        Self { keys: Keys::of(data), folder: data.join("tuf") }
    }

    /// Publishes the files of a release and lets a channel point to it.
    ///
    /// # Errors
    ///
    /// When there are no keys, files cannot be written, or the state before does not verify.
    pub async fn publish(
        &self,
        mut targets: Vec<NewTarget>,
        channel: &str,
        generation: u64,
        now: Timestamp,
    ) -> Result<(), PublishError> {
        let pointer = Channel::new(channel, generation).encode();
        targets.push(NewTarget { name: channel_target(channel), bytes: pointer });
        let _lock = self.lock()?;
        self.sign(&targets, now).await
    }

    /// Lets a channel point to a release that has been published before.
    ///
    /// # Errors
    ///
    /// As [`Self::publish`].
    pub async fn point(&self, channel: &str, generation: u64, now: Timestamp) -> Result<(), PublishError> {
        self.publish(Vec::new(), channel, generation, now).await
    }

    /// Signs the published state anew when its timestamp is about to expire; a serving origin calls
    /// this from time to time. Returns whether it did; nothing published is not an error.
    ///
    /// # Errors
    ///
    /// As [`Self::publish`].
    pub async fn renew_if_due(&self, now: Timestamp) -> Result<bool, PublishError> {
        let _lock = self.lock()?;
        let Some(published) = self.load().await? else { return Ok(false) };
        let left = published.timestamp().signed.expires.duration_since(now);
        if left > TIMESTAMP_RENEWED_BELOW {
            return Ok(false);
        }
        self.sign(&[], now).await?;
        Ok(true)
    }

    /// Two commands at once would write one version twice; the second waits.
    fn lock(&self) -> Result<File, PublishError> {
        for folder in [self.metadata(), self.targets()] {
            fs::create_dir_all(&folder).map_err(failed("create", &folder))?;
        }
        let path = self.folder.join("lock");
        let file = File::create(&path).map_err(failed("create", &path))?;
        file.lock().map_err(failed("lock", &path))?;
        Ok(file)
    }

    async fn load(&self) -> Result<Option<Repository>, PublishError> {
        if !self.metadata().join("timestamp.json").exists() {
            return Ok(None);
        }
        let root = fs::read(self.keys.root()).map_err(failed("read", self.keys.root()))?;
        let loader = RepositoryLoader::new(&root, address(&self.metadata()), address(&self.targets()));
        // Our own expired state is what gets renewed; nodes do enforce it.
        let loader =
            loader.transport(FilesystemTransport).expiration_enforcement(ExpirationEnforcement::Unsafe);
        Ok(Some(loader.load().await?))
    }

    /// Writes new targets, then all metadata at their next versions.
    async fn sign(&self, new: &[NewTarget], now: Timestamp) -> Result<(), PublishError> {
        let keys = self.keys.for_release()?;
        let published = self.load().await?;
        let mut editor = RepositoryEditor::new(self.keys.root()).await?;
        let mut version = NonZeroU64::MIN;
        if let Some(published) = &published {
            for (name, target) in &published.targets().signed.targets {
                editor.add_target(name.clone(), target.clone())?;
            }
            version = published.timestamp().signed.version.saturating_add(1);
        }
        for target in new {
            let sha256 = sha256_hex(&target.bytes);
            write_durably(&self.targets().join(format!("{sha256}.{}", target.name)), &target.bytes)?;
            let name = TargetName::new(&target.name)?;
            editor.remove_target(&name)?;
            editor.add_target(name, described(&target.bytes, &sha256))?;
        }
        let until = |valid: SignedDuration| now.saturating_add(valid).unwrap_or(Timestamp::MAX);
        editor.targets_version(version)?.targets_expires(until(TARGETS_VALID))?;
        editor.snapshot_version(version).snapshot_expires(until(SNAPSHOT_VALID));
        editor.timestamp_version(version).timestamp_expires(until(TIMESTAMP_VALID));
        let signed = editor.sign(&keys).await?;

        let staging = tempfile::tempdir_in(&self.folder).map_err(failed("create", &self.folder))?;
        signed.write(staging.path()).await?;
        self.install(staging.path())
    }

    /// Moves signed metadata to where nodes find them; the timestamp, which names the others, last.
    fn install(&self, staging: &Path) -> Result<(), PublishError> {
        let entries = fs::read_dir(staging).map_err(failed("read", staging))?;
        let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
        names.sort_by_key(|name| name == "timestamp.json");
        for name in names {
            let path = staging.join(&name);
            let bytes = fs::read(&path).map_err(failed("read", &path))?;
            write_durably(&self.metadata().join(&name), &bytes)?;
        }
        Ok(())
    }

    fn metadata(&self) -> PathBuf {
        self.folder.join("metadata")
    }

    fn targets(&self) -> PathBuf {
        self.folder.join("targets")
    }
}

fn described(bytes: &[u8], sha256: &str) -> Target {
    let digest =
        (0..sha256.len()).step_by(2).filter_map(|at| u8::from_str_radix(&sha256[at..at + 2], 16).ok());
    Target {
        length: bytes.len() as u64,
        hashes: Hashes { sha256: digest.collect::<Vec<u8>>().into(), _extra: Default::default() },
        custom: Default::default(),
        _extra: Default::default(),
    }
}

/// A file is there whole, also after a power cut, or not at all.
fn write_durably(path: &Path, bytes: &[u8]) -> Result<(), PublishError> {
    use std::io::Write;

    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed("write", path))?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(failed("write", path))?;
    let file = file.persist(path).map_err(|error| failed("write", path)(error.error))?;
    // Temporary files are private; what is published is for everyone.
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    file.set_permissions(readable).map_err(failed("write", path))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed("write", path))
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> PublishError + use<> {
    let path = path.to_path_buf();
    move |source| PublishError::File { what, path, source }
}

fn address(folder: &Path) -> Url {
    Url::from_directory_path(folder).expect("the data folder is an absolute path")
}
