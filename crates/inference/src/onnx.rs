//! Reads what our own kernels need of an ONNX file: nodes, their attributes, constants of `f32`.
//!
//! A file is a protocol buffer (onnx.proto); only the fields named here are read, the others are skipped.

use crate::limits::MODEL_BYTES_MAX;
use crate::network::NetworkError;

/// What our kernels need of a model: one input, one output, nodes in an order in which each can run.
pub(crate) struct Graph<'a> {
    pub(crate) input: &'a [u8],
    pub(crate) output: &'a [u8],
    pub(crate) nodes: Vec<Node<'a>>,
    constants: Vec<Tensor<'a>>,
}

impl<'a> Graph<'a> {
    pub(crate) fn read(model: &'a [u8]) -> Result<Self, NetworkError> {
        if model.len() > MODEL_BYTES_MAX {
            return Err(malformed("the model is too large"));
        }
        let graph = message(model, 7)?.ok_or_else(|| malformed("there is no graph"))?;
        let mut constants = Vec::new();
        let mut nodes = Vec::new();
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        for field in Fields(graph) {
            match field? {
                (1, Value::Bytes(node)) => nodes.push(Node::read(node)?),
                (5, Value::Bytes(tensor)) => constants.push(Tensor::read(tensor)?),
                (11, Value::Bytes(input)) => inputs.push(message(input, 1)?.unwrap_or_default()),
                (12, Value::Bytes(output)) => outputs.push(message(output, 1)?.unwrap_or_default()),
                _ => {}
            }
        }
        // Some exporters write constants as nodes.
        for node in &nodes {
            if let (b"Constant", Some(tensor)) = (node.operator, node.tensor) {
                constants.push(Tensor { name: node.output, ..Tensor::read(tensor)? });
            }
        }
        nodes.retain(|node| node.operator != b"Constant");
        // Older files name their weights among the inputs, too.
        inputs.retain(|input| !constants.iter().any(|tensor| tensor.name == *input));
        let (&[input], &[output]) = (inputs.as_slice(), outputs.as_slice()) else {
            return Err(unsupported("there is not one input and one output"));
        };
        Ok(Self { input, output, nodes, constants })
    }

    /// A constant of finite `f32`; others are only known by name.
    pub(crate) fn constant(&self, name: &[u8]) -> Option<&Tensor<'a>> {
        self.constants.iter().find(|tensor| tensor.name == name && tensor.is_float)
    }
}

/// What the metadata of a model say of a key.
pub(crate) fn metadata<'a>(model: &'a [u8], key: &[u8]) -> Result<Option<&'a [u8]>, NetworkError> {
    for field in Fields(model) {
        if let (14, Value::Bytes(entry)) = field?
            && message(entry, 1)? == Some(key)
        {
            return message(entry, 2);
        }
    }
    Ok(None)
}

/// An operator and what it is applied to.
#[derive(Default)]
pub(crate) struct Node<'a> {
    pub(crate) operator: &'a [u8],
    pub(crate) inputs: Vec<&'a [u8]>,
    pub(crate) output: &'a [u8],
    attributes: Vec<Attribute<'a>>,
    tensor: Option<&'a [u8]>,
}

#[derive(Default)]
struct Attribute<'a> {
    name: &'a [u8],
    float: f32,
    number: u64,
    text: &'a [u8],
    tensor: Option<&'a [u8]>,
}

impl<'a> Node<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, NetworkError> {
        let mut node = Self::default();
        for field in Fields(bytes) {
            match field? {
                (1, Value::Bytes(input)) => node.inputs.push(input),
                (2, Value::Bytes(output)) => node.output = output,
                (4, Value::Bytes(operator)) => node.operator = operator,
                (5, Value::Bytes(attribute)) => node.attributes.push(Attribute::read(attribute)?),
                _ => {}
            }
        }
        node.tensor = node.attributes.iter().find_map(|attribute| attribute.tensor);
        Ok(node)
    }

    fn attribute(&self, name: &[u8]) -> Option<&Attribute<'a>> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// A number, or what ONNX says it is when it is absent.
    pub(crate) fn float(&self, name: &[u8], absent: f32) -> f32 {
        self.attribute(name).map_or(absent, |attribute| attribute.float)
    }

    /// A whole number, or what ONNX says it is when it is absent. Negative ones wrap, as in the file.
    pub(crate) fn number(&self, name: &[u8], absent: i64) -> i64 {
        self.attribute(name).map_or(absent, |attribute| attribute.number.cast_signed())
    }

    /// A text; empty when it is absent.
    pub(crate) fn text(&self, name: &[u8]) -> &'a [u8] {
        self.attribute(name).map_or(b"", |attribute| attribute.text)
    }
}

