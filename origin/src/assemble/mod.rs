//! Assembles a release: from the catalogue, the licences and the trained models to files and a manifest.
//!
//! Pure but for FAISS: equal inputs give equal bytes. Time is an argument.

mod catalogue;
mod cohorts;
mod golden;
mod region;
mod shown;
mod slates;

pub(crate) use catalogue::genre_bits;
pub use slates::{PlacedConfig, Slates};

use std::collections::{BTreeMap, HashSet};

use inference::{ModelError, Models as Loaded, Tower};
use prost::Message;
use ranking::features::COLUMNS;
use release::{
    CandidateFile, Components, FileEntry, FileError, Histories, Manifest, Model, ModelValue, RegionEntry,
    RulesEntry, Titles, encode_factors, file_target, manifest_target, sha256_hex,
};
use tract_onnx::pb::{ModelProto, ValueInfoProto};

use crate::database::{LicenceWindow, Title, WatchEvent};
use crate::models::Models;
use crate::publish::NewTarget;
use crate::retrieval::RetrievalError;

/// What the database knows, as far as a release needs it.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// All titles, by rising id.
    pub titles: Vec<Title>,
    /// Each region with its licence windows, by name.
    pub regions: BTreeMap<String, BTreeMap<u32, LicenceWindow>>,
    /// The region of each viewer.
    pub viewer_regions: BTreeMap<u32, String>,
    /// What was watched, oldest first.
    pub events: Vec<WatchEvent>,
    /// How lists are laid out; the configuration says it, not the database.
    pub slates: Slates,
}

/// The four components, as built.
#[derive(Clone, Debug)]
pub struct ComponentFiles {
    /// Each file's name and content.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// A release that has not been published.
#[derive(Clone, Debug)]
pub struct Assembled {
    /// What it is made of.
    pub manifest: Manifest,
    /// Its files by name.
    pub files: BTreeMap<String, Vec<u8>>,
    /// The deltas that the manifest lists.
    pub deltas: Vec<Vec<u8>>,
}

/// Why no release could be made.
#[derive(Debug, thiserror::Error)]
pub enum AssembleError {
    /// The catalogue is empty.
    #[error("the catalogue has no {0}: import first")]
    Empty(&'static str),
    /// A component's file is missing.
    #[error("there is no {0} among the components")]
    ComponentMissing(String),
    /// A component is not WebAssembly, or larger than a node takes.
    #[error("{0} is no component that a node would take")]
    ComponentRefused(String),
    /// The ranker cannot run at the edge.
    #[error("the ranker was refused: {0}")]
    RankerRefused(String),
    /// A model cannot be loaded.
    #[error(transparent)]
    ModelRefused(#[from] ModelError),
    /// A file would be refused by the nodes.
    #[error(transparent)]
    File(#[from] FileError),
    /// The index could not be built.
    #[error(transparent)]
    Retrieval(#[from] RetrievalError),
    /// The configuration names a region that there is not.
    #[error("the configuration lays out lists of {0:?}, and there is no such region")]
    SlateRegionUnknown(String),
    /// The configuration places a title that there is not.
    #[error("the configuration places title {0}, and there is no such title")]
    SlateTitleUnknown(u32),
    /// A setting of the layout does not hold; carries its name.
    #[error(
        "{0} of the configured layout of lists is out of its range, or a place or a title is there twice"
    )]
    SlateRefused(&'static str),
    /// A golden question could not be answered.
    #[error("a golden question was refused: {0}")]
    Golden(ranking::Error),
}

impl AssembleError {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty(_) => "catalogue-empty",
            Self::ComponentMissing(_) => "component-missing",
            Self::ComponentRefused(_) => "component-refused",
            Self::RankerRefused(_) | Self::ModelRefused(ModelError::Ranker(_)) => "ranker-refused",
            Self::ModelRefused(ModelError::Tower(_)) => "tower-refused",
            Self::File(error) => error.code(),
            Self::Retrieval(error) => error.code(),
            Self::SlateRegionUnknown(_) => "slate-region-unknown",
            Self::SlateTitleUnknown(_) => "slate-title-unknown",
            Self::SlateRefused(_) => "slate-refused",
            Self::Golden(_) => "golden-refused",
        }
    }
}

/// Which release this is.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// Its number.
    pub generation: u64,
    /// The release before.
    pub parent: Option<u64>,
    /// When it is made, Unix time.
    pub created_unix_s: u64,
}

impl Catalogue {
    /// What each viewer watched, oldest first, by rising viewer; a title watched again counts when it was
    /// watched last.
    pub fn histories(&self) -> BTreeMap<u32, Vec<u32>> {
        let mut histories: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        let mut seen = HashSet::new();
        for event in self.events.iter().rev() {
            if seen.insert((event.viewer, event.title)) {
                histories.entry(event.viewer).or_default().push(event.title);
            }
        }
        histories.values_mut().for_each(|watched| watched.reverse());
        histories
    }

