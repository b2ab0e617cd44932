//! The models of a release that a browser can run: on the same kernels as a node.

use inference::{Network, NetworkError, Tower, TowerError};
use ranking::{ModelError, Rules, features};

use crate::Refusal;

/// Reads a ranker of the features that a node computes, if it is a network of dense layers.
pub(crate) fn ranker(onnx: &[u8]) -> Result<Network, Refusal> {
    let refuse = |error: NetworkError| Refusal::new(&format!("ranker-{}", error.code()), &error);
    let network = Network::read(onnx).map_err(refuse)?;
    if (network.inputs(), network.outputs()) != (features::COLUMNS, 1) {
        return Err(refuse(NetworkError::Signature));
    }
    Ok(network)
}

/// Reads a tower.
pub(crate) fn tower(onnx: &[u8]) -> Result<Tower, Refusal> {
    Tower::read(onnx).map_err(|error: TowerError| Refusal::new(error.code(), &error))
}

/// The models that are there; what `ranking::recommend` asks.
pub(crate) struct AtWork<'a> {
    pub(crate) ranker: Option<&'a Network>,
    pub(crate) tower: Option<&'a Tower>,
}

impl AtWork<'_> {
    /// Without what needs a model that is not there.
    pub(crate) fn rules(&self, rules: Rules) -> Rules {
        let rules = if self.tower.is_some() { rules } else { rules.with_blend(None) };
        if self.ranker.is_some() { rules } else { rules.without_ranker() }
    }
}

impl ranking::Models for AtWork<'_> {
    fn score(&mut self, features: &[f32]) -> Result<Vec<f32>, ModelError> {
        self.ranker.map(|ranker| ranker.run(features)).ok_or_else(not_loaded)
    }

    fn encode(&mut self, items: &[u32]) -> Result<Vec<f32>, ModelError> {
        let tower = self.tower.ok_or_else(not_loaded)?;
        tower.encode(items).map_err(|error| ModelError { code: error.code().to_owned() })
    }
}

fn not_loaded() -> ModelError {
    ModelError { code: "not-loaded".to_owned() }
}
