//! Publishes releases as a TUF repository of static files.
//!
//! `tuf/targets` holds the files by content, `tuf/metadata` what signs them. A publication writes the
//! files first and `timestamp.json` last, each by rename: a node that reads in between sees the old
//! state or the new one. Versions only ever rise, also when a channel goes back to an older release.
//! The newest releases and those that a channel points to stay; older ones go with the next publication.

mod deltas;
mod retention;

pub use deltas::add_deltas;

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use aws_lc_rs::rand::SystemRandom;
use jiff::{SignedDuration, Timestamp};
use release::{Channel, channel_target, file_target, manifest_target};
use tough::editor::RepositoryEditor;
use tough::editor::signed::SignedRole;
use tough::schema::{Hashes, KeyHolder, Metafile, Target};
use tough::{ExpirationEnforcement, FilesystemTransport, IntoVec, Repository, RepositoryLoader, TargetName};
use url::Url;

use crate::config::SignaturesConfig;
use crate::keys::{Keys, KeysError};
use crate::limits::METADATA_KEPT;

/// Why nothing was published; what was published before stays.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// There are no keys to sign with.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// What was published before does not verify, or the new state cannot be signed.
    #[error("the repository cannot be signed: {0}")]
    Tuf(#[source] Box<tough::error::Error>),
    /// The release was never published, or so long ago that its files are gone.
    #[error("generation {0} is not published (any more)")]
    NotPublished(u64),
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
            Self::NotPublished(_) => "release-not-published",
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

/// For how long each role's signature holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// Of the keys.
    pub root: SignedDuration,
    /// Of the list of files.
    pub targets: SignedDuration,
    /// Of the versions that belong together.
    pub snapshot: SignedDuration,
    /// Of the newest snapshot.
    pub timestamp: SignedDuration,
}

impl From<SignaturesConfig> for Validity {
    fn from(config: SignaturesConfig) -> Self {
        let days = |days: u16| SignedDuration::from_hours(i64::from(days) * 24);
        Self {
            root: days(config.root_days),
            targets: days(config.targets_days),
            snapshot: days(config.snapshot_days),
            timestamp: SignedDuration::from_hours(i64::from(config.timestamp_hours)),
        }
    }
}

/// The published state of an origin.
#[derive(Clone, Debug)]
pub struct Publisher {
    keys: Keys,
    folder: PathBuf,
    valid: Validity,
}

impl Publisher {
    /// The repository in an origin's data folder, whether it exists or not.
    pub fn of(data: &Path, valid: Validity) -> Self {
        Self { keys: Keys::of(data), folder: data.join("tuf"), valid }
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
        targets.push(pointer(channel, generation));
        let _lock = self.lock()?;
        self.sign(self.load().await?.as_ref(), &targets, now).await
    }

    /// Lets a channel point to a release that has been published before.
    ///
    /// # Errors
    ///
    /// [`PublishError::NotPublished`], and as [`Self::publish`].
    pub async fn point(&self, channel: &str, generation: u64, now: Timestamp) -> Result<(), PublishError> {
        let _lock = self.lock()?;
        let published = self.load().await?;
        let manifest = TargetName::new(manifest_target(generation))?;
        let is_there = |state: &Repository| state.targets().signed.targets.contains_key(&manifest);
        if !published.as_ref().is_some_and(is_there) {
            return Err(PublishError::NotPublished(generation));
        }
        self.sign(published.as_ref(), &[pointer(channel, generation)], now).await
    }

    /// Signs the published state anew when it is about to expire; a serving origin calls this from time to
    /// time. Returns whether it did; nothing published is not an error.
    ///
    /// Each is signed anew when a half of its time (of the targets': a third) is left, for an operator to bring
    /// back what failed. The timestamp and the snapshot need only their own keys, so the targets' key can be
    /// kept off the machine that serves; the targets are signed anew where it is there.
    ///
    /// # Errors
    ///
    /// As [`Self::publish`].
    pub async fn renew_if_due(&self, now: Timestamp) -> Result<bool, PublishError> {
        let _lock = self.lock()?;
        let Some(published) = self.load().await? else { return Ok(false) };
        let is_due = |expires: Timestamp, below| expires.duration_since(now) < below;
        let Validity { targets, snapshot, timestamp, .. } = self.valid;
        if is_due(published.targets().signed.expires, targets / 3) && self.keys.can_publish() {
            self.sign(Some(&published), &[], now).await?;
            return Ok(true);
        }
        let with_snapshot = is_due(published.snapshot().signed.expires, snapshot / 2);
        if !with_snapshot && !is_due(published.timestamp().signed.expires, timestamp / 2) {
            return Ok(false);
        }
        self.renew(&published, with_snapshot, now).await?;
        Ok(true)
    }

    /// The content of a published target, verified; none when there is no such target.
    ///
    /// # Errors
    ///
    /// When what is published does not verify.
    pub async fn read(&self, target: &str) -> Result<Option<Vec<u8>>, PublishError> {
        let Some(published) = self.load().await? else { return Ok(None) };
        let Some(stream) = published.read_target(&TargetName::new(target)?).await? else { return Ok(None) };
        Ok(Some(stream.into_vec().await?))
    }

