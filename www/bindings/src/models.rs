//! The models of a release that a browser can run: on the same kernels as a node.

use std::cell::RefCell;

use inference::{Mlp, Network, NetworkError, OneViewer, Shortlist, Tower, TowerError};
use ranking::{ModelError, Rules, Vectors, features};

use crate::Refusal;

/// A ranker that our own kernels run.
#[derive(Debug)]
pub(crate) enum Ranker {
    /// Sees features alone.
    Network(Network),
    /// Sees the vectors of viewer and candidate too.
    Mlp(Mlp),
}

impl Ranker {
    /// Reads a ranker of the features that a node computes, if it is a network of dense layers.
    pub(crate) fn read(onnx: &[u8], tower: Option<&Tower>) -> Result<Self, Refusal> {
        let refuse = |error: NetworkError| Refusal::new(&format!("ranker-{}", error.code()), &error);
        let network = Network::read(onnx).map_err(refuse)?;
        let columns = (network.inputs(), network.outputs());
        if columns == (features::COLUMNS, 1) {
            return Ok(Self::Network(network));
        }
        let tower = tower.filter(|tower| columns == (2 * tower.shape().width + features::COLUMNS, 1));
        let tower = tower.ok_or_else(|| refuse(NetworkError::Signature))?;
        Mlp::read(onnx, tower).map(Self::Mlp).map_err(refuse)
    }

    /// The logits of whole rows of features, of a viewer and candidates whose vectors are not known.
    pub(crate) fn logits(&self, features: &[f32]) -> Vec<f32> {
        let items = vec![Vectors::UNKNOWN; features.len() / features::COLUMNS];
        self.score(&ranking::Shortlist { viewer: &[], items: &items, features })
    }

    fn score(&self, shortlist: &ranking::Shortlist<'_>) -> Vec<f32> {
        let ranking::Shortlist { viewer, items, features } = *shortlist;
        match self {
            Self::Network(network) => network.run(features),
            Self::Mlp(mlp) => mlp.score(&Shortlist { viewer, items, features }),
        }
    }
}

/// Reads a tower.
pub(crate) fn tower(onnx: &[u8]) -> Result<Tower, Refusal> {
    Tower::read(onnx).map_err(|error: TowerError| Refusal::new(error.code(), &error))
}

/// The models that are there; what `ranking::recommend` asks.
pub(crate) struct AtWork<'a> {
    pub(crate) ranker: Option<&'a Ranker>,
    pub(crate) tower: Option<&'a RefCell<OneViewer>>,
}

impl AtWork<'_> {
    /// Without what needs a model that is not there.
    pub(crate) fn rules(&self, rules: Rules) -> Rules {
        let rules = if self.tower.is_some() { rules } else { rules.with_blend(None) };
        if self.ranker.is_some() { rules } else { rules.without_ranker() }
    }
}

impl ranking::Models for AtWork<'_> {
    fn score(&mut self, shortlist: &ranking::Shortlist<'_>) -> Result<Vec<f32>, ModelError> {
        self.ranker.map(|ranker| ranker.score(shortlist)).ok_or_else(not_loaded)
    }

    fn encode(&mut self, items: &[u32]) -> Result<Vec<f32>, ModelError> {
        let tower = self.tower.ok_or_else(not_loaded)?;
        let mut viewer = tower.borrow_mut();
        let vector = viewer.encode(items).map_err(|error| ModelError { code: error.code().to_owned() })?;
        Ok(vector.to_vec())
    }
}

fn not_loaded() -> ModelError {
    ModelError { code: "not-loaded".to_owned() }
}
