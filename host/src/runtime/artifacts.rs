//! Compiled components on disk: written once, sealed, mapped by the next start.
//!
//! The one place that runs machine code from a file, so the one place with `unsafe`.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use super::error::{Part, PrepareError};
use super::seal::{self, NodeKey, SEAL_BYTES, Sealer};
use crate::limits;

/// The folder of compiled components.
#[derive(Clone, Debug)]
pub(super) struct Artifacts {
    dir: PathBuf,
    key: NodeKey,
}

/// What `obtain` builds when the folder does not have it.
pub(super) struct Built {
    /// What `Engine::precompile_component` returned.
    pub(super) code: Vec<u8>,
    /// What was learnt on the way; at most `ARTIFACT_NOTE_BYTES_MAX`.
    pub(super) note: Vec<u8>,
}

impl Artifacts {
    pub(super) fn open(dir: PathBuf, key: NodeKey) -> io::Result<Self> {
        fs::create_dir_all(&dir)?;
        Ok(Self { dir, key })
    }

    /// The component of this key and its note, mapped from disk or built now.
    ///
    /// One process builds, others that share the folder wait for it and map what it wrote.
    pub(super) fn obtain(
        &self,
        engine: &Engine,
        part: Part,
        key: &ArtifactKey,
        build: impl FnOnce() -> Result<Built, PrepareError>,
    ) -> Result<(Component, Vec<u8>), PrepareError> {
        if let Some(found) = self.load(engine, key) {
            return Ok(found);
        }
        let _lock = self.lock(key)?;
        if let Some(found) = self.load(engine, key) {
            return Ok(found);
        }
        let Built { code, note } = build()?;
        match self.store(key, &code, &note) {
            Ok(()) => {
                self.sweep();
                if let Some(found) = self.load(engine, key) {
                    return Ok(found);
                }
            }
            // A full disk must not stop a node that can serve from memory.
            Err(error) => tracing::warn!(%error, "a compiled component was not kept"),
        }
        match from_memory(engine, &code) {
            Ok(component) => Ok((component, note)),
            Err(source) => Err(PrepareError::Malformed { component: part, source }),
        }
    }

    // None when it is absent or not what this node wrote.
    fn load(&self, engine: &Engine, key: &ArtifactKey) -> Option<(Component, Vec<u8>)> {
        let (code_path, seal_path) = (self.path(key, "cwasm"), self.path(key, "seal"));
        let seal = fs::read(&seal_path).ok()?;
        let (tag, note) = seal.split_at_checked(SEAL_BYTES)?;
        let sealer = self.sealer(key, note, &mut File::open(&code_path).ok()?).ok()?;
        if !sealer.verify(tag) {
            tracing::warn!(path = %code_path.display(), "a compiled component is damaged, compiling it anew");
            return None;
        }
        match from_file(engine, &code_path) {
            Ok(component) => {
                // What was used last is swept last.
                let _ = File::open(&seal_path).and_then(|file| file.set_modified(SystemTime::now()));
                Some((component, note.to_vec()))
            }
            Err(error) => {
                tracing::warn!(path = %code_path.display(), %error, "a compiled component was refused");
                None
            }
        }
    }

    fn sealer(&self, key: &ArtifactKey, note: &[u8], code: &mut impl Read) -> io::Result<Sealer> {
        let mut sealer = self.key.seal("frontrow component 1");
        sealer.update(&key.0);
        sealer.update(&(note.len() as u64).to_le_bytes());
        sealer.update(note);
        let mut chunk = vec![0; 1 << 18];
        loop {
            match code.read(&mut chunk)? {
                0 => return Ok(sealer),
                read => sealer.update(&chunk[..read]),
            }
        }
    }

