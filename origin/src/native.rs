//! Answers as a node would, in this process: the same ranking code, the same models.

use inference::{Models, Shortlist, Tower};
use ranking::{Answer, Candidates, ModelError, Request, Rules};

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
        let rules = if models.features().is_some() { rules } else { rules.without_ranker() };
        let rules = if models.tower().is_some() { rules } else { rules.with_blend(None) };
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

/// Models of a node, asked by the ranking code.
pub(crate) struct AtWork<'a>(pub(crate) &'a Models);

impl ranking::Models for AtWork<'_> {
    fn score(&mut self, shortlist: &ranking::Shortlist<'_>) -> Result<Vec<f32>, ModelError> {
        let ranking::Shortlist { viewer, items, features } = *shortlist;
        self.0.score(&Shortlist { viewer, items, features }).map_err(|error| failed(error.code()))
    }

    fn encode(&mut self, items: &[u32]) -> Result<Vec<f32>, ModelError> {
        let tower: &Tower = self.0.tower().ok_or_else(|| failed("not-loaded"))?;
        tower.encode(items).map_err(|error| failed(error.code()))
    }
}

fn failed(code: &str) -> ModelError {
    ModelError { code: code.to_owned() }
}
