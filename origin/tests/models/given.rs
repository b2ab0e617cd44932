//! A tower that somebody else has trained: taken as it is, blended, and shipped where it helps.

use frontrow_origin::assemble::{Catalogue, assemble};
use frontrow_origin::gate::{GateConfig, judge, measure};
use frontrow_origin::models::{Models, TowerFrom};
use frontrow_origin::train::Options;
use frontrow_origin::train::given::Given;
use inference::Tower;
use prost::Message;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::Dimension;
use tract_onnx::pb::tensor_shape_proto::dimension::Value;
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto,
    TypeProto, ValueInfoProto, type_proto,
};

use crate::catalogue;

/// A causal transformer with twenty positions, of PyTorch; item 0 is one that pads.
const TRANSFORMER: &[u8] =
    include_bytes!("../../../crates/inference/tests/data/towers/transformer-script.onnx");

/// A graph without a word about us, and its titles: it looks at the newest item alone, and knows the habit of the
/// catalogue's viewers, who go on by one and jump by four at times.
fn knowing(catalogue: &Catalogue) -> (Vec<u8>, String) {
    let titles: Vec<u32> = catalogue.titles.iter().map(|title| title.id).collect();
    let count = titles.len();
    let (mut next, mut items) = (vec![0.0; count * count], vec![0.0; count * count]);
    for item in 0..count {
        items[item * count + item] = 1.0_f32;
        next[item * count + (item + 1) % count] = 8.0_f32;
        next[item * count + (item + 4) % count] = 6.0;
    }
    let tensor = |name: &str, dims: &[usize], data_type: DataType, raw_data: Vec<u8>| TensorProto {
        name: name.to_owned(),
        dims: dims.iter().map(|&side| i64::try_from(side).unwrap()).collect(),
        data_type: data_type.into(),
        raw_data,
        ..TensorProto::default()
    };
    let table = |name: &str, values: &[f32]| {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        tensor(name, &[count, count], DataType::Float, bytes)
    };
    let gather = |from: &str, places: &str, output: &str, axis: i64| NodeProto {
        op_type: "Gather".to_owned(),
        input: vec![from.to_owned(), places.to_owned()],
        output: vec![output.to_owned()],
        attribute: vec![AttributeProto {
            name: "axis".to_owned(),
            r#type: AttributeType::Int.into(),
            i: axis,
            ..AttributeProto::default()
        }],
        ..NodeProto::default()
    };
    let graph = GraphProto {
        node: vec![gather("history", "last", "newest", 1), gather("next", "newest", "user", 0)],
        initializer: vec![
            tensor("last", &[], DataType::Int64, (-1_i64).to_le_bytes().to_vec()),
            table("next", &next),
            table("item_vectors", &items),
        ],
        input: vec![value(
            "history",
            DataType::Int64,
            &[Value::DimValue(1), Value::DimParam("n".to_owned())],
        )],
        output: vec![value("user", DataType::Float, &[Value::DimValue(1), Value::DimValue(count as i64)])],
        ..GraphProto::default()
    };
    let model = ModelProto {
        ir_version: 8,
        opset_import: vec![OperatorSetIdProto { version: 17, ..OperatorSetIdProto::default() }],
        graph: Some(graph),
        ..ModelProto::default()
    };
    let titles: Vec<String> = titles.iter().map(u32::to_string).collect();
    (model.encode_to_vec(), titles.join("\n"))
}

fn value(name: &str, kind: DataType, dims: &[Value]) -> ValueInfoProto {
    let dim = |value: &Value| Dimension { value: Some(value.clone()), ..Dimension::default() };
    let shape = TensorShapeProto { dim: dims.iter().map(dim).collect() };
    let tensor = type_proto::Tensor { elem_type: kind.into(), shape: Some(shape) };
    let kind = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..TypeProto::default() };
    ValueInfoProto { name: name.to_owned(), r#type: Some(kind), ..ValueInfoProto::default() }
}

#[test]
fn a_tower_that_helps_is_blended_measured_and_shipped_with_the_titles_of_its_items() {
    let catalogue = catalogue::catalogue();
    let (onnx, titles) = knowing(&catalogue);
    let given = Given::new(onnx, Some(&titles)).unwrap();
    let models = Models::fit(&catalogue, &[], &Options::default(), Some(TowerFrom::Given(&given))).unwrap();
    let shipped = Tower::read(models.tower.as_ref().expect("it helps")).unwrap();
    assert!(!shipped.is_exact(), "it is a graph like any other");
    let vectors = models.everywhere.columns().vectors.as_ref().unwrap();
    assert_eq!(vectors.known(), catalogue::TITLES as usize);
    assert!(models.training.rules.blend.is_some());
    let assembled = assemble(&catalogue, &models, &catalogue::components(), catalogue::identity(1)).unwrap();
    let tower = assembled.manifest.tower.as_ref().unwrap();
    assert_eq!(tower.inputs[0].shape, [Some(1), None]);
    let figures = measure(&assembled, &catalogue, models.training.holdout, &models.reference).unwrap();
    assert!(figures["overlap_at_10"] > 0.95, "{figures:?}");
    assert_eq!(judge(&figures, None, &GateConfig::default()), []);
}

