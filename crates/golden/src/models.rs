//! Questions to a release with models of full size, with the answers of the native code.
//!
//! Such models are too large to be kept as files, and nobody else has their last bits: `crates/inference` holds what they
//! say against onnxruntime. Here every other form of Frontrow is held against the native code, bit for bit.

use inference::{Shortlist, Tower};
use ranking::{Candidates, Columns, ModelError, TitleId, Vectors};
use release::{CandidateFile, RulesEntry};
use serde_json::{Value, json};
use wire::{HomeRequest, Progress, RankedAnswer, RankedPage, RecommendRequest};

use crate::sized::{Size, ranker, tower};
use crate::{Case, Kind};

/// A release and what it is asked.
#[derive(Clone, Debug)]
pub struct Exam {
    /// The candidates of a region, with vectors.
    pub candidates: Vec<u8>,
    /// The tower of these vectors, as ONNX.
    pub tower: Vec<u8>,
    /// A ranker that sees them, as ONNX.
    pub ranker: Vec<u8>,
    /// How [`Kind::Recommend`] is answered, as the entry of a manifest.
    pub rules: String,
    /// How [`Kind::LaidOut`] and [`Kind::Home`] are answered.
    pub slate_rules: String,
    /// Of these kinds alone.
    pub cases: Vec<Case>,
}

/// Titles of the release.
const TITLES: u32 = 400;

/// As the trainer makes them.
const SIZE: Size = Size { items: TITLES as usize, width: 64, hidden: 128, window: 200 };

const UNITS: [usize; 3] = [256, 128, 1];

/// Lengths of histories: none, short, at and beyond the 200 that a tower sees and the steps of 50 by which it moves on.
const LENGTHS: [u32; 17] = [0, 1, 2, 5, 30, 31, 49, 50, 51, 199, 200, 201, 249, 250, 251, 500, 1_000];

/// Titles that are left to a viewer who has seen nearly everything.
const LEFT: [u32; 5] = [0, 1, 2, 15, 17];

/// Makes the release and asks the native code.
///
/// # Panics
///
/// When the native code refuses what it made itself.
pub fn exam() -> Exam {
    let (tower, ranker) = (tower(SIZE), ranker(SIZE.width, UNITS));
    let mut native = Native(inference::Models::load(Some(&ranker), Some(&tower)).expect("models of our own"));
    let is_ours = native.0.is_exact() && native.0.sees_vectors();
    assert!(is_ours, "our own kernels run both, and the ranker is taken apart");
    let candidates = candidates(native.0.tower().expect("it was loaded"));
    let rules = json!({
        "recency_tau": 5.5, "history_window": 30, "ranker_pool": 200, "blend": {"weight": 0.7, "floor": 0.01},
    });
    let mut slate_rules = rules.clone();
    slate_rules["slate"] = json!({
        "lambda": 0.7, "trending_share": 0.15, "new_share": 0.1, "genre_picks_max": 7, "promoted_max": 2,
        "exploration_place": 5, "pinned": [{"place": 3, "title": title(70)}], "promoted": [title(9), title(301)],
    });
    let read = |rules: &Value| {
        let entry: RulesEntry = serde_json::from_value(rules.clone()).expect("rules of a manifest");
        entry.rules().expect("within their ranges")
    };
    let (plain, slate) = (read(&rules), read(&slate_rules));
    let mut cases = Vec::new();
    for (name, list) in lists() {
        let asked = list.clone().into_domain(&[], 0);
        for (kind, rules) in [(Kind::Recommend, &plain), (Kind::LaidOut, &slate)] {
            let answer = ranking::recommend(&candidates.candidates, rules, &asked, Some(&mut native));
            let answer = RankedAnswer::from(&answer.expect("it is a sound question"));
            cases.push(Case {
                name: format!("{name}, {kind:?}"),
                kind,
                input: sent(&list),
                expected: sent(&answer),
            });
        }
        let page = page(list);
        let answer = ranking::home(
            &candidates.candidates,
            &slate,
            &page.clone().into_domain(&[], 0),
            Some(&mut native),
        );
        let answer = RankedPage::from(&answer.expect("it is a sound question"));
        let name = format!("{name}, a page");
        cases.push(Case { name, kind: Kind::Home, input: sent(&page), expected: sent(&answer) });
    }
    let [rules, slate_rules] = [rules, slate_rules].map(|rules| rules.to_string());
    Exam { candidates: candidates.encode(), tower, ranker, rules, slate_rules, cases }
}

/// As it is sent: equal JSON is equal bits.
fn sent<T: serde::Serialize>(message: &T) -> Value {
    serde_json::from_slice(&wire::encode_json(message)).expect("we wrote it")
}

/// Runs the models in this process.
struct Native(inference::Models);

impl ranking::Models for Native {
    fn score(&mut self, shortlist: &ranking::Shortlist<'_>) -> Result<Vec<f32>, ModelError> {
        let ranking::Shortlist { viewer, items, features } = *shortlist;
        let logits = self.0.score(&Shortlist { viewer, items, features });
        logits.map_err(|error| ModelError { code: error.code().to_owned() })
    }

