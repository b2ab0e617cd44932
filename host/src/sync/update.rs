//! One look at the origin, in the order of the TUF specification (§5) and beyond it.
//!
//! Each step names the attack or the accident that it stops. Nothing that a step has not passed is used,
//! and until the last step the old release serves.

use futures_util::StreamExt;
use release::{Channel, DeltaEntry, Manifest};
use reqwest::{Client, Url};
use tough::{Limits, Repository, RepositoryLoader, TargetName, TransportErrorKind};

use super::error::{SyncError, chain};
use super::store::{KeptGeneration, Store, StoreError, Wanted};
use super::transport::OriginTransport;
use super::trust::{Copy, Trust};
use crate::limits;

/// Where a node looks, and for what.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) client: Client,
    pub(super) metadata: Url,
    pub(super) targets: Url,
    pub(super) channel: String,
}

/// The verified state of the origin, for the time of one look.
pub(super) struct Look {
    repository: Repository,
    transport: OriginTransport,
    /// The client writes the time into it whenever a target is read.
    _copy: Copy,
}

/// What kept a look from its end.
pub(super) struct Failure {
    pub(super) error: SyncError,
    /// Whether the network is the reason: what was asked for may be sound.
    pub(super) unreachable: bool,
}

/// Steps 1 to 4: fetches and verifies the signed metadata, and remembers what was seen.
pub(super) async fn look(origin: &Origin, trust: &Trust) -> Result<Look, Failure> {
    let transport = OriginTransport::new(origin.client.clone());
    let of_the_node = |error: super::TrustError| Failure { error: error.into(), unreachable: false };
    // 1. The newest root this node has seen is where trust starts: a revoked key stays revoked.
    let copy = trust.copy().map_err(of_the_node)?;
    // 2. New roots, timestamp, snapshot, targets: signatures by a threshold of keys (forgery), versions
    //    that never fall (replay of an older state), expiry (freezing), lengths and digests (mix and
    //    match, endless data).
    let loaded = RepositoryLoader::new(copy.root(), origin.metadata.clone(), origin.targets.clone())
        .transport(transport.clone())
        .datastore(copy.folder())
        .limits(Limits {
            max_root_size: limits::METADATA_BYTES_MAX,
            max_targets_size: limits::METADATA_BYTES_MAX,
            max_timestamp_size: limits::METADATA_BYTES_MAX,
            max_snapshot_size: limits::METADATA_BYTES_MAX,
            max_root_updates: limits::ROOT_UPDATES_MAX,
        })
        .load()
        .await;
    // 3. Whatever was verified is remembered before anything is done with it, and survives a power cut:
    //    an older state is refused from now on.
    trust.keep(&copy).map_err(of_the_node)?;
    // 4. Nothing published yet, or nothing there, is not an attack.
    match loaded {
        Ok(repository) => Ok(Look { repository, transport, _copy: copy }),
        Err(error) => {
            let unreachable = transport.has_failed() || is_absent(&error);
            Err(Failure { error: SyncError::Metadata(Box::new(error)), unreachable })
        }
    }
}

fn is_absent(error: &tough::error::Error) -> bool {
    let tough::error::Error::Transport { source, .. } = error else { return false };
    source.kind() == TransportErrorKind::FileNotFound
}

impl Look {
    /// Step 5: which release the channel names. A roll-back is a newer signed state that names an older
    /// release.
    pub(super) async fn channel(&self, origin: &Origin) -> Result<KeptGeneration, Failure> {
        let name = release::channel_target(&origin.channel);
        let bytes = self.small_target(&name, limits::CHANNEL_BYTES_MAX).await?;
        let said = Channel::decode(&bytes)
            .map_err(|source| self.failure(SyncError::File { name: name.clone(), source }))?;
        if said.channel != origin.channel {
            return Err(self.failure(SyncError::Contradiction {
                name,
                said: said.channel,
                expected: origin.channel.clone(),
            }));
        }
        let manifest = self.target(&release::manifest_target(said.generation))?;
        Ok(KeptGeneration { generation: said.generation, manifest: manifest.sha256 })
    }

    /// Steps 6 and 7: brings the manifest and every file of it that is not on disk.
    pub(super) async fn fetch(&self, store: &Store, release: &KeptGeneration) -> Result<(), Failure> {
        // 6. The manifest: bounded before it is fetched, and of the generation that was asked for.
        let name = release::manifest_target(release.generation);
        let wanted = self.target(&name)?;
        self.check_length(&name, &wanted, limits::MANIFEST_BYTES_MAX)?;
        self.fetch_file(store, &name, &wanted).await?;
        let manifest = super::load::manifest(store, release).map_err(|error| self.failure(error))?;
        self.check_total(&manifest)?;
        // 7. Its files: each must be named by the signed metadata too, with the same digest and length.
        for entry in &manifest.files {
            let name = release::file_target(&entry.sha256);
            let wanted = self.target(&name)?;
            if wanted != (Wanted { sha256: entry.sha256.clone(), bytes: entry.bytes }) {
                return Err(self.failure(SyncError::Contradiction {
                    name,
                    said: format!("{} bytes, sha256 {}", wanted.bytes, wanted.sha256),
                    expected: format!("{} bytes, sha256 {}", entry.bytes, entry.sha256),
                }));
            }
            let delta = manifest.deltas.iter().find(|delta| delta.file == entry.name);
            if !store.has(&wanted)
                && let Some(delta) = delta
                && let Err(reason) = self.make_from(store, delta, &wanted).await
            {
                // A delta saves bytes and decides nothing: without it the file comes whole.
                tracing::info!(file = entry.name, reason, "no use of a delta");
            }
            self.fetch_file(store, &name, &wanted).await?;
        }
        Ok(())
    }

