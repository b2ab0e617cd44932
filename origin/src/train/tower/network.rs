//! The way through the blocks and back, for several sequences at once.

use std::ops::Range;

use super::attention::{self, Room};
use super::norm::Norm;
use super::shape::{BlockPlaces, Layout, NormPlaces, Place, Shape};
use crate::train::matrix::{add, rows, rows_mut, set};
use crate::train::random::Random;
use crate::train::vector::NormSlopes;

/// What a way through leaves for the way back, and room that is used again.
#[derive(Default)]
pub(super) struct Tape {
    spans: Vec<Range<usize>>,
    items: Vec<u32>,
    blocks: Vec<BlockTape>,
    last_norm: Norm,
    input_mask: Vec<f32>,
    // The residual, its slopes, and scratch.
    stream: Vec<f32>,
    slopes: Vec<f32>,
    normed: Vec<f32>,
    scratch: Vec<f32>,
    other: Vec<f32>,
    room: Room,
    /// What leaves: one row a place.
    pub(super) output: Vec<f32>,
}

#[derive(Default)]
struct BlockTape {
    attention_norm: Norm,
    query_key_value: Vec<f32>,
    attended: Vec<f32>,
    attention_mask: Vec<f32>,
    hidden_norm: Norm,
    hidden: Vec<f32>,
    hidden_mask: Vec<f32>,
}

/// Zeroes numbers at random and makes up for it in the others (Srivastava et al., 2014).
pub(super) struct Dropout {
    /// Share of numbers that are zeroed, in 256ths.
    threshold: u8,
    random: Random,
}

impl Dropout {
    /// Zeroes `share` of the numbers.
    pub(super) fn new(share: f32, seed: u64) -> Self {
        Self { threshold: (share * 256.0) as u8, random: Random::new(seed) }
    }

    fn apply(&mut self, values: &mut [f32], mask: &mut Vec<f32>) {
        mask.clear();
        if self.threshold == 0 {
            return;
        }
        mask.resize(values.len(), 0.0);
        let kept = 256.0 / (256.0 - f32::from(self.threshold));
        for (mask, values) in mask.chunks_mut(8).zip(values.chunks_mut(8)) {
            let draws = self.random.bits().to_le_bytes();
            for ((mask, value), draw) in mask.iter_mut().zip(values).zip(draws) {
                *mask = if draw < self.threshold { 0.0 } else { kept };
                *value *= *mask;
            }
        }
    }
}

