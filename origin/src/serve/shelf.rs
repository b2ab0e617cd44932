//! The corpus that questions are answered from, replaced whole when training has left another.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::models::{ModelsError, load_corpus};
use crate::retrieval::Corpus;

/// Holds what was read last.
#[derive(Debug)]
pub struct Shelf {
    data: PathBuf,
    corpus: RwLock<Option<Arc<Corpus>>>,
    // Of the folder that was looked at last; held while looking, so that two never read at once.
    seen: Mutex<Option<Seen>>,
}

/// Training puts another folder in the place of the one before.
type Seen = (u64, i64, i64);

impl Shelf {
    /// Empty until the first [`Shelf::refresh`]; `data` is the origin's folder.
    pub fn new(data: &Path) -> Self {
        Self { data: data.to_path_buf(), corpus: RwLock::default(), seen: Mutex::default() }
    }

    /// Reads the models if they are others than before; true when they are. Takes as long as reading does.
    ///
    /// # Errors
    ///
    /// When they cannot be read; what was read before stays, and the same models are not tried again.
    pub fn refresh(&self) -> Result<bool, ModelsError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(metadata) = fs::metadata(self.data.join("models")) else { return Ok(false) };
        let now = Some((metadata.ino(), metadata.mtime(), metadata.mtime_nsec()));
        if *seen == now {
            return Ok(false);
        }
        *seen = now;
        let corpus = load_corpus(&self.data)?;
        *self.corpus.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(corpus));
        Ok(true)
    }

    /// What was read last; none where nothing has been trained.
    pub(super) fn corpus(&self) -> Option<Arc<Corpus>> {
        self.corpus.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
