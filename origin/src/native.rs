//! Answers as a node would, in this process: the same ranking code, the same models.

use inference::{LoadError, Ranker, Tower, TowerError};
use ranking::{Answer, Candidates, ModelError, Request, Rules};

/// The models of a release, loaded as a node loads them.
#[derive(Debug, Default)]
pub struct Models {
    /// The ONNX ranker.
    pub ranker: Option<Ranker>,
    /// The ONNX tower.
    pub tower: Option<Tower>,
}

/// Why a model would be refused by every node.
#[derive(Debug, thiserror::Error)]
pub enum ModelRefused {
    /// The ranker.
    #[error("the ranker was refused: {0}")]
    Ranker(#[from] LoadError),
    /// The tower.
    #[error("the tower was refused: {0}")]
    Tower(#[from] TowerError),
}

impl ModelRefused {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Ranker(error) => error.code(),
            Self::Tower(error) => error.code(),
        }
    }
}

impl Models {
    /// Loads the files that there are.
    ///
    /// # Errors
    ///
    /// When one is not what its name says.
    pub fn load(ranker: Option<&[u8]>, tower: Option<&[u8]>) -> Result<Self, ModelRefused> {
        Ok(Self { ranker: ranker.map(Ranker::load).transpose()?, tower: tower.map(Tower::read).transpose()? })
    }
}

/// The ranking parts of a release, loaded.
#[derive(Debug)]
pub struct Native<'a> {
    candidates: &'a Candidates,
    rules: Rules,
    models: &'a Models,
}

impl<'a> Native<'a> {
    /// Without a model that the rules have a use for, what needs it is left out.
    pub fn new(candidates: &'a Candidates, rules: Rules, models: &'a Models) -> Self {
        let rules = if models.ranker.is_some() { rules } else { rules.without_ranker() };
        let rules = if models.tower.is_some() { rules } else { rules.with_blend(None) };
        Self { candidates, rules, models }
    }

    /// What a node would show.
    ///
    /// # Errors
    ///
    /// As [`ranking::recommend`].
    pub fn recommend(&self, request: &Request) -> Result<Answer, ranking::Error> {
        ranking::recommend(self.candidates, &self.rules, request, Some(&mut AtWork(self.models)))
    }
}

struct AtWork<'a>(&'a Models);

impl ranking::Models for AtWork<'_> {
    fn score(&mut self, features: &[f32]) -> Result<Vec<f32>, ModelError> {
        let ranker = self.0.ranker.as_ref().ok_or_else(|| failed("not-loaded"))?;
        ranker.score(features).map_err(|error| failed(error.code()))
    }

    fn encode(&mut self, items: &[u32]) -> Result<Vec<f32>, ModelError> {
        let tower = self.0.tower.as_ref().ok_or_else(|| failed("not-loaded"))?;
        tower.encode(items).map_err(|error| failed(error.code()))
    }
}

fn failed(code: &str) -> ModelError {
    ModelError { code: code.to_owned() }
}
