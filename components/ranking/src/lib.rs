//! The component of the world `ranking-component`: a mapping and a call.
//!
//! Without `std`, so that it imports `inference` and nothing else.
#![no_std]
extern crate alloc;

mod convert;
mod loaded;
mod wit;

use alloc::vec::Vec;

// Only for its feature, which `ranking` leaves to the engine at hand.
use kernels as _;

use heap::{Arena, TableHeap};
use loaded::{LOADED, Loaded};
use ranking::{ModelError, Models, Shortlist};
use wit::exports::frontrow::edge::ranking as exports;
use wit::frontrow::edge::inference;

/// What a question over tens of thousands of candidates takes while it is answered.
static ARENA: Arena<{ 1 << 20 }> = Arena::new();

#[global_allocator]
static HEAP: TableHeap = TableHeap::new(&ARENA);

struct Component;

impl exports::Guest for Component {
    fn load(
        candidates: Vec<u8>,
        factors: Option<Vec<u8>>,
        rules: exports::Rules,
    ) -> Result<exports::Loaded, exports::LoadError> {
        HEAP.begin();
        let loaded = keep(&candidates, factors.as_deref(), rules)?;
        // So that the files do not become part of the snapshot.
        drop((candidates, factors));
        HEAP.settle();
        Ok(convert::loaded(loaded))
    }

    fn recommend(request: exports::Request) -> Result<exports::Answer, exports::Error> {
        let loaded = LOADED.get().ok_or(exports::Error::NotLoaded)?;
        let request = convert::request(request);
        let mut imported = ImportedModels;
        let models: Option<&mut dyn Models> = Some(&mut imported);
        let answer = ranking::recommend(&loaded.candidates, &loaded.rules, &request, models);
        answer.map(|answer| convert::answer(&answer)).map_err(convert::error)
    }

    fn home(request: exports::HomeRequest) -> Result<exports::Page, exports::Error> {
        let loaded = LOADED.get().ok_or(exports::Error::NotLoaded)?;
        let request = convert::home_request(request);
        let mut imported = ImportedModels;
        let models: Option<&mut dyn Models> = Some(&mut imported);
        let page = ranking::home(&loaded.candidates, &loaded.rules, &request, models);
        page.map(|page| convert::page(&page)).map_err(convert::error)
    }

    fn nearest(
        viewer: Vec<f32>,
        count: u32,
        request: exports::Request,
    ) -> Result<Vec<exports::Scored>, exports::Error> {
        let loaded = LOADED.get().ok_or(exports::Error::NotLoaded)?;
        let nearest = ranking::nearest(&loaded.candidates, &viewer, count, &convert::request(request));
        nearest.map(convert::scored).map_err(convert::error)
    }

    fn predict(viewers: Vec<u32>, titles: Vec<u32>) -> Result<Vec<f32>, exports::Error> {
        if viewers.len() != titles.len() {
            return Err(exports::Error::PairsUneven(convert::count(titles.len())));
        }
        let pairs: Vec<(u32, u32)> = viewers.into_iter().zip(titles).collect();
        let loaded = LOADED.get().ok_or(exports::Error::NotLoaded)?;
        let factors = loaded.factors.as_ref().ok_or(exports::Error::NoFactors)?;
        factors.predict(&pairs).map_err(convert::error)
    }

    fn top_rated(viewer: u32, n: u32, exclude: Vec<u32>) -> Result<Vec<exports::Scored>, exports::Error> {
        let loaded = LOADED.get().ok_or(exports::Error::NotLoaded)?;
        let factors = loaded.factors.as_ref().ok_or(exports::Error::NoFactors)?;
        Ok(convert::scored(factors.top_rated(viewer, n as usize, &exclude)))
    }
}

fn keep(
    candidates: &[u8],
    factors: Option<&[u8]>,
    rules: exports::Rules,
) -> Result<&'static Loaded, exports::LoadError> {
    let rules = convert::rules(rules)?;
    let candidates = convert::candidates(candidates)?;
    let factors = factors.map(convert::factors).transpose()?;
    Ok(LOADED.keep(Loaded { candidates, factors, rules }))
}

/// The models behind the import; asked only when the rules have a use for them.
struct ImportedModels;

impl Models for ImportedModels {
    fn score(&mut self, shortlist: &Shortlist<'_>) -> Result<Vec<f32>, ModelError> {
        let Shortlist { viewer, items, features } = *shortlist;
        inference::score(viewer, items, features).map_err(|error| convert::model_error(&error))
    }

    fn encode(&mut self, items: &[u32]) -> Result<Vec<f32>, ModelError> {
        inference::encode(items).map_err(|error| convert::model_error(&error))
    }
}
