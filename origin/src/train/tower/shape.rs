//! What a tower is made of, and where each of its matrices stands among the parameters.

use std::ops::Range;

use crate::train::random::Random;

/// The sizes of a tower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Items it knows, each a vector.
    pub items: usize,
    /// Numbers in a vector.
    pub width: usize,
    /// Transformer blocks, one after the other.
    pub blocks: usize,
    /// Attention heads of a block; divides `width`.
    pub heads: usize,
    /// Rectified units of a block.
    pub hidden: usize,
    /// Newest items of a history that it sees.
    pub window: usize,
}

impl Shape {
    /// The sizes that a release ships, for so many items.
    pub fn standard(items: usize) -> Self {
        Self { items, width: 64, blocks: 2, heads: 2, hidden: 128, window: 200 }
    }

    /// Numbers in a head.
    pub fn head_width(&self) -> usize {
        self.width / self.heads
    }

    /// Where everything stands.
    pub fn layout(&self) -> Layout {
        let mut end = 0;
        let mut take = |rows: usize, columns: usize| {
            let start = end;
            end += rows * columns;
            Place { range: start..end, rows, columns }
        };
        let &Self { items, width, hidden, .. } = self;
        let item_vectors = take(items, width);
        let blocks = (0..self.blocks)
            .map(|_| BlockPlaces {
                attention_norm: NormPlaces { gain: take(1, width), bias: take(1, width) },
                query_key_value: take(width, 3 * width),
                age_bias: take(self.heads, self.window),
                attention_out: take(width, width),
                hidden_norm: NormPlaces { gain: take(1, width), bias: take(1, width) },
                hidden_weights: take(width, hidden),
                hidden_bias: take(1, hidden),
                out_weights: take(hidden, width),
                out_bias: take(1, width),
            })
            .collect();
        let last_norm = NormPlaces { gain: take(1, width), bias: take(1, width) };
        Layout { item_vectors, blocks, last_norm, len: end }
    }

    /// Parameters to start learning from.
    pub(super) fn random(&self, random: &mut Random) -> Vec<f32> {
        let layout = self.layout();
        let mut parameters = vec![0.0; layout.len];
        let mut draw = |place: &Place, deviation: f64| {
            for parameter in &mut parameters[place.range.clone()] {
                *parameter = (random.normal() * deviation) as f32;
            }
        };
        // Keeps the variance of the signal; what is added to the residual starts smaller, the more is added.
        let keep = |rows: usize| (1.0 / rows as f64).sqrt();
        let less = (2.0 * self.blocks as f64).sqrt().recip();
        draw(&layout.item_vectors, ITEM_DEVIATION);
        for block in &layout.blocks {
            draw(&block.query_key_value, keep(self.width));
            draw(&block.attention_out, keep(self.width) * less);
            draw(&block.hidden_weights, keep(self.width));
            draw(&block.out_weights, keep(self.hidden) * less);
        }
        let norms = layout.blocks.iter().flat_map(|block| [&block.attention_norm, &block.hidden_norm]);
        for norm in norms.chain([&layout.last_norm]) {
            parameters[norm.gain.range.clone()].fill(1.0);
        }
        parameters
    }

    /// What an item vector is multiplied with where it enters.
    pub fn input_scale(&self) -> f32 {
        (self.width as f32).sqrt()
    }
}

/// First item vectors are drawn from a normal distribution this wide.
const ITEM_DEVIATION: f64 = 0.02;

/// Where everything stands.
#[derive(Clone, Debug)]
pub struct Layout {
    /// One row an item: what enters and what is compared with.
    pub item_vectors: Place,
    /// In the order they are applied.
    pub blocks: Vec<BlockPlaces>,
    /// Of what leaves the last block.
    pub last_norm: NormPlaces,
    /// Parameters in all.
    pub len: usize,
}

/// The matrices of one block.
#[derive(Clone, Debug)]
pub struct BlockPlaces {
    /// Before the attention.
    pub attention_norm: NormPlaces,
    /// Width × (queries, keys, values); a head is a run of columns of each.
    pub query_key_value: Place,
    /// Heads × window: what is added to a score by how many items lie between, the last entry for none.
    pub age_bias: Place,
    /// Width × width, from the heads side by side.
    pub attention_out: Place,
    /// Before the hidden units.
    pub hidden_norm: NormPlaces,
    /// Width × hidden.
    pub hidden_weights: Place,
    /// One a hidden unit.
    pub hidden_bias: Place,
    /// Hidden × width.
    pub out_weights: Place,
    /// One a number of a vector.
    pub out_bias: Place,
}

/// Gain and bias of a layer norm.
#[derive(Clone, Debug)]
pub struct NormPlaces {
    /// One a number of a vector.
    pub gain: Place,
    /// One a number of a vector.
    pub bias: Place,
}

/// A row-major matrix among the parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Of the parameters.
    pub range: Range<usize>,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
}

impl Place {
    /// Its numbers.
    pub fn of<'a>(&self, parameters: &'a [f32]) -> &'a [f32] {
        &parameters[self.range.clone()]
    }

    pub(super) fn of_mut<'a>(&self, parameters: &'a mut [f32]) -> &'a mut [f32] {
        &mut parameters[self.range.clone()]
    }
}
