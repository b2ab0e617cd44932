//! Towers as other exporters write them, beside onnxruntime's vectors; `crates/golden/scripts/make_exported_towers.py`
//! made them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use inference::{EncodeError, Tower};
use prost::Message;
use serde_json::Value;
use tract_onnx::pb::{ModelProto, NodeProto, StringStringEntryProto};

const NAMES: [&str; 8] = [
    "gru-script",
    "mean-dynamo",
    "mean-keras",
    "transformer-dynamic",
    "transformer-dynamo",
    "transformer-dynamo-20",
    "transformer-qdq",
    "transformer-script",
];

struct Cases {
    histories: Vec<Vec<u32>>,
    users: BTreeMap<String, Vec<Vec<f32>>>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/towers")
}

fn file(name: &str) -> Vec<u8> {
    fs::read(folder().join(name).with_extension("onnx")).unwrap()
}

fn tower(name: &str) -> Tower {
    Tower::read(&file(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn cases() -> Cases {
    let cases: Value = serde_json::from_slice(&fs::read(folder().join("users.json")).unwrap()).unwrap();
    let histories = serde_json::from_value(cases["histories"].clone()).unwrap();
    Cases { histories, users: serde_json::from_value(cases["users"].clone()).unwrap() }
}

/// The file with these metadata.
fn with(name: &str, key: &str, value: &str) -> Vec<u8> {
    let mut model = ModelProto::decode(file(name).as_slice()).unwrap();
    let (key, value) = (key.to_owned(), value.to_owned());
    model.metadata_props.push(StringStringEntryProto { key, value });
    model.encode_to_vec()
}

#[test]
fn vectors_are_those_of_onnxruntime() {
    let Cases { histories, users } = cases();
    for name in NAMES {
        let tower = tower(name);
        assert_eq!((tower.shape().items, tower.shape().width, tower.is_exact()), (41, 8, false), "{name}");
        for (history, expected) in histories.iter().zip(&users[name]) {
            let user = tower.encode(history).unwrap();
            let is_near = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-5 * b.abs().max(1.0);
            assert!(
                user.iter().zip(expected).all(is_near),
                "{name} {history:?}: {user:?} is not {expected:?}"
            );
        }
    }
}

#[test]
fn any_cut_of_a_history_goes_on_to_the_same_vector() {
    for name in NAMES {
        let (tower, history) = (tower(name), [5, 40, 0, 5, 17]);
        let whole = tower.encode_from(&[], &history).unwrap();
        for cut in 1..history.len() {
            let before = tower.encode_from(&[], &history[..cut]).unwrap();
            let after = tower.encode_from(&before.state, &history[cut..]).unwrap();
            assert_eq!(
                (after.user, [before.state, after.state].concat()),
                (whole.user.clone(), whole.state.clone())
            );
        }
    }
}

#[test]
fn the_vectors_of_items_are_those_that_the_file_looks_up() {
    for name in NAMES {
        let (tower, floats) = (tower(name), Tower::item_floats(&file(name)).unwrap());
        assert_eq!(floats.len(), 41 * 8, "{name}");
        let largest = floats.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        for (item, row) in floats.chunks_exact(8).enumerate() {
            let near = |(a, b): (f32, &f32)| (a - b).abs() <= largest / 64.0;
            assert!(tower.items().floats(item).zip(row).all(near), "{name} {item}");
        }
    }
}

#[test]
fn metadata_say_how_many_of_the_newest_items_count() {
    let tower = Tower::read(&with("gru-script", "frontrow.tower.window", "3")).unwrap();
    assert_eq!(tower.shape().window, 3);
    assert_eq!(tower.encode(&[9, 1, 2, 3]), tower.encode(&[1, 2, 3]));
    assert_ne!(tower.encode(&[2, 3]), tower.encode(&[1, 2, 3]));
    for wrong in ["0", "201", "-1", "many"] {
        let refused = Tower::read(&with("gru-script", "frontrow.tower.window", wrong)).map(drop);
        assert_eq!(refused.unwrap_err().code(), "tower-size", "{wrong}");
    }
}

#[test]
fn more_items_than_there_are_positions_for_is_an_error() {
    for name in ["transformer-dynamo", "transformer-script"] {
        let error = tower(name).encode(&[1; 21]).unwrap_err();
        assert_eq!(error.code(), "encode-failed", "{name}");
    }
}

#[test]
fn a_state_that_is_no_history_is_refused() {
    let tower = tower("mean-dynamo");
    for wrong in [-1.0, 0.5, 41.0, f32::NAN, f32::INFINITY] {
        assert_eq!(tower.encode_from(&[wrong], &[1]), Err(EncodeError::State), "{wrong}");
    }
    assert_eq!(tower.encode_from(&[1.0], &[41]), Err(EncodeError::UnknownItem { place: 0 }));
    assert_eq!(tower.encode_from(&[1.0; 200], &[1]), Err(EncodeError::State));
    assert_eq!(tower.encode_from(&[1.0], &[]), Err(EncodeError::Empty));
}

#[test]
fn what_is_no_tower_is_refused_with_what_it_is() {
    let ranker = fs::read(folder().join("../exported/torch-script.onnx")).unwrap();
    let other = with("mean-dynamo", "frontrow.tower", "causal-v9");
    let mut fixed = ModelProto::decode(file("gru-script").as_slice()).unwrap();
    let declared = fixed.graph.as_mut().unwrap().input[0].r#type.as_mut().unwrap();
    let tract_onnx::pb::type_proto::Value::TensorType(tensor) = declared.value.as_mut().unwrap();
    tensor.shape.as_mut().unwrap().dim[1].value =
        Some(tract_onnx::pb::tensor_shape_proto::dimension::Value::DimValue(50));
    for (file, code) in [
        (ranker, "tower-initialiser"),
        (other, "tower-unknown"),
        (fixed.encode_to_vec(), "tower-signature"),
        (b"no model".to_vec(), "tower-malformed"),
    ] {
        assert_eq!(Tower::read(&file).map(drop).unwrap_err().code(), code);
    }
}

/// A graph in which something made of the items, by `operator` if it is named, is looked up in another table.
fn with_second_table(name: &str, operator: Option<&str>) -> Vec<u8> {
    let mut model = ModelProto::decode(file("mean-dynamo").as_slice()).unwrap();
    let graph = model.graph.as_mut().unwrap();
    let mut table = graph.initializer.iter().find(|tensor| tensor.dims.len() == 2).unwrap().clone();
    table.name = name.to_owned();
    graph.initializer.push(table);
    let node = |op_type: &str, input: [&str; 2], output: &str| NodeProto {
        op_type: op_type.to_owned(),
        input: input.map(str::to_owned).into(),
        output: vec![output.to_owned()],
        ..NodeProto::default()
    };
    let mut from = graph.input[0].name.clone();
    if let Some(operator) = operator {
        graph.node.push(node(operator, [&from, &from], "made"));
        from = "made".to_owned();
    }
    graph.node.push(node("Gather", [name, &from], "second_looked_up"));
    model.encode_to_vec()
}

#[test]
fn of_several_tables_the_one_with_the_promised_name_is_that_of_the_items() {
    let ambiguous = Tower::read(&with_second_table("second", None)).map(drop).unwrap_err();
    assert_eq!(ambiguous.code(), "tower-tables", "{ambiguous}");
    for still_items in ["Add", "Cast", "Clip", "Concat", "Slice", "Transpose"] {
        let error = Tower::read(&with_second_table("second", Some(still_items))).map(drop).unwrap_err();
        assert_eq!(error.code(), "tower-tables", "{still_items}: {error}");
    }
    assert_eq!(
        Tower::read(&with_second_table("item_vectors", None)).unwrap().shape(),
        tower("mean-dynamo").shape()
    );
    // The greater one of items is no item.
    assert_eq!(
        Tower::read(&with_second_table("second", Some("Max"))).unwrap().shape(),
        tower("mean-dynamo").shape()
    );
}

#[test]
fn the_trainers_tower_says_nearly_the_same_in_tract() {
    let file = include_bytes!("data/tower.onnx");
    let own = Tower::read(file).unwrap();
    let mut model = ModelProto::decode(file.as_slice()).unwrap();
    model.metadata_props.clear();
    let tract = Tower::read(&model.encode_to_vec()).unwrap();
    assert!(own.is_exact() && !tract.is_exact());
    for history in [vec![3], vec![1, 2, 3], (0..12).collect()] {
        let [own, tract] = [&own, &tract].map(|tower| tower.encode(&history).unwrap());
        let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let sizes = product(&own, &own).sqrt() * product(&tract, &tract).sqrt();
        assert!(product(&own, &tract) / sizes > 0.9999, "{history:?}: {own:?} {tract:?}");
    }
}

#[test]
fn a_graph_that_is_not_what_its_metadata_promise_is_found_out() {
    let file = include_bytes!("data/tower.onnx");
    Tower::read(file).unwrap().check_graph(file).unwrap();
    tower("gru-script").check_graph(b"its graph is what runs").unwrap();
    let mut model = ModelProto::decode(file.as_slice()).unwrap();
    let graph = model.graph.as_mut().unwrap();
    let last = graph.node.len() - 1;
    let output = std::mem::replace(&mut graph.node[last].output[0], "before".to_owned());
    // The weights, which are all that our kernels read, stay as they are.
    graph.node.push(NodeProto {
        op_type: "Neg".to_owned(),
        input: vec!["before".to_owned()],
        output: vec![output],
        ..NodeProto::default()
    });
    let other = model.encode_to_vec();
    let error = Tower::read(&other).unwrap().check_graph(&other).unwrap_err();
    assert_eq!(error.code(), "tower-unlike", "{error}");
}

#[test]
fn no_file_is_forgotten() {
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let models = files.filter(|path| path.extension().is_some_and(|kind| kind == "onnx"));
    let names: BTreeSet<String> =
        models.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(names, NAMES.map(str::to_owned).into());
}
