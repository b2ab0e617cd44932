//! A tower as ONNX, opset 17, for any runtime; the layout below is a promise, so that a kernel of our own can read
//! the weights straight from the file.
//!
//! Input `history`: `int64[1, n]`, the tower's numbers of the items, oldest first, 1 ≤ n ≤ window. Output `user`:
//! `f32[1, width]`; its dot product with a row of `item_vectors` is that item's score.
//!
//! Metadata: `frontrow.tower` = `causal-v1`, `frontrow.tower.{items, width, blocks, heads, hidden, window}`,
//! `frontrow.tower.epsilon` (of the layer norms) and `frontrow.tower.input_scale`.
//!
//! Initialisers, all f32 and row-major; block `b` counts from 0:
//!
//! | name | shape | meaning |
//! |---|---|---|
//! | `item_vectors` | items × width | an item's vector; times `input_scale` where it enters |
//! | `b.attention_norm.gain`, `.bias` | width | layer norm before the attention |
//! | `b.query`, `b.key`, `b.value` | width × width | row · matrix; head h has columns h·w to (h+1)·w − 1, w = width / heads |
//! | `b.age_bias` | heads × window | added to a score (which is query · key / √w); entry window − 1 − age |
//! | `b.attention_out` | width × width | from the heads side by side, added to the residual |
//! | `b.hidden_norm.gain`, `.bias` | width | layer norm before the hidden units |
//! | `b.hidden_weights`, `b.hidden_bias` | width × hidden, hidden | then the greater of it and 0 |
//! | `b.out_weights`, `b.out_bias` | hidden × width, width | added to the residual |
//! | `last_norm.gain`, `.bias` | width | layer norm of the newest place: the viewer |
//!
//! Names that begin with `graph.` are constants of the graph. The last block asks for the newest place only.

use prost::Message;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, ModelProto, OperatorSetIdProto, StringStringEntryProto};

use super::Tower;
use super::attention::scale;
use super::shape::{BlockPlaces, NormPlaces, Place, Shape};
use crate::train::onnx::graph::{self, Dimension};
use crate::train::vector::EPSILON;

/// The one input.
pub const INPUT: &str = "history";

/// The one output.
pub const OUTPUT: &str = "user";

/// What `frontrow.tower` says in the metadata.
pub const KIND: &str = "causal-v1";

impl Tower {
    /// The bytes of an ONNX file; equal towers give equal bytes.
    pub fn to_onnx(&self) -> Vec<u8> {
        let mut writer = Writer { tower: self, graph: GraphProto::default() };
        writer.constants();
        writer.blocks();
        let mut graph = writer.graph;
        graph.name = "frontrow-tower".to_owned();
        let history = [Dimension::Fixed(1), Dimension::Open("n")];
        graph.input = vec![graph::value(INPUT, DataType::Int64, &history)];
        let user = [Dimension::Fixed(1), Dimension::Fixed(self.shape().width)];
        graph.output = vec![graph::value(OUTPUT, DataType::Float, &user)];
        let model = ModelProto {
            ir_version: graph::IR_VERSION,
            opset_import: vec![OperatorSetIdProto { domain: String::new(), version: graph::OPSET }],
            producer_name: "frontrow-origin".to_owned(),
            producer_version: env!("CARGO_PKG_VERSION").to_owned(),
            graph: Some(graph),
            metadata_props: metadata(self.shape()),
            ..ModelProto::default()
        };
        model.encode_to_vec()
    }
}

fn metadata(shape: &Shape) -> Vec<StringStringEntryProto> {
    let entry = |key: &str, value: String| StringStringEntryProto { key: key.to_owned(), value };
    let Shape { items, width, blocks, heads, hidden, window } = *shape;
    let sizes = [items, width, blocks, heads, hidden, window];
    let names = ["items", "width", "blocks", "heads", "hidden", "window"];
    let sizes = names.into_iter().zip(sizes);
    let mut entries = vec![entry("frontrow.tower", KIND.to_owned())];
    entries.extend(sizes.map(|(name, size)| entry(&format!("frontrow.tower.{name}"), size.to_string())));
    entries.push(entry("frontrow.tower.epsilon", EPSILON.to_string()));
    entries.push(entry("frontrow.tower.input_scale", shape.input_scale().to_string()));
    entries
}

struct Writer<'a> {
    tower: &'a Tower,
    graph: GraphProto,
}