impl<'a> Attribute<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, NetworkError> {
        let mut attribute = Self::default();
        for field in Fields(bytes) {
            match field? {
                (1, Value::Bytes(name)) => attribute.name = name,
                (2, Value::Float(value)) => attribute.float = value,
                (3, Value::Number(value)) => attribute.number = value,
                (4, Value::Bytes(text)) => attribute.text = text,
                (5, Value::Bytes(tensor)) => attribute.tensor = Some(tensor),
                _ => {}
            }
        }
        Ok(attribute)
    }
}

/// `onnx.TensorProto.DataType.FLOAT`.
const FLOAT: u64 = 1;

/// A constant of the model.
pub(crate) struct Tensor<'a> {
    name: &'a [u8],
    pub(crate) shape: Vec<usize>,
    // As they lie in the file: a copy of a tower's items would take more memory than all that is made of them.
    parts: Vec<&'a [u8]>,
    is_float: bool,
}

impl<'a> Tensor<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, NetworkError> {
        let mut tensor = Self { name: b"", shape: Vec::new(), parts: Vec::new(), is_float: false };
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
                // Empty parts without end would take more memory than the file.
                (4 | 9, Value::Bytes(raw)) if raw.len() >= size_of::<f32>() => tensor.parts.push(raw),
                _ => {}
            }
        }
        if !is_float {
            return Ok(Self { parts: Vec::new(), is_float, ..tensor });
        }
        let length = tensor.shape.iter().try_fold(1_usize, |product, side| product.checked_mul(*side));
        if length != Some(tensor.len()) {
            return Err(unsupported("a weight is not whole"));
        }
        // What hides later places from attention is minus infinity; no kernel of ours takes such a weight.
        let is_float = tensor.values().all(f32::is_finite);
        Ok(Self { is_float, ..tensor })
    }

    /// How many values there are; none where they are not `f32`.
    pub(crate) fn len(&self) -> usize {
        self.parts.iter().map(|part| part.as_chunks::<4>().0.len()).sum()
    }

    /// The values, in the order of the file.
    pub(crate) fn values(&self) -> impl Iterator<Item = f32> + '_ {
        let values = self.parts.iter().flat_map(|part| part.as_chunks::<4>().0);
        values.map(|bytes| f32::from_le_bytes(*bytes))
    }

    /// A copy of the values.
    pub(crate) fn to_vec(&self) -> Vec<f32> {
        let mut values = Vec::with_capacity(self.len());
        values.extend(self.values());
        values
    }
}

/// The last field of this number that is a message or a text.
fn message(bytes: &[u8], number: u64) -> Result<Option<&[u8]>, NetworkError> {
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
    Float(f32),
    Skipped,
}

/// The fields of a message, in the order of the file.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Value<'a>), NetworkError>;

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
    fn field(&mut self) -> Result<(u64, Value<'a>), NetworkError> {
        let tag = varint(&mut self.0)?;
        let value = match tag & 7 {
            0 => Value::Number(varint(&mut self.0)?),
            1 => self.take(8).map(|_| Value::Skipped)?,
            2 => {
                let length = size(varint(&mut self.0)?)?;
                Value::Bytes(self.take(length)?)
            }
            5 => {
                let bits = self.take(4)?.first_chunk().copied().unwrap_or_default();
                Value::Float(f32::from_le_bytes(bits))
            }
            _ => return Err(malformed("a field is of no known kind")),
        };
        Ok((tag >> 3, value))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], NetworkError> {
        let (taken, rest) =
            self.0.split_at_checked(length).ok_or_else(|| malformed("the model is cut short"))?;
        self.0 = rest;
        Ok(taken)
    }
}

/// Seven bits a byte, the lowest first, the highest bit says whether more follow.
fn varint(bytes: &mut &[u8]) -> Result<u64, NetworkError> {
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

fn size(number: u64) -> Result<usize, NetworkError> {
    usize::try_from(number).map_err(|_| malformed("a length is absurd"))
}

fn malformed(reason: &'static str) -> NetworkError {
    NetworkError::Malformed { reason }
}

fn unsupported(reason: &'static str) -> NetworkError {
    NetworkError::Unsupported { reason }
}
