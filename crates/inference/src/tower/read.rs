//! A tower from the ONNX file of the trainer: initialisers of promised names and shapes, sizes in the metadata.

use kernels::{ByteMatrix, FixedDense};

use super::causal::{Block, Causal, Norm, Shape};
use super::error::TowerError;
use super::{ITEM_VECTORS, ITEMS_MAX};
use crate::limits::{TOWER_BLOCKS_MAX, TOWER_WIDTH_MAX, TOWER_WINDOW_MAX};
use crate::onnx::{Graph, Tensor, metadata};

impl Causal {
    /// Reads an ONNX file of the trainer; refuses one that is not of the shape that it promises.
    pub(super) fn read(onnx: &[u8], graph: &Graph<'_>) -> Result<Self, TowerError> {
        let number = |name: &'static str| -> Result<f32, TowerError> {
            let key = format!("frontrow.tower.{name}");
            let text = metadata(onnx, key.as_bytes())?.and_then(|text| str::from_utf8(text).ok());
            let number = text.and_then(|text| text.parse::<f32>().ok());
            number.filter(|number| number.is_finite() && *number > 0.0).ok_or(TowerError::Size { name })
        };
        let shape = shape(&number)?;
        let weights = Weights { graph, shape };
        let blocks = (0..shape.blocks).map(|block| weights.block(block)).collect::<Result<_, _>>()?;
        Ok(Self {
            shape,
            epsilon: number("epsilon")?,
            input_scale: number("input_scale")?,
            items: weights.items()?,
            blocks,
            last_norm: weights.norm("last_norm")?,
        })
    }
}

fn shape(number: &impl Fn(&'static str) -> Result<f32, TowerError>) -> Result<Shape, TowerError> {
    let size = |name: &'static str, size_max: usize| -> Result<usize, TowerError> {
        let size = number(name)?;
        // Exact: every limit is below 2^24.
        let is_whole = size.fract() == 0.0 && size <= size_max as f32;
        if is_whole { Ok(size as usize) } else { Err(TowerError::Size { name }) }
    };
    let shape = Shape {
        items: size("items", ITEMS_MAX)?,
        width: size("width", TOWER_WIDTH_MAX)?,
        blocks: size("blocks", TOWER_BLOCKS_MAX)?,
        heads: size("heads", TOWER_WIDTH_MAX)?,
        hidden: size("hidden", TOWER_WIDTH_MAX * 8)?,
        window: size("window", TOWER_WINDOW_MAX)?,
    };
    if shape.width.is_multiple_of(shape.heads) { Ok(shape) } else { Err(TowerError::Size { name: "heads" }) }
}

/// The initialisers, by their promised names.
struct Weights<'a> {
    graph: &'a Graph<'a>,
    shape: Shape,
}

impl Weights<'_> {
    fn block(&self, block: usize) -> Result<Block, TowerError> {
        let Shape { width, heads, hidden, window, .. } = self.shape;
        let name = |part: &str| format!("{block}.{part}");
        Ok(Block {
            attention_norm: self.norm(&name("attention_norm"))?,
            query: self.dense(&name("query"), None, [width, width])?,
            key_value: self.key_value(block)?,
            age_bias: self.table(&name("age_bias"), &[heads, window])?,
            attention_out: self.dense(&name("attention_out"), None, [width, width])?,
            hidden_norm: self.norm(&name("hidden_norm"))?,
            hidden: self.dense(&name("hidden_weights"), Some(&name("hidden_bias")), [width, hidden])?,
            out: self.dense(&name("out_weights"), Some(&name("out_bias")), [hidden, width])?,
        })
    }

    /// Side by side, so that a row is read once for both.
    fn key_value(&self, block: usize) -> Result<FixedDense, TowerError> {
        let width = self.shape.width;
        let mut both = vec![0.0; 2 * width * width];
        for (side, part) in ["key", "value"].into_iter().enumerate() {
            let weights = self.table(&format!("{block}.{part}"), &[width, width])?;
            for (to, from) in both.chunks_exact_mut(2 * width).zip(weights.chunks_exact(width)) {
                to[side * width..(side + 1) * width].copy_from_slice(from);
            }
        }
        let refused = |_| TowerError::Initialiser { name: format!("{block}.key") };
        FixedDense::quantise(width, &both, &vec![0.0; 2 * width]).map_err(refused)
    }

    fn dense(
        &self,
        weights: &str,
        bias: Option<&str>,
        [inputs, outputs]: [usize; 2],
    ) -> Result<FixedDense, TowerError> {
        let values = self.table(weights, &[inputs, outputs])?;
        let bias = bias.map_or_else(|| Ok(vec![0.0; outputs]), |bias| self.table(bias, &[outputs]))?;
        FixedDense::quantise(inputs, &values, &bias)
            .map_err(|_| TowerError::Initialiser { name: weights.to_owned() })
    }

    fn norm(&self, name: &str) -> Result<Norm, TowerError> {
        let of = |part: &str| self.table(&format!("{name}.{part}"), &[self.shape.width]);
        Ok(Norm { gain: of("gain")?, bias: of("bias")? })
    }

    fn items(&self) -> Result<ByteMatrix, TowerError> {
        let Shape { items, width, .. } = self.shape;
        ByteMatrix::quantise_rows(items, width, self.tensor(ITEM_VECTORS, &[items, width])?.values())
            .map_err(|_| TowerError::Initialiser { name: ITEM_VECTORS.to_owned() })
    }

    fn table(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, TowerError> {
        self.tensor(name, shape).map(Tensor::to_vec)
    }

    fn tensor(&self, name: &str, shape: &[usize]) -> Result<&Tensor<'_>, TowerError> {
        let found = self.graph.constant(name.as_bytes()).filter(|found| found.shape == shape);
        found.ok_or_else(|| TowerError::Initialiser { name: name.to_owned() })
    }
}

/// What `frontrow.tower` says of the kind that is read here.
pub(super) const KIND: &str = "causal-v1";
