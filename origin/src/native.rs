//! Answers as a node would, in this process: the same ranking code, the same model through tract.

use ranking::{Answer, Candidates, RankerError, Request, Rules};

/// The ranking parts of a release, loaded.
#[derive(Debug)]
pub struct Native<'a> {
    candidates: &'a Candidates,
    rules: Rules,
    ranker: Option<&'a inference::Ranker>,
}

impl<'a> Native<'a> {
    /// Without a ranker the order is that of the rows.
    pub fn new(candidates: &'a Candidates, rules: Rules, ranker: Option<&'a inference::Ranker>) -> Self {
        Self { candidates, rules, ranker }
    }

    /// What a node would show.
    ///
    /// # Errors
    ///
    /// As [`ranking::recommend`].
    pub fn recommend(&self, request: &Request) -> Result<Answer, ranking::Error> {
        let mut ranker = self.ranker.map(Tract);
        let ranker = ranker.as_mut().map(|ranker| ranker as &mut dyn ranking::Ranker);
        ranking::recommend(self.candidates, &self.rules, request, ranker)
    }
}

struct Tract<'a>(&'a inference::Ranker);

impl ranking::Ranker for Tract<'_> {
    fn score(&mut self, features: &[f32]) -> Result<Vec<f32>, RankerError> {
        self.0.score(features).map_err(|error| RankerError { code: error.code().to_owned() })
    }
}
