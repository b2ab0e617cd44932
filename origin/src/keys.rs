//! The keys that sign releases, one a role, and the root that tells nodes which keys to trust.
//!
//! The roles are those of [TUF](https://theupdateframework.github.io/specification/latest/), section
//! 2.1. Each key is a file of its own (PKCS #8, Ed25519), so that the root's and the targets' can be
//! kept off the machine that serves.

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::num::NonZeroU64;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::Ed25519KeyPair;
use jiff::{SignedDuration, Timestamp};
use tough::editor::signed::SignedRole;
use tough::key_source::{KeySource, LocalKeySource};
use tough::schema::{KeyHolder, RoleKeys, RoleType, Root};
use tough::sign::{Sign, parse_keypair};

use crate::limits::SIGNATURES_NEEDED;

/// The roles that have a key, by the name of its file.
const ROLES: [(RoleType, &str); 4] = [
    (RoleType::Root, "root"),
    (RoleType::Targets, "targets"),
    (RoleType::Snapshot, "snapshot"),
    (RoleType::Timestamp, "timestamp"),
];

/// Why keys could not be made or used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// There are keys already; new ones would lock every node out.
    #[error("{0} exists already: nodes trust the keys they know, and would refuse what new ones sign")]
    Exists(PathBuf),
    /// There are no keys.
    #[error("no keys in {0}: make them with `frontrow-origin keys init`")]
    Missing(PathBuf),
    /// A key's file could not be handled.
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
    /// The system gives no random bits.
    #[error("the system gives no random bits")]
    Randomness,
    /// The root could not be signed.
    #[error("cannot sign the root: {0}")]
    Sign(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl KeysError {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Exists(_) => "keys-exist",
            Self::Missing(_) => "keys-missing",
            Self::File { .. } => "keys-file",
            Self::Randomness => "randomness",
            Self::Sign(_) => "keys-sign",
        }
    }
}

/// The keys of an origin.
#[derive(Clone, Debug)]
pub struct Keys {
    folder: PathBuf,
    root: PathBuf,
}

impl Keys {
    /// The keys in an origin's data folder, whether they exist or not.
    pub fn of(data: &Path) -> Self {
        Self { folder: data.join("keys"), root: data.join("root.json") }
    }

    /// The signed root, which operators carry to their nodes.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Makes a key for each role and the root that lists them; the root holds for `valid`.
    ///
    /// # Errors
    ///
    /// When there are keys already, or files cannot be written.
    pub async fn init(&self, now: Timestamp, valid: SignedDuration) -> Result<(), KeysError> {
        if self.root.exists() || self.folder.exists() {
            return Err(KeysError::Exists(self.folder.clone()));
        }
        let failed = |what, path: &Path| {
            let path = path.to_path_buf();
            move |source| KeysError::File { what, path, source }
        };
        let mut private = fs::DirBuilder::new();
        private.recursive(true).mode(0o700).create(&self.folder).map_err(failed("create", &self.folder))?;
        for (_, name) in ROLES {
            let key =
                Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| KeysError::Randomness)?;
            let path = self.path(name);
            let mut options = fs::OpenOptions::new();
            let file = options.write(true).create_new(true).mode(0o600).open(&path);
            file.and_then(|mut file| file.write_all(key.as_ref()).and_then(|()| file.sync_all()))
                .map_err(failed("write", &path))?;
        }
        let signed = self.signed_root(now, valid).await?;
        fs::write(&self.root, signed.buffer()).map_err(failed("write", &self.root))
    }

    /// The keys that sign what changes with a release.
    ///
    /// # Errors
    ///
    /// When there are none.
    pub fn for_release(&self) -> Result<Vec<Box<dyn KeySource>>, KeysError> {
        if !self.root.is_file() {
            return Err(KeysError::Missing(self.folder.clone()));
        }
        Ok(["targets", "snapshot", "timestamp"].map(|name| self.source(name)).into())
    }

    /// The keys that keep a published state fresh; a serving origin needs no others.
    ///
    /// # Errors
    ///
    /// When there are none.
    pub fn for_renewal(&self) -> Result<Vec<Box<dyn KeySource>>, KeysError> {
        if !self.root.is_file() {
            return Err(KeysError::Missing(self.folder.clone()));
        }
        Ok(["snapshot", "timestamp"].map(|name| self.source(name)).into())
    }

    /// Whether the key of the targets is on this machine.
    pub fn can_publish(&self) -> bool {
        self.path("targets").is_file()
    }

    async fn signed_root(
        &self,
        now: Timestamp,
        valid: SignedDuration,
    ) -> Result<SignedRole<Root>, KeysError> {
        let refuse = |error: tough::error::Error| KeysError::Sign(error.into());
        let mut root = Root {
            spec_version: "1.0.0".to_owned(),
            consistent_snapshot: true,
            version: NonZeroU64::MIN,
            expires: now.saturating_add(valid).unwrap_or(Timestamp::MAX),
            keys: HashMap::new(),
            roles: HashMap::new(),
            _extra: HashMap::new(),
        };
        for (role, name) in ROLES {
            let path = self.path(name);
            let bytes = fs::read(&path).map_err(|source| KeysError::File { what: "read", path, source })?;
            let key = parse_keypair(&bytes).map_err(refuse)?.tuf_key();
            let id = key.key_id().map_err(|error| KeysError::Sign(error.into()))?;
            root.keys.insert(id.clone(), key);
            let keys = RoleKeys { keyids: vec![id], threshold: SIGNATURES_NEEDED, _extra: HashMap::new() };
            root.roles.insert(role, keys);
        }
        let holder = KeyHolder::Root(root.clone());
        let signer = [self.source("root")];
        SignedRole::new(root, &holder, &signer, &SystemRandom::new()).await.map_err(refuse)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.pk8"))
    }

    fn source(&self, name: &str) -> Box<dyn KeySource> {
        Box::new(LocalKeySource { path: self.path(name) })
    }
}