    /// A file of a published release, by its digest.
    ///
    /// # Errors
    ///
    /// [`PublishError::NotPublished`], and as [`Self::read`].
    pub async fn file(&self, generation: u64, sha256: &str) -> Result<Vec<u8>, PublishError> {
        self.read(&file_target(sha256)).await?.ok_or(PublishError::NotPublished(generation))
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
    async fn sign(
        &self,
        published: Option<&Repository>,
        new: &[NewTarget],
        now: Timestamp,
    ) -> Result<(), PublishError> {
        let keys = self.keys.for_release()?;
        let mut targets = published.map_or_else(HashMap::new, |state| state.targets().signed.targets.clone());
        for target in new {
            let described = described(&target.bytes);
            let name = TargetName::new(&target.name)?;
            write_durably(&self.targets().join(file_name(&name, &described)), &target.bytes)?;
            targets.insert(name, described);
        }
        for name in self.superseded(&targets) {
            targets.remove(&TargetName::new(name)?);
        }
        let mut editor = RepositoryEditor::new(self.keys.root()).await?;
        for (name, target) in &targets {
            editor.add_target(name.clone(), target.clone())?;
        }
        let version = next_version(published);
        editor.targets_version(version)?.targets_expires(until(now, self.valid.targets))?;
        editor.snapshot_version(version).snapshot_expires(until(now, self.valid.snapshot));
        editor.timestamp_version(version).timestamp_expires(until(now, self.valid.timestamp));
        let signed = editor.sign(&keys).await?;

        let staging = self.staging()?;
        signed.write(staging.path()).await?;
        self.install(staging.path())?;
        if let Some(before) = published {
            self.sweep(before, &targets, version);
        }
        Ok(())
    }

    /// Signs the timestamp, and the snapshot if it is due, at their next version; the targets stay.
    async fn renew(
        &self,
        published: &Repository,
        with_snapshot: bool,
        now: Timestamp,
    ) -> Result<(), PublishError> {
        let keys = self.keys.for_renewal()?;
        let holder = KeyHolder::Root(published.root().signed.clone());
        let (version, random) = (next_version(Some(published)), SystemRandom::new());
        let staging = self.staging()?;
        let mut timestamp = published.timestamp().signed.clone();
        if with_snapshot {
            let mut snapshot = published.snapshot().signed.clone();
            (snapshot.version, snapshot.expires) = (version, until(now, self.valid.snapshot));
            let signed = SignedRole::new(snapshot, &holder, &keys, &random).await?;
            signed.write(staging.path(), true).await?;
            let file = Metafile {
                length: Some(*signed.length()),
                hashes: Some(Hashes { sha256: signed.sha256().to_vec().into(), _extra: HashMap::new() }),
                version,
                _extra: HashMap::new(),
            };
            timestamp.meta.insert("snapshot.json".to_owned(), file);
        }
        (timestamp.version, timestamp.expires) = (version, until(now, self.valid.timestamp));
        let signed = SignedRole::new(timestamp, &holder, &keys, &random).await?;
        signed.write(staging.path(), true).await?;
        self.install(staging.path())
    }

    fn staging(&self) -> Result<tempfile::TempDir, PublishError> {
        tempfile::tempdir_in(&self.folder).map_err(failed("create a folder in", &self.folder))
    }

    fn superseded(&self, targets: &HashMap<TargetName, Target>) -> BTreeSet<String> {
        let read = |name: &str| {
            let (name, target) = targets.get_key_value(&TargetName::new(name).ok()?)?;
            fs::read(self.targets().join(file_name(name, target))).ok()
        };
        retention::superseded(targets.keys().map(TargetName::raw), read)
    }

    /// Removes what neither this state nor the one before names: a node may be in the middle of that one.
    fn sweep(&self, before: &Repository, now: &HashMap<TargetName, Target>, version: NonZeroU64) {
        let targets = before.targets().signed.targets.iter().chain(now);
        let named: BTreeSet<String> = targets.map(|(name, target)| file_name(name, target)).collect();
        let is_old_target = |name: &str| !named.contains(name) && !name.starts_with('.');
        let in_use = [before.targets().signed.version, before.snapshot().signed.version].map(NonZeroU64::get);
        let is_old_metadata = |name: &str| {
            let (number, role) = name.split_once('.').unwrap_or_default();
            let number: u64 = number.parse().unwrap_or(u64::MAX);
            matches!(role, "targets.json" | "snapshot.json")
                && !in_use.contains(&number)
                && number.saturating_add(METADATA_KEPT) < version.get()
        };
        remove_where(&self.targets(), is_old_target);
        remove_where(&self.metadata(), is_old_metadata);
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

fn pointer(channel: &str, generation: u64) -> NewTarget {
    NewTarget { name: channel_target(channel), bytes: Channel::new(channel, generation).encode() }
}

fn next_version(published: Option<&Repository>) -> NonZeroU64 {
    // The timestamp is signed with every change, so its version is the highest of all roles.
    published.map_or(NonZeroU64::MIN, |state| state.timestamp().signed.version.saturating_add(1))
}

fn until(now: Timestamp, valid: SignedDuration) -> Timestamp {
    now.saturating_add(valid).unwrap_or(Timestamp::MAX)
}

fn described(bytes: &[u8]) -> Target {
    let sha256 = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    Target {
        length: bytes.len() as u64,
        hashes: Hashes { sha256: sha256.as_ref().to_vec().into(), _extra: HashMap::new() },
        custom: HashMap::new(),
        _extra: HashMap::new(),
    }
}

/// Consistent snapshots: the digest stands before the name, so that no file is ever replaced.
fn file_name(name: &TargetName, target: &Target) -> String {
    let digest: String = target.hashes.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{digest}.{}", name.raw())
}

/// What cannot be removed now is removed after the next publication.
fn remove_where(folder: &Path, is_old: impl Fn(&str) -> bool) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_str().is_some_and(&is_old)
            && let Err(error) = fs::remove_file(entry.path())
        {
            tracing::warn!(path = %entry.path().display(), %error, "cannot remove an old file");
        }
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
