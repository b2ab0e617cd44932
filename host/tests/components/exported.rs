//! Rankers as other exporters write them, in the inference component, beside onnxruntime's logits.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use inference::Shortlist;

use crate::shipped::{prepare, try_prepare};

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
