//! What training leaves for releases: a folder of models in the formats that nodes read.

mod side;

pub use side::TowerFrom;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ranking::{Candidates, Factors};
use release::{BlendEntry, CandidateFile, FileError, RulesEntry, SlateEntry, decode_factors, encode_factors};
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::assemble::{Catalogue, genre_bits};
use crate::gate::{Holdout, Reference, Unrounded};
use crate::limits::STEADY_TRAININGS_MAX;
use crate::retrieval::{Corpus, RECALL_AT_10_DEFAULT, RetrievalError, TitleIndex, title_vectors};
use crate::train::blended::Blended;
use crate::train::factors::{self, Rating};
use crate::train::features::Features;
use crate::train::penalty::Penalty;
use crate::train::ranker::POOL;
use crate::train::sequences::Sequences;
use crate::train::{self, Options, TrainError, onnx, ridge};

/// The name of the candidate set that holds every title, of no region.
const EVERYWHERE: &str = "everywhere";

/// The models as trained.
#[derive(Clone, Debug)]
pub struct Models {
    /// Every title of the catalogue with its item-to-item row; licences are not applied.
    pub everywhere: Candidates,
    /// The factor model.
    pub factors: Factors,
    /// Finds the titles nearest to a viewer or a cohort; of the factor model.
    pub index: Arc<TitleIndex>,
    /// The ONNX ranker, when it is better than rows alone.
    pub ranker: Option<Vec<u8>>,
    /// The ONNX tower, when it was asked for and is better than rows alone; its item vectors are in `everywhere`.
    pub tower: Option<Vec<u8>>,
    /// What was chosen and measured.
    pub training: Training,
    /// What the models would show before rounding.
    pub reference: Reference,
}

/// What was chosen and measured on held-out views.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// How sources are weighed.
    pub rules: RulesEntry,
    /// Figures by name, `hr_at_10` among them.
    pub quality: BTreeMap<String, f64>,
    /// Whose newest view was not learned from.
    pub holdout: Holdout,
    /// Trainings since all rows were chosen anew.
    pub steady_trainings: u32,
    /// Entries of a row, on average.
    pub row_entries: usize,
}

impl Training {
    /// How the rows were fitted; none if that was not noted, or not as a search would have it.
    fn settings(&self) -> Option<ridge::Settings> {
        let noted = |name: &str| self.quality.get(name).map(|&number| number as f32);
        ranking::Rules::new(self.rules.recency_tau, self.rules.history_window, 0).ok()?;
        Some(ridge::Settings {
            features: Features {
                recency_tau: self.rules.recency_tau,
                window: self.rules.history_window as usize,
                // Trainings of before knew none of it.
                backward: noted("backward").filter(|backward| (0.0..=1.0).contains(backward)).unwrap_or(0.0),
            },
            penalty: Penalty {
                lambda: noted("lambda").filter(|&lambda| lambda > 0.0 && lambda.is_finite())?,
                dropout: noted("dropout").filter(|dropout| (0.0..1.0).contains(dropout))?,
            },
            row_entries: self.row_entries,
        })
    }

    /// The figures by the names of a manifest: what was measured on validation views says so, as the release is
    /// measured by itself before it is published.
    pub fn told_apart(&self) -> BTreeMap<String, f64> {
        let is_share = |name: &str| name == "users" || name.contains("hr_at_") || name.contains("ndcg_at_");
        let told = |(name, &figure): (&String, &f64)| {
            let prefix = if is_share(name) { "validation_" } else { "" };
            (format!("{prefix}{name}"), figure)
        };
        self.quality.iter().map(told).collect()
    }
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
    /// The index could not be kept or made anew.
    #[error(transparent)]
    Index(#[from] RetrievalError),
}

impl ModelsError {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "models-missing",
            Self::Io { .. } => "models-io",
            Self::File { source, .. } => source.code(),
            Self::Index(error) => error.code(),
        }
    }
}

impl Models {
    /// Fits the models to everything that was watched; without ratings the factors learn from views.
    ///
    /// # Errors
    ///
    /// When there is nothing to learn from.
    pub fn fit(
        catalogue: &Catalogue,
        ratings: &[Rating],
        options: &Options,
        tower: Option<TowerFrom<'_>>,
    ) -> Result<Self, TrainError> {
        Self::fit_after(None, catalogue, ratings, options, tower)
    }

