//! Writes the ranker as ONNX, opset 17: features → MatMul → Add → Relu → MatMul → logit, for any number of rows.

pub mod graph;

use graph::{Dimension, IR_VERSION, OPSET, node, numbers};
use prost::Message;
use ranking::features::COLUMNS;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, ModelProto, OperatorSetIdProto};

use super::mlp::{HIDDEN, Mlp};

/// The one input: `f32[N, COLUMNS]`, see [`ranking::features`].
pub const INPUT: &str = "features";

/// The one output: `f32[N, 1]`.
pub const OUTPUT: &str = "logit";

/// The bytes of an ONNX file; equal networks give equal bytes.
pub fn encode(mlp: &Mlp) -> Vec<u8> {
    let graph = GraphProto {
        name: "frontrow-ranker".to_owned(),
        node: vec![
            node("MatMul", &[INPUT, "hidden_weights"], "weighted"),
            node("Add", &["weighted", "hidden_biases"], "shifted"),
            node("Relu", &["shifted"], "hidden"),
            node("MatMul", &["hidden", "output_weights"], OUTPUT),
        ],
        initializer: vec![
            numbers("hidden_weights", &[COLUMNS, HIDDEN], mlp.hidden_weights.as_flattened()),
            numbers("hidden_biases", &[HIDDEN], &mlp.hidden_biases),
            numbers("output_weights", &[HIDDEN, 1], &mlp.output_weights),
        ],
        input: vec![graph::value(INPUT, DataType::Float, &rows_of(COLUMNS))],
        output: vec![graph::value(OUTPUT, DataType::Float, &rows_of(1))],
        ..GraphProto::default()
    };
    let model = ModelProto {
        ir_version: IR_VERSION,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
        producer_name: "frontrow-origin".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        graph: Some(graph),
        ..ModelProto::default()
    };
    model.encode_to_vec()
}

/// `[N, columns]`, N open.
fn rows_of(columns: usize) -> [Dimension; 2] {
    [Dimension::Open("N"), Dimension::Fixed(columns)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::mlp::{Example, Settings};
    use crate::train::random::Random;

    fn pools() -> Vec<Example> {
        let mut random = Random::new(5);
        let mut pool = || (0..50 * COLUMNS).map(|_| random.uniform() as f32).collect();
        (0..20).map(|target| Example { features: pool(), target }).collect()
    }

    #[test]
    fn a_node_computes_what_was_learned() {
        let pools = pools();
        let mlp = Mlp::train(&pools.iter().collect::<Vec<_>>(), &Settings::default());
        let ranker = inference::Ranker::load(&encode(&mlp)).unwrap();
        assert_eq!(ranker.columns(), COLUMNS);
        // Any number of rows, one included.
        for rows in [1, 2, 7, 50] {
            let features = &pools[0].features[..rows * COLUMNS];
            let (own, theirs) = (mlp.score(features), ranker.score(features).unwrap());
            let is_near = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-5 * a.abs().max(1.0);
            assert_eq!(own.len(), theirs.len());
            assert!(own.iter().zip(&theirs).all(is_near), "{own:?} {theirs:?}");
        }
    }

    #[test]
    fn equal_networks_give_equal_bytes() {
        let pools = pools();
        let train = || Mlp::train(&pools.iter().collect::<Vec<_>>(), &Settings::default());
        assert_eq!(encode(&train()), encode(&train()));
    }
}
