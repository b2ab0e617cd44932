//! A manifest names all it needs, and nothing that could lead out of a folder.

use std::collections::BTreeMap;

use release::limits::{FILES_MAX, GOLDEN_CASES_MAX, MANIFEST_BYTES_MAX};
use release::{
    Components, DeltaEntry, FileEntry, FileError, GoldenCase, Manifest, Model, ModelValue, PinEntry,
    RegionEntry, RulesEntry, SlateEntry,
};

fn entry(name: &str) -> FileEntry {
    FileEntry { name: name.to_owned(), bytes: 3, sha256: release::sha256_hex(name.as_bytes()) }
}

/// A manifest with all its parts.
pub(crate) fn sound() -> Manifest {
    let names = [
        "bitrate.wasm",
        "candidates-eu.safetensors",
        "factors.safetensors",
        "histories.safetensors",
        "inference.wasm",
        "qoe.wasm",
        "ranker.onnx",
        "ranking.wasm",
        "titles.json",
    ];
    let value = |name: &str, width: u32| ModelValue { name: name.to_owned(), shape: vec![None, Some(width)] };
    Manifest {
        schema: Manifest::SCHEMA.to_owned(),
        generation: 7,
        parent: Some(6),
        created_unix_s: 1_750_000_000,
        host_min: "0.1.0".to_owned(),
        regions: vec![RegionEntry { name: "eu".to_owned(), candidates: names[1].to_owned(), slate: None }],
        rules: RulesEntry {
            recency_tau: 0.1,
            history_window: 30,
            ranker_pool: 50,
            blend: None,
            slate: SlateEntry::default(),
        },
        files: names.map(entry).to_vec(),
        components: Components {
            ranking: "ranking.wasm".to_owned(),
            inference: "inference.wasm".to_owned(),
            bitrate: "bitrate.wasm".to_owned(),
            qoe: "qoe.wasm".to_owned(),
        },
        factors: Some("factors.safetensors".to_owned()),
        histories: Some("histories.safetensors".to_owned()),
        titles: "titles.json".to_owned(),
        ranker: Some(Model {
            file: "ranker.onnx".to_owned(),
            inputs: vec![value("features", 8)],
            outputs: vec![value("logit", 1)],
        }),
        tower: None,
        golden: vec![case()],
        quality: BTreeMap::from([("ndcg_at_10".to_owned(), 0.136), ("hr_at_10".to_owned(), 0.245)]),
        accepted_worse: None,
        deltas: Vec::new(),
    }
}

fn case() -> GoldenCase {
    GoldenCase { region: "eu".to_owned(), history: vec![3], at_unix_ms: 9, k: 2, titles: vec![5, 4] }
}

fn check(break_it: impl FnOnce(&mut Manifest), field: &'static str) {
    let mut manifest = sound();
    break_it(&mut manifest);
    let refused = FileError::Value { field };
    assert_eq!(manifest.check(), Err(refused.clone()));
    assert_eq!(Manifest::decode(&manifest.encode()), Err(refused));
}

#[test]
fn a_manifest_comes_back_as_it_was() {
    let bytes = sound().encode();
    let again = Manifest::decode(&bytes).unwrap();
    assert_eq!(again, sound());
    assert_eq!(again.encode(), bytes);
    assert_eq!(again.candidates("eu"), Some(&entry("candidates-eu.safetensors")));
    assert_eq!((again.candidates("us"), again.file("none")), (None, None));
}