    /// The newest titles of each history, as nodes keep them.
    ///
    /// # Errors
    ///
    /// When there are more than a node takes.
    pub fn histories_file(&self) -> Result<Histories, FileError> {
        let histories = self.histories();
        Histories::new(histories.iter().map(|(&viewer, watched)| (viewer, watched.as_slice())))
    }

    /// What the titles are called.
    ///
    /// # Errors
    ///
    /// When a number stands for two titles.
    pub fn names(&self) -> Result<Titles, FileError> {
        let named = self.titles.iter().map(|title| release::Title {
            id: title.id,
            name: title.name.clone(),
            year: title.year,
            genres: title.genres.clone(),
        });
        Titles::new(named.collect())
    }

    /// The candidate set of one region.
    ///
    /// # Errors
    ///
    /// When the region or the catalogue is empty, or the columns do not fit.
    pub fn candidates(&self, region: &str, models: &Models) -> Result<CandidateFile, AssembleError> {
        region::candidates(self, region, models)
    }
}

/// Makes a release.
///
/// # Errors
///
/// When a part is missing or would be refused by a node.
pub fn assemble(
    catalogue: &Catalogue,
    models: &Models,
    components: &ComponentFiles,
    identity: Identity,
) -> Result<Assembled, AssembleError> {
    if catalogue.titles.is_empty() || catalogue.regions.is_empty() {
        return Err(AssembleError::Empty("titles or regions"));
    }
    catalogue.slates.check(catalogue)?;
    let loaded = admit(models)?;
    let mut files = BTreeMap::new();
    let mut regions = Vec::new();
    let mut golden = Vec::new();
    for region in catalogue.regions.keys() {
        let set = catalogue.candidates(region, models)?;
        golden.extend(golden::cases(catalogue, &set, models, &loaded, identity.created_unix_s)?);
        let name = format!("candidates-{region}.safetensors");
        files.insert(name.clone(), set.encode());
        let slate = catalogue.slates.own(region);
        regions.push(RegionEntry { name: region.clone(), candidates: name, slate });
    }
    files.insert("histories.safetensors".to_owned(), catalogue.histories_file()?.encode());
    files.insert("factors.safetensors".to_owned(), encode_factors(&models.factors));
    files.insert("titles.json".to_owned(), catalogue.names()?.encode());
    files.extend(models.ranker.clone().map(|onnx| ("ranker.onnx".to_owned(), onnx)));
    files.extend(models.tower.clone().map(|onnx| ("tower.onnx".to_owned(), onnx)));
    let components = check_components(components, &mut files)?;

    let entry = |(name, bytes): (&String, &Vec<u8>)| FileEntry {
        name: name.clone(),
        bytes: bytes.len() as u64,
        sha256: sha256_hex(bytes),
    };
    let manifest = Manifest {
        schema: Manifest::SCHEMA.to_owned(),
        generation: identity.generation,
        parent: identity.parent,
        created_unix_s: identity.created_unix_s,
        host_min: env!("CARGO_PKG_VERSION").to_owned(),
        regions,
        rules: RulesEntry { slate: catalogue.slates.all.clone(), ..models.training.rules.clone() },
        files: files.iter().map(entry).collect(),
        components,
        factors: Some("factors.safetensors".to_owned()),
        histories: Some("histories.safetensors".to_owned()),
        titles: "titles.json".to_owned(),
        ranker: models.ranker.as_deref().map(|onnx| ranker_model(onnx, &loaded)),
        tower: models.tower.as_deref().zip(loaded.tower()).map(|(onnx, tower)| tower_model(onnx, tower)),
        golden,
        quality: models.training.told_apart(),
        accepted_worse: None,
        deltas: Vec::new(),
    };
    manifest.check()?;
    Ok(Assembled { manifest, files, deltas: Vec::new() })
}

impl Assembled {
    /// The files and the manifest as targets of the signed repository.
    pub fn into_targets(self) -> Vec<NewTarget> {
        let manifest =
            NewTarget { name: manifest_target(self.manifest.generation), bytes: self.manifest.encode() };
        let files = self.files.into_values().chain(self.deltas);
        let targets = files.map(|bytes| NewTarget { name: file_target(&sha256_hex(&bytes)), bytes });
        targets.chain([manifest]).collect()
    }
}

/// Loads the models as a node would.
fn admit(models: &Models) -> Result<Loaded, AssembleError> {
    let loaded = Loaded::admit(models.ranker.as_deref(), models.tower.as_deref())?;
    if let Some(features) = loaded.features().filter(|&features| features != COLUMNS) {
        let width = loaded.tower().map_or(0, |tower| tower.shape().width);
        let vectors = if width == 0 { String::new() } else { format!(" or {}", 2 * width + COLUMNS) };
        let columns = loaded.ranker_columns().unwrap_or(features);
        let reason = format!("it takes {columns} numbers a candidate, not {COLUMNS}{vectors}");
        return Err(AssembleError::RankerRefused(reason));
    }
    Ok(loaded)
}

fn tower_model(onnx: &[u8], tower: &Tower) -> Model {
    let width = u32::try_from(tower.shape().width).expect("a vector is short");
    let [input, output] = value_names(onnx);
    Model {
        file: "tower.onnx".to_owned(),
        inputs: vec![ModelValue { name: input, shape: vec![Some(1), None] }],
        outputs: vec![ModelValue { name: output, shape: vec![Some(1), Some(width)] }],
    }
}

fn ranker_model(onnx: &[u8], loaded: &Loaded) -> Model {
    let columns = loaded.ranker_columns().unwrap_or(COLUMNS);
    let width = u32::try_from(columns).expect("a row of features is short");
    let [input, output] = value_names(onnx);
    Model {
        file: "ranker.onnx".to_owned(),
        inputs: vec![ModelValue { name: input, shape: vec![None, Some(width)] }],
        outputs: vec![ModelValue { name: output, shape: vec![None, Some(1)] }],
    }
}

/// What the exporter of a model that has been admitted calls its one input and its one output.
fn value_names(onnx: &[u8]) -> [String; 2] {
    let graph = ModelProto::decode(onnx).ok().and_then(|model| model.graph).unwrap_or_default();
    let is_weight = |name: &str| graph.initializer.iter().any(|tensor| tensor.name == name);
    let input = graph.input.iter().find(|value| !is_weight(&value.name));
    let name = |value: Option<&ValueInfoProto>| value.map_or_else(String::new, |value| value.name.clone());
    [name(input), name(graph.output.first())]
}

fn check_components(
    components: &ComponentFiles,
    files: &mut BTreeMap<String, Vec<u8>>,
) -> Result<Components, AssembleError> {
    const WASM_MAGIC: &[u8] = b"\0asm";
    for name in ["ranking.wasm", "inference.wasm", "bitrate.wasm", "qoe.wasm"] {
        let bytes =
            components.files.get(name).ok_or_else(|| AssembleError::ComponentMissing(name.to_owned()))?;
        if bytes.len() > release::limits::COMPONENT_BYTES_MAX || !bytes.starts_with(WASM_MAGIC) {
            return Err(AssembleError::ComponentRefused(name.to_owned()));
        }
        files.insert(name.to_owned(), bytes.clone());
    }
    let [ranking, inference, bitrate, qoe] =
        ["ranking.wasm", "inference.wasm", "bitrate.wasm", "qoe.wasm"].map(str::to_owned);
    Ok(Components { ranking, inference, bitrate, qoe })
}
