//! Rankers as other exporters write them, beside onnxruntime's logits; `crates/golden/scripts/make_exported.py`
//! made them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use inference::Ranker;
use prost::Message;
use tract_onnx::pb::{ModelProto, NodeProto};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/exported")
}

fn ranker(name: &str) -> Ranker {
    Ranker::load(&fs::read(folder().join(name).with_extension("onnx")).unwrap()).unwrap()
}

fn rows() -> Vec<Vec<f32>> {
    serde_json::from_str(include_str!("data/features.json")).unwrap()
}

fn is_near(a: f32, b: f32) -> bool {
    (a - b).abs() <= 1e-5 * b.abs().max(1.0)
}

/// Its logits are onnxruntime's within 1e-5.
fn check(name: &str, is_exact: bool) {
    let text = fs::read(folder().join("logits.json")).unwrap();
    let expected: BTreeMap<String, Vec<f32>> = serde_json::from_slice(&text).unwrap();
    let (ranker, rows) = (ranker(name), rows());
    assert_eq!((ranker.columns(), ranker.is_exact()), (8, is_exact), "{name}");
    let logits = ranker.score(&rows.concat()).unwrap();
    assert_eq!(logits.len(), expected[name].len());
    for (logit, expected) in logits.iter().zip(&expected[name]) {
        assert!(is_near(*logit, *expected), "{name}: {logit} is not {expected}");
    }
    // The number of rows is open: one, and as many as a pool has.
    for count in [1, 7] {
        assert_eq!(ranker.score(&rows[..count].concat()).unwrap().len(), count, "{name}");
    }
}

#[test]
fn what_pytorch_exports_runs() {
    // Symbolic rows, Gemm with transB, shape arithmetic, LayerNormalization, GELU by Erf of constant nodes.
    check("torch-script", false);
    check("torch-dynamo-18", false);
    // No shape arithmetic; GELU by Tanh.
    check("torch-script-tanh", true);
    // Opset 20: GELU as one operator, both of its forms.
    check("torch-dynamo", true);
    check("torch-dynamo-tanh", true);
}

#[test]
fn what_tensorflow_and_scikit_learn_export_runs() {
    // LayerNormalization in parts; the axes of ReduceMean became an input with opset 18.
    check("keras-15", false);
    check("keras-18", false);
    check("sklearn", false);
}

#[test]
fn what_onnxruntime_quantises_dynamically_or_as_qdq_runs() {
    check("dynamic", false);
    check("qdq", false);
    check("qdq-per-channel", false);
}

#[test]
fn a_row_has_the_same_logit_alone_but_for_dynamic_quantisation() {
    let alone = |name: &str| {
        let (ranker, rows) = (ranker(name), rows());
        let together = ranker.score(&rows.concat()).unwrap();
        rows.iter().zip(together).all(|(row, logit)| is_near(ranker.score(row).unwrap()[0], logit))
    };
    assert!(alone("torch-script") && alone("keras-18") && alone("qdq"));
    // Its scale is that of all rows together: the operator's own definition.
    assert!(!alone("dynamic"));
}

#[test]
fn of_chances_the_logits_are_told_which_are_never_rounded_to_1() {
    for name in ["torch-script", "torch-dynamo", "keras-18", "sklearn", "dynamic", "qdq"] {
        let mut model =
            ModelProto::decode(&*fs::read(folder().join(name).with_extension("onnx")).unwrap()).unwrap();
        let graph = model.graph.as_mut().unwrap();
        let logit = graph.output[0].name.clone();
        for (operator, from, to) in [("Sigmoid", logit.as_str(), "chance"), ("Identity", "chance", "output")]
        {
            graph.node.push(NodeProto {
                op_type: operator.to_owned(),
                input: vec![from.to_owned()],
                output: vec![to.to_owned()],
                ..NodeProto::default()
            });
        }
        graph.output[0].name = "output".to_owned();
        let ranker_of_chances = Ranker::load(&model.encode_to_vec()).unwrap();
        let rows = rows().concat();
        let logits = ranker(name).score(&rows).unwrap();
        assert_eq!(ranker_of_chances.score(&rows).unwrap(), logits, "{name}");
    }
}

#[test]
fn operators_of_other_sets_are_refused_by_name() {
    let error = Ranker::load(&fs::read(folder().join("qoperator.onnx")).unwrap()).unwrap_err();
    assert_eq!(error.code(), "model-malformed");
    let said = error.to_string();
    assert!(said.contains("QGemm of com.microsoft") && said.contains("QDQ"), "{said}");
}

#[test]
fn no_file_is_forgotten() {
    let tested = [
        "dynamic",
        "keras-15",
        "keras-18",
        "qdq",
        "qdq-per-channel",
        "qoperator",
        "sklearn",
        "torch-dynamo",
        "torch-dynamo-18",
        "torch-dynamo-tanh",
        "torch-script",
        "torch-script-tanh",
    ];
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let models = files.filter(|path| path.extension().is_some_and(|kind| kind == "onnx"));
    let names: BTreeSet<String> =
        models.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(names, tested.map(str::to_owned).into());
}
