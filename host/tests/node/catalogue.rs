//! A small release: twelve titles, two regions, the four shipped components, no ranker.

use std::collections::BTreeMap;
use std::path::PathBuf;

use kernels::ByteMatrix;
use ranking::{Columns, Vectors};
use release::{
    BlendEntry, CandidateFile, Components, FileEntry, GoldenCase, Histories, Manifest, Model, RegionEntry,
    RulesEntry, SlateEntry, Title, Titles, sha256_hex,
};

/// A viewer who has watched titles 1 and 6.
pub(crate) const VIEWER: u32 = 7;
/// A viewer who has watched titles 4 and 9, then hundreds that are not in the set, then title 1.
pub(crate) const LONG_VIEWER: u32 = 70;
/// Title 2 may be shown in `us` before this time only.
pub(crate) const US_ENDS_S: u64 = 1_577_836_800;
/// Within every window.
pub(crate) const NOW_MS: u64 = 1_700_000_000_000;
/// In the future, title 12 may be shown in `eu` for a thousand seconds.
pub(crate) const OPENS_S: u64 = 2_000_000_000;
/// The one title that is for adults only.
pub(crate) const ADULT: u32 = 3;

const TOWER: &[u8] = include_bytes!("../../../crates/inference/tests/data/tower.onnx");
const RANKER: &[u8] = include_bytes!("../../../crates/inference/tests/data/ranker-wide.onnx");

/// The files of a release by name.
#[derive(Clone)]
pub(crate) struct Release {
    pub(crate) manifest: Manifest,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

impl Release {
    /// The usual one. Generations differ in popularity: in an even one the last title comes first.
    pub(crate) fn of(generation: u64) -> Self {
        let sets = ["eu", "us"].map(|region| candidates(region, generation));
        let long: Vec<u32> = [4, 9].into_iter().chain(1_000..1_400).chain([1]).collect();
        let histories = Histories::new([(VIEWER, [1, 6].as_slice()), (LONG_VIEWER, long.as_slice())]);
        let histories = histories.expect("rising viewers");
        let mut files = BTreeMap::from([
            ("histories.safetensors".to_owned(), histories.encode()),
            ("titles.json".to_owned(), titles().encode()),
        ]);
        for set in &sets {
            files.insert(format!("candidates-{}.safetensors", set.region), set.encode());
        }
        for name in ["ranking", "inference", "bitrate", "qoe"] {
            files.insert(format!("{name}.wasm"), component(name));
        }
        let mut release = Self { manifest: manifest(generation, &sets), files };
        release.list_files();
        release
    }

    /// With a tower that knows the titles, and a ranker that sees its vectors.
    pub(crate) fn with_models(mut self) -> Self {
        let tower = inference::Tower::read(TOWER).expect("a tower");
        for set in ["candidates-eu.safetensors", "candidates-us.safetensors"] {
            let file = CandidateFile::decode(&self.files[set]).expect("a set");
            let columns = file.candidates.columns().clone();
            let rows: Vec<f32> =
                (0..columns.title_ids.len()).flat_map(|item| tower.items().floats(item)).collect();
            let matrix = ByteMatrix::quantise(tower.shape().width, &rows).expect("whole rows");
            let items = (0..).take(matrix.rows()).collect();
            let columns = Columns { vectors: Some(Vectors { matrix, items }), ..columns };
            let candidates = ranking::Candidates::new(columns).expect("columns that fit");
            self.files.insert(set.to_owned(), CandidateFile { candidates, ..file }.encode());
        }
        self.files.insert("tower.onnx".to_owned(), TOWER.to_vec());
        self.files.insert("ranker.onnx".to_owned(), RANKER.to_vec());
        let model = |file: &str| Model { file: file.to_owned(), inputs: Vec::new(), outputs: Vec::new() };
        self.manifest.tower = Some(model("tower.onnx"));
        self.manifest.ranker = Some(model("ranker.onnx"));
        self.manifest.rules.ranker_pool = 12;
        self.manifest.rules.blend = Some(BlendEntry { weight: 0.7, floor: 0.01 });
        // What these models show is compared between nodes.
        self.manifest.golden.clear();
        self.list_files();
        self
    }

    /// Puts the digests of the files into the manifest.
    pub(crate) fn list_files(&mut self) {
        let entry = |(name, bytes): (&String, &Vec<u8>)| FileEntry {
            name: name.clone(),
            bytes: bytes.len() as u64,
            sha256: sha256_hex(bytes),
        };
        self.manifest.files = self.files.iter().map(entry).collect();
    }

    /// The picks of the native code, the oracle of the component.
    pub(crate) fn oracle(&self, region: &str, history: &[u32], k: u32, at_unix_ms: u64) -> Vec<u32> {
        let set = CandidateFile::decode(&self.files[&format!("candidates-{region}.safetensors")]);
        native(&set.expect("a sound set"), history, k, at_unix_ms)
    }

