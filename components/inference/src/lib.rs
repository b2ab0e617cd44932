//! The component of the world `inference-component`: a mapping and a call.

mod convert;
mod wit;

use std::sync::OnceLock;

use heap::{Arena, TableHeap};
use inference::{Models, Shortlist, Step, Tower};
use wit::exports::frontrow::edge::inference as exports;

/// What `load` leaves in memory: part of the snapshot that every invocation starts from.
static MODELS: OnceLock<Models> = OnceLock::new();

/// What a history and a shortlist of the usual lengths take while they are answered.
static ARENA: Arena<{ 768 << 10 }> = Arena::new();

#[global_allocator]
static HEAP: TableHeap = TableHeap::new(&ARENA);

struct Component;

impl exports::Guest for Component {
    fn load(ranker: Option<Vec<u8>>, tower: Option<Vec<u8>>) -> Result<exports::Loaded, exports::LoadError> {
        HEAP.begin();
        let models = keep(ranker.as_deref(), tower.as_deref())?;
        // So that the files do not become part of the snapshot.
        drop((ranker, tower));
        HEAP.settle();
        Ok(convert::loaded(models))
    }

    fn score(viewer: Vec<f32>, items: Vec<u32>, features: Vec<f32>) -> Result<Vec<f32>, exports::Error> {
        let models = MODELS.get().ok_or(exports::Error::NotLoaded)?;
        let shortlist = Shortlist { viewer: &viewer, items: &items, features: &features };
        models.score(&shortlist).map_err(convert::error)
    }

    fn encode(items: Vec<u32>) -> Result<Vec<f32>, exports::Error> {
        tower()?.encode(&items).map_err(convert::encode_error)
    }

    fn encode_from(state: Vec<f32>, items: Vec<u32>) -> Result<exports::Step, exports::Error> {
        let Step { user, state } = tower()?.encode_from(&state, &items).map_err(convert::encode_error)?;
        Ok(exports::Step { user, state })
    }
}

fn keep(ranker: Option<&[u8]>, tower: Option<&[u8]>) -> Result<&'static Models, exports::LoadError> {
    // What first runs leave behind becomes part of the snapshot.
    let models = Models::admit(ranker, tower).map_err(convert::load_error)?;
    Ok(MODELS.get_or_init(|| models))
}

fn tower() -> Result<&'static Tower, exports::Error> {
    MODELS.get().and_then(Models::tower).ok_or(exports::Error::NotLoaded)
}
