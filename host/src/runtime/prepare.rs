//! From the files of a release to a generation: check, compile, load, snapshot, link.

use std::collections::BTreeMap;
use std::sync::Arc;

use release::CandidateFile;
use wasmtime::Store;
use wasmtime::component::{Component, Instance, InstancePre};

use super::artifacts::{ArtifactKey, Artifacts, Built, Kind};
use super::bindings::bitrate_world::{BitrateComponent, BitrateComponentPre};
use super::bindings::inference_world::{InferenceComponent, InferenceComponentPre};
use super::bindings::qoe_world::{QoeComponent, QoeComponentPre};
use super::bindings::ranking_world::{RankingComponent, RankingComponentPre};
use super::engine::Compiler;
use super::error::{InvokeError, Nonsense, Part, PrepareError};
use super::generation::{Generation, Known, Region};
use super::images::{self, Arranged, Images};
use super::linked::Linked;
use super::models::{Form, Models};
use super::native::NativeModels;
use super::sandbox::{Sandbox, Sandboxes};
use super::states::EncoderStates;
use super::{Inference, RegionFiles, ReleaseFiles, imports, inference, ranking, snapshot};
use crate::limits;

/// Where components are compiled and kept.
#[derive(Debug)]
pub(super) struct Workshop<'a> {
    pub(super) sandboxes: &'a Sandboxes,
    pub(super) artifacts: &'a Artifacts,
    pub(super) compiler: Compiler,
    pub(super) inference: Inference,
    pub(super) encoder_states_bytes_max: usize,
}

