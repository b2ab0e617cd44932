//! Trainers: what viewers watched in, a model out. Equal inputs give equal models.

pub mod alignment;
pub mod blended;
pub mod catalogue;
pub mod ease;
pub mod factors;
pub mod features;
pub mod given;
pub mod gram;
pub mod implicit;
pub mod limits;
mod matrix;
pub mod mlp;
pub mod onnx;
pub mod penalty;
pub mod random;
pub mod rank;
pub mod ranker;
pub mod ridge;
pub mod rows;
pub mod score;
pub mod search;
pub mod sequences;
pub mod steady;
mod strongest;
pub mod tower;
mod vector;

use std::collections::BTreeMap;

use catalogue::Catalogue;
use features::Features;
use inference::Models;
use penalty::Penalty;
use rank::Quality;
use ridge::{Normal, RidgeError};
use rows::{Entries, Rows};
use sequences::Sequences;

use crate::retrieval::{RECALL_AT_10_DEFAULT, RetrievalError};

/// How the default model is trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Newest titles of a history that count where the search begins, without a training before; 1 to 200.
    pub window: usize,
    /// Entries kept per row on average; none keeps as many as [`limits::ROWS_BYTES`] take.
    pub row_entries: Option<usize>,
    /// Settings of the training before: they stay unless others are clearly better, as rows do where it makes no
    /// difference.
    pub before: Option<ridge::Settings>,
    /// Titles with fewer views have no row.
    pub events_min: u32,
    /// Whether a ranker is learned, and shipped where it helps.
    pub ranker: bool,
    /// Share of the ten nearest titles that the index of the factors must find.
    pub index_recall_at_10: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            window: 30,
            row_entries: None,
            before: None,
            events_min: 1,
            ranker: true,
            index_recall_at_10: RECALL_AT_10_DEFAULT,
        }
    }
}

impl Options {
    /// How many entries a row may have on average, unless asked otherwise.
    pub fn row_entries_max(&self, sequences: &Sequences, held_out: usize) -> usize {
        let rows = self.columns(sequences, held_out).len();
        rows::entries_in(limits::ROWS_BYTES, rows, sequences.titles().len())
    }

    /// Where the search begins.
    fn base(&self, row_entries_max: usize) -> ridge::Settings {
        let Self { window, row_entries, before, .. } = *self;
        let row_entries = row_entries.unwrap_or(row_entries_max);
        let penalty = Penalty { lambda: 160.0, dropout: 0.5 };
        let features = Features { recency_tau: 2.0, window, backward: 0.0 };
        let first = before.unwrap_or(ridge::Settings { features, penalty, row_entries });
        ridge::Settings { row_entries, ..first }
    }

    fn choose(&self, sequences: &Sequences, held_out: usize) -> Result<search::Choice, RidgeError> {
        let base = self.base(self.row_entries_max(sequences, held_out));
        search::choose(sequences, held_out, &base, self)
    }

    /// Titles that get a row.
    fn columns(&self, sequences: &Sequences, held_out: usize) -> Vec<u32> {
        ridge::columns(&sequences.counts(held_out), self.events_min, limits::RIDGE_COLUMNS_MAX)
    }
}

/// The default model: rows, and a ranker where it helps.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// What the search chose.
    pub settings: ridge::Settings,
    /// Rows that do not know the views on which settings were chosen: what a tower or a ranker beside them is chosen with.
    pub before: Rows,
    /// Their quality on those views, as a node answers.
    pub validation: Quality,
    /// Trained on everything but what was held out.
    pub rows: Rows,
    /// The same before rounding, and the next strongest.
    pub entries: Entries,
    /// How many of each row are shipped.
    pub lengths: Vec<usize>,
    /// Judged; shipped only if [`ranker::Trained::is_worth_shipping`].
    pub ranker: Option<ranker::Trained>,
}

/// Chooses settings and learns the ranker on each viewer's view before the newest `held_out`, then fits the
/// rows to everything but those; `held_out` is 0 for a release.
///
/// # Errors
/// When there is no history, or the numbers leave their bounds.
pub fn fit(
    sequences: &Sequences,
    held_out: usize,
    catalogue: &Catalogue,
    options: &Options,
) -> Result<Fitted, TrainError> {
    if sequences.events() == 0 {
        return Err(TrainError::NoHistory);
    }
    let settings = options.choose(sequences, held_out)?.settings;
    // The search looks at the most viewed titles alone.
    let before = normal(sequences, held_out + 1, &settings, options)
        .into_rows(settings.penalty, settings.row_entries)?;
    let validation = search::validate(sequences, held_out, &before, &settings);
    let ranker = if options.ranker {
        let candidates = catalogue.candidates(sequences.titles(), &before)?;
        ranker::train(&candidates, &rules(&settings, ranker::POOL)?, &Models::default(), sequences, held_out)?
    } else {
        None
    };
    // Half as many more: those that may stay where they were shipped before.
    let (entries, lengths) = normal(sequences, held_out, &settings, options)
        .into_more_entries(settings.penalty, settings.row_entries)?;
    let fitted = Fitted { settings, before, validation, rows: Rows::default(), entries, lengths, ranker };
    Ok(Fitted { rows: Rows::quantise(fitted.strongest()), ..fitted })
}

