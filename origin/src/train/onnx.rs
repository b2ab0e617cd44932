//! Writes a ranker as ONNX, opset 17: features → MatMul → Add → Relu → … → logit, for any number of rows.

pub mod graph;

use graph::{Dimension, IR_VERSION, OPSET, node, numbers};
use prost::Message;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, ModelProto, OperatorSetIdProto};

use super::mlp::Mlp;

/// The one input: `f32[N, columns]`; [`ranking::features`] alone, or behind the vectors of viewer and candidate.
pub const INPUT: &str = "features";

/// The one output: `f32[N, 1]`.
pub const OUTPUT: &str = "logit";

/// The bytes of an ONNX file; equal networks give equal bytes.
pub fn encode(mlp: &Mlp) -> Vec<u8> {
    chain(&[
        Layer { weights: mlp.hidden_weights(), biases: mlp.hidden_biases() },
        Layer { weights: mlp.output_weights(), biases: &[0.0] },
    ])
}

/// A layer of a network.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    /// Input by input.
    pub weights: &'a [f32],
    /// One an output; at least one.
    pub biases: &'a [f32],
}

/// The bytes of an ONNX file with these layers one behind the other and `Relu` between them; the last has one output.
pub fn chain(layers: &[Layer<'_>]) -> Vec<u8> {
    let mut graph = GraphProto { name: "frontrow-ranker".to_owned(), ..GraphProto::default() };
    let mut from = INPUT.to_owned();
    for (number, Layer { weights, biases }) in layers.iter().enumerate() {
        let name = |part: &str| format!("{number}.{part}");
        let (outputs, is_last) = (biases.len(), number + 1 == layers.len());
        graph.initializer.push(numbers(&name("weights"), &[weights.len() / outputs, outputs], weights));
        graph.initializer.push(numbers(&name("biases"), &[outputs], biases));
        graph.node.push(node("MatMul", &[&from, &name("weights")], &name("weighted")));
        let shifted = if is_last { OUTPUT.to_owned() } else { name("shifted") };
        graph.node.push(node("Add", &[&name("weighted"), &name("biases")], &shifted));
        if !is_last {
            graph.node.push(node("Relu", &[&shifted], &name("rectified")));
            from = name("rectified");
        }
    }
    let columns = layers.first().map_or(0, |first| first.weights.len() / first.biases.len());
    graph.input = vec![graph::value(INPUT, DataType::Float, &rows_of(columns))];
    graph.output = vec![graph::value(OUTPUT, DataType::Float, &rows_of(1))];
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
    use ranking::features::COLUMNS;

    use super::*;
    use crate::train::mlp::{Example, Items, Settings};
    use crate::train::random::Random;

    fn learned() -> (Vec<Example>, Mlp) {
        let mut random = Random::new(5);
        let mut pool = || (0..50 * COLUMNS).map(|_| random.uniform() as f32).collect();
        let example = |target| Example { viewer: vec![], items: vec![0; 50], features: pool(), target };
        let pools: Vec<Example> = (0..20).map(example).collect();
        let mlp = Mlp::train(&pools.iter().collect::<Vec<_>>(), &Items::default(), &Settings::OF_FEATURES);
        (pools, mlp)
    }

    #[test]
    fn a_node_computes_what_was_learned() {
        let (pools, mlp) = learned();
        let ranker = inference::Ranker::load(&encode(&mlp)).unwrap();
        assert_eq!(ranker.columns(), COLUMNS);
        // Any number of rows, one included.
        for rows in [1, 2, 7, 50] {
            let mut pool = pools[0].clone();
            pool.features.truncate(rows * COLUMNS);
            pool.items.truncate(rows);
            let own = mlp.score(&pool, &Items::default());
            let theirs = ranker.score(&pool.features).unwrap();
            let is_near = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-5 * a.abs().max(1.0);
            assert_eq!(own.len(), theirs.len());
            assert!(own.iter().zip(&theirs).all(is_near), "{own:?} {theirs:?}");
        }
    }

    #[test]
    fn equal_networks_give_equal_bytes() {
        assert_eq!(encode(&learned().1), encode(&learned().1));
    }
}