#[test]
fn a_manifest_is_canonical_json() {
    let text = String::from_utf8(sound().encode()).unwrap();
    assert!(text.starts_with(r#"{"components":{"bitrate":"bitrate.wasm","inference":"#), "{text}");
    assert!(text.contains(r#""quality":{"hr_at_10":0.245,"ndcg_at_10":0.136}"#), "{text}");
    assert!(text.contains(r#"{"name":"features","shape":[null,8]}"#), "{text}");
    assert!(!text.contains([' ', '\n']));
}

#[test]
fn a_region_lays_lists_out_as_the_release_does_unless_it_says_otherwise() {
    let mut manifest = sound();
    assert!(!String::from_utf8(manifest.encode()).unwrap().contains("slate"), "older nodes read it");
    manifest.rules.slate = SlateEntry { lambda: 0.5, genre_picks_max: 3, ..SlateEntry::default() };
    let own = SlateEntry {
        promoted: vec![4],
        promoted_max: 1,
        pinned: vec![PinEntry { place: 2, title: 9 }],
        ..SlateEntry::default()
    };
    let us = RegionEntry { name: "us".to_owned(), slate: Some(own.clone()), ..manifest.regions[0].clone() };
    manifest.regions.push(us);
    let again = Manifest::decode(&manifest.encode()).unwrap();
    assert_eq!(again, manifest);
    let [eu, us] = [0, 1].map(|region| again.rules_of(&again.regions[region]));
    assert_eq!((&eu, &us.slate), (&again.rules, &own));
    assert_eq!(us.rules().unwrap().slate().settings().pinned[0].title, 9);
}

#[test]
fn a_layout_out_of_range_is_refused_wherever_it_stands() {
    let wrong = || SlateEntry { lambda: 1.5, ..SlateEntry::default() };
    check(|manifest| manifest.rules.slate = wrong(), "rules");
    check(|manifest| manifest.regions[0].slate = Some(wrong()), "rules");
}

#[test]
fn what_is_optional_may_be_absent() {
    let mut manifest = sound();
    manifest.parent = None;
    manifest.factors = None;
    manifest.histories = None;
    manifest.ranker = None;
    manifest.rules.ranker_pool = 0;
    manifest.golden.clear();
    manifest.quality.clear();
    assert_eq!(Manifest::decode(&manifest.encode()), Ok(manifest));
}

#[test]
fn another_schema_and_unknown_fields_are_refused() {
    let mut manifest = sound();
    manifest.schema = "frontrow-manifest-2".to_owned();
    let refused = FileError::Schema { expected: "frontrow-manifest-1" };
    assert_eq!(Manifest::decode(&manifest.encode()), Err(refused));
    for place in ["{\"components\":{", "{"] {
        let text = String::from_utf8(sound().encode()).unwrap();
        let extra = text.replacen(place, &format!("{place}\"surprise\":1,"), 1);
        assert!(matches!(Manifest::decode(extra.as_bytes()), Err(FileError::Json { .. })), "{extra}");
    }
}

#[test]
fn every_file_that_is_named_is_listed() {
    for index in 0..sound().files.len() {
        check(|manifest| drop(manifest.files.remove(index)), "files");
    }
}

#[test]
fn a_delta_makes_a_listed_file_from_fewer_bytes() {
    let delta = |manifest: &Manifest| DeltaEntry {
        file: manifest.files[0].name.clone(),
        from: "0".repeat(64),
        bytes: manifest.files[0].bytes - 1,
        sha256: "f".repeat(64),
    };
    let mut manifest = sound();
    manifest.deltas = vec![delta(&manifest)];
    assert_eq!(Manifest::decode(&manifest.encode()), Ok(manifest));
    let broken = |break_it: fn(&mut DeltaEntry)| {
        let spoil = |manifest: &mut Manifest| {
            let mut delta = delta(manifest);
            break_it(&mut delta);
            manifest.deltas = vec![delta];
        };
        check(spoil, "deltas");
    };
    broken(|delta| delta.file = "unlisted".to_owned());
    broken(|delta| delta.bytes += 1);
    broken(|delta| delta.from = "../".to_owned());
    broken(|delta| delta.sha256 = "F".repeat(64));
}

#[test]
fn files_are_by_rising_name_and_not_too_many() {
    check(|manifest| manifest.files.swap(0, 1), "files");
    check(|manifest| manifest.files.insert(1, entry("bitrate.wasm")), "files");
    let more = |count: usize| (0..count).map(|index| entry(&format!("z{index:04}")));
    let mut most = sound();
    most.files.extend(more(FILES_MAX - most.files.len()));
    assert_eq!(most.check(), Ok(()));
    check(|manifest| manifest.files.extend(more(FILES_MAX - 8)), "files");
}

#[test]
fn names_cannot_lead_out_of_a_folder() {
    let names = [
        "",
        ".",
        "..",
        "../titles.json",
        "a/../b",
        "a..b",
        "/etc/passwd",
        "a/b",
        "a\\b",
        ".hidden",
        "-flag",
        "_a",
        "Titles.json",
        "tïtles",
        "a b",
        "a\0",
        "a\n",
        "c:a",
        "a%2e%2e",
    ];
    let long = "x".repeat(65);
    for name in names.into_iter().chain([long.as_str()]) {
        let mut manifest = sound();
        manifest.files.push(entry(name));
        manifest.files.sort_by(|a, b| a.name.cmp(&b.name));
        assert_eq!(manifest.check(), Err(FileError::Value { field: "files" }), "{name:?}");
        check(|manifest| manifest.regions[0].name = name.to_owned(), "regions");
    }
    let mut manifest = sound();
    manifest.files.push(entry(&"x".repeat(64)));
    assert_eq!(manifest.check(), Ok(()));
}

#[test]
fn digests_are_64_lower_case_hexadecimal_digits() {
    let sound = entry("a").sha256;
    for digest in ["", &sound[1..], &format!("{sound}0"), &sound.to_uppercase(), &format!("{}g", &sound[1..])]
    {
        check(|manifest| manifest.files[0].sha256 = digest.to_owned(), "files");
    }
}

#[test]
fn a_release_has_a_number_and_regions_each_once() {
    check(|manifest| manifest.generation = 0, "generation");
    check(|manifest| manifest.regions.clear(), "regions");
    check(|manifest| manifest.regions.push(manifest.regions[0].clone()), "regions");
}

#[test]
fn rules_are_those_of_the_domain_and_a_pool_needs_a_ranker() {
    check(|manifest| manifest.rules.recency_tau = 0.0, "rules");
    check(|manifest| manifest.rules.history_window = 201, "rules");
    check(|manifest| manifest.rules.ranker_pool = 201, "rules");
    check(|manifest| manifest.ranker = None, "ranker_pool");
}

#[test]
fn golden_cases_and_figures_are_bounded() {
    check(|manifest| manifest.golden = vec![case(); GOLDEN_CASES_MAX + 1], "golden");
    let mut manifest = sound();
    manifest.quality.insert("hr_at_10".to_owned(), f64::NAN);
    assert_eq!(manifest.check(), Err(FileError::Value { field: "quality" }));
}

#[test]
fn a_manifest_above_its_limit_is_not_parsed() {
    let mut bytes = sound().encode();
    bytes.resize(MANIFEST_BYTES_MAX, b' ');
    assert!(Manifest::decode(&bytes).is_ok());
    bytes.push(b' ');
    let refused = FileError::TooLarge { bytes: MANIFEST_BYTES_MAX + 1, max: MANIFEST_BYTES_MAX };
    assert_eq!(Manifest::decode(&bytes), Err(refused));
}
