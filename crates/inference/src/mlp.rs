//! A ranker that sees vectors: rectified layers over the viewer's vector, the candidate's and its features.
//!
//! Two thirds of its work do not depend on who asks or on what is asked about together. What a candidate's vector adds
//! to the first layer is computed once, when the ranker is loaded, and kept in eight bits, as the vector itself is; what
//! the viewer's adds, once a call. What is left runs on bytes ([`ByteDense`]), with the same bits in every form.

use kernels::{ByteDense, ByteRows, Dense, LookupDense, dot, rectify};

use crate::limits::{ITEM_SUMS_BYTES_MAX, ROWS_AT_ONCE, SHORTLIST_ROWS_AT_ONCE};
use crate::network::Affine;
use crate::onnx::{Graph, Node};
use crate::{NetworkError, Tower};

/// What a ranker is asked about: candidates, and for whom.
#[derive(Clone, Copy, Debug)]
pub struct Shortlist<'a> {
    /// The viewer's vector; empty where nothing is known, which counts as zeros.
    pub viewer: &'a [f32],
    /// The tower's item of each candidate; a number that it does not have counts as a vector of zeros.
    pub items: &'a [u32],
    /// The features of each candidate, row by row.
    pub features: &'a [f32],
}

impl<'a> Shortlist<'a> {
    /// For a ranker that sees features alone.
    pub fn of_features(features: &'a [f32]) -> Self {
        Self { viewer: &[], items: &[], features }
    }
}

/// Layers over `f32[n, 2 · width + features]`: the viewer's vector, the candidate's, its features; between two layers
/// what is not above 0 becomes 0.
#[derive(Clone, Debug)]
pub struct Mlp {
    width: usize,
    // The first layer in three parts; the bias is with the viewer's.
    viewer: Dense,
    items_and_features: LookupDense,
    between: Vec<ByteDense>,
    last: Vec<f32>,
    last_bias: f32,
}

impl Mlp {
    /// Reads an ONNX file of `MatMul` or `Gemm`, `Add` and `Relu` in a chain, with the item vectors of this tower. A
    /// `Sigmoid` at the end is left out.
    ///
    /// # Errors
    ///
    /// When the file is not ONNX, holds anything else, or has another shape than that of such a ranker.
    pub fn read(onnx: &[u8], tower: &Tower) -> Result<Self, NetworkError> {
        let mut layers = chain(&Graph::read(onnx)?)?;
        let width = tower.shape().width;
        let (Some(last), false) = (layers.pop(), layers.is_empty()) else { return Err(unlike()) };
        let first = layers.remove(0);
        let units = first.bias.len();
        let features = first.inputs.checked_sub(2 * width).filter(|&features| features > 0);
        let (Some(features), [last_bias]) = (features, last.bias.as_slice()) else {
            return Err(NetworkError::Signature);
        };
        if tower.shape().items.saturating_mul(units) > ITEM_SUMS_BYTES_MAX {
            return Err(NetworkError::Unsupported { reason: "too many units for so many items" });
        }
        let (of_viewer, rest) = first.weights.split_at(width * units);
        let (of_items, of_features) = rest.split_at(width * units);
        let none = vec![0.0; units];
        let part = |inputs, weights, bias| Dense::new(inputs, weights, bias).map_err(|_| unlike());
        let bytes = |layer: &Affine| {
            ByteDense::quantise(layer.inputs, &layer.weights, &layer.bias).map_err(|_| unlike())
        };
        let items = part(width, of_items, &none)?;
        let mut items_and_features =
            LookupDense::new(units, tower.shape().items, features, of_features).map_err(|_| unlike())?;
        add_items(&items, tower, &mut items_and_features).ok_or_else(unlike)?;
        Ok(Self {
            width,
            viewer: part(width, of_viewer, &first.bias)?,
            items_and_features,
            between: layers.iter().map(bytes).collect::<Result<_, _>>()?,
            last: last.weights,
            last_bias: *last_bias,
        })
    }

    /// What is added to every logit.
    pub fn bias(&self) -> f32 {
        self.last_bias
    }

    /// Features of a candidate, beside the vectors.
    pub fn features(&self) -> usize {
        self.items_and_features.own_inputs()
    }