    /// The same, rows staying as they were in the models before where that makes no difference: little of the next
    /// release is new then. After [`STEADY_TRAININGS_MAX`] such trainings all are chosen anew.
    ///
    /// # Errors
    ///
    /// As [`Self::fit`].
    pub fn fit_after(
        before: Option<&Self>,
        catalogue: &Catalogue,
        ratings: &[Rating],
        options: &Options,
        tower: Option<TowerFrom<'_>>,
    ) -> Result<Self, TrainError> {
        let before = before.filter(|before| before.training.steady_trainings < STEADY_TRAININGS_MAX);
        let histories = catalogue.histories();
        let holdout = Holdout::of(histories.len());
        let ratings = &holdout.learned_ratings(&histories, ratings);
        let sequences = Sequences::new(holdout.learned(histories));
        // Rows of another length would be other rows; but a catalogue that has grown leaves less to each.
        let as_many = options.row_entries_max(&sequences, 0);
        let kept = before.map(|before| before.training.row_entries.min(as_many));
        let settings = before.and_then(|before| before.training.settings());
        let options = &Options { row_entries: options.row_entries.or(kept), before: settings, ..*options };
        let known = known(catalogue, &sequences);
        let fitted = train::fit(&sequences, 0, &known, options)?;
        let side =
            tower.map(|tower| tower.beside(&fitted, &sequences, &known, options)).transpose()?.flatten();
        let blended = side.as_ref().map(|side| &side.blended);
        let (trained, rmse) = fit_factors(&sequences, ratings)?;
        let mut quality = fitted.quality();
        quality.insert("factors_rmse".to_owned(), rmse);
        let index = Arc::new(Corpus::index_of(&trained, options.index_recall_at_10)?);
        quality.insert("index_recall_at_10".to_owned(), index.description().recall_at_10);
        // Each has learned to order what was found in its own way.
        let ranker = match blended {
            Some(blended) => blended.shipped_ranker(),
            None => fitted.shipped_ranker(),
        };
        let ranker = ranker.map(|ranker| onnx::encode(&ranker.mlp));
        let rules = RulesEntry {
            recency_tau: fitted.settings.features.recency_tau,
            history_window: u32::try_from(fitted.settings.features.window).unwrap_or(u32::MAX),
            ranker_pool: if ranker.is_some() { POOL } else { 0 },
            blend: blended
                .map(|blended| BlendEntry { weight: blended.blend.weight(), floor: blended.blend.floor() }),
            // The operator's to say, when a release is made.
            slate: SlateEntry::default(),
        };
        if let Some(blended) = blended {
            put_blended(&mut quality, blended);
        }
        let unrounded = Unrounded { entries: &fitted.strongest(), decay: fitted.settings.features.decay() };
        let scorer = side.as_ref().map(|side| (&*side.scorer, side.blended.blend));
        let reference = Reference::new(&sequences, holdout, &unrounded, scorer);
        let rows = match before {
            Some(before) => fitted.rows_near(&before.everywhere, sequences.titles()),
            None => fitted.rows,
        };
        let (tower, vectors) = side.map(|side| (side.onnx, side.vectors)).unzip();
        let row_entries = fitted.settings.row_entries;
        let steady_trainings = before.map_or(0, |before| before.training.steady_trainings + 1);
        Ok(Self {
            everywhere: known.candidates_with(sequences.titles(), &rows, vectors)?,
            factors: trained,
            index,
            ranker,
            tower,
            training: Training { rules, quality, holdout, steady_trainings, row_entries },
            reference,
        })
    }