    // The code first: a seal without its code, or with other code, counts as absent.
    fn store(&self, key: &ArtifactKey, code: &[u8], note: &[u8]) -> io::Result<()> {
        debug_assert!(note.len() <= limits::ARTIFACT_NOTE_BYTES_MAX);
        let mut seal = self.sealer(key, note, &mut &code[..])?.finish().to_vec();
        seal.extend_from_slice(note);
        self.write(&self.path(key, "cwasm"), code)?;
        self.write(&self.path(key, "seal"), &seal)?;
        File::open(&self.dir)?.sync_all()
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let aside = seal::aside(path);
        let _ = fs::remove_file(&aside);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o400).open(&aside)?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        written.and_then(|()| fs::rename(&aside, path)).inspect_err(|_| {
            let _ = fs::remove_file(&aside);
        })
    }

    fn path(&self, key: &ArtifactKey, extension: &str) -> PathBuf {
        self.dir.join(format!("{}.{extension}", key.hex()))
    }

    // Few lock files for all keys; different kinds of artifact have their own, so that building one
    // may obtain another.
    fn lock(&self, key: &ArtifactKey) -> io::Result<File> {
        let path = self.dir.join(format!("{}-{:x}.lock", key.1.name(), key.0[0] >> 4));
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
        let started = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(error),
                // Its owner hangs: building twice only costs time, both write the same.
                Err(TryLockError::WouldBlock) if started.elapsed() > limits::ARTIFACT_LOCK_WAIT_MAX => {
                    return Ok(file);
                }
                Err(TryLockError::WouldBlock) => std::thread::park_timeout(limits::ARTIFACT_LOCK_POLL),
            }
        }
    }

    // Removes what was used longest ago until the rest fits. Mapped files live on until unmapped.
    fn sweep(&self) {
        let mut kept: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
        for entry in fs::read_dir(&self.dir).into_iter().flatten().flatten() {
            let seal = entry.path();
            if seal.extension().is_some_and(|extension| extension == "seal")
                && let Ok(used) = entry.metadata().and_then(|data| data.modified())
                && let Ok(code) = fs::metadata(seal.with_extension("cwasm"))
            {
                kept.push((used, code.len(), seal));
            }
        }
        kept.sort();
        let mut bytes: u64 = kept.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, code_bytes, seal) in kept {
            if bytes <= limits::ARTIFACTS_BYTES_MAX {
                break;
            }
            let _ = fs::remove_file(&seal);
            let _ = fs::remove_file(seal.with_extension("cwasm"));
            bytes -= code_bytes;
        }
    }
}

/// Names a compiled component by all that went into it.
#[derive(Clone, Debug)]
pub(super) struct ArtifactKey([u8; 32], Kind);

/// What was compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A component as it came.
    Plain,
    /// One from which a snapshot can be read.
    Instrumented,
    /// One that has taken its files.
    Snapshot,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Instrumented => "instrumented",
            Self::Snapshot => "snapshot",
        }
    }
}

impl ArtifactKey {
    /// Of this component, compiled by this engine, after taking these inputs.
    pub(super) fn new(engine: &Engine, kind: Kind, component: &[u8], inputs: &[&[u8]]) -> Self {
        let mut digest = KeyHasher(Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut digest);
        digest.write(kind.name().as_bytes());
        for part in [component].iter().chain(inputs) {
            digest.write(&(part.len() as u64).to_le_bytes());
            digest.write(part);
        }
        Self(digest.0.finalize().into(), kind)
    }

    fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

struct KeyHasher(Sha256);

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    // `Hash` only writes; the digest is read from the field.
    fn finish(&self) -> u64 {
        0
    }
}

#[allow(unsafe_code)]
fn from_file(engine: &Engine, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the seal over the file's bytes was just verified with a key that only this node's folder
    // (0700) holds, so `Engine::precompile_component` of this node wrote them; the file is 0400 and
    // never written again, only replaced by rename or unlinked, which leaves the mapping as it is.
    unsafe { Component::deserialize_file(engine, path) }
}