    fn encode(&mut self, items: &[u32]) -> Result<Vec<f32>, ModelError> {
        let tower = self.0.tower().ok_or(ModelError { code: "not-loaded".to_owned() })?;
        tower.encode(items).map_err(|error| ModelError { code: error.code().to_owned() })
    }
}

fn title(index: u32) -> TitleId {
    1_000 + 7 * index
}

/// Numbers that look like chance, the same every time.
fn mixed(a: u32, b: u32) -> u32 {
    let mixed = (a ^ b.rotate_left(16)).wrapping_mul(0x9e37_79b9);
    (mixed ^ (mixed >> 15)).wrapping_mul(0x85eb_ca6b) >> 8
}

fn candidates(tower: &Tower) -> CandidateFile {
    let genres = ["Drama", "Comedy", "Crime", "Horror", "Family"].map(str::to_owned).to_vec();
    let each = |of: &dyn Fn(u32) -> u32| (0..TITLES).map(of).collect::<Vec<u32>>();
    let mut columns = Columns {
        title_ids: each(&title),
        popularity: (0..TITLES).map(|index| (mixed(index, 1) % 5_000) as f32 / 8.0).collect(),
        maturity_years: (0..TITLES).map(|index| [0, 6, 12, 16, 18][mixed(index, 2) as usize % 5]).collect(),
        years: (0..TITLES).map(|index| 1_950 + (mixed(index, 3) % 76) as u16).collect(),
        genres: each(&|index| 1 << (mixed(index, 4) % 5) | 1 << (mixed(index, 5) % 5)),
        window_from_s: vec![0; TITLES as usize],
        window_until_s: (0..TITLES).map(|index| if index % 40 == 39 { 0 } else { 4_102_444_800 }).collect(),
        row_offsets: vec![0],
        row_scales_log2: vec![-9; TITLES as usize],
        trends: Some((0..TITLES).map(|index| (mixed(index, 6) % 9 / 8 * (1 + index % 5)) as f32).collect()),
        vectors: Some(Vectors {
            matrix: tower.items().clone(),
            // The tower knows most of them.
            items: each(&|index| if index % 50 == 17 { Vectors::UNKNOWN } else { index }),
        }),
        ..Columns::default()
    };
    for index in 0..TITLES {
        let mut row: Vec<u32> = (0..24).map(|entry| mixed(index, 100 + entry) % TITLES).collect();
        row.sort_unstable();
        row.dedup();
        columns.row_weights.extend(row.iter().map(|&to| (mixed(to, index) % 127) as i8 - 10));
        row.iter().for_each(|&to| columns.row_indexes.push(to));
        columns.row_offsets.push(columns.row_weights.len() as u32);
    }
    let candidates = Candidates::new(columns).expect("sound columns");
    let region = CandidateFile::decode(crate::candidates()).expect("the tests of this crate read it").region;
    CandidateFile { region, genres, candidates }
}

/// Questions for a list, with a name each.
fn lists() -> Vec<(String, RecommendRequest)> {
    let seen = |seed: u32, length: u32| -> Vec<TitleId> {
        // Every thirtieth is unknown to the release.
        let watched = |age: u32| if age % 30 == 29 { 1 + age } else { title(mixed(seed, age) % TITLES) };
        (0..length).map(watched).collect()
    };
    let mut lists = Vec::new();
    for (number, &length) in (0..).zip(&LENGTHS) {
        let list = RecommendRequest {
            history: Some(seen(number, length)),
            exclude: (0..number % 4).map(|place| title(mixed(number, place + 70) % TITLES)).collect(),
            k: [1, 20, 100][number as usize % 3],
            maturity_max: [18, 12][number as usize % 2],
            at_unix_ms: Some(1_760_000_000_000),
            seed: Some(number),
            ..RecommendRequest::default()
        };
        // One view more, as a session goes on.
        let mut longer = list.clone();
        longer.history.get_or_insert_default().push(title(mixed(number, 9) % TITLES));
        lists.push((format!("a history of {length}"), list));
        lists.push((format!("a history of {length} and one more"), longer));
    }
    for left in LEFT {
        let all = (0..TITLES).filter(|index| index % 40 != 39).map(title);
        let list = RecommendRequest {
            history: Some(all.skip(left as usize).collect()),
            k: 10,
            at_unix_ms: Some(1_760_000_000_000),
            seed: Some(left),
            ..RecommendRequest::default()
        };
        lists.push((format!("{left} titles left"), list));
    }
    lists
}

/// A page for the same viewer, who has begun two titles.
fn page(list: RecommendRequest) -> HomeRequest {
    let in_progress = [(31, 0.25), (62, 0.75)].map(|(index, share)| Progress { title: title(index), share });
    HomeRequest {
        history: list.history,
        in_progress: in_progress.to_vec(),
        exclude: list.exclude,
        k: list.k.min(20),
        maturity_max: list.maturity_max,
        at_unix_ms: list.at_unix_ms,
        seed: list.seed,
        ..HomeRequest::default()
    }
}
