//! A network of dense layers and what goes between them, run by our own kernels: the same bits natively,
//! in a component and in a browser.

use std::collections::HashMap;
use std::fmt;

use kernels::{Dense, LayerNorm};

use crate::limits::ROWS_AT_ONCE;
use crate::onnx::{Graph, Node, Tensor};

/// A network, from a row of features to a row of outputs; every row for itself.
#[derive(Clone, Debug)]
pub struct Network {
    // Invariant: every layer reads places that are filled before it, of the widths it was made for.
    layers: Vec<Layer>,
    widths: Vec<usize>,
    output: usize,
}

/// One step: from some places to a new one, which is the next after all before it.
#[derive(Clone, Debug)]
enum Layer {
    Dense(usize, Dense),
    Map(usize, Map),
    /// Both places have the same width.
    Pair(Binary, usize, usize),
    /// With a constant of the place's width; `true`: the constant is on the left.
    Fixed(Binary, usize, Vec<f32>, bool),
    Norm(usize, Norm),
}

/// A function of one number.
#[derive(Clone, Copy, Debug)]
enum Map {
    Relu,
    Erf,
    Gelu,
    GeluTanh,
    Sigmoid,
    Tanh,
}

#[derive(Clone, Copy, Debug)]
enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
}

/// `LayerNormalization` over a row.
#[derive(Clone, Debug)]
struct Norm {
    scale: Vec<f32>,
    bias: Vec<f32>,
    epsilon: f32,
}

/// Why a model is no such network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkError {
    /// The file is not ONNX.
    Malformed {
        /// In what way.
        reason: &'static str,
    },
    /// The model is something else; tract may run it.
    Unsupported {
        /// In what way.
        reason: &'static str,
    },
    /// The layers do not fit each other.
    Signature,
}

impl NetworkError {
    /// The stable name of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "malformed",
            Self::Unsupported { .. } => "unsupported",
            Self::Signature => "signature",
        }
    }
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { reason } | Self::Unsupported { reason } => f.write_str(reason),
            Self::Signature => f.write_str("the layers do not fit each other"),
        }
    }
}

impl std::error::Error for NetworkError {}

impl Network {
    /// Reads an ONNX file of `MatMul`, `Gemm`, `Add`, `Sub`, `Mul`, `Div`, `Identity`, `Relu`, `Erf`, `Gelu`,
    /// `Sigmoid`, `Tanh` and `LayerNormalization`, where every row is computed for itself. A `Sigmoid` at the end is
    /// left out: the outputs are logits.
    ///
    /// # Errors
    ///
    /// When the file is not ONNX, or holds anything else.
    pub fn read(onnx: &[u8]) -> Result<Self, NetworkError> {
        let graph = Graph::read(onnx)?;
        let first = graph.nodes.iter().find(|node| node.inputs.contains(&graph.input));
        let width = first.and_then(|node| input_width(&graph, node));
        let width = width.ok_or(NetworkError::Unsupported { reason: "the first layer says no width" })?;
        let mut network = Self { layers: Vec::new(), widths: vec![width], output: 0 };
        let mut places = HashMap::from([(graph.input, 0)]);
        for node in &graph.nodes {
            if let (b"Identity", Some(&same)) =
                (node.operator, node.inputs.first().and_then(|name| places.get(name)))
            {
                places.insert(node.output, same);
                continue;
            }
            let (layer, width) = network.layer(&graph, node, &places)?;
            network.layers.push(layer);
            network.widths.push(width);
            places.insert(node.output, network.layers.len());
        }
        let nowhere = NetworkError::Unsupported { reason: "no node makes the output" };
        network.output = *places.get(graph.output).ok_or(nowhere)?;
        // A chance has the order of its logit until it is so near 1 that it is rounded to it.
        while let Some(&Layer::Map(from, Map::Sigmoid)) =
            network.output.checked_sub(1).map(|at| &network.layers[at])
        {
            network.output = from;
        }
        Ok(network)
    }

    /// Values a row has.
    pub fn inputs(&self) -> usize {
        self.widths[0]
    }

    /// Values that come of a row.
    pub fn outputs(&self) -> usize {
        self.widths[self.output]
    }