impl Workshop<'_> {
    pub(super) fn generation(&self, files: &ReleaseFiles<'_>) -> Result<Generation, PrepareError> {
        check_sizes(files)?;
        let images = Images::of_others();
        let models = match (files.ranker, files.tower) {
            (None, None) => None,
            (ranker, tower) => Some(Arc::new(self.models(files.components.inference, ranker, tower)?)),
        };
        let mut regions = BTreeMap::new();
        let mut rating_region = None;
        for region in files.regions {
            // Every snapshot would hold the same model; one is enough to ask.
            let factors = if rating_region.is_none() { files.factors } else { None };
            rating_region.get_or_insert_with(|| region.name.to_owned());
            let prepared = self.region(files.components.ranking, region, factors, &files.rules)?;
            check_vectors(region.name, &prepared, models.as_deref())?;
            if regions.insert(region.name.to_owned(), prepared).is_some() {
                return Err(PrepareError::RegionTwice(region.name.to_owned()));
            }
        }
        let generation = Generation {
            number: files.generation,
            sandboxes: self.sandboxes.clone(),
            regions,
            rating_region: rating_region.ok_or(PrepareError::NoRegion)?,
            models,
            bitrate: self.plain(Part::Bitrate, files.components.bitrate, BitrateComponentPre::new)?,
            qoe: self.plain(Part::Qoe, files.components.qoe, QoeComponentPre::new)?,
        };
        self.arrange(&generation, images)?;
        Ok(generation)
    }

    /// Makes the images that instances start from and puts them where they are to lie, each while an instance maps it
    /// and has not written to it.
    fn arrange(&self, generation: &Generation, mut images: Images) -> Result<(), PrepareError> {
        let mut compiled = vec![generation.bitrate.compiled(), generation.qoe.compiled()];
        for (region, prepared) in &generation.regions {
            let mut store = self.sandboxes.open(None);
            self.made(Part::Ranking, prepared.linked.bindings.instantiate(&mut store))?;
            let Arranged { tables_bytes, huge_bytes } = images.arrange();
            compiled.push(prepared.linked.compiled());
            tracing::info!(%region, tables_bytes, huge_bytes, "tables on huge pages");
        }
        if let Some(Form::Wasm(models)) = generation.models.as_deref().map(|models| &models.form) {
            let mut store = self.sandboxes.open(None);
            self.made(Part::Inference, models.bindings.instantiate(&mut store))?;
            let Arranged { tables_bytes, huge_bytes } = images.arrange();
            compiled.push(models.compiled());
            tracing::info!(tables_bytes, huge_bytes, "the models' tables on huge pages");
        }
        self.check_types(Part::Bitrate, &generation.bitrate, |store, instance| {
            BitrateComponent::new(store, instance).map(drop)
        })?;
        self.check_types(Part::Qoe, &generation.qoe, |store, instance| {
            QoeComponent::new(store, instance).map(drop)
        })?;
        images::drop_sources(&compiled);
        Ok(())
    }

    /// Looks at the types of all functions once, of a component that is not asked to load anything.
    fn check_types<P>(
        &self,
        part: Part,
        linked: &Linked<P>,
        bind: impl FnOnce(&mut Store<Sandbox>, &Instance) -> wasmtime::Result<()>,
    ) -> Result<(), PrepareError> {
        let mut store = self.sandboxes.open(None);
        let instance = linked.instantiate(&mut store);
        if let Ok(instance) = &instance {
            bind(&mut store, instance)
                .map_err(|source| PrepareError::WrongWorld { component: part, source })?;
        }
        self.made(part, instance)
    }

    /// A component that cannot be instantiated now never will; only a full pool empties again.
    fn made<I>(&self, part: Part, instance: wasmtime::Result<I>) -> Result<(), PrepareError> {
        match instance.map_err(|error| self.sandboxes.ended(&error)) {
            Ok(_) | Err(InvokeError::Overloaded) => Ok(()),
            Err(source) => Err(PrepareError::LoadFailed { component: part, source }),
        }
    }

    fn plain<P>(
        &self,
        part: Part,
        wasm: &[u8],
        fit: impl FnOnce(InstancePre<Sandbox>) -> wasmtime::Result<P>,
    ) -> Result<Linked<P>, PrepareError> {
        let engine = &self.sandboxes.engine;
        let key = ArtifactKey::new(engine, Kind::Plain, wasm, &[]);
        let (component, _) =
            self.artifacts.obtain(engine, part, &key, || self.compile(part, wasm, Vec::new()))?;
        self.fit(part, &component, fit)
    }

    fn models(
        &self,
        wasm: &[u8],
        ranker: Option<&[u8]>,
        tower: Option<&[u8]>,
    ) -> Result<Models, PrepareError> {
        let (form, loaded) = match self.inference {
            Inference::Wasm => self.models_in_wasm(wasm, ranker, tower)?,
            Inference::Native => {
                let models = NativeModels::load(ranker, tower).map_err(PrepareError::ModelsRefused)?;
                let loaded = models.loaded();
                (Form::Native(Box::new(models)), loaded)
            }
        };
        if ranker.is_some() && loaded.columns != limits::RANKER_COLUMNS {
            let found = format!("{} features a row, not {}", loaded.columns, limits::RANKER_COLUMNS);
            return Err(PrepareError::ModelsRefused(inference::LoadError::Signature(found)));
        }
        let states = EncoderStates::new(self.encoder_states_bytes_max);
        Ok(Models { form, sandboxes: self.sandboxes.clone(), loaded, states })
    }

    fn models_in_wasm(
        &self,
        wasm: &[u8],
        ranker: Option<&[u8]>,
        tower: Option<&[u8]>,
    ) -> Result<(Form, inference::Loaded), PrepareError> {
        let part = Part::Inference;
        let engine = &self.sandboxes.engine;
        let which = [u8::from(ranker.is_some()), u8::from(tower.is_some())];
        let inputs: [&[u8]; 3] = [&which, ranker.unwrap_or_default(), tower.unwrap_or_default()];
        let key = ArtifactKey::new(engine, Kind::Snapshot, wasm, &inputs);
        let (component, note) = self.artifacts.obtain(engine, part, &key, || {
            let linker = |component: &Component| imports::linker(part, engine, component);
            let (wasm, loaded) = snapshot::take(part, wasm, self, linker, |store, instance| {
                let guest = InferenceComponent::new(&mut *store, instance)
                    .map_err(|source| PrepareError::WrongWorld { component: part, source })?;
                guest
                    .frontrow_edge_inference()
                    .call_load(store, ranker, tower)
                    .map_err(|error| self.load_failed(part, &error))?
                    .map_err(PrepareError::ModelsRefused)
            })?;
            let inference::Loaded { columns, items, width, window, state_row } = loaded;
            self.compile(part, &wasm, encode([columns, items, width, window, state_row]))
        })?;
        let [columns, items, width, window, state_row] = decode(&note)?;
        let loaded = inference::Loaded { columns, items, width, window, state_row };
        let linked = self.fit(part, &component, InferenceComponentPre::new)?;
        Ok((Form::Wasm(linked), loaded))
    }

    fn region(
        &self,
        wasm: &[u8],
        files: &RegionFiles<'_>,
        factors: Option<&[u8]>,
        rules: &ranking::Rules,
    ) -> Result<Region, PrepareError> {
        let part = Part::Ranking;
        let slate = files.slate.unwrap_or(&rules.slate).clone();
        let rules = ranking::Rules { slate, ..rules.clone() };
        let known = known(files, &rules.slate)?;
        let engine = &self.sandboxes.engine;
        let weighing = weighing(&rules);
        // "No factors" and "factors of no bytes" are different inputs.
        let inputs: [&[u8]; 4] =
            [files.candidates, &weighing, &[u8::from(factors.is_some())], factors.unwrap_or_default()];
        let key = ArtifactKey::new(engine, Kind::Snapshot, wasm, &inputs);
        let (component, note) = self.artifacts.obtain(engine, part, &key, || {
            let linker = |component: &Component| imports::linker(part, engine, component);
            let (wasm, loaded) = snapshot::take(part, wasm, self, linker, |store, instance| {
                let guest = RankingComponent::new(&mut *store, instance)
                    .map_err(|source| PrepareError::WrongWorld { component: part, source })?;
                guest
                    .frontrow_edge_ranking()
                    .call_load(store, files.candidates, factors, &rules)
                    .map_err(|error| self.load_failed(part, &error))?
                    .map_err(|source| PrepareError::RankingRefused { region: files.name.to_owned(), source })
            })?;
            self.compile(part, &wasm, encode([loaded.titles, loaded.rows, loaded.viewers, loaded.vectors]))
        })?;
        let [titles, rows, viewers, vectors] = decode(&note)?;
        let linked = self.fit(part, &component, RankingComponentPre::new)?;
        let allowed = known.titles.len();
        if allowed != titles as usize {
            return Err(nonsense(part, Nonsense::Length { got: titles as usize, allowed }));
        }
        let loaded = ranking::Loaded { titles, rows, viewers, vectors };
        Ok(Region { linked, loaded, known })
    }

    fn compile(&self, part: Part, wasm: &[u8], note: Vec<u8>) -> Result<Built, PrepareError> {
        let code = self
            .compiler
            .compile(wasm)
            .map_err(|source| PrepareError::Malformed { component: part, source })?;
        Ok(Built { code, note })
    }

    fn fit<P>(
        &self,
        part: Part,
        component: &Component,
        fit: impl FnOnce(InstancePre<Sandbox>) -> wasmtime::Result<P>,
    ) -> Result<Linked<P>, PrepareError> {
        let linker = imports::linker(part, &self.sandboxes.engine, component)?;
        let wrong = |source| PrepareError::WrongWorld { component: part, source };
        let pre = linker.instantiate_pre(component).map_err(wrong)?;
        Ok(Linked::new(part, pre.clone(), fit(pre).map_err(wrong)?))
    }

    fn load_failed(&self, part: Part, error: &wasmtime::Error) -> PrepareError {
        PrepareError::LoadFailed { component: part, source: self.sandboxes.ended(error) }
    }
}

