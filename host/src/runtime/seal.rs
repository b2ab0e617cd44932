//! A keyed digest over what the node itself wrote: compiled code is run as it is, so it must be ours.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

/// Bytes of a seal.
pub(super) const SEAL_BYTES: usize = 32;

/// The secret of the cache folder's owner; never leaves the folder.
#[derive(Clone)]
pub(super) struct NodeKey([u8; SEAL_BYTES]);

impl NodeKey {
    /// Reads the folder's key, or makes one; the folder becomes private.
    pub(super) fn open(dir: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
        let path = dir.join("node.key");
        match Self::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            found => return found,
        }
        let mut secret = [0; SEAL_BYTES];
        File::open("/dev/urandom")?.read_exact(&mut secret)?;
        // Written aside and linked: whoever else starts now, in this process or another, sees a whole key
        // or none, and all end with the same one.
        let aside = aside(&path);
        // A process of this number may have died here.
        let _ = fs::remove_file(&aside);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o400).open(&aside)?;
        file.write_all(&secret)?;
        file.sync_all()?;
        match fs::hard_link(&aside, &path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => fs::remove_file(&aside)?,
        }
        Self::read(&path)
    }

    fn read(path: &Path) -> io::Result<Self> {
        let mut secret = [0; SEAL_BYTES];
        File::open(path)?.read_exact(&mut secret)?;
        Ok(Self(secret))
    }

    /// Starts a seal; `purpose` keeps the seals of different kinds of files apart.
    pub(super) fn seal(&self, purpose: &str) -> Sealer {
        let mut sealer = Sealer::with_key(&self.0);
        sealer.update(&(purpose.len() as u64).to_le_bytes());
        sealer.update(purpose.as_bytes());
        sealer
    }
}

impl std::fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NodeKey")
    }
}

/// A name beside `path` that no other process and no other thread of ours writes to.
pub(super) fn aside(path: &Path) -> PathBuf {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    path.with_extension(format!("{}-{number}.aside", std::process::id()))
}

/// HMAC-SHA256 (RFC 2104).
pub(super) struct Sealer {
    inner: Sha256,
    outer: Sha256,
}

impl Sealer {
    // The key must not be longer than a block of the hash; ours is 32 bytes.
    fn with_key(key: &[u8]) -> Self {
        let (mut inner_pad, mut outer_pad) = ([0x36; BLOCK_BYTES], [0x5c; BLOCK_BYTES]);
        for (index, byte) in key.iter().enumerate() {
            inner_pad[index] ^= byte;
            outer_pad[index] ^= byte;
        }
        Self { inner: Sha256::new_with_prefix(inner_pad), outer: Sha256::new_with_prefix(outer_pad) }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.inner.update(bytes);
    }

    pub(super) fn finish(mut self) -> [u8; SEAL_BYTES] {
        self.outer.update(self.inner.finalize());
        self.outer.finalize().into()
    }

    /// Whether this is the seal; takes the same time for every wrong one.
    pub(super) fn verify(self, seal: &[u8]) -> bool {
        let ours = self.finish();
        seal.len() == ours.len() && ours.iter().zip(seal).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
    }
}

const BLOCK_BYTES: usize = 64;
const _: () = assert!(SEAL_BYTES <= BLOCK_BYTES);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_published_hmac_vector() {
        // RFC 4231, test case 2.
        let mut sealer = Sealer::with_key(b"Jefe");
        sealer.update(b"what do ya want for nothing?");
        let expected: [u8; 32] = [
            0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7,
            0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43,
        ];
        assert_eq!(sealer.finish(), expected);
    }

    #[test]
    fn a_folder_has_one_private_key() {
        let dir = tempfile::tempdir().unwrap();
        let cache = dir.path().join("cache");
        let seal = |key: NodeKey| key.seal("test").finish();
        let first = seal(NodeKey::open(&cache).unwrap());
        assert_eq!(first, seal(NodeKey::open(&cache).unwrap()));
        assert_ne!(first, seal(NodeKey::open(&dir.path().join("other")).unwrap()));
        assert_eq!(fs::metadata(&cache).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::metadata(cache.join("node.key")).unwrap().permissions().mode() & 0o777, 0o400);
    }

    #[test]
    fn all_who_start_at_once_get_the_same_key() {
        let dir = tempfile::tempdir().unwrap();
        let cache = dir.path().join("cache");
        let open = || NodeKey::open(&cache).unwrap().seal("test").finish();
        let seals: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(seals.iter().all(|seal| *seal == seals[0]));
        assert_eq!(fs::read_dir(&cache).unwrap().count(), 1, "nothing is left aside");
    }

    #[test]
    fn a_seal_of_another_purpose_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let key = NodeKey::open(dir.path()).unwrap();
        let seal = key.seal("a").finish();
        assert!(key.seal("a").verify(&seal));
        assert!(!key.seal("b").verify(&seal));
        assert!(!key.seal("a").verify(&seal[..31]));
    }
}