    /// The outputs of whole rows, row by row; what is left over at the end of `rows` is not looked at.
    ///
    /// A value of a dense layer is summed over its inputs in rising order, products and sums rounded one
    /// by one, and the bias comes last.
    pub fn run(&self, rows: &[f32]) -> Vec<f32> {
        let count = rows.len() / self.inputs();
        let mut outputs = Vec::with_capacity(count * self.outputs());
        // What lies between two layers stays in the nearest caches.
        for rows in rows[..count * self.inputs()].chunks(ROWS_AT_ONCE * self.inputs()) {
            let mut places = vec![rows.to_vec()];
            for layer in &self.layers {
                let values = layer.run(&places);
                places.push(values);
            }
            outputs.append(&mut places[self.output]);
        }
        outputs
    }

    fn layer(
        &self,
        graph: &Graph<'_>,
        node: &Node<'_>,
        places: &HashMap<&[u8], usize>,
    ) -> Result<(Layer, usize), NetworkError> {
        let unlike = NetworkError::Unsupported { reason: "an operator that our kernels do not have" };
        let place = |input: usize| node.inputs.get(input).and_then(|name| places.get(name)).copied();
        let constant = |input: usize| node.inputs.get(input).and_then(|name| graph.constant(name));
        let binary = match node.operator {
            b"Add" => Some(Binary::Add),
            b"Sub" => Some(Binary::Subtract),
            b"Mul" => Some(Binary::Multiply),
            b"Div" => Some(Binary::Divide),
            _ => None,
        };
        if let Some(binary) = binary {
            return match (place(0), place(1), constant(0), constant(1)) {
                (Some(a), Some(b), ..) if self.widths[a] == self.widths[b] => {
                    Ok((Layer::Pair(binary, a, b), self.widths[a]))
                }
                (Some(a), None, _, Some(b)) => self.fixed(binary, a, b, false),
                (None, Some(b), Some(a), _) => self.fixed(binary, b, a, true),
                _ => Err(NetworkError::Signature),
            };
        }
        let from = place(0).ok_or_else(|| unlike.clone())?;
        let width = self.widths[from];
        let map = match node.operator {
            b"Relu" => Map::Relu,
            b"Erf" => Map::Erf,
            b"Gelu" if node.text(b"approximate") == b"tanh" => Map::GeluTanh,
            b"Gelu" => Map::Gelu,
            b"Sigmoid" => Map::Sigmoid,
            b"Tanh" => Map::Tanh,
            b"MatMul" | b"Gemm" => {
                let dense = dense(graph, node).ok_or(unlike)?;
                let fits = dense.inputs() == width;
                let width = dense.outputs();
                return if fits {
                    Ok((Layer::Dense(from, dense), width))
                } else {
                    Err(NetworkError::Signature)
                };
            }
            b"LayerNormalization" if matches!(node.number(b"axis", -1), -1 | 1) => {
                let bias = constant(2).map_or_else(|| vec![0.0; width], Tensor::to_vec);
                let scale = constant(1).map(Tensor::to_vec).unwrap_or_default();
                let norm = Norm { scale, bias, epsilon: node.float(b"epsilon", 1e-5) };
                let fits = norm.scale.len() == width && norm.bias.len() == width;
                return if fits {
                    Ok((Layer::Norm(from, norm), width))
                } else {
                    Err(NetworkError::Signature)
                };
            }
            _ => return Err(unlike),
        };
        Ok((Layer::Map(from, map), width))
    }

    fn fixed(
        &self,
        binary: Binary,
        from: usize,
        constant: &Tensor<'_>,
        is_left: bool,
    ) -> Result<(Layer, usize), NetworkError> {
        let width = self.widths[from];
        let is_row = constant.shape.iter().rev().skip(1).all(|&side| side == 1);
        let values = match constant.values().next() {
            Some(one) if constant.len() == 1 => vec![one; width],
            _ if constant.len() == width && is_row => constant.to_vec(),
            _ => return Err(NetworkError::Signature),
        };
        Ok((Layer::Fixed(binary, from, values, is_left), width))
    }
}

/// The width of the input, by the first node that takes it.
fn input_width(graph: &Graph<'_>, node: &Node<'_>) -> Option<usize> {
    match node.operator {
        b"MatMul" | b"Gemm" => dense(graph, node).map(|dense| dense.inputs()),
        _ => node.inputs.iter().find_map(|name| graph.constant(name)).map(Tensor::len),
    }
}

