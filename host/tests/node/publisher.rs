//! Signs and publishes a TUF repository, and everything an attacker or an accident may do to it.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::Ed25519KeyPair;
use jiff::{SignedDuration, Timestamp};
use release::{Channel, channel_target, file_target, manifest_target, sha256_hex};
use tough::TargetName;
use tough::editor::RepositoryEditor;
use tough::editor::signed::SignedRole;
use tough::key_source::{KeySource, LocalKeySource};
use tough::schema::{Hashes, KeyHolder, RoleKeys, RoleType, Root, Target};
use tough::sign::{Sign, parse_keypair};

use crate::catalogue::Release;

const ROLES: [(RoleType, &str); 4] = [
    (RoleType::Root, "root"),
    (RoleType::Targets, "targets"),
    (RoleType::Snapshot, "snapshot"),
    (RoleType::Timestamp, "timestamp"),
];

/// A repository in a folder: `metadata/`, `targets/`, `keys/`, `root.json`.
pub(crate) struct Publisher {
    folder: PathBuf,
    version: u64,
    root_version: u64,
    targets: BTreeMap<String, Vec<u8>>,
}

impl Publisher {
    /// New keys and a root, nothing published.
    pub(crate) async fn new(folder: &Path) -> Self {
        for name in ["metadata", "targets", "keys"] {
            fs::create_dir_all(folder.join(name)).expect("a folder");
        }
        let mut publisher =
            Self { folder: folder.to_path_buf(), version: 0, root_version: 0, targets: BTreeMap::new() };
        for (_, name) in ROLES {
            publisher.new_key(name);
        }
        publisher.sign_root().await;
        fs::copy(publisher.newest_root(), publisher.root()).expect("a root");
        publisher
    }

    /// The root that an operator carries to the node.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.join("root.json")
    }

    pub(crate) fn metadata(&self) -> PathBuf {
        self.folder.join("metadata")
    }

    /// The published file of a target.
    pub(crate) fn target(&self, name: &str) -> PathBuf {
        self.folder.join("targets").join(format!("{}.{name}", sha256_hex(&self.targets[name])))
    }

    /// Publishes a release and lets `stable` point to it.
    pub(crate) async fn publish(&mut self, release: &Release) {
        for bytes in release.files.values() {
            self.targets.insert(file_target(&sha256_hex(bytes)), bytes.clone());
        }
        let manifest = release.manifest.encode();
        self.targets.insert(manifest_target(release.manifest.generation), manifest);
        self.point(release.manifest.generation).await;
    }

    /// Lets `stable` point to a release.
    pub(crate) async fn point(&mut self, generation: u64) {
        self.targets.insert(channel_target("stable"), Channel::new("stable", generation).encode());
        self.sign(SignedDuration::from_hours(24)).await;
    }

    /// Replaces a target by other bytes, properly signed.
    pub(crate) async fn replace(&mut self, name: &str, bytes: Vec<u8>) {
        self.targets.insert(name.to_owned(), bytes);
        self.sign(SignedDuration::from_hours(24)).await;
    }

    /// Signs the state anew; the timestamp is valid for so long from now on.
    pub(crate) async fn sign(&mut self, timestamp_valid: SignedDuration) {
        self.version += 1;
        let version = NonZeroU64::new(self.version).expect("above 0");
        let until = |valid| Timestamp::now().saturating_add(valid).expect("a time");
        let day = SignedDuration::from_hours(24);
        let mut editor = RepositoryEditor::new(self.newest_root()).await.expect("a root");
        for (name, bytes) in &self.targets {
            fs::write(self.target(name), bytes).expect("a file");
            let name = TargetName::new(name).expect("a name");
            editor.add_target(name, described(bytes)).expect("a target");
        }
        editor.targets_version(version).expect("a version").targets_expires(until(day)).expect("a time");
        editor.snapshot_version(version).snapshot_expires(until(day));
        editor.timestamp_version(version).timestamp_expires(until(timestamp_valid));
        let keys = ["targets", "snapshot", "timestamp"].map(|name| self.source(name));
        editor.sign(&keys).await.expect("signed").write(self.metadata()).await.expect("written");
    }

    /// Replaces the key of a role in a new root, signed by the old one.
    pub(crate) async fn rotate(&mut self, role: &str) {
        self.new_key(role);
        self.sign_root().await;
    }

    fn new_key(&self, role: &str) {
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("randomness");
        fs::write(self.key(role), key.as_ref()).expect("a file");
    }

    /// All metadata as they are now, to be replayed by [`Self::replay`].
    pub(crate) fn record(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let entries = fs::read_dir(self.metadata()).expect("a folder").flatten();
        entries.map(|entry| (entry.path(), fs::read(entry.path()).expect("a file"))).collect()
    }

    /// Serves what was recorded, as someone in the middle may.
    pub(crate) fn replay(&self, recorded: &[(PathBuf, Vec<u8>)]) {
        for (path, bytes) in recorded {
            fs::write(path, bytes).expect("a file");
        }
    }

    fn newest_root(&self) -> PathBuf {
        self.metadata().join(format!("{}.root.json", self.root_version))
    }

    async fn sign_root(&mut self) {
        self.root_version += 1;
        let day = SignedDuration::from_hours(24);
        let mut root = Root {
            spec_version: "1.0.0".to_owned(),
            consistent_snapshot: true,
            version: NonZeroU64::new(self.root_version).expect("above 0"),
            expires: Timestamp::now().saturating_add(day).expect("a time"),
            keys: HashMap::new(),
            roles: HashMap::new(),
            _extra: HashMap::new(),
        };
        for (role, name) in ROLES {
            let key = parse_keypair(&fs::read(self.key(name)).expect("a key")).expect("a key").tuf_key();
            let id = key.key_id().expect("an id");
            root.keys.insert(id.clone(), key);
            let keys = RoleKeys { keyids: vec![id], threshold: NonZeroU64::MIN, _extra: HashMap::new() };
            root.roles.insert(role, keys);
        }
        let holder = KeyHolder::Root(root.clone());
        let signed = SignedRole::new(root, &holder, &[self.source("root")], &SystemRandom::new()).await;
        fs::write(self.newest_root(), signed.expect("signed").buffer()).expect("a file");
    }

    fn key(&self, role: &str) -> PathBuf {
        self.folder.join("keys").join(role)
    }

    fn source(&self, role: &str) -> Box<dyn KeySource> {
        Box::new(LocalKeySource { path: self.key(role) })
    }
}

fn described(bytes: &[u8]) -> Target {
    let hex = sha256_hex(bytes);
    let digest: Vec<u8> =
        (0..64).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("digits")).collect();
    Target {
        length: bytes.len() as u64,
        hashes: Hashes { sha256: digest.into(), _extra: HashMap::new() },
        custom: HashMap::new(),
        _extra: HashMap::new(),
    }
}