/// The rows as they were before pruning and rounding: whole, but for catalogues of which that would take too much memory.
///
/// # Errors
/// As [`fit`].
pub fn whole_rows(
    sequences: &Sequences,
    held_out: usize,
    settings: &ridge::Settings,
    options: &Options,
) -> Result<Entries, RidgeError> {
    let rows = options.columns(sequences, held_out).len();
    let row_entries = (limits::WHOLE_ENTRIES_MAX / rows.max(1)).max(settings.row_entries);
    normal(sequences, held_out, settings, options).into_entries(settings.penalty, row_entries)
}

fn normal<'a>(
    sequences: &'a Sequences,
    held_out: usize,
    settings: &ridge::Settings,
    options: &Options,
) -> Normal<'a> {
    let columns = options.columns(sequences, held_out);
    Normal::new(sequences, held_out, &settings.features, columns)
}

/// The rules by which rows of these settings are used.
///
/// # Errors
/// When a setting is outside what a release may hold.
pub fn rules(settings: &ridge::Settings, ranker_pool: u32) -> Result<ranking::Rules, TrainError> {
    let Features { recency_tau, window, .. } = settings.features;
    let window = u32::try_from(window).unwrap_or(u32::MAX);
    Ok(ranking::Rules::new(recency_tau, window, ranker_pool)?)
}

impl Fitted {
    /// The entries that are shipped, before rounding.
    pub fn strongest(&self) -> Entries {
        let rows = self.entries.iter().zip(&self.lengths);
        rows.map(|(row, &length)| rows::strongest(row.clone(), length)).collect()
    }

    /// The rows, as near to those of the training before as makes no difference; `titles` are the items'.
    pub fn rows_near(&self, before: &ranking::Candidates, titles: &[u32]) -> Rows {
        let before = steady::Before::new(before, titles);
        steady::quantise(self.entries.clone(), &self.lengths, &before)
    }

    /// The ranker, if a release is better with it.
    pub fn shipped_ranker(&self) -> Option<&ranker::Trained> {
        self.ranker.as_ref().filter(|ranker| ranker.is_worth_shipping())
    }

    /// What was measured on held-out views, by the names of a manifest; the shipped form first.
    pub fn quality(&self) -> BTreeMap<String, f64> {
        let mut figures = BTreeMap::new();
        let mut put = |prefix: &str, quality: &Quality| put_quality(&mut figures, prefix, quality);
        let mut shipped = self.validation;
        if let Some(ranker) = &self.ranker {
            put("ranked_", &ranker.ranked);
            put("rows_", &ranker.unranked);
            shipped = if ranker.is_worth_shipping() { ranker.ranked } else { ranker.unranked };
        }
        put("", &shipped);
        figures.insert("lambda".to_owned(), f64::from(self.settings.penalty.lambda));
        figures.insert("dropout".to_owned(), f64::from(self.settings.penalty.dropout));
        figures.insert("backward".to_owned(), f64::from(self.settings.features.backward));
        figures.insert("users".to_owned(), shipped.users as f64);
        figures
    }
}

/// Notes a quality by the names of a manifest.
pub fn put_quality(figures: &mut BTreeMap<String, f64>, prefix: &str, quality: &Quality) {
    figures.insert(format!("{prefix}hr_at_10"), quality.hr_at_10);
    figures.insert(format!("{prefix}hr_at_20"), quality.hr_at_20);
    figures.insert(format!("{prefix}ndcg_at_10"), quality.ndcg_at_10);
}

/// Why nothing was trained.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// Nobody has watched anything.
    #[error("there is no watch history to train on")]
    NoHistory,
    /// The rows could not be fitted.
    #[error(transparent)]
    Ridge(#[from] RidgeError),
    /// The factors could not be learned.
    #[error(transparent)]
    Factors(#[from] factors::FactorsError),
    /// The rows are no candidate set.
    #[error("not a candidate set: {0}")]
    Candidates(#[from] ranking::CandidatesError),
    /// A setting is outside what a release may hold.
    #[error("{0}")]
    Rules(#[from] ranking::RulesError),
    /// The candidates could not be ranked.
    #[error("{0}")]
    Ranking(#[from] ranking::Error),
    /// A tower that somebody else trained knows none of the titles.
    #[error(
        "the tower knows none of the {titles} titles that were watched: are the titles of its items in their order?"
    )]
    UnknownTitles {
        /// Those that were watched.
        titles: usize,
    },
    /// A node could not read the tower.
    #[error("a node could not read the tower: {0}")]
    Tower(#[from] inference::TowerError),
    /// A node could not load the models.
    #[error("a node could not load the models: {0}")]
    Models(#[from] inference::ModelError),
    /// The titles could not be indexed.
    #[error(transparent)]
    Index(#[from] RetrievalError),
}

impl TrainError {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoHistory => "train-no-history",
            Self::Ridge(error) => error.code(),
            Self::Factors(error) => error.code(),
            Self::Candidates(_) => "train-candidates",
            Self::Rules(_) => "train-rules",
            Self::Ranking(error) => error.code(),
            Self::UnknownTitles { .. } => "tower-titles-unknown",
            Self::Tower(error) => error.code(),
            Self::Models(error) => error.code(),
            Self::Index(error) => error.code(),
        }
    }
}
