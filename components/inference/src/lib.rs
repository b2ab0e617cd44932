//! The component of the world `inference-component`: a mapping and a call.

mod convert;
mod wit;

use std::sync::OnceLock;

use inference::Ranker;
use wit::exports::frontrow::edge::inference as exports;

/// What `load` leaves in memory: part of the snapshot that every invocation starts from.
static RANKER: OnceLock<Ranker> = OnceLock::new();

struct Component;

impl exports::Guest for Component {
    fn load(onnx: Vec<u8>) -> Result<exports::Loaded, exports::LoadError> {
        let ranker = Ranker::load(&onnx).map_err(convert::load_error)?;
        // A first run fills tract's own caches, which then are part of the snapshot too.
        let row = vec![0.0; ranker.columns()];
        ranker.score(&row).map_err(|error| exports::LoadError::Malformed(error.to_string()))?;
        Ok(convert::loaded(RANKER.get_or_init(|| ranker)))
    }

    fn score(features: Vec<f32>) -> Result<Vec<f32>, exports::Error> {
        let ranker = RANKER.get().ok_or(exports::Error::NotLoaded)?;
        ranker.score(&features).map_err(convert::error)
    }
}
