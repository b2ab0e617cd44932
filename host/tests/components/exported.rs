//! Rankers and towers as other exporters write them, in the inference component, beside what onnxruntime says.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use inference::{Shortlist, Tower, WINDOW_KEY};
use prost::Message;
use tract_onnx::pb::{ModelProto, StringStringEntryProto};

use crate::shipped::{native_runtime, prepare, region, runtime, try_prepare, try_prepare_models};
use crate::tower::{candidates, request};

pub(crate) fn file(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/inference/tests/data/exported");
    fs::read(folder.join(name)).unwrap()
}

#[test]
fn logits_are_those_of_onnxruntime_within_1e_5() {
    let features = include_str!("../../../crates/inference/tests/data/features.json");
    let features: Vec<Vec<f32>> = serde_json::from_str(features).unwrap();
    let expected: BTreeMap<String, Vec<f32>> = serde_json::from_slice(&file("logits.json")).unwrap();
    for (name, expected) in expected.iter().filter(|(name, _)| *name != "qoperator") {
        let logits = prepare(Some(&file(&format!("{name}.onnx"))), 100)
            .infer(&Shortlist::of_features(&features.concat()))
            .unwrap();
        assert_eq!(logits.len(), expected.len());
        for (logit, expected) in logits.iter().zip(expected) {
            let is_near = (logit - expected).abs() <= 1e-5 * expected.abs().max(1.0);
            assert!(is_near, "{name}: {logit} is not {expected}");
        }
    }
}

#[test]
fn operators_of_other_sets_are_refused() {
    let onnx = file("qoperator.onnx");
    let refused = try_prepare(golden::candidates(), golden::factors(), Some(&onnx), 5).unwrap_err();
    assert_eq!(refused.code(), "ranker-malformed");
}

fn tower_file(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/inference/tests/data/towers");
    fs::read(folder.join(name)).unwrap()
}

/// A tower that says how many items it takes, as the origin notes where a graph takes fewer than 200.
fn tower(name: &str) -> Vec<u8> {
    let mut model = ModelProto::decode(tower_file(&format!("{name}.onnx")).as_slice()).unwrap();
    let (key, value) = (WINDOW_KEY.to_owned(), "20".to_owned());
    model.metadata_props.push(StringStringEntryProto { key, value });
    model.encode_to_vec()
}

/// The golden set with the tower's items 1 to 40 as its titles; item 0 is one that pads.
fn with_items_of(tower: &[u8]) -> Vec<u8> {
    let own = Tower::read(tower).unwrap();
    let (values, scales) = (1..=40).map(|item| (own.items().row(item), own.items().scales()[item])).unzip();
    let values: Vec<&[i8]> = values;
    candidates(|vectors| {
        vectors.matrix = kernels::ByteMatrix::new(8, &values.concat(), scales).unwrap();
        vectors.items = (1..=40).collect();
    })
}

fn is_near(a: f32, b: f32) -> bool {
    (a - b).abs() <= 1e-5 * b.abs().max(1.0)
}

#[test]
fn vectors_of_viewers_are_those_of_onnxruntime_within_1e_5() {
    let cases: serde_json::Value = serde_json::from_slice(&tower_file("users.json")).unwrap();
    let histories: Vec<Vec<u32>> = serde_json::from_value(cases["histories"].clone()).unwrap();
    let users: BTreeMap<String, Vec<Vec<f32>>> = serde_json::from_value(cases["users"].clone()).unwrap();
    for (name, users) in users {
        let file = tower(&name);
        let generation =
            try_prepare_models(runtime(), &with_items_of(&file), [None, Some(&file)], 0).unwrap();
        for (history, expected) in histories.iter().zip(&users) {
            let user = generation.encode(history).unwrap();
            assert!(user.iter().zip(expected).all(|(a, b)| is_near(*a, *b)), "{name} {history:?}: {user:?}");
        }
    }
}

#[test]
fn towers_in_tract_decide_alike_in_wasm_and_natively_also_for_viewers_who_go_on() {
    for name in [
        "gru-script",
        "mean-dynamo",
        "mean-keras",
        "transformer-dynamic",
        "transformer-dynamo",
        "transformer-dynamo-20",
        "transformer-qdq",
        "transformer-script",
    ] {
        let file = tower(name);
        let set = with_items_of(&file);
        let forms = [runtime(), native_runtime()]
            .map(|runtime| try_prepare_models(runtime, &set, [None, Some(&file)], 0).unwrap());
        for start in 0..4_u32 {
            // Past the window of twenty, where a state cannot go on.
            let history: Vec<u32> = (0..24).map(|step| (start * 5 + step * 7) % 40).collect();
            for watched in [1, 2, 3, 19, 20, 21, 22, 24] {
                let asked = request(&history[..watched], 12);
                let [here, there] = forms.each_ref().map(|form| form.recommend(&region(), &asked).unwrap());
                let pairs = || here.picks.iter().zip(&there.picks);
                assert_eq!(here.picks.len(), there.picks.len());
                assert!(pairs().all(|(a, b)| a.title == b.title), "{name} {watched}: {here:?} {there:?}");
                assert!(
                    pairs().all(|(a, b)| is_near(a.score, b.score)),
                    "{name} {watched}: {here:?} {there:?}"
                );
            }
        }
    }
}

#[test]
fn a_tower_that_cannot_take_the_longest_history_is_refused() {
    let file = tower_file("transformer-script.onnx");
    let set = with_items_of(&file);
    // A panic of tract ends the component, and is caught in this process.
    for (runtime, code) in [(runtime(), "trap"), (native_runtime(), "tower-malformed")] {
        let refused = try_prepare_models(runtime, &set, [None, Some(&file)], 0).unwrap_err();
        assert_eq!(refused.code(), code);
    }
}