    /// Learns the factors and their index anew; everything else stays as it was trained.
    ///
    /// # Errors
    ///
    /// When there is nothing to learn from.
    pub fn refit_factors(
        self,
        catalogue: &Catalogue,
        ratings: &[Rating],
        options: &Options,
    ) -> Result<Self, TrainError> {
        let mut training = self.training;
        let histories = catalogue.histories();
        let ratings = &training.holdout.learned_ratings(&histories, ratings);
        let learned = training.holdout.learned(histories);
        let (factors, rmse) = fit_factors(&Sequences::new(learned), ratings)?;
        let index = Arc::new(Corpus::index_of(&factors, options.index_recall_at_10)?);
        training.quality.insert("factors_rmse".to_owned(), rmse);
        training.quality.insert("index_recall_at_10".to_owned(), index.description().recall_at_10);
        Ok(Self { factors, index, training, ..self })
    }

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
        let json = |reference| serde_json::to_vec(reference).expect("numbers can be written as JSON");
        let training =
            serde_json::to_vec_pretty(&self.training).expect("names and numbers can be written as JSON");
        let mut files = vec![
            ("everywhere.safetensors", everywhere.encode()),
            ("factors.safetensors", encode_factors(&self.factors)),
            ("training.json", training),
            ("reference.json", json(&self.reference)),
        ];
        files.extend(self.ranker.clone().map(|onnx| ("ranker.onnx", onnx)));
        files.extend(self.tower.clone().map(|onnx| ("tower.onnx", onnx)));
        for (name, bytes) in files {
            let path = beside.join(name);
            fs::write(&path, bytes).map_err(failed("write", &path))?;
        }
        self.index.save(&beside)?;
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
        let folder = existing(data)?;
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
        let factors = read_factors(&folder)?;
        let index = Arc::new(saved_index(&folder, &factors)?);
        let name = "training.json";
        let training =
            serde_json::from_slice(&read(name)?).map_err(|error| refused(name)(FileError::from(error)))?;
        let name = "reference.json";
        let reference =
            serde_json::from_slice(&read(name)?).map_err(|error| refused(name)(FileError::from(error)))?;
        let optional = |name: &str| folder.join(name).exists().then(|| read(name)).transpose();
        let (ranker, tower) = (optional("ranker.onnx")?, optional("tower.onnx")?);
        Ok(Self { everywhere, factors, index, ranker, tower, training, reference })
    }
}

/// The factor model of an origin's data folder and the index of its titles, ready for questions.
///
/// # Errors
///
/// When nothing has been trained, or a file is damaged.
pub fn load_corpus(data: &Path) -> Result<Corpus, ModelsError> {
    let folder = existing(data)?;
    let factors = read_factors(&folder)?;
    let index = saved_index(&folder, &factors)?;
    Ok(Corpus::new(factors, Arc::new(index)))
}

fn existing(data: &Path) -> Result<PathBuf, ModelsError> {
    let folder = data.join("models");
    if folder.is_dir() { Ok(folder) } else { Err(ModelsError::Missing(folder)) }
}

fn read_factors(folder: &Path) -> Result<Factors, ModelsError> {
    let path = folder.join("factors.safetensors");
    let bytes =
        fs::read(&path).map_err(|source| ModelsError::Io { what: "read", path: path.clone(), source })?;
    decode_factors(&bytes).map_err(|source| ModelsError::File { path, source })
}

/// The index as saved. It only repeats what the factors say, so one that is damaged, of other factors, or was never
/// saved is made anew.
fn saved_index(folder: &Path, factors: &Factors) -> Result<TitleIndex, ModelsError> {
    match TitleIndex::load(folder) {
        Ok(index) if index.is_of(&title_vectors(factors)?) => return Ok(index),
        Ok(_) => warn!("the saved index is of other factors, making it anew"),
        Err(error) => warn!(code = error.code(), %error, "no saved index, making it anew"),
    }
    Ok(Corpus::index_of(factors, RECALL_AT_10_DEFAULT)?)
}

/// Without ratings the factors learn from views. Also the root mean square error over what was learned from.
fn fit_factors(sequences: &Sequences, ratings: &[Rating]) -> Result<(Factors, f64), TrainError> {
    let settings = factors::Settings::default();
    let trained = if ratings.is_empty() {
        factors::train(&factors::from_views(sequences, 0, 1, settings.seed), &settings)?
    } else {
        factors::train(ratings, &settings)?
    };
    Ok((trained.factors, trained.rmse.last().copied().unwrap_or(0.0)))
}

fn put_blended(quality: &mut BTreeMap<String, f64>, blended: &Blended) {
    train::put_quality(quality, "", &blended.validation);
    let Some(ranker) = &blended.ranker else { return };
    train::put_quality(quality, "ranked_", &ranker.ranked);
    train::put_quality(quality, "unranked_", &ranker.unranked);
    if ranker.is_worth_shipping() {
        train::put_quality(quality, "", &ranker.ranked);
    }
}

/// What the ranker may know of each title in the sequences.
fn known(catalogue: &Catalogue, sequences: &Sequences) -> train::catalogue::Catalogue {
    let popularity = catalogue.popularity(None);
    let genres = catalogue.genre_names();
    let titles: BTreeMap<u32, _> = catalogue.titles.iter().map(|title| (title.id, title)).collect();
    let mut known = train::catalogue::Catalogue::default();
    for title in sequences.titles() {
        let described = titles.get(title);
        known.popularity.push(popularity.get(title).copied().unwrap_or(0.0));
        known.years.push(described.and_then(|title| title.year).unwrap_or(0));
        known.genres.push(described.map_or(0, |title| genre_bits(&title.genres, &genres)));
    }
    known
}