#[allow(unsafe_code)]
fn from_memory(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the bytes come from `Engine::precompile_component` in this call of `obtain`.
    unsafe { Component::deserialize(engine, code) }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    struct Folder {
        _dir: tempfile::TempDir,
        artifacts: Artifacts,
        engine: Engine,
    }

    fn folder() -> Folder {
        let dir = tempfile::tempdir().unwrap();
        let key = NodeKey::open(dir.path()).unwrap();
        let artifacts = Artifacts::open(dir.path().join("components"), key).unwrap();
        Folder { artifacts, engine: Engine::default(), _dir: dir }
    }

    impl Folder {
        /// Whether it had to be built.
        fn builds(&self, key: &ArtifactKey) -> bool {
            let built = Cell::new(false);
            let (_, note) = self
                .artifacts
                .obtain(&self.engine, Part::Qoe, key, || {
                    built.set(true);
                    let code = self.engine.precompile_component(b"\0asm\x0d\0\x01\0").unwrap();
                    Ok(Built { code, note: vec![7] })
                })
                .unwrap();
            assert_eq!(note, [7]);
            built.get()
        }

        fn key(&self, input: &[u8]) -> ArtifactKey {
            ArtifactKey::new(&self.engine, Kind::Plain, b"component", &[input])
        }

        fn overwrite(&self, key: &ArtifactKey, extension: &str, change: impl FnOnce(&mut Vec<u8>)) {
            let path = self.artifacts.path(key, extension);
            let mut bytes = fs::read(&path).unwrap();
            change(&mut bytes);
            fs::remove_file(&path).unwrap();
            fs::write(&path, bytes).unwrap();
        }
    }

    #[test]
    fn the_second_start_maps_what_the_first_compiled() {
        let folder = folder();
        let key = folder.key(b"");
        assert!(folder.builds(&key));
        assert!(!folder.builds(&key));
        assert!(folder.builds(&folder.key(b"other files")));
    }

    #[test]
    fn a_damaged_or_foreign_file_is_compiled_anew() {
        let folder = folder();
        let key = folder.key(b"");
        assert!(folder.builds(&key));
        let damages: [(&str, fn(&mut Vec<u8>)); 5] = [
            ("cwasm", |code| code.truncate(code.len() / 2)),
            ("cwasm", |code| code[100] ^= 1),
            ("cwasm", Vec::clear),
            ("seal", |seal| seal[0] ^= 1),
            ("seal", |seal| seal.push(0)),
        ];
        for (extension, damage) in damages {
            folder.overwrite(&key, extension, damage);
            assert!(folder.builds(&key), "{extension}");
            assert!(!folder.builds(&key), "{extension}");
        }
    }

    #[test]
    fn a_file_of_another_key_is_compiled_anew() {
        let folder = folder();
        let (ours, theirs) = (folder.key(b"1"), folder.key(b"2"));
        assert!(folder.builds(&ours) && folder.builds(&theirs));
        for extension in ["cwasm", "seal"] {
            fs::rename(folder.artifacts.path(&theirs, extension), folder.artifacts.path(&ours, extension))
                .unwrap();
        }
        assert!(folder.builds(&ours));
    }

    #[test]
    fn compiled_files_cannot_be_written_by_anyone() {
        let folder = folder();
        let key = folder.key(b"");
        assert!(folder.builds(&key));
        let mode = fs::metadata(folder.artifacts.path(&key, "cwasm")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o400);
    }

    #[test]
    fn two_threads_that_share_a_folder_build_once() {
        let folder = folder();
        let key = folder.key(b"");
        let built = std::thread::scope(|scope| {
            let threads = [(); 2].map(|()| {
                let (artifacts, engine, key) = (folder.artifacts.clone(), folder.engine.clone(), key.clone());
                scope.spawn(move || {
                    let mut built = 0;
                    let code = || {
                        built += 1;
                        let code = engine.precompile_component(b"\0asm\x0d\0\x01\0").unwrap();
                        Ok(Built { code, note: Vec::new() })
                    };
                    artifacts.obtain(&engine, Part::Qoe, &key, code).unwrap();
                    built
                })
            });
            threads.map(|thread| thread.join().unwrap())
        });
        assert_eq!(built.iter().sum::<i32>(), 1);
    }
}
