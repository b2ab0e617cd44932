//! What is published is what a TUF client accepts, whatever was published before.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use frontrow_origin::config::SignaturesConfig;
use frontrow_origin::keys::Keys;
use frontrow_origin::limits::RELEASES_KEPT;
use frontrow_origin::publish::{NewTarget, Publisher, Validity};
use jiff::{SignedDuration, Timestamp};
use release::{
    Channel, Components, FileEntry, Manifest, RegionEntry, RulesEntry, SlateEntry, file_target,
    manifest_target, sha256_hex,
};
use tempfile::TempDir;
use tough::{FilesystemTransport, IntoVec, Repository, RepositoryLoader, TargetName};
use url::Url;

/// A data folder with keys, and a client that remembers what it saw.
struct Stage {
    data: TempDir,
    memory: TempDir,
    publisher: Publisher,
    now: Timestamp,
}

impl Stage {
    async fn new() -> Self {
        let (data, memory) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let now = Timestamp::now();
        Keys::of(data.path()).init(now, valid().root).await.unwrap();
        Self { publisher: Publisher::of(data.path(), valid()), data, memory, now }
    }

    async fn publish(&self, generation: u64, channel: &str) {
        self.publisher.publish(release(generation), channel, generation, self.now).await.unwrap();
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.data.path().join("tuf").join(name)
    }

    /// Loads as a node does: expiry enforced, never behind what was seen.
    async fn load(&self) -> Result<Repository, tough::error::Error> {
        let root = fs::read(self.data.path().join("root.json")).unwrap();
        let address = |name: &str| Url::from_directory_path(self.folder(name)).unwrap();
        let loader = RepositoryLoader::new(&root, address("metadata"), address("targets"));
        loader.transport(FilesystemTransport).datastore(self.memory.path()).load().await
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.folder(folder)).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn path_of(&self, target: &str) -> PathBuf {
        let names = self.names("targets");
        let name = names.iter().find(|name| name.ends_with(&format!(".{target}"))).unwrap();
        self.folder("targets").join(name)
    }
}

fn valid() -> Validity {
    SignaturesConfig::default().into()
}

/// A release of one file of its own and one that all share.
fn release(generation: u64) -> Vec<NewTarget> {
    let (own, shared) = (format!("file of {generation}").into_bytes(), b"shared".to_vec());
    let entry = |name: &str, bytes: &[u8]| FileEntry {
        name: name.to_owned(),
        bytes: bytes.len() as u64,
        sha256: sha256_hex(bytes),
    };
    let wasm = "all.wasm".to_owned();
    let manifest = Manifest {
        schema: Manifest::SCHEMA.to_owned(),
        generation,
        parent: None,
        created_unix_s: 0,
        host_min: "0.1.0".to_owned(),
        regions: vec![RegionEntry { name: "eu".to_owned(), candidates: "own".to_owned(), slate: None }],
        rules: RulesEntry {
            recency_tau: 5.0,
            history_window: 30,
            ranker_pool: 0,
            blend: None,
            slate: SlateEntry::default(),
        },
        files: vec![entry("all.wasm", &shared), entry("own", &own)],
        components: Components {
            ranking: wasm.clone(),
            inference: wasm.clone(),
            bitrate: wasm.clone(),
            qoe: wasm,
        },
        factors: None,
        histories: None,
        titles: "own".to_owned(),
        ranker: None,
        tower: None,
        golden: Vec::new(),
        quality: Default::default(),
        accepted_worse: None,
        deltas: Vec::new(),
    };
    let target = |name: String, bytes: Vec<u8>| NewTarget { name, bytes };
    vec![
        target(file_target(&sha256_hex(&own)), own),
        target(file_target(&sha256_hex(&shared)), shared),
        target(manifest_target(generation), manifest.encode()),
    ]
}

async fn read(repository: &Repository, target: &str) -> Result<Vec<u8>, tough::error::Error> {
    let name = TargetName::new(target).unwrap();
    repository.read_target(&name).await?.expect("the target is listed").into_vec().await
}

async fn channel(repository: &Repository) -> u64 {
    Channel::decode(&read(repository, "channel-stable.json").await.unwrap()).unwrap().generation
}

fn versions(repository: &Repository) -> [u64; 3] {
    let timestamp = repository.timestamp().signed.version;
    [timestamp, repository.snapshot().signed.version, repository.targets().signed.version]
        .map(std::num::NonZero::get)
}