    /// One logit a candidate: as many as there are whole rows of features and items for them.
    ///
    /// A viewer's vector of another length than the tower's counts as zeros.
    pub fn score(&self, shortlist: &Shortlist<'_>) -> Vec<f32> {
        let units = self.viewer.outputs();
        let mut of_viewer = vec![0.0; units];
        let zeros = vec![0.0; self.width];
        let viewer = if shortlist.viewer.len() == self.width { shortlist.viewer } else { &zeros };
        self.viewer.apply(viewer, &mut of_viewer);
        let mut logits = Vec::with_capacity(shortlist.items.len());
        let (mut sums, mut bytes, mut out) = (Vec::new(), ByteRows::default(), Vec::new());
        let features = shortlist.features.chunks(SHORTLIST_ROWS_AT_ONCE * self.features());
        for (items, features) in shortlist.items.chunks(SHORTLIST_ROWS_AT_ONCE).zip(features) {
            self.items_and_features.apply(&of_viewer, items, features, &mut sums);
            let mut inputs = units;
            for layer in &self.between {
                bytes.quantise(inputs, &sums);
                inputs = layer.outputs();
                out.resize(bytes.len() * inputs, 0.0);
                layer.apply(&bytes, &mut out);
                std::mem::swap(&mut sums, &mut out);
            }
            for row in sums.chunks_exact_mut(inputs) {
                // A row that was spoilt is NaN throughout; rectified, it would pass for zeros.
                let is_spoilt = row[0].is_nan();
                rectify(row);
                logits.push(if is_spoilt { f32::NAN } else { dot(row, &self.last) + self.last_bias });
            }
        }
        logits
    }
}

/// Adds what each item's vector adds to the first layer, unless it is not finite.
fn add_items(layer: &Dense, tower: &Tower, to: &mut LookupDense) -> Option<()> {
    let (mut vectors, mut sums) = (Vec::new(), Vec::new());
    let numbers: Vec<usize> = (0..tower.shape().items).collect();
    for numbers in numbers.chunks(ROWS_AT_ONCE) {
        vectors.clear();
        vectors.extend(numbers.iter().flat_map(|&item| tower.items().floats(item)));
        sums.resize(numbers.len() * layer.outputs(), 0.0);
        layer.apply(&vectors, &mut sums);
        to.extend(&sums).ok()?;
    }
    Some(())
}

/// The layers of a chain, each but the last followed by `Relu`.
fn chain(graph: &Graph<'_>) -> Result<Vec<Affine>, NetworkError> {
    let mut layers: Vec<Affine> = Vec::new();
    // Of what the next node has to be made, and whether that is behind a layer and not yet rectified.
    let (mut from, mut is_open) = (graph.input, false);
    for node in &graph.nodes {
        match (node.operator, is_open) {
            (b"MatMul" | b"Gemm", false) if node.inputs.first() == Some(&from) => {
                let layer = Affine::of(graph, node).ok_or_else(unlike)?;
                if layers.last().is_some_and(|before| before.bias.len() != layer.inputs) {
                    return Err(NetworkError::Signature);
                }
                layers.push(layer);
                is_open = true;
            }
            (b"Add", true) => add(layers.last_mut(), graph, node, from).ok_or_else(unlike)?,
            (b"Relu", true) if node.inputs.first() == Some(&from) => is_open = false,
            // Logits order as chances do, and are not rounded to 1.
            (b"Sigmoid", true) if node.inputs.first() == Some(&from) && node.output == graph.output => {
                return Ok(layers);
            }
            _ => return Err(unlike()),
        }
        from = node.output;
    }
    if is_open && from == graph.output { Ok(layers) } else { Err(unlike()) }
}

/// Adds a constant to the bias of the layer that the node adds it to.
fn add(layer: Option<&mut Affine>, graph: &Graph<'_>, node: &Node<'_>, from: &[u8]) -> Option<()> {
    let [a, b] = node.inputs.as_slice() else { return None };
    let constant = if *a == from { b } else { a };
    let (layer, constant) = (layer?, graph.constant(constant)?);
    if (*a != from && *b != from) || constant.len() != layer.bias.len() {
        return None;
    }
    kernels::add(&mut layer.bias, &constant.to_vec());
    Some(())
}

fn unlike() -> NetworkError {
    NetworkError::Unsupported { reason: "not a chain of rectified layers" }
}