fn check_sizes(files: &ReleaseFiles<'_>) -> Result<(), PrepareError> {
    let components = &files.components;
    for (component, wasm) in [
        (Part::Ranking, components.ranking),
        (Part::Inference, components.inference),
        (Part::Bitrate, components.bitrate),
        (Part::Qoe, components.qoe),
    ] {
        let bytes_max = limits::COMPONENT_BYTES_MAX;
        if wasm.len() > bytes_max {
            return Err(PrepareError::TooLarge { component, bytes: wasm.len(), bytes_max });
        }
    }
    Ok(())
}

/// What the host knows of a candidate set, to check what a component says of it.
fn known(files: &RegionFiles<'_>, slate: &ranking::Slate) -> Result<Known, PrepareError> {
    let malformed = |reason| PrepareError::CandidatesMalformed { region: files.name.to_owned(), reason };
    let file = CandidateFile::decode(files.candidates).map_err(|error| malformed(error.to_string()))?;
    if file.region != files.name {
        return Err(malformed(format!("it is the one of {}", file.region)));
    }
    let columns = file.candidates.columns();
    let vectors = columns.vectors.as_ref();
    let item_max =
        vectors.and_then(|vectors| (0..vectors.items.len()).filter_map(|at| vectors.item(at)).max());
    Ok(Known {
        titles: columns.title_ids.clone(),
        width: vectors.map(|vectors| vectors.matrix.columns()),
        item_max,
        is_sorted: is_plain(slate),
    })
}

