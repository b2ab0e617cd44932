//! The release that all servers serve: 27,000 titles, a tower as the origin trains them and a ranker of the usual size,
//! their numbers random.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use frontrow_origin::assemble::Assembled;
use frontrow_origin::train::onnx;
use frontrow_origin::train::tower::{self, Learner, Shape, Tower};
use kernels::ByteMatrix;
use ranking::{Columns, Vectors};
use release::{
    BlendEntry, Components, FileEntry, Manifest, Model, ModelValue, RegionEntry, RulesEntry, SlateEntry,
    Title, Titles, sha256_hex,
};

use crate::deep_ranker;
use crate::release_files::{REGION, columns, encoded};

/// Titles of the candidate set.
pub(crate) const TITLES: u32 = 27_000;
/// Candidates that the ranker puts in order.
pub(crate) const POOL: u32 = 200;
/// Entries of each item-to-item row: with so many titles they take the 4 MB that the trainer allows.
const ROW_ENTRIES: u32 = 50;

/// The files by name, and what only the Python service reads.
pub(crate) struct Release {
    pub(crate) assembled: Assembled,
    item_vectors: Vec<f32>,
}

impl Release {
    /// With the components of a folder.
    pub(crate) fn new(components: &Path) -> Result<Self> {
        let tower = tower();
        let mut files = BTreeMap::new();
        for name in COMPONENTS {
            let path = components.join(name);
            let bytes = std::fs::read(&path).with_context(|| {
                format!("{} is absent: `cargo xtask components` builds it", path.display())
            })?;
            files.insert(name.to_owned(), bytes);
        }
        let columns = Columns { vectors: Some(vectors(&tower)?), ..columns(TITLES, ROW_ENTRIES) };
        files.insert("titles.json".to_owned(), titles(&columns)?.encode());
        files.insert(CANDIDATES.to_owned(), encoded(columns)?);
        files.insert(RANKER.to_owned(), deep_ranker::onnx(tower.shape().width));
        files.insert(TOWER.to_owned(), tower.to_onnx());
        let manifest = manifest(&files, tower.shape());
        manifest.check().map_err(|error| anyhow!("{error}"))?;
        Ok(Self {
            assembled: Assembled { manifest, files, deltas: Vec::new() },
            item_vectors: tower.item_vectors().to_vec(),
        })
    }

    /// Writes what a service in Python needs of it.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        for name in [CANDIDATES, RANKER, TOWER, "titles.json"] {
            std::fs::write(folder.join(name), &self.assembled.files[name])?;
        }
        let bytes: Vec<u8> = self.item_vectors.iter().flat_map(|value| value.to_le_bytes()).collect();
        std::fs::write(folder.join("item_vectors.f32"), bytes)?;
        Ok(())
    }
}

/// As it is before it learns: of random numbers.
fn tower() -> Tower {
    Learner::new(Shape::standard(TITLES as usize), tower::Settings::default(), std::iter::empty()).tower()
}

fn vectors(tower: &Tower) -> Result<Vectors> {
    let matrix = ByteMatrix::quantise(tower.shape().width, tower.item_vectors());
    Ok(Vectors { matrix: matrix.map_err(|error| anyhow!("{error:?}"))?, items: (0..TITLES).collect() })
}

fn titles(columns: &Columns) -> Result<Titles> {
    let title = |(&id, &year): (&u32, &u16)| Title {
        id,
        name: format!("The Film of Number {id}"),
        year: Some(year),
        genres: Vec::new(),
    };
    let titles = columns.title_ids.iter().zip(&columns.years).map(title);
    Titles::new(titles.collect()).map_err(|error| anyhow!("{error}"))
}

fn manifest(files: &BTreeMap<String, Vec<u8>>, shape: &Shape) -> Manifest {
    let entry = |(name, bytes): (&String, &Vec<u8>)| FileEntry {
        name: name.clone(),
        bytes: bytes.len() as u64,
        sha256: sha256_hex(bytes),
    };
    let [ranking, inference, bitrate, qoe] = COMPONENTS.map(str::to_owned);
    Manifest {
        schema: Manifest::SCHEMA.to_owned(),
        generation: 1,
        parent: None,
        created_unix_s: 1_700_000_000,
        host_min: env!("CARGO_PKG_VERSION").to_owned(),
        regions: vec![RegionEntry {
            name: REGION.to_owned(),
            candidates: CANDIDATES.to_owned(),
            slate: None,
        }],
        rules: RulesEntry {
            recency_tau: 8.0,
            history_window: 50,
            ranker_pool: POOL,
            blend: Some(BlendEntry { weight: 1.0, floor: 0.001 }),
            slate: SlateEntry::default(),
        },
        files: files.iter().map(entry).collect(),
        components: Components { ranking, inference, bitrate, qoe },
        factors: None,
        histories: None,
        titles: "titles.json".to_owned(),
        ranker: Some(model(
            RANKER,
            (onnx::INPUT, [None, Some(deep_ranker::columns(shape.width))]),
            (onnx::OUTPUT, [None, Some(1)]),
        )),
        tower: Some(model(
            TOWER,
            (tower::onnx::INPUT, [Some(1), None]),
            (tower::onnx::OUTPUT, [Some(1), Some(shape.width)]),
        )),
        golden: Vec::new(),
        quality: BTreeMap::new(),
        accepted_worse: None,
        deltas: Vec::new(),
    }
}

fn model(file: &str, input: (&str, [Option<usize>; 2]), output: (&str, [Option<usize>; 2])) -> Model {
    let value = |(name, shape): (&str, [Option<usize>; 2])| ModelValue {
        name: name.to_owned(),
        shape: shape.map(|length| length.and_then(|length| u32::try_from(length).ok())).to_vec(),
    };
    Model { file: file.to_owned(), inputs: vec![value(input)], outputs: vec![value(output)] }
}

const COMPONENTS: [&str; 4] = ["ranking.wasm", "inference.wasm", "bitrate.wasm", "qoe.wasm"];
const CANDIDATES: &str = "candidates-eu.safetensors";
const RANKER: &str = "ranker.onnx";
const TOWER: &str = "tower.onnx";
