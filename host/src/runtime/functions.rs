//! Compiled functions kept on disk, so that a new snapshot of known code compiles in a third of the time.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::seal::{self, NodeKey, SEAL_BYTES};
use crate::limits;

/// Read when something is compiled, written and let go when a release has been prepared: a node that
/// starts from compiled components never touches it.
#[derive(Debug)]
pub(super) struct FunctionCache {
    path: PathBuf,
    key: NodeKey,
    pack: Mutex<Option<Pack>>,
}

#[derive(Debug, Default)]
struct Pack {
    functions: HashMap<Box<[u8]>, Function>,
    bytes: usize,
    changed: bool,
}

#[derive(Debug)]
struct Function {
    code: Box<[u8]>,
    // Asked for or added since the pack was read.
    used: bool,
}

impl FunctionCache {
    pub(super) fn new(path: PathBuf, key: NodeKey) -> Self {
        Self { path, key, pack: Mutex::new(None) }
    }

    /// Writes what was added and frees the memory. The cache only saves time, so a failure is no error.
    pub(super) fn flush(&self) {
        let Some(pack) = self.lock().take() else { return };
        if pack.changed
            && let Err(error) = self.write(&pack)
        {
            tracing::warn!(%error, "compiled functions were not kept");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Pack>> {
        // A panic elsewhere leaves at worst a function out.
        self.pack.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> Pack {
        let Ok(bytes) = fs::read(&self.path) else {
            return Pack::default();
        };
        let Some((seal, body)) = bytes.split_at_checked(SEAL_BYTES) else {
            return Pack::default();
        };
        let mut sealer = self.key.seal(PURPOSE);
        sealer.update(body);
        if !sealer.verify(seal) {
            tracing::warn!("the kept functions are damaged, starting anew");
            return Pack::default();
        }
        Pack::decode(body).unwrap_or_default()
    }

    fn write(&self, pack: &Pack) -> io::Result<()> {
        let body = pack.encode();
        let mut sealer = self.key.seal(PURPOSE);
        sealer.update(&body);
        let aside = seal::aside(&self.path);
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
        file.write_all(&sealer.finish())?;
        file.write_all(&body)?;
        // Not synced: a torn file has a wrong seal and is only compiled again.
        fs::rename(&aside, &self.path)
    }
}

impl wasmtime::CacheStore for FunctionCache {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        let mut pack = self.lock();
        let function = pack.get_or_insert_with(|| self.read()).functions.get_mut(key)?;
        function.used = true;
        Some(Cow::Owned(function.code.to_vec()))
    }

    fn insert(&self, key: &[u8], code: Vec<u8>) -> bool {
        let mut pack = self.lock();
        pack.get_or_insert_with(|| self.read()).insert(key, code)
    }
}

impl Pack {
    fn insert(&mut self, key: &[u8], code: Vec<u8>) -> bool {
        let bytes = key.len() + code.len();
        if self.bytes + bytes > limits::FUNCTIONS_BYTES_MAX {
            return false;
        }
        self.bytes += bytes;
        self.changed = true;
        self.functions.insert(key.into(), Function { code: code.into(), used: true });
        true
    }

    fn encode(&self) -> Vec<u8> {
        // Half full: drop what no component used this time, or old code would crowd out the new for ever.
        let keep_unused = self.bytes < limits::FUNCTIONS_BYTES_MAX / 2;
        let mut body = Vec::with_capacity(self.bytes + self.functions.len() * 8);
        for (key, function) in self.functions.iter().filter(|(_, function)| keep_unused || function.used) {
            for part in [key, &function.code] {
                body.extend_from_slice(&(part.len() as u32).to_le_bytes());
                body.extend_from_slice(part);
            }
        }
        body
    }

    fn decode(mut body: &[u8]) -> Option<Self> {
        let mut pack = Self::default();
        while !body.is_empty() {
            let key = take(&mut body)?;
            let code = take(&mut body)?;
            pack.bytes += key.len() + code.len();
            pack.functions.insert(key.into(), Function { code: code.into(), used: false });
        }
        Some(pack)
    }
}

fn take<'a>(body: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = body.split_first_chunk::<4>()?;
    let (part, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    *body = rest;
    Some(part)
}

const PURPOSE: &str = "frontrow functions 1";

#[cfg(test)]
mod tests {
    use wasmtime::CacheStore;

    use super::*;

    fn cache(dir: &std::path::Path) -> FunctionCache {
        FunctionCache::new(dir.join("functions.pack"), NodeKey::open(dir).unwrap())
    }

    #[test]
    fn a_function_is_found_again_by_the_next_process() {
        let dir = tempfile::tempdir().unwrap();
        let first = cache(dir.path());
        assert!(first.get(b"key").is_none());
        assert!(first.insert(b"key", vec![1, 2, 3]));
        first.flush();
        assert_eq!(cache(dir.path()).get(b"key").as_deref(), Some(&[1, 2, 3][..]));
    }

    #[test]
    fn a_changed_byte_or_a_cut_discards_the_whole_pack() {
        let dir = tempfile::tempdir().unwrap();
        let first = cache(dir.path());
        first.insert(b"key", vec![1, 2, 3]);
        first.flush();
        let whole = fs::read(dir.path().join("functions.pack")).unwrap();
        for cut in 0..whole.len() {
            fs::write(dir.path().join("functions.pack"), &whole[..cut]).unwrap();
            assert!(cache(dir.path()).get(b"key").is_none(), "cut at {cut}");
        }
        for place in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[place] ^= 1;
            fs::write(dir.path().join("functions.pack"), &damaged).unwrap();
            assert!(cache(dir.path()).get(b"key").is_none(), "byte {place}");
        }
    }
}
