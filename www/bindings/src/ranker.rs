//! The release's ranker, where it is a chain of dense layers: the node runs those on the same kernels.

use inference::{Network, NetworkError};
use ranking::{RankerError, features};

use crate::Refusal;

/// Reads a ranker of the features that a node computes.
pub(crate) fn read(onnx: &[u8]) -> Result<Network, Refusal> {
    let refuse = |error: NetworkError| Refusal::new(&format!("ranker-{}", error.code()), &error);
    let network = Network::read(onnx).map_err(refuse)?;
    if (network.inputs(), network.outputs()) != (features::COLUMNS, 1) {
        return Err(refuse(NetworkError::Signature));
    }
    Ok(network)
}

/// A network at work; what `ranking::recommend` asks.
pub(crate) struct AtWork<'a>(pub(crate) &'a Network);

impl ranking::Ranker for AtWork<'_> {
    fn score(&mut self, features: &[f32]) -> Result<Vec<f32>, RankerError> {
        Ok(self.0.run(features))
    }
}