    /// Makes a file from one that a release before left on disk; it counts only if it is the signed one.
    async fn make_from(&self, store: &Store, delta: &DeltaEntry, wanted: &Wanted) -> Result<(), String> {
        let old = store.read_any(&delta.from).map_err(|error| error.to_string())?;
        let bytes_max = wanted.bytes.min(limits::DELTA_BYTES_MAX);
        let bytes = self.small_target(&release::file_target(&delta.sha256), bytes_max).await;
        let bytes = bytes.map_err(|failure| chain(&failure.error))?;
        let length = wanted.bytes;
        let made = tokio::task::spawn_blocking(move || delta::apply(&old, &bytes, length)).await;
        let made = made.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        let put = || {
            let mut incoming = store.begin()?;
            incoming.write(&made)?;
            store.finish(incoming, wanted)
        };
        match put() {
            Ok(true) => Ok(()),
            Ok(false) => Err("it makes another file".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn check_total(&self, manifest: &Manifest) -> Result<(), Failure> {
        let bytes = manifest.files.iter().map(|entry| entry.bytes).fold(0_u64, u64::saturating_add);
        let total = Wanted { sha256: String::new(), bytes };
        self.check_length("the release", &total, limits::RELEASE_BYTES_MAX)
    }

    fn check_length(&self, name: &str, wanted: &Wanted, bytes_max: u64) -> Result<(), Failure> {
        if wanted.bytes <= bytes_max {
            return Ok(());
        }
        let name = name.to_owned();
        Err(self.failure(SyncError::TargetTooLarge { name, bytes: wanted.bytes, bytes_max }))
    }

    /// What the signed metadata say of a target.
    fn target(&self, name: &str) -> Result<Wanted, Failure> {
        let found = self.name(name).and_then(|name| {
            let target = self.repository.targets().signed.find_target(&name, false).ok()?;
            Some(Wanted { sha256: super::store::hex(&target.hashes.sha256), bytes: target.length })
        });
        found.ok_or_else(|| self.failure(SyncError::TargetUnnamed(name.to_owned())))
    }

    fn name(&self, name: &str) -> Option<TargetName> {
        TargetName::new(name).ok()
    }

    /// Brings a file, unless it is there, and keeps it only whole and as it was signed.
    async fn fetch_file(&self, store: &Store, name: &str, wanted: &Wanted) -> Result<(), Failure> {
        if store.has(wanted) {
            return Ok(());
        }
        let io = |error: std::io::Error| Failure {
            error: SyncError::Store(StoreError::Io(error)),
            unreachable: false,
        };
        let mut incoming = store.begin().map_err(io)?;
        self.stream(name, |chunk| incoming.write(chunk).map_err(io)).await?;
        match store.finish(incoming, wanted).map_err(io)? {
            true => Ok(()),
            // Longer and other bytes have been refused on the way; what is left is too few.
            false => Err(self.failure(SyncError::TargetTampered {
                name: name.to_owned(),
                reason: "it is shorter".to_owned(),
            })),
        }
    }

    async fn small_target(&self, name: &str, bytes_max: u64) -> Result<Vec<u8>, Failure> {
        let wanted = self.target(name)?;
        self.check_length(name, &wanted, bytes_max)?;
        let mut bytes = Vec::new();
        self.stream(name, |chunk| {
            bytes.extend_from_slice(chunk);
            Ok(())
        })
        .await?;
        Ok(bytes)
    }

    /// Streams a target; its length and digest are checked on the way, against the signed metadata.
    async fn stream(
        &self,
        name: &str,
        mut take: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let unnamed = || self.failure(SyncError::TargetUnnamed(name.to_owned()));
        let target = self.name(name).ok_or_else(unnamed)?;
        let stream = self.repository.read_target(&target).await;
        let mut stream = stream.map_err(|error| self.not_come(name, &error))?.ok_or_else(unnamed)?;
        while let Some(chunk) = stream.next().await {
            take(&chunk.map_err(|error| self.not_come(name, &error))?)?;
        }
        Ok(())
    }

    fn not_come(&self, name: &str, error: &tough::error::Error) -> Failure {
        let (name, reason) = (name.to_owned(), chain(error));
        self.failure(match self.transport.has_failed() {
            true => SyncError::TargetUnreachable { name, reason },
            false => SyncError::TargetTampered { name, reason },
        })
    }

    fn failure(&self, error: SyncError) -> Failure {
        Failure { error, unreachable: self.transport.has_failed() }
    }
}
