//! What a viewer would be shown, answered in this process by the code that nodes run.

use inference::Models as Loaded;
use ranking::{Request, Rules};
use release::{CandidateFile, FileError, Histories, Manifest, Model, Titles};
use serde::Serialize;
use wire::{Pick, RankedAnswer, Reason};

use crate::assemble::{AssembleError, Catalogue};
use crate::models::Models;
use crate::native::Native;
use crate::publish::{PublishError, Publisher};

/// The parts of a release that decide what is shown.
#[derive(Debug)]
pub struct Preview {
    generation: Option<u64>,
    set: CandidateFile,
    rules: Rules,
    models: Loaded,
    titles: Titles,
    histories: Histories,
}

/// Who asks, and for what.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// The viewer; one never seen is shown what is popular.
    pub viewer: u32,
    /// Picks wanted, 1 to 100.
    pub k: u32,
    /// When it is shown, Unix time in milliseconds.
    pub at_unix_ms: u64,
    /// Highest age rating to show, in years.
    pub maturity_max_years: u8,
}

/// What would be shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shown {
    /// The release that answered; none for the models as trained.
    pub generation: Option<u64>,
    /// Who asked.
    pub viewer: u32,
    /// Whose candidates were ordered.
    pub region: String,
    /// Titles of the viewer's history that a node knows.
    pub watched: usize,
    /// Whether the ranker ordered the best of them.
    pub ranked: bool,
    /// Candidates that passed the filters.
    pub eligible: u32,
    /// Best first.
    pub picks: Vec<Pick>,
}

impl Preview {
    /// Of the catalogue as it is and the models as trained: what the next release would show.
    ///
    /// # Errors
    ///
    /// When a release could not be made of them.
    pub fn of_models(catalogue: &Catalogue, models: &Models, region: &str) -> Result<Self, PreviewError> {
        if !catalogue.regions.contains_key(region) {
            return Err(PreviewError::RegionUnknown(region.to_owned()));
        }
        Ok(Self {
            generation: None,
            set: catalogue.candidates(region, models)?,
            rules: catalogue.slates.rules_of(region, &models.training.rules).rules()?,
            models: Loaded::load(models.ranker.as_deref(), models.tower.as_deref())?,
            titles: catalogue.names()?,
            histories: catalogue.histories_file()?,
        })
    }

    /// Of a published release.
    ///
    /// # Errors
    ///
    /// When the release is not published, or its files are not what they should be.
    pub async fn of_release(
        publisher: &Publisher,
        generation: u64,
        region: &str,
    ) -> Result<Self, PreviewError> {
        let target = release::manifest_target(generation);
        let manifest = publisher.read(&target).await?.ok_or(PublishError::NotPublished(generation))?;
        let manifest = Manifest::decode(&manifest)?;
        let entry = manifest.regions.iter().find(|entry| entry.name == region);
        let unknown = || PreviewError::RegionUnknown(region.to_owned());
        let rules = manifest.rules_of(entry.ok_or_else(unknown)?).rules()?;
        let candidates = manifest.candidates(region).ok_or_else(unknown)?;
        let candidates = publisher.file(generation, &candidates.sha256).await?;
        let file = async |name: &str| {
            let entry = manifest.file(name).ok_or(FileError::Value { field: "files" })?;
            Ok::<_, PreviewError>(publisher.file(generation, &entry.sha256).await?)
        };
        let model = async |model: &Option<Model>| match model {
            Some(model) => file(&model.file).await.map(Some),
            None => Ok(None),
        };
        let (ranker, tower) = (model(&manifest.ranker).await?, model(&manifest.tower).await?);
        let histories = match &manifest.histories {
            Some(name) => Histories::decode(&file(name).await?)?,
            None => Histories::new([])?,
        };
        Ok(Self {
            generation: Some(generation),
            set: CandidateFile::decode(&candidates)?,
            rules,
            models: Loaded::load(ranker.as_deref(), tower.as_deref())?,
            titles: Titles::decode(&file(&manifest.titles).await?)?,
            histories,
        })
    }

    /// Answers as a node would.
    ///
    /// # Errors
    ///
    /// As [`ranking::recommend`].
    pub fn answer(&self, question: Question) -> Result<Shown, PreviewError> {
        let history = self.histories.of(question.viewer).unwrap_or_default().to_vec();
        let watched = history.len();
        let request = Request {
            history,
            exclude: Vec::new(),
            k: question.k,
            at_unix_ms: question.at_unix_ms,
            maturity_max_years: question.maturity_max_years,
            seed: None,
        };
        let native = Native::new(&self.set.candidates, self.rules.clone(), &self.models);
        let answer = RankedAnswer::from(&native.recommend(&request)?);
        let picks = answer.picks.iter().map(|pick| {
            let known = self.titles.get(pick.title);
            let watched = pick.reason.title.and_then(|title| self.titles.get(title));
            let text = pick.reason.kind.text(watched.map(|title| title.name.as_str()));
            Pick {
                title: pick.title,
                name: known.map_or_else(|| format!("Title {}", pick.title), |title| title.name.clone()),
                year: known.and_then(|title| title.year),
                score: pick.score,
                reason: Reason { kind: pick.reason.kind, title: pick.reason.title, text },
                propensity: pick.propensity,
            }
        });
        Ok(Shown {
            generation: self.generation,
            viewer: question.viewer,
            region: self.set.region.clone(),
            watched,
            ranked: answer.ranked,
            eligible: answer.eligible,
            picks: picks.collect(),
        })
    }
}

/// Why nothing can be shown.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// There is no such region, or not in this release.
    #[error("there is no region {0:?}")]
    RegionUnknown(String),
    /// No candidate set can be made.
    #[error(transparent)]
    Assemble(#[from] AssembleError),
    /// The release could not be read.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// A file is not what its name says.
    #[error(transparent)]
    File(#[from] FileError),
    /// A model does not load.
    #[error(transparent)]
    Model(#[from] inference::ModelError),
    /// The rules are out of range.
    #[error(transparent)]
    Rules(#[from] ranking::RulesError),
    /// The question was refused.
    #[error(transparent)]
    Ranking(#[from] ranking::Error),
}

impl PreviewError {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::RegionUnknown(_) => "region-unknown",
            Self::Assemble(error) => error.code(),
            Self::Publish(error) => error.code(),
            Self::File(error) => error.code(),
            Self::Model(error) => error.code(),
            Self::Rules(_) => "rule-out-of-range",
            Self::Ranking(error) => error.code(),
        }
    }
}