impl Tape {
    /// Starts with sequences of item numbers, each at most a window long and not empty.
    pub(super) fn load<'a>(&mut self, sequences: impl Iterator<Item = &'a [u32]>) {
        self.spans.clear();
        self.items.clear();
        for sequence in sequences {
            let start = self.items.len();
            self.items.extend_from_slice(sequence);
            self.spans.push(start..self.items.len());
        }
    }

    /// Where each sequence stands among the rows.
    pub(super) fn spans(&self) -> &[Range<usize>] {
        &self.spans
    }

    /// Computes the output of every place.
    pub(super) fn forward(
        &mut self,
        shape: &Shape,
        layout: &Layout,
        parameters: &[f32],
        dropout: &mut Dropout,
    ) {
        let width = shape.width;
        self.stream.resize(self.items.len() * width, 0.0);
        let vectors = layout.item_vectors.of(parameters);
        for (row, &item) in self.stream.chunks_exact_mut(width).zip(&self.items) {
            let vector = &vectors[item as usize * width..][..width];
            for (x, weight) in row.iter_mut().zip(vector) {
                *x = weight * shape.input_scale();
            }
        }
        dropout.apply(&mut self.stream, &mut self.input_mask);
        let mut blocks = std::mem::take(&mut self.blocks);
        blocks.resize_with(shape.blocks, BlockTape::default);
        for (places, block) in layout.blocks.iter().zip(&mut blocks) {
            self.block_forward(shape, places, block, parameters, dropout);
        }
        self.blocks = blocks;
        let NormPlaces { gain, bias } = &layout.last_norm;
        self.last_norm.forward(&self.stream, gain.of(parameters), bias.of(parameters), &mut self.output);
    }

    fn block_forward(
        &mut self,
        shape: &Shape,
        places: &BlockPlaces,
        block: &mut BlockTape,
        parameters: &[f32],
        dropout: &mut Dropout,
    ) {
        let width = shape.width;
        let NormPlaces { gain, bias } = &places.attention_norm;
        block.attention_norm.forward(
            &self.stream,
            gain.of(parameters),
            bias.of(parameters),
            &mut self.normed,
        );
        product(&self.normed, &places.query_key_value, parameters, &mut block.query_key_value);
        let age_bias = places.age_bias.of(parameters);
        let (spans, room) = (&self.spans, &mut self.room);
        attention::forward(shape, spans, &block.query_key_value, age_bias, &mut block.attended, room);
        product(&block.attended, &places.attention_out, parameters, &mut self.scratch);
        dropout.apply(&mut self.scratch, &mut block.attention_mask);
        accumulate(&mut self.stream, &self.scratch);

        let NormPlaces { gain, bias } = &places.hidden_norm;
        block.hidden_norm.forward(&self.stream, gain.of(parameters), bias.of(parameters), &mut self.normed);
        product(&self.normed, &places.hidden_weights, parameters, &mut block.hidden);
        let bias = places.hidden_bias.of(parameters);
        for row in block.hidden.chunks_exact_mut(shape.hidden) {
            for (x, bias) in row.iter_mut().zip(bias) {
                *x = (*x + bias).max(0.0);
            }
        }
        product(&block.hidden, &places.out_weights, parameters, &mut self.scratch);
        let bias = places.out_bias.of(parameters);
        for row in self.scratch.chunks_exact_mut(width) {
            accumulate(row, bias);
        }
        dropout.apply(&mut self.scratch, &mut block.hidden_mask);
        accumulate(&mut self.stream, &self.scratch);
    }

    /// Adds the slopes by all parameters, from `slopes` of the loss by the output.
    pub(super) fn backward(
        &mut self,
        shape: &Shape,
        layout: &Layout,
        parameters: &[f32],
        slopes: &[f32],
        gradient: &mut [f32],
    ) {
        let width = shape.width;
        self.slopes.clear();
        self.slopes.resize(slopes.len(), 0.0);
        norm_back(&self.last_norm, &layout.last_norm, parameters, slopes, &mut self.slopes, gradient);
        let blocks = std::mem::take(&mut self.blocks);
        for (places, block) in layout.blocks.iter().zip(&blocks).rev() {
            self.hidden_backward(shape, places, block, parameters, gradient);
            self.attention_backward(shape, places, block, parameters, gradient);
        }
        self.blocks = blocks;
        mask(&mut self.slopes, &self.input_mask);
        let vectors = layout.item_vectors.of_mut(gradient);
        for (row, &item) in self.slopes.chunks_exact(width).zip(&self.items) {
            let sums = &mut vectors[item as usize * width..][..width];
            for (sum, slope) in sums.iter_mut().zip(row) {
                *sum += slope * shape.input_scale();
            }
        }
    }

    fn hidden_backward(
        &mut self,
        shape: &Shape,
        places: &BlockPlaces,
        block: &BlockTape,
        parameters: &[f32],
        gradient: &mut [f32],
    ) {
        self.scratch.clone_from(&self.slopes);
        mask(&mut self.scratch, &block.hidden_mask);
        sum_rows(&self.scratch, places.out_bias.of_mut(gradient));
        back(&block.hidden, &places.out_weights, parameters, &self.scratch, &mut self.other, gradient);
        for (slope, hidden) in self.other.iter_mut().zip(&block.hidden) {
            *slope = if *hidden > 0.0 { *slope } else { 0.0 };
        }
        debug_assert_eq!(self.other.len() % shape.hidden, 0);
        sum_rows(&self.other, places.hidden_bias.of_mut(gradient));
        let NormPlaces { gain, bias } = &places.hidden_norm;
        block.hidden_norm.outputs(gain.of(parameters), bias.of(parameters), &mut self.normed);
        back(&self.normed, &places.hidden_weights, parameters, &self.other, &mut self.scratch, gradient);
        let norm = &block.hidden_norm;
        norm_back(norm, &places.hidden_norm, parameters, &self.scratch, &mut self.slopes, gradient);
    }

    fn attention_backward(
        &mut self,
        shape: &Shape,
        places: &BlockPlaces,
        block: &BlockTape,
        parameters: &[f32],
        gradient: &mut [f32],
    ) {
        self.scratch.clone_from(&self.slopes);
        mask(&mut self.scratch, &block.attention_mask);
        back(&block.attended, &places.attention_out, parameters, &self.scratch, &mut self.other, gradient);
        let into = attention::Slopes {
            query_key_value: &mut self.scratch,
            age_bias: places.age_bias.of_mut(gradient),
        };
        let (spans, room, age_bias) = (&self.spans, &mut self.room, places.age_bias.of(parameters));
        attention::backward(shape, spans, &block.query_key_value, age_bias, &self.other, into, room);
        let NormPlaces { gain, bias } = &places.attention_norm;
        block.attention_norm.outputs(gain.of(parameters), bias.of(parameters), &mut self.normed);
        back(&self.normed, &places.query_key_value, parameters, &self.scratch, &mut self.other, gradient);
        let norm = &block.attention_norm;
        norm_back(norm, &places.attention_norm, parameters, &self.other, &mut self.slopes, gradient);
    }
}

/// output = input · weights.
fn product(input: &[f32], weights: &Place, parameters: &[f32], output: &mut Vec<f32>) {
    output.resize(input.len() / weights.rows * weights.columns, 0.0);
    let matrix = rows(weights.of(parameters), weights.columns);
    set(rows_mut(output, weights.columns), rows(input, weights.rows), matrix, 1.0);
}

/// The way back of [`product`]: slopes by the input are written, those by the weights added.
fn back(
    input: &[f32],
    weights: &Place,
    parameters: &[f32],
    slopes: &[f32],
    into: &mut Vec<f32>,
    gradient: &mut [f32],
) {
    into.resize(input.len(), 0.0);
    let slopes = rows(slopes, weights.columns);
    let matrix = rows(weights.of(parameters), weights.columns);
    set(rows_mut(into, weights.rows), slopes, matrix.transpose(), 1.0);
    let sums = rows_mut(weights.of_mut(gradient), weights.columns);
    add(sums, rows(input, weights.rows).transpose(), slopes, 1.0);
}

fn norm_back(
    norm: &Norm,
    places: &NormPlaces,
    parameters: &[f32],
    slopes: &[f32],
    into: &mut [f32],
    gradient: &mut [f32],
) {
    // The bias stands right behind the gain.
    let both = &mut gradient[places.gain.range.start..places.bias.range.end];
    let (gain, bias) = both.split_at_mut(places.gain.columns);
    let slopes = NormSlopes { output: slopes, input: into, gain, bias };
    norm.backward(places.gain.of(parameters), slopes);
}

fn sum_rows(values: &[f32], sums: &mut [f32]) {
    for row in values.chunks_exact(sums.len()) {
        accumulate(sums, row);
    }
}

fn accumulate(sums: &mut [f32], values: &[f32]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value;
    }
}

/// An empty mask keeps everything.
fn mask(values: &mut [f32], mask: &[f32]) {
    for (value, mask) in values.iter_mut().zip(mask) {
        *value *= mask;
    }
}
