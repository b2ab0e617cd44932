//! One more item for a viewer whose keys and values were kept: one step instead of a whole history.

use super::Tower;
use super::attention::scale;
use super::shape::{BlockPlaces, NormPlaces, Place, Shape};
use super::vector::{dot, normalise};

/// Keys and values of a history, by block; grows by one row with every item.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    length: usize,
    blocks: Vec<Kept>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Kept {
    keys: Vec<f32>,
    values: Vec<f32>,
}

impl State {
    /// Items it has seen.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether it has seen nothing.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }
}

impl Tower {
    /// Adds an item to the history; returns the viewer's vector. None when the window is full: start again from
    /// the newest part of the history then.
    ///
    /// # Panics
    /// When the item is not one of the tower's.
    pub fn append(&self, state: &mut State, item: u32) -> Option<Vec<f32>> {
        let shape = self.shape();
        if state.length == shape.window {
            return None;
        }
        let layout = shape.layout();
        state.blocks.resize_with(shape.blocks, Kept::default);
        let vector = &self.item_vectors()[item as usize * shape.width..][..shape.width];
        let mut stream: Vec<f32> = vector.iter().map(|x| x * shape.input_scale()).collect();
        for (places, kept) in layout.blocks.iter().zip(&mut state.blocks) {
            let attended = attend(shape, places, self.parameters(), &stream, kept);
            add(&mut stream, &product(&attended, &places.attention_out, self.parameters()));
            let normed = norm(&stream, &places.hidden_norm, self.parameters());
            let mut hidden = product(&normed, &places.hidden_weights, self.parameters());
            add(&mut hidden, places.hidden_bias.of(self.parameters()));
            hidden.iter_mut().for_each(|x| *x = x.max(0.0));
            add(&mut stream, &product(&hidden, &places.out_weights, self.parameters()));
            add(&mut stream, places.out_bias.of(self.parameters()));
        }
        state.length += 1;
        Some(norm(&stream, &layout.last_norm, self.parameters()))
    }
}

fn attend(
    shape: &Shape,
    places: &BlockPlaces,
    parameters: &[f32],
    stream: &[f32],
    kept: &mut Kept,
) -> Vec<f32> {
    let (width, head_width) = (shape.width, shape.head_width());
    let normed = norm(stream, &places.attention_norm, parameters);
    let query_key_value = product(&normed, &places.query_key_value, parameters);
    let (query, key_value) = query_key_value.split_at(width);
    kept.keys.extend_from_slice(&key_value[..width]);
    kept.values.extend_from_slice(&key_value[width..]);
    let length = kept.keys.len() / width;
    let mut attended = vec![0.0; width];
    for head in 0..shape.heads {
        let columns = head * head_width..(head + 1) * head_width;
        let bias = &places.age_bias.of(parameters)[(head + 1) * shape.window - length..][..length];
        let scores = kept.keys.chunks_exact(width).zip(bias);
        let scores: Vec<f32> = scores
            .map(|(key, bias)| dot(&query[columns.clone()], &key[columns.clone()]) * scale(shape) + bias)
            .collect();
        let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let weights: Vec<f32> = scores.iter().map(|score| (score - largest).exp()).collect();
        let total: f32 = weights.iter().sum();
        let attended = &mut attended[columns.clone()];
        for (weight, value) in weights.iter().zip(kept.values.chunks_exact(width)) {
            for (sum, value) in attended.iter_mut().zip(&value[columns.clone()]) {
                *sum += weight / total * value;
            }
        }
    }
    attended
}

fn norm(row: &[f32], places: &NormPlaces, parameters: &[f32]) -> Vec<f32> {
    let mut normed = vec![0.0; row.len()];
    normalise(row, row.len(), &mut normed, &mut [0.0]);
    let stretched = normed.iter().zip(places.gain.of(parameters)).zip(places.bias.of(parameters));
    stretched.map(|((x, gain), bias)| x * gain + bias).collect()
}

fn product(row: &[f32], weights: &Place, parameters: &[f32]) -> Vec<f32> {
    let mut sums = vec![0.0; weights.columns];
    for (x, weights) in row.iter().zip(weights.of(parameters).chunks_exact(weights.columns)) {
        for (sum, weight) in sums.iter_mut().zip(weights) {
            *sum += x * weight;
        }
    }
    sums
}

fn add(sums: &mut [f32], values: &[f32]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value;
    }
}