#[test]
fn a_tower_that_knows_nothing_is_left_out() {
    let catalogue = catalogue::catalogue();
    // A blank line for the item that pads, then forty of the sixty titles.
    let titles: String = (0..41)
        .map(|item| if item == 0 { "\n".to_owned() } else { format!("{}\n", catalogue::title(item)) })
        .collect();
    let given = Given::new(TRANSFORMER.to_vec(), Some(&titles)).unwrap();
    let models = Models::fit(&catalogue, &[], &Options::default(), Some(TowerFrom::Given(&given))).unwrap();
    assert_eq!((models.tower, models.everywhere.columns().vectors.as_ref()), (None, None));
    let rows = Models::fit(&catalogue, &[], &Options::default(), None).unwrap();
    assert_eq!(models.training.rules, rows.training.rules);
}

#[test]
fn a_tower_of_other_titles_is_silent_and_left_out_and_refused_where_it_knows_none() {
    let catalogue = catalogue::catalogue();
    let (onnx, titles) = knowing(&catalogue);
    let fit = |known: usize| {
        let other = |(place, title): (usize, &str)| match place {
            _ if place < known => title.to_owned(),
            _ => (1_000_000 + place).to_string(),
        };
        let titles: Vec<String> = titles.lines().enumerate().map(other).collect();
        let given = Given::new(onnx.clone(), Some(&titles.join("\n"))).unwrap();
        Models::fit(&catalogue, &[], &Options::default(), Some(TowerFrom::Given(&given)))
    };
    assert_eq!(fit(1).unwrap().tower, None);
    assert_eq!(fit(0).unwrap_err().code(), "tower-titles-unknown");
}

#[test]
fn how_many_items_a_graph_takes_is_found_out_and_noted() {
    let given = Given::new(TRANSFORMER.to_vec(), None).unwrap();
    let shipped = Tower::read(given.onnx()).unwrap();
    assert_eq!((shipped.shape().items, shipped.shape().window), (41, 20));
    // What takes them all stays as it is.
    let recurrent = include_bytes!("../../../crates/inference/tests/data/towers/gru-script.onnx");
    assert_eq!(Given::new(recurrent.to_vec(), None).unwrap().onnx(), recurrent);
}

#[test]
fn a_tower_of_our_own_trainer_is_taken_unless_its_graph_is_another() {
    let own = include_bytes!("../../../crates/inference/tests/data/tower.onnx");
    assert!(Given::new(own.to_vec(), None).is_ok());
    let mut model = ModelProto::decode(own.as_slice()).unwrap();
    let graph = model.graph.as_mut().unwrap();
    let last = graph.node.len() - 1;
    let output = std::mem::replace(&mut graph.node[last].output[0], "before".to_owned());
    let negative = NodeProto {
        op_type: "Neg".to_owned(),
        input: vec!["before".to_owned()],
        output: vec![output],
        ..NodeProto::default()
    };
    graph.node.push(negative);
    let refused = Given::new(model.encode_to_vec(), None).unwrap_err();
    assert_eq!(refused.code(), "tower-unlike", "{refused}");
}

#[test]
fn titles_that_are_not_those_of_the_items_are_refused() {
    let code = |titles: &str| Given::new(TRANSFORMER.to_vec(), Some(titles)).unwrap_err().code();
    let lines = |first: &str, second: &str| format!("{first}\n{second}\n{}", "\n".repeat(39));
    assert_eq!(code("1\n2\n"), "tower-titles-count");
    assert_eq!(code(&lines("1", "one")), "tower-titles-line");
    assert_eq!(code(&lines("1", "-1")), "tower-titles-line");
    assert_eq!(code(&lines("7", "7")), "tower-titles-twice");
    assert_eq!(code(&" ".repeat(16 << 20 | 1)), "tower-titles-too-large");
    assert!(Given::new(TRANSFORMER.to_vec(), Some(&lines(" 7 ", "8"))).is_ok());
    let ranker = include_bytes!("../../../crates/inference/tests/data/ranker-mlp.onnx");
    assert_eq!(Given::new(ranker.to_vec(), None).unwrap_err().code(), "tower-initialiser");
}
