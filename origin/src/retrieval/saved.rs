//! The index in a folder: the library's file, and a description that vouches for it.
//!
//! FAISS trusts what it reads, so its file is read only when it is, byte by byte, what was saved.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::titles::padded;
use super::{FaissIndex, RetrievalError, Storage, TitleIndex, VectorIndex};
use crate::limits::{INDEX_DESCRIPTION_BYTES_MAX, VECTOR_DIMENSIONS_MAX};

/// What an index is, beside its vectors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// Where the vectors come from, as `factors`.
    pub model: String,
    /// Numbers a vector and a query have.
    pub dimensions: usize,
    /// How vectors are kept.
    pub storage: Storage,
    /// Lists compared; none where every vector is.
    pub probes: Option<u32>,
    /// Share of the ten nearest that it was measured to find.
    pub recall_at_10: f64,
    /// Of the numbers that were indexed.
    pub vectors_sha256: String,
}

/// The description's file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    schema: String,
    index: Description,
    /// Of the library's file.
    sha256: String,
    title_ids: Vec<u32>,
}

const SCHEMA: &str = "frontrow-title-index-1";
const INDEX_FILE: &str = "titles.faiss";
const DESCRIPTION_FILE: &str = "titles-index.json";

impl TitleIndex {
    /// Writes the index into a folder that exists.
    ///
    /// # Errors
    ///
    /// When files cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), RetrievalError> {
        let path = folder.join(INDEX_FILE);
        self.index.lock().unwrap_or_else(PoisonError::into_inner).save(&path)?;
        let saved = Saved {
            schema: SCHEMA.to_owned(),
            index: self.description.clone(),
            sha256: digest(&path)?,
            title_ids: self.title_ids.clone(),
        };
        let text = serde_json::to_vec(&saved).expect("names and numbers can be written as JSON");
        let path = folder.join(DESCRIPTION_FILE);
        fs::write(&path, text).map_err(|source| RetrievalError::Io { what: "write", path, source })
    }

    /// Reads the index that [`TitleIndex::save`] wrote into a folder.
    ///
    /// # Errors
    ///
    /// When there is none, or a file is not the one that was saved.
    pub fn load(folder: &Path) -> Result<Self, RetrievalError> {
        let described = folder.join(DESCRIPTION_FILE);
        let saved: Saved = serde_json::from_slice(&read(&described, INDEX_DESCRIPTION_BYTES_MAX)?)
            .map_err(|error| bad(&described, error.to_string()))?;
        if saved.schema != SCHEMA {
            return Err(bad(&described, format!("its schema is not {SCHEMA}")));
        }
        let Saved { index: description, sha256, title_ids, .. } = saved;
        if description.dimensions == 0 || padded(description.dimensions) > VECTOR_DIMENSIONS_MAX {
            return Err(bad(&described, format!("vectors of {} numbers", description.dimensions)));
        }
        if title_ids.is_empty() || title_ids.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(bad(&described, "its titles do not rise".to_owned()));
        }
        let path = folder.join(INDEX_FILE);
        if digest(&path)? != sha256 {
            return Err(bad(&path, "its digest is another".to_owned()));
        }
        let index = FaissIndex::load(&path, description.storage)?;
        if index.vectors() != title_ids.len() || index.dimensions() != padded(description.dimensions) {
            return Err(bad(&path, format!("it holds {} vectors of other titles", index.vectors())));
        }
        Ok(Self { title_ids, description, index: Mutex::new(index) })
    }
}

fn read(path: &Path, bytes_max: u64) -> Result<Vec<u8>, RetrievalError> {
    let failed = |source| RetrievalError::Io { what: "read", path: path.to_path_buf(), source };
    let bytes = fs::metadata(path).map_err(failed)?.len();
    if bytes > bytes_max {
        return Err(bad(path, format!("{bytes} bytes are above {bytes_max}")));
    }
    fs::read(path).map_err(failed)
}

/// In hexadecimal; the file may be larger than what one would hold in memory twice.
fn digest(path: &Path) -> Result<String, RetrievalError> {
    let failed = |source| RetrievalError::Io { what: "read", path: path.to_path_buf(), source };
    let mut file = File::open(path).map_err(failed)?;
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; 1 << 20];
    loop {
        match file.read(&mut chunk).map_err(failed)? {
            0 => break,
            bytes => hasher.update(&chunk[..bytes]),
        }
    }
    Ok(hexadecimal(&hasher.finalize()))
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bad(path: &Path, reason: String) -> RetrievalError {
    RetrievalError::BadFile { path: PathBuf::from(path), reason }
}