    /// The same for the rows of a page.
    pub(crate) fn oracle_page(
        &self,
        region: &str,
        history: &[u32],
        k: u32,
        at_unix_ms: u64,
    ) -> Vec<Vec<u64>> {
        let set = CandidateFile::decode(&self.files[&format!("candidates-{region}.safetensors")]);
        native_page(&set.expect("a sound set"), history, k, at_unix_ms)
    }
}

/// As [`native`], the titles of each row of a page.
fn native_page(set: &CandidateFile, history: &[u32], k: u32, at_unix_ms: u64) -> Vec<Vec<u64>> {
    let rules = ranking::Rules::new(5.0, 20, 0).expect("sound rules");
    let history = history.to_vec();
    let request =
        ranking::Request { history, k, at_unix_ms, maturity_max_years: 18, ..ranking::Request::default() };
    let asked = ranking::HomeRequest { request, in_progress: Vec::new() };
    let page = ranking::home(&set.candidates, &rules, &asked, None).expect("a page");
    page.rows.iter().map(|row| row.picks.iter().map(|pick| u64::from(pick.title)).collect()).collect()
}

fn native(set: &CandidateFile, history: &[u32], k: u32, at_unix_ms: u64) -> Vec<u32> {
    let rules = ranking::Rules::new(5.0, 20, 0).expect("sound rules");
    let request = ranking::Request {
        history: history.to_vec(),
        exclude: Vec::new(),
        k,
        at_unix_ms,
        maturity_max_years: 18,
        seed: None,
    };
    let answer = ranking::recommend(&set.candidates, &rules, &request, None).expect("an answer");
    answer.picks.iter().map(|pick| pick.title).collect()
}

fn manifest(generation: u64, sets: &[CandidateFile]) -> Manifest {
    let golden = |set: &CandidateFile, history: &[u32]| GoldenCase {
        region: set.region.clone(),
        history: history.to_vec(),
        at_unix_ms: NOW_MS,
        k: 5,
        titles: native(set, history, 5, NOW_MS),
    };
    Manifest {
        schema: Manifest::SCHEMA.to_owned(),
        generation,
        parent: None,
        created_unix_s: NOW_MS / 1_000,
        host_min: "0.1.0".to_owned(),
        regions: sets
            .iter()
            .map(|set| RegionEntry {
                name: set.region.clone(),
                candidates: format!("candidates-{}.safetensors", set.region),
                slate: None,
            })
            .collect(),
        rules: RulesEntry {
            recency_tau: 5.0,
            history_window: 20,
            ranker_pool: 0,
            blend: None,
            slate: SlateEntry::default(),
        },
        files: Vec::new(),
        components: Components {
            ranking: "ranking.wasm".to_owned(),
            inference: "inference.wasm".to_owned(),
            bitrate: "bitrate.wasm".to_owned(),
            qoe: "qoe.wasm".to_owned(),
        },
        factors: None,
        histories: Some("histories.safetensors".to_owned()),
        titles: "titles.json".to_owned(),
        ranker: None,
        tower: None,
        golden: sets.iter().flat_map(|set| [golden(set, &[]), golden(set, &[1, 6])]).collect(),
        quality: BTreeMap::new(),
        accepted_worse: None,
        deltas: Vec::new(),
    }
}

fn candidates(region: &str, generation: u64) -> CandidateFile {
    let titles: Vec<u32> = (1..=12).collect();
    let popularity =
        |title: &u32| if generation.is_multiple_of(2) { *title as f32 } else { 13.0 - *title as f32 };
    let window = |title: &u32| match (region, *title) {
        ("us", 2) => (1, US_ENDS_S),
        ("eu", 12) => (OPENS_S, OPENS_S + 1_000),
        _ => (1, 4_000_000_000),
    };
    // Title 1 leads to 4 and 9, title 6 to 9 and 10.
    let rows = |title: &u32| match title {
        1 => vec![(3, 100), (8, 60)],
        6 => vec![(8, 90), (9, 40)],
        _ => Vec::new(),
    };
    let mut columns = Columns {
        popularity: titles.iter().map(popularity).collect(),
        maturity_years: titles.iter().map(|title| if *title == ADULT { 18 } else { 6 }).collect(),
        years: titles.iter().map(|title| 1990 + *title as u16).collect(),
        genres: vec![1; titles.len()],
        window_from_s: titles.iter().map(|title| window(title).0).collect(),
        window_until_s: titles.iter().map(|title| window(title).1).collect(),
        row_offsets: vec![0],
        row_indexes: ranking::Indexes::default(),
        row_weights: Vec::new(),
        row_scales_log2: vec![-7; titles.len()],
        title_ids: titles.clone(),
        vectors: None,
        // Titles 7 and 8 are watched more than usual.
        trends: Some(
            titles.iter().map(|&title| if title == 7 || title == 8 { title as f32 } else { 0.0 }).collect(),
        ),
    };
    for title in &titles {
        for (index, weight) in rows(title) {
            columns.row_indexes.push(index);
            columns.row_weights.push(weight);
        }
        columns.row_offsets.push(columns.row_indexes.len() as u32);
    }
    let candidates = ranking::Candidates::new(columns).expect("columns that fit");
    CandidateFile { region: region.to_owned(), genres: vec!["Drama".to_owned()], candidates }
}

fn titles() -> Titles {
    let title = |id: u32| Title {
        id,
        name: format!("Film {id}"),
        year: Some(1990 + id as u16),
        genres: vec!["Drama".to_owned()],
    };
    Titles::new((1..=12).map(title).collect()).expect("ids that differ")
}

/// `cargo xtask` names the folder; a plain `cargo test` finds what a plain `cargo build` left.
fn component(name: &str) -> Vec<u8> {
    let target =
        || std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("../target"), PathBuf::from);
    let path = match std::env::var_os("FRONTROW_COMPONENTS") {
        Some(folder) => PathBuf::from(folder).join(format!("{name}.wasm")),
        None => target().join(format!("wasm32-wasip2/release/component_{name}.wasm")),
    };
    std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; build it with `cargo xtask components`", path.display()))
}
