//! The component of the world `inference-component`: a mapping and a call.

mod convert;
mod wit;

use std::sync::OnceLock;

use inference::{Ranker, State, Tower};
use wit::exports::frontrow::edge::inference as exports;

/// What `load` leaves in memory: part of the snapshot that every invocation starts from.
static MODELS: OnceLock<Models> = OnceLock::new();

#[derive(Default)]
struct Models {
    ranker: Option<Ranker>,
    tower: Option<Tower>,
}

struct Component;

impl exports::Guest for Component {
    fn load(ranker: Option<Vec<u8>>, tower: Option<Vec<u8>>) -> Result<exports::Loaded, exports::LoadError> {
        let ranker = ranker.map(|onnx| Ranker::load(&onnx).map_err(convert::load_error)).transpose()?;
        if let Some(ranker) = &ranker {
            // A first run fills tract's own caches, which then are part of the snapshot too.
            let row = vec![0.0; ranker.columns()];
            ranker.score(&row).map_err(|error| exports::LoadError::Malformed(error.to_string()))?;
        }
        let tower =
            tower.map(|onnx| Tower::read(&onnx).map_err(|error| convert::tower_error(&error))).transpose()?;
        if let Some(tower) = &tower {
            // The longest history leaves room in the snapshot for every other.
            let longest = vec![0; tower.shape().window];
            tower.encode(&longest).map_err(|error| exports::LoadError::Tower(error.to_string()))?;
        }
        Ok(convert::loaded(MODELS.get_or_init(|| Models { ranker, tower })))
    }

    fn score(features: Vec<f32>) -> Result<Vec<f32>, exports::Error> {
        let ranker =
            MODELS.get().and_then(|models| models.ranker.as_ref()).ok_or(exports::Error::NotLoaded)?;
        ranker.score(&features).map_err(convert::error)
    }

    fn encode(items: Vec<u32>) -> Result<Vec<f32>, exports::Error> {
        tower()?.encode(&items).map_err(convert::encode_error)
    }

    fn encode_from(state: Vec<f32>, items: Vec<u32>) -> Result<exports::Step, exports::Error> {
        let before = state.len();
        let mut state = State::new(state);
        let user = tower()?.extend(&mut state, &items).map_err(convert::encode_error)?;
        Ok(exports::Step { user, state: state.as_slice()[before..].to_vec() })
    }
}

fn tower() -> Result<&'static Tower, exports::Error> {
    MODELS.get().and_then(|models| models.tower.as_ref()).ok_or(exports::Error::NotLoaded)
}