fn flip_a_byte(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn a_client_reads_what_was_published() {
    let stage = Stage::new().await;
    stage.publish(1, "stable").await;
    let repository = stage.load().await.unwrap();
    assert_eq!(channel(&repository).await, 1);
    for target in release(1) {
        assert_eq!(read(&repository, &target.name).await.unwrap(), target.bytes);
        assert_eq!(stage.publisher.read(&target.name).await.unwrap(), Some(target.bytes));
    }
    assert_eq!(stage.publisher.read("manifest-2.json").await.unwrap(), None);
    assert!(repository.root().signed.consistent_snapshot);
}

#[tokio::test]
async fn going_back_to_an_older_release_is_a_newer_state() {
    let stage = Stage::new().await;
    let mut seen = Vec::new();
    for step in 0..3 {
        match step {
            0 => stage.publish(1, "stable").await,
            1 => stage.publish(2, "stable").await,
            _ => stage.publisher.point("stable", 1, stage.now).await.unwrap(),
        }
        let repository = stage.load().await.unwrap();
        seen.push((channel(&repository).await, versions(&repository)));
    }
    assert_eq!(seen.iter().map(|&(generation, _)| generation).collect::<Vec<_>>(), [1, 2, 1]);
    assert!(seen.windows(2).all(|pair| (0..3).all(|role| pair[0].1[role] < pair[1].1[role])), "{seen:?}");
}

#[tokio::test]
async fn a_release_that_was_never_published_cannot_be_pointed_to() {
    let stage = Stage::new().await;
    let code = async |generation| {
        stage.publisher.point("stable", generation, stage.now).await.map_err(|error| error.code())
    };
    assert_eq!(code(1).await, Err("release-not-published"));
    stage.publish(1, "stable").await;
    assert_eq!(code(2).await, Err("release-not-published"));
    assert_eq!(code(1).await, Ok(()));
}

#[tokio::test]
async fn a_changed_file_is_refused() {
    let stage = Stage::new().await;
    stage.publish(1, "stable").await;
    let manifest = manifest_target(1);
    flip_a_byte(&stage.path_of(&manifest));
    let repository = stage.load().await.unwrap();
    assert!(read(&repository, &manifest).await.is_err());
    assert!(stage.publisher.read(&manifest).await.is_err());
}

#[tokio::test]
async fn changed_metadata_are_refused() {
    for role in ["timestamp.json", "1.snapshot.json", "1.targets.json"] {
        let stage = Stage::new().await;
        stage.publish(1, "stable").await;
        flip_a_byte(&stage.folder("metadata").join(role));
        assert!(stage.load().await.is_err(), "{role}");
        // Nothing is built upon what does not verify.
        let refused = stage.publisher.publish(release(2), "stable", 2, stage.now).await.unwrap_err();
        assert_eq!(refused.code(), "publish-sign", "{role}");
    }
}

#[tokio::test]
async fn an_older_state_is_refused_by_who_saw_a_newer() {
    let stage = Stage::new().await;
    stage.publish(1, "stable").await;
    let timestamp = stage.folder("metadata").join("timestamp.json");
    let old = fs::read(&timestamp).unwrap();
    stage.publish(2, "stable").await;
    stage.load().await.unwrap();
    fs::write(&timestamp, old).unwrap();
    assert!(stage.load().await.is_err());
}

#[tokio::test]
async fn the_state_stays_fresh_without_the_key_of_the_targets() {
    let stage = Stage::new().await;
    assert!(!stage.publisher.renew_if_due(stage.now).await.unwrap(), "nothing is published yet");
    stage.publish(1, "stable").await;
    fs::remove_file(stage.data.path().join("keys/targets.pk8")).unwrap();
    let renewed = async |hours| {
        let later = stage.now + SignedDuration::from_hours(hours);
        let renewed = stage.publisher.renew_if_due(later).await.unwrap();
        (renewed, versions(&stage.load().await.unwrap()))
    };
    assert_eq!(renewed(1).await, (false, [1, 1, 1]));
    assert_eq!(renewed(13).await, (true, [2, 1, 1]), "the timestamp lasts a day");
    assert_eq!(renewed(14).await, (false, [2, 1, 1]));
    assert_eq!(renewed(100).await, (true, [3, 3, 1]), "the snapshot lasts a week");
    assert_eq!(channel(&stage.load().await.unwrap()).await, 1);
    let refused = stage.publisher.publish(release(2), "stable", 2, stage.now).await;
    assert!(refused.is_err(), "only the key of the targets signs releases");
}

#[tokio::test]
async fn targets_are_signed_anew_where_their_key_is() {
    let stage = Stage::new().await;
    stage.publish(1, "stable").await;
    let later = stage.now + SignedDuration::from_hours(70 * 24);
    assert!(stage.publisher.renew_if_due(later).await.unwrap());
    assert_eq!(versions(&stage.load().await.unwrap()), [2, 2, 2]);
}

#[tokio::test]
async fn old_releases_go_unless_a_channel_points_to_them() {
    let stage = Stage::new().await;
    let last = RELEASES_KEPT as u64 + 4;
    stage.publish(1, "canary").await;
    for generation in 2..=last {
        stage.publish(generation, "stable").await;
    }
    let repository = stage.load().await.unwrap();
    let is_listed =
        |target: &str| repository.targets().signed.targets.contains_key(&TargetName::new(target).unwrap());
    for generation in 1..=last {
        let kept = generation == 1 || generation + RELEASES_KEPT as u64 > last;
        assert_eq!(is_listed(&manifest_target(generation)), kept, "{generation}");
        if kept {
            for target in release(generation) {
                assert_eq!(read(&repository, &target.name).await.unwrap(), target.bytes);
            }
        }
    }
    // What went with the last publication is still there for nodes in the middle of the one before.
    let gone = format!(".{}", manifest_target(last - RELEASES_KEPT as u64 - 1));
    assert!(!stage.names("targets").iter().any(|name| name.ends_with(&gone)));
    let going = format!(".{}", manifest_target(last - RELEASES_KEPT as u64));
    assert!(stage.names("targets").iter().any(|name| name.ends_with(&going)));
    assert!(!stage.names("metadata").contains(&"1.targets.json".to_owned()));
    let refused = stage.publisher.point("stable", 2, stage.now).await.unwrap_err();
    assert_eq!(refused.code(), "release-not-published");
}

#[tokio::test]
async fn keys_are_private_and_made_once() {
    let stage = Stage::new().await;
    let mode = |path: &str| fs::metadata(stage.data.path().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("keys"), 0o700);
    for role in ["root", "targets", "snapshot", "timestamp"] {
        assert_eq!(mode(&format!("keys/{role}.pk8")), 0o600, "{role}");
    }
    let again = Keys::of(stage.data.path()).init(stage.now, valid().root).await.unwrap_err();
    assert_eq!(again.code(), "keys-exist");
    let nowhere = tempfile::tempdir().unwrap();
    let refused =
        Publisher::of(nowhere.path(), valid()).publish(release(1), "stable", 1, stage.now).await.unwrap_err();
    assert_eq!(refused.code(), "keys-missing");
}
