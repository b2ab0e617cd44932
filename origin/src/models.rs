//! What training leaves for releases: a folder of models in the formats that nodes read.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use ranking::{Candidates, Factors};
use release::{CandidateFile, FileError, RulesEntry, decode_factors, encode_factors};
use serde::{Deserialize, Serialize};

/// The name of the candidate set that holds every title, of no region.
const EVERYWHERE: &str = "everywhere";

/// The models as trained.
#[derive(Clone, Debug)]
pub struct Models {
    /// Every title of the catalogue with its item-to-item row; licences are not applied.
    pub everywhere: Candidates,
    /// The factor model.
    pub factors: Factors,
    /// The ONNX ranker, when it is better than rows alone.
    pub ranker: Option<Vec<u8>>,
    /// What was chosen and measured.
    pub training: Training,
}

/// What was chosen and measured on held-out views.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// How sources are weighed.
    pub rules: RulesEntry,
    /// Figures by name, `hr_at_10` among them.
    pub quality: BTreeMap<String, f64>,
}

/// Why models could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum ModelsError {
    /// Nothing has been trained.
    #[error("no models in {0}: make them with `frontrow-origin train`")]
    Missing(PathBuf),
    /// A file could not be handled.
    #[error("cannot {what} {path}: {source}")]
    Io {
        /// What for, as `write`.
        what: &'static str,
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A file is not what its name says.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: FileError,
    },
}

impl ModelsError {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "models-missing",
            Self::Io { .. } => "models-io",
            Self::File { source, .. } => source.code(),
        }
    }
}

impl Models {
    /// Writes the models beside those of before and takes their place whole.
    ///
    /// # Errors
    ///
    /// When files cannot be written; the models of before stay.
    pub fn save(&self, data: &Path) -> Result<(), ModelsError> {
        let folder = data.join("models");
        let beside = data.join("models.new");
        let failed = |what, path: &Path| {
            let path = path.to_path_buf();
            move |source| ModelsError::Io { what, path, source }
        };
        if beside.exists() {
            fs::remove_dir_all(&beside).map_err(failed("remove", &beside))?;
        }
        fs::create_dir_all(&beside).map_err(failed("create", &beside))?;
        let everywhere = CandidateFile {
            region: EVERYWHERE.to_owned(),
            genres: Vec::new(),
            candidates: self.everywhere.clone(),
        };
        let training =
            serde_json::to_vec_pretty(&self.training).expect("names and numbers can be written as JSON");
        let mut files = vec![
            ("everywhere.safetensors", everywhere.encode()),
            ("factors.safetensors", encode_factors(&self.factors)),
            ("training.json", training),
        ];
        files.extend(self.ranker.clone().map(|onnx| ("ranker.onnx", onnx)));
        for (name, bytes) in files {
            let path = beside.join(name);
            fs::write(&path, bytes).map_err(failed("write", &path))?;
        }
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(failed("replace", &folder))?;
        }
        fs::rename(&beside, &folder).map_err(failed("replace", &folder))
    }

    /// Reads the models of an origin's data folder.
    ///
    /// # Errors
    ///
    /// When nothing has been trained, or a file is damaged.
    pub fn load(data: &Path) -> Result<Self, ModelsError> {
        let folder = data.join("models");
        if !folder.is_dir() {
            return Err(ModelsError::Missing(folder));
        }
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read(&path).map_err(|source| ModelsError::Io { what: "read", path, source })
        };
        let refused = |name: &str| {
            let path = folder.join(name);
            move |source| ModelsError::File { path, source }
        };
        let name = "everywhere.safetensors";
        let everywhere = CandidateFile::decode(&read(name)?).map_err(refused(name))?.candidates;
        let name = "factors.safetensors";
        let factors = decode_factors(&read(name)?).map_err(refused(name))?;
        let name = "training.json";
        let training =
            serde_json::from_slice(&read(name)?).map_err(|error| refused(name)(FileError::from(error)))?;
        let ranker = if folder.join("ranker.onnx").exists() { Some(read("ranker.onnx")?) } else { None };
        Ok(Self { everywhere, factors, ranker, training })
    }
}