/// Whether lists are to be in the order of their scores.
fn is_plain(slate: &ranking::Slate) -> bool {
    let places_none = slate.pinned.is_empty() && (slate.promoted_max == 0 || slate.promoted.is_empty());
    let merges_none = slate.trending_share <= 0.0 && slate.new_share <= 0.0;
    let is_ordered = slate.lambda >= 1.0 && slate.genre_picks_max == 0 && merges_none;
    is_ordered && slate.exploration_place == 0 && places_none
}

/// All that the rules say, as part of what a snapshot is known by.
fn weighing(rules: &ranking::Rules) -> Vec<u8> {
    let ranking::Rules { recency_tau, history_window, ranker_pool, blend, slate } = rules;
    let blended = blend.map_or([0; 2], |blend| [blend.weight.to_bits(), blend.floor.to_bits()]);
    let ranking::Slate { lambda, trending_share, new_share, .. } = slate;
    let ranking::Slate { genre_picks_max, promoted_max, exploration_place, pinned, promoted, .. } = slate;
    let mut numbers = vec![recency_tau.to_bits(), *history_window, *ranker_pool, u32::from(blend.is_some())];
    numbers.extend(blended);
    numbers.extend([lambda, trending_share, new_share].map(|share| share.to_bits()));
    numbers.extend([*genre_picks_max, *promoted_max, *exploration_place]);
    // The length of the first list: where it ends, the second begins.
    numbers.push(u32::try_from(pinned.len()).unwrap_or(u32::MAX));
    numbers.extend(pinned.iter().flat_map(|pin| [pin.place, pin.title]));
    numbers.extend(promoted);
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// Vectors are of use only with the tower that they were trained with.
fn check_vectors(name: &str, region: &Region, models: Option<&Models>) -> Result<(), PrepareError> {
    let malformed = |reason| PrepareError::CandidatesMalformed { region: name.to_owned(), reason };
    let tower = models.map(|models| models.loaded).filter(|loaded| loaded.items > 0);
    match (region.known.width, tower) {
        (None, None) => Ok(()),
        (Some(width), Some(tower)) if width != tower.width as usize => {
            Err(malformed(format!("vectors of {width} numbers, the tower's have {}", tower.width)))
        }
        (Some(_), Some(tower)) if region.known.item_max.is_some_and(|item| item >= tower.items) => {
            Err(malformed(format!("an item beyond the tower's {}", tower.items)))
        }
        (Some(_), Some(_)) => Ok(()),
        (Some(_), None) => Err(malformed("vectors without a tower".to_owned())),
        (None, Some(_)) => Err(malformed("no vectors for the tower".to_owned())),
    }
}

fn nonsense(part: Part, nonsense: Nonsense) -> PrepareError {
    PrepareError::LoadFailed { component: part, source: InvokeError::Nonsense(nonsense) }
}

fn encode<const N: usize>(numbers: [u32; N]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

// The note is sealed with the component, so this fails only if an older version wrote less.
fn decode<const N: usize>(note: &[u8]) -> Result<[u32; N], PrepareError> {
    let (chunks, rest) = note.as_chunks::<4>();
    let numbers: Result<[[u8; 4]; N], _> = chunks.try_into();
    match numbers {
        Ok(numbers) if rest.is_empty() => Ok(numbers.map(u32::from_le_bytes)),
        _ => {
            Err(PrepareError::Cache(std::io::Error::other("a compiled component has another version's note")))
        }
    }
}
