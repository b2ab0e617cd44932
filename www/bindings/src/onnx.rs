//! Reads the part of ONNX that a ranker of dense layers needs: `MatMul`, `Add` and `Relu` in a chain.
//!
//! Everything else is for tract, which is a hundred times the size of this page. A file is a protocol
//! buffer; only the fields named here are read, the others are skipped.

use crate::Refusal;
use crate::network::Layer;

/// A larger file is refused before it is read, as a node does.
const MODEL_BYTES_MAX: usize = 32 << 20;

/// `onnx.TensorProto.DataType.FLOAT`.
const FLOAT: u64 = 1;

/// The layers of a model with one input and one output.
pub(crate) fn layers(model: &[u8]) -> Result<Vec<Layer>, Refusal> {
    if model.len() > MODEL_BYTES_MAX {
        return Err(malformed("the model is too large"));
    }
    let graph = message(model, 7)?.ok_or_else(|| malformed("there is no graph"))?;
    let mut tensors = Vec::new();
    let mut nodes = Vec::new();
    let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
    for field in Fields(graph) {
        match field? {
            (1, Value::Bytes(node)) => nodes.push(Node::read(node)?),
            (5, Value::Bytes(tensor)) => tensors.push(Tensor::read(tensor)?),
            (11, Value::Bytes(input)) => inputs.push(message(input, 1)?.unwrap_or_default()),
            (12, Value::Bytes(output)) => outputs.push(message(output, 1)?.unwrap_or_default()),
            _ => {}
        }
    }
    // Older files name their weights among the inputs, too.
    inputs.retain(|input| !tensors.iter().any(|tensor| tensor.name == *input));
    let ([input], [output]) = (inputs.as_slice(), outputs.as_slice()) else {
        return Err(unsupported("a ranker has one input and one output"));
    };
    chain(&nodes, &tensors, input, output)
}

/// Follows the one value from the input to the output.
fn chain(
    nodes: &[Node<'_>],
    tensors: &[Tensor<'_>],
    input: &[u8],
    output: &[u8],
) -> Result<Vec<Layer>, Refusal> {
    let mut layers = Vec::with_capacity(nodes.len());
    let mut current = input;
    for node in nodes {
        let weights = |place: usize| {
            let name = node.inputs.get(place)?;
            tensors.iter().find(|tensor| tensor.name == *name)
        };
        let is_current = |place: usize| node.inputs.get(place) == Some(&current);
        let layer = match (node.operator, node.inputs.len()) {
            (b"MatMul", 2) if is_current(0) => weights(1).and_then(Tensor::matrix),
            (b"Add", 2) if is_current(0) => weights(1).and_then(Tensor::bias),
            (b"Add", 2) if is_current(1) => weights(0).and_then(Tensor::bias),
            (b"Relu", 1) if is_current(0) => Some(Layer::Relu),
            _ => None,
        };
        layers.push(layer.ok_or_else(|| unsupported("the model is not a chain of MatMul, Add and Relu"))?);
        current = node.output;
    }
    if current != output {
        return Err(unsupported("the chain does not end in the output"));
    }
    Ok(layers)
}

struct Node<'a> {
    operator: &'a [u8],
    inputs: Vec<&'a [u8]>,
    output: &'a [u8],
}

impl<'a> Node<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let mut node = Self { operator: b"", inputs: Vec::new(), output: b"" };
        for field in Fields(bytes) {
            match field? {
                (1, Value::Bytes(input)) => node.inputs.push(input),
                (2, Value::Bytes(output)) => node.output = output,
                (4, Value::Bytes(operator)) => node.operator = operator,
                _ => {}
            }
        }
        Ok(node)
    }
}

struct Tensor<'a> {
    name: &'a [u8],
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl<'a> Tensor<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let mut tensor = Self { name: b"", shape: Vec::new(), values: Vec::new() };
        let mut is_float = false;
        for field in Fields(bytes) {
            match field? {
                (1, Value::Number(length)) => tensor.shape.push(size(length)?),
                (1, Value::Bytes(mut packed)) => {
                    while !packed.is_empty() {
                        tensor.shape.push(size(varint(&mut packed)?)?);
                    }
                }
                (2, Value::Number(kind)) => is_float = kind == FLOAT,
                (8, Value::Bytes(name)) => tensor.name = name,
                (4 | 9, Value::Bytes(raw)) => tensor.values.extend(floats(raw)),
                _ => {}
            }
        }
        let length = tensor.shape.iter().try_fold(1_usize, |product, side| product.checked_mul(*side));
        if is_float && length == Some(tensor.values.len()) && tensor.values.iter().all(|v| v.is_finite()) {
            return Ok(tensor);
        }
        Err(unsupported("a weight is not whole, finite and f32"))
    }

    fn matrix(&self) -> Option<Layer> {
        let [inputs, outputs] = self.shape[..] else { return None };
        (inputs > 0 && outputs > 0).then(|| Layer::Dense { inputs, outputs, weights: self.values.clone() })
    }

    fn bias(&self) -> Option<Layer> {
        match self.shape[..] {
            [_] | [1, _] => Some(Layer::Bias(self.values.clone())),
            _ => None,
        }
    }
}

fn floats(raw: &[u8]) -> impl Iterator<Item = f32> + '_ {
    raw.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes))
}

/// The last field of this number that is a message or a text.
fn message(bytes: &[u8], number: u64) -> Result<Option<&[u8]>, Refusal> {
    let mut found = None;
    for field in Fields(bytes) {
        if let (known, Value::Bytes(value)) = field?
            && known == number
        {
            found = Some(value);
        }
    }
    Ok(found)
}

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Skipped,
}

/// The fields of a message, in the order of the file.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Value<'a>), Refusal>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Result<(u64, Value<'a>), Refusal> {
        let tag = varint(&mut self.0)?;
        let value = match tag & 7 {
            0 => Value::Number(varint(&mut self.0)?),
            1 => self.take(8).map(|_| Value::Skipped)?,
            2 => {
                let length = size(varint(&mut self.0)?)?;
                Value::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Value::Skipped)?,
            _ => return Err(malformed("a field is of no known kind")),
        };
        Ok((tag >> 3, value))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Refusal> {
        let (taken, rest) =
            self.0.split_at_checked(length).ok_or_else(|| malformed("the model is cut short"))?;
        self.0 = rest;
        Ok(taken)
    }
}

/// Seven bits a byte, the lowest first, the highest bit says whether more follow.
fn varint(bytes: &mut &[u8]) -> Result<u64, Refusal> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or_else(|| malformed("the model is cut short"))?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(malformed("a number has no end"))
}

fn size(number: u64) -> Result<usize, Refusal> {
    usize::try_from(number).map_err(|_| malformed("a length is absurd"))
}

fn malformed(message: &str) -> Refusal {
    Refusal::new("ranker-malformed", &message)
}

fn unsupported(message: &str) -> Refusal {
    Refusal::new("ranker-unsupported", &message)
}