impl Writer<'_> {
    /// Numbers that do not depend on the history but for its length.
    fn constants(&mut self) {
        let window = self.tower.shape().window;
        let shape = self.tower.shape();
        let (heads, head_width) = (shape.heads as i64, shape.head_width() as i64);
        let mut put = |tensor| self.graph.initializer.push(tensor);
        put(graph::numbers("graph.input_scale", &[], &[shape.input_scale()]));
        put(graph::numbers("graph.score_scale", &[], &[scale(shape)]));
        for (name, values) in [
            ("graph.0", &[0][..]),
            ("graph.1", &[1]),
            ("graph.-1", &[-1]),
            ("graph.end", &[i64::MAX]),
            ("graph.origin", &[0, 0]),
            ("graph.axes", &[0, 1]),
            ("graph.split", &[1, -1, heads, head_width]),
            ("graph.joined", &[1, -1, shape.width as i64]),
        ] {
            put(graph::whole_numbers(name, &[values.len()], values));
        }
        // Entry (i, j): the age of place j seen from place i, as an index into an age bias.
        let ages =
            (0..window * window).map(|place| (window - 1 + place % window).saturating_sub(place / window));
        let ages: Vec<i64> = ages.map(|age| age.min(window - 1) as i64).collect();
        put(graph::whole_numbers("graph.ages", &[window, window], &ages));
        let ahead =
            (0..window * window).map(|place| if place % window > place / window { AHEAD } else { 0.0 });
        put(graph::numbers("graph.ahead", &[window, window], &ahead.collect::<Vec<_>>()));
    }

    fn blocks(&mut self) {
        let layout = self.tower.shape().layout();
        self.parameter("item_vectors", &layout.item_vectors);
        self.node("Gather", &["item_vectors", INPUT], "vectors");
        self.node("Mul", &["vectors", "graph.input_scale"], "stream");
        self.node("Shape", &[INPUT], "shape");
        self.node("Slice", &["shape", "graph.1", "graph.end", "graph.0"], "length");
        self.node("Concat", &["length", "length"], "square");
        self.attribute(graph::integer("axis", 0));
        for name in ["ages", "ahead"] {
            let whole = format!("graph.{name}");
            self.node("Slice", &[&whole, "graph.origin", "square", "graph.axes"], name);
        }
        let mut stream = "stream".to_owned();
        for (number, places) in layout.blocks.iter().enumerate() {
            let is_last = number + 1 == layout.blocks.len();
            stream = self.block(number, places, &stream, is_last);
        }
        self.layer_norm("last_norm", &layout.last_norm, &stream, "newest");
        self.node("Squeeze", &["newest", "graph.1"], OUTPUT);
    }

    /// Returns the name of the stream behind the block.
    fn block(&mut self, number: usize, places: &BlockPlaces, stream: &str, is_last: bool) -> String {
        let name = |part: &str| format!("{number}.{part}");
        self.layer_norm(&name("attention_norm"), &places.attention_norm, stream, &name("normed"));
        self.split_weights(number, places);
        let (mut asking, mut stream) = (name("normed"), stream.to_owned());
        if is_last {
            for (from, to) in [(&mut asking, "asking"), (&mut stream, "newest")] {
                self.node("Slice", &[from, "graph.-1", "graph.end", "graph.1"], &name(to));
                *from = name(to);
            }
        }
        self.heads(&name("query"), &asking, &[0, 2, 1, 3]);
        self.heads(&name("key"), &name("normed"), &[0, 2, 3, 1]);
        self.heads(&name("value"), &name("normed"), &[0, 2, 1, 3]);
        self.scores(number, places, is_last);
        self.node("MatMul", &[&name("chances"), &name("value.heads")], &name("taken"));
        self.node("Transpose", &[&name("taken")], &name("side_by_side"));
        self.attribute(graph::integers("perm", &[0, 2, 1, 3]));
        self.node("Reshape", &[&name("side_by_side"), "graph.joined"], &name("attended"));
        self.weighted(&name("attention_out"), &places.attention_out, &name("attended"), &name("attention"));
        self.node("Add", &[&stream, &name("attention")], &name("middle"));

        self.layer_norm(&name("hidden_norm"), &places.hidden_norm, &name("middle"), &name("hidden_normed"));
        self.weighted(&name("hidden_weights"), &places.hidden_weights, &name("hidden_normed"), &name("raw"));
        self.parameter_row(&name("hidden_bias"), &places.hidden_bias);
        self.node("Add", &[&name("raw"), &name("hidden_bias")], &name("shifted"));
        self.node("Relu", &[&name("shifted")], &name("hidden"));
        self.weighted(&name("out_weights"), &places.out_weights, &name("hidden"), &name("out"));
        self.parameter_row(&name("out_bias"), &places.out_bias);
        self.node("Add", &[&name("out"), &name("out_bias")], &name("out_shifted"));
        self.node("Add", &[&name("middle"), &name("out_shifted")], &name("stream"));
        name("stream")
    }

    /// Queries, keys and values as three matrices.
    fn split_weights(&mut self, number: usize, places: &BlockPlaces) {
        let width = self.tower.shape().width;
        let fused = places.query_key_value.of(self.tower.parameters());
        for (side, name) in ["query", "key", "value"].into_iter().enumerate() {
            let part = |row: &[f32]| row[side * width..(side + 1) * width].to_vec();
            let own: Vec<f32> = fused.chunks_exact(3 * width).flat_map(part).collect();
            let tensor = graph::numbers(&format!("{number}.{name}"), &[width, width], &own);
            self.graph.initializer.push(tensor);
        }
    }

    /// `weights.heads`: rows times weights, heads apart, axes in this order.
    fn heads(&mut self, weights: &str, rows: &str, order: &[i64]) {
        let name = |part: &str| format!("{weights}.{part}");
        self.node("MatMul", &[rows, weights], &name("rows"));
        self.node("Reshape", &[&name("rows"), "graph.split"], &name("split"));
        self.node("Transpose", &[&name("split")], &name("heads"));
        self.attribute(graph::integers("perm", order));
    }

    fn scores(&mut self, number: usize, places: &BlockPlaces, is_last: bool) {
        let name = |part: &str| format!("{number}.{part}");
        self.node("MatMul", &[&name("query.heads"), &name("key.heads")], &name("products"));
        self.node("Mul", &[&name("products"), "graph.score_scale"], &name("scaled"));
        self.parameter(&name("age_bias"), &places.age_bias);
        let mut ages = "ages".to_owned();
        if is_last {
            ages = name("newest_ages");
            self.node("Slice", &["ages", "graph.-1", "graph.end", "graph.0"], &ages);
        }
        self.node("Gather", &[&name("age_bias"), &ages], &name("biases"));
        self.attribute(graph::integer("axis", 1));
        self.node("Add", &[&name("scaled"), &name("biases")], &name("biased"));
        let mut scores = name("biased");
        if !is_last {
            scores = name("scores");
            self.node("Add", &[&name("biased"), "ahead"], &scores);
        }
        self.node("Softmax", &[&scores], &name("chances"));
        self.attribute(graph::integer("axis", -1));
    }

    fn layer_norm(&mut self, name: &str, places: &NormPlaces, input: &str, output: &str) {
        let (gain, bias) = (format!("{name}.gain"), format!("{name}.bias"));
        self.parameter_row(&gain, &places.gain);
        self.parameter_row(&bias, &places.bias);
        self.node("LayerNormalization", &[input, &gain, &bias], output);
        self.attribute(graph::integer("axis", -1));
        self.attribute(graph::number("epsilon", EPSILON));
    }

    fn weighted(&mut self, name: &str, place: &Place, rows: &str, output: &str) {
        self.parameter(name, place);
        self.node("MatMul", &[rows, name], output);
    }

    fn parameter(&mut self, name: &str, place: &Place) {
        let values = place.of(self.tower.parameters());
        self.graph.initializer.push(graph::numbers(name, &[place.rows, place.columns], values));
    }

    fn parameter_row(&mut self, name: &str, place: &Place) {
        let values = place.of(self.tower.parameters());
        self.graph.initializer.push(graph::numbers(name, &[place.columns], values));
    }

    fn node(&mut self, operator: &str, inputs: &[&str], output: &str) {
        self.graph.node.push(graph::node(operator, inputs, output));
    }

    /// Of the node written last.
    fn attribute(&mut self, attribute: tract_onnx::pb::AttributeProto) {
        self.graph.node.last_mut().expect("an attribute follows its node").attribute.push(attribute);
    }
}

/// Added to the scores of places that are ahead: far below every score, and finite.
const AHEAD: f32 = -1e9;