/// The layer of a `MatMul` or `Gemm` with a constant on the right.
fn dense(graph: &Graph<'_>, node: &Node<'_>) -> Option<Dense> {
    let Affine { inputs, weights, bias } = Affine::of(graph, node)?;
    Dense::new(inputs, &weights, &bias).ok()
}

/// The weights of a layer, input by input, and a bias an output.
pub(crate) struct Affine {
    pub(crate) inputs: usize,
    pub(crate) weights: Vec<f32>,
    pub(crate) bias: Vec<f32>,
}

impl Affine {
    /// Those of a `MatMul` or `Gemm` with a constant on the right; only the latter has a bias that is not 0.
    pub(crate) fn of(graph: &Graph<'_>, node: &Node<'_>) -> Option<Self> {
        let weights = graph.constant(node.inputs.get(1)?)?;
        let &[rows, columns] = weights.shape.as_slice() else { return None };
        let is_gemm = node.operator == b"Gemm";
        let is_scaled = node.float(b"alpha", 1.0) != 1.0 || node.float(b"beta", 1.0) != 1.0;
        if is_gemm && (is_scaled || node.number(b"transA", 0) != 0) {
            return None;
        }
        let is_transposed = is_gemm && node.number(b"transB", 0) != 0;
        let (inputs, outputs) = if is_transposed { (columns, rows) } else { (rows, columns) };
        // A bias of another length would be spread over the outputs, which our kernels do not do.
        let bias = match node.inputs.get(2) {
            Some(name) => graph.constant(name).map(Tensor::to_vec),
            None => Some(vec![0.0; outputs]),
        };
        let bias = bias.filter(|bias| bias.len() == outputs)?;
        let weights = if is_transposed {
            let values = weights.to_vec();
            let of_column = |column| (0..rows).map(move |row| row * columns + column);
            (0..columns).flat_map(of_column).map(|place| values[place]).collect()
        } else {
            weights.to_vec()
        };
        Some(Self { inputs, weights, bias })
    }
}

impl Layer {
    fn run(&self, places: &[Vec<f32>]) -> Vec<f32> {
        match self {
            Self::Dense(from, dense) => {
                let mut outputs = vec![0.0; places[*from].len() / dense.inputs() * dense.outputs()];
                dense.apply(&places[*from], &mut outputs);
                outputs
            }
            Self::Map(from, map) => places[*from].iter().map(|&value| map.of(value)).collect(),
            Self::Pair(binary, a, b) => {
                places[*a].iter().zip(&places[*b]).map(|(&a, &b)| binary.of(a, b)).collect()
            }
            Self::Fixed(binary, from, constant, is_left) => {
                let rows = places[*from].chunks_exact(constant.len());
                let pairs = rows.flat_map(|row| row.iter().zip(constant));
                let of = |(&a, &b)| if *is_left { binary.of(b, a) } else { binary.of(a, b) };
                pairs.map(of).collect()
            }
            Self::Norm(from, norm) => {
                let mut outputs = vec![0.0; places[*from].len()];
                let Norm { scale, bias, epsilon } = norm;
                LayerNorm { gain: scale, bias, epsilon: *epsilon }.apply(&places[*from], &mut outputs);
                outputs
            }
        }
    }
}

impl Map {
    fn of(self, value: f32) -> f32 {
        match self {
            // Not `max`, which may keep the sign of a zero or not.
            Self::Relu => {
                if value > 0.0 {
                    value
                } else {
                    0.0
                }
            }
            Self::Erf => libm::erff(value),
            Self::Gelu => 0.5 * value * (1.0 + libm::erff(value * core::f32::consts::FRAC_1_SQRT_2)),
            Self::GeluTanh => {
                let inner = GELU_TANH * (value + 0.044_715 * value * value * value);
                0.5 * value * (1.0 + libm::tanhf(inner))
            }
            Self::Sigmoid => 1.0 / (1.0 + libm::expf(-value)),
            Self::Tanh => libm::tanhf(value),
        }
    }
}

/// √(2 / π).
const GELU_TANH: f32 = 0.797_884_6;

impl Binary {
    fn of(self, a: f32, b: f32) -> f32 {
        match self {
            Self::Add => a + b,
            Self::Subtract => a - b,
            Self::Multiply => a * b,
            Self::Divide => a / b,
        }
    }
}
