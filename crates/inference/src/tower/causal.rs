//! A causal transformer that turns what was watched into a viewer's vector, on our own kernels.
//!
//! The model is read from the ONNX file that the trainer writes: its initialisers have promised names and shapes
//! (listed in `origin/src/train/tower/onnx.rs`), its metadata the sizes. A place sees itself and what came before,
//! and knows of an item only how many came after it. So what was computed for a history stays true when it grows:
//! its state is kept, and one more item costs one step. Either way gives the same bits.
//!
//! Items are kept in eight bits, as the candidates that a vector is compared with are; layers run in fixed point
//! ([`FixedDense`]), attention in floats.

use core::ops::Range;

use kernels::{
    ByteMatrix, FixedDense, FixedRows, LayerNorm, Panels, add, rectify, softmax, times_inputs, times_outputs,
};

use super::Step;

/// A tower of the trainer, ready to run.
#[derive(Clone, Debug)]
pub(super) struct Causal {
    pub(super) shape: Shape,
    pub(super) epsilon: f32,
    pub(super) input_scale: f32,
    // As they are compared with, and times `input_scale` as they enter.
    pub(super) items: ByteMatrix,
    pub(super) blocks: Vec<Block>,
    pub(super) last_norm: Norm,
}

/// The sizes of a transformer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Items it knows.
    pub(super) items: usize,
    /// Numbers in a vector.
    pub(super) width: usize,
    /// Transformer blocks.
    pub(super) blocks: usize,
    /// Attention heads of a block.
    pub(super) heads: usize,
    /// Rectified units of a block.
    pub(super) hidden: usize,
    /// Newest items of a history that it sees.
    pub(super) window: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) attention_norm: Norm,
    pub(super) query: FixedDense,
    // Keys and values side by side.
    pub(super) key_value: FixedDense,
    // Heads × window; the last entry for age 0.
    pub(super) age_bias: Vec<f32>,
    pub(super) attention_out: FixedDense,
    pub(super) hidden_norm: Norm,
    pub(super) hidden: FixedDense,
    pub(super) out: FixedDense,
}

#[derive(Clone, Debug)]
pub(super) struct Norm {
    pub(super) gain: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

impl Causal {
    /// As [`super::Tower::encode_from`], of a state with room and items that it has. A row of the state is of each block
    /// its keys and then its values.
    pub(super) fn encode_from(&self, state: &[f32], items: &[u32]) -> Step {
        let (width, row) = (self.shape.width, self.state_row());
        let before = state.len() / row;
        let mut stream = self.entering(items);
        let mut added = vec![0.0; items.len() * row];
        let mut room = Room::default();
        for (number, block) in self.blocks.iter().enumerate() {
            // Of the last block only the newest place is asked for.
            let asked = if number + 1 == self.blocks.len() { 1 } else { items.len() };
            block.enter(self, number, &stream, asked, &mut added, &mut room);
            stream.drain(..stream.len() - asked * width);
            block.attend(self, number, before + items.len() - asked, [state, &added], &mut room);
            block.finish(self, &mut stream, &mut room);
        }
        let mut user = vec![0.0; width];
        self.last_norm.over(self.epsilon).apply(&stream, &mut user);
        Step { user, state: added }
    }

    /// Numbers that an item adds to a state.
    pub(super) fn state_row(&self) -> usize {
        self.shape.blocks * 2 * self.shape.width
    }

    fn entering(&self, items: &[u32]) -> Vec<f32> {
        let mut stream = Vec::with_capacity(items.len() * self.shape.width);
        for &item in items {
            let item = item as usize;
            let scale = self.items.scales()[item] * self.input_scale;
            stream.extend(self.items.row(item).iter().map(|&value| f32::from(value) * scale));
        }
        stream
    }
}

/// What lies between the steps of a block.
#[derive(Default)]
struct Room {
    normed: Vec<f32>,
    fixed: FixedRows,
    queries: Vec<f32>,
    key_value: Vec<f32>,
    // Of one head.
    asked: Vec<f32>,
    keys: Panels,
    values: Panels,
    scores: Vec<f32>,
    taken: Vec<f32>,
    attended: Vec<f32>,
    hidden: Vec<f32>,
    out: Vec<f32>,
}

/// What a head of a block sees: the places of a history.
struct Seen<'a> {
    // What was known, and what is added.
    states: [&'a [f32]; 2],
    row: usize,
    block: usize,
    width: usize,
    head: usize,
    heads: usize,
}

impl<'a> Seen<'a> {
    fn len(&self) -> usize {
        self.states.iter().map(|state| state.len() / self.row).sum()
    }

    /// The head's part of what all heads have.
    fn own(&self) -> Range<usize> {
        let width = self.width / self.heads;
        self.head * width..(self.head + 1) * width
    }

    /// One a place.
    fn keys(&self) -> impl Iterator<Item = &'a [f32]> + Clone {
        self.part(2 * self.block)
    }

    /// One a place.
    fn values(&self) -> impl Iterator<Item = &'a [f32]> + Clone {
        self.part(2 * self.block + 1)
    }

    fn part(&self, part: usize) -> impl Iterator<Item = &'a [f32]> + Clone + use<'a> {
        let (row, Range { start, end }) = (self.row, self.own());
        let range = part * self.width + start..part * self.width + end;
        self.states
            .into_iter()
            .flat_map(move |state| state.chunks_exact(row))
            .map(move |row| &row[range.clone()])
    }
}

impl Block {
    /// Writes this block's part of every new row of the state, and what the newest `asked` places ask.
    fn enter(
        &self,
        tower: &Causal,
        number: usize,
        stream: &[f32],
        asked: usize,
        rows: &mut [f32],
        room: &mut Room,
    ) {
        let (width, row) = (tower.shape.width, tower.state_row());
        let mut silent = stream.len() / width - asked;
        resize(&mut room.queries, asked * width);
        let mut queries = room.queries.as_mut_slice();
        for (stream, rows) in stream.chunks(TILE * width).zip(rows.chunks_mut(TILE * row)) {
            resize(&mut room.normed, stream.len());
            self.attention_norm.over(tower.epsilon).apply(stream, &mut room.normed);
            room.fixed.quantise(width, &room.normed);
            apply(&self.key_value, &room.fixed, &mut room.key_value);
            for (row, both) in rows.chunks_exact_mut(row).zip(room.key_value.chunks_exact(2 * width)) {
                row[number * 2 * width..][..2 * width].copy_from_slice(both);
            }
            let places = stream.len() / width;
            let asking = places - silent.min(places);
            silent -= places - asking;
            if asking < places {
                room.fixed.quantise(width, &room.normed[(places - asking) * width..]);
            }
            let (to, rest) = queries.split_at_mut(asking * width);
            self.query.apply(&room.fixed, to);
            queries = rest;
        }
    }

    /// What each place takes from itself and those before it; the first of them is the history's `first`.
    fn attend(&self, tower: &Causal, number: usize, first: usize, states: [&[f32]; 2], room: &mut Room) {
        let Shape { width, heads, .. } = tower.shape;
        resize(&mut room.attended, room.queries.len());
        for head in 0..heads {
            let seen = Seen { states, row: tower.state_row(), block: number, width, head, heads };
            if room.queries.len() == width {
                self.attend_alone(tower, &seen, room);
            } else {
                self.attend_together(tower, &seen, first, room);
            }
        }
    }

    /// The newest place only: keys and values are read once, and bringing them into an order would cost more.
    fn attend_alone(&self, tower: &Causal, seen: &Seen<'_>, room: &mut Room) {
        resize(&mut room.scores, seen.len());
        times_outputs(&room.queries[seen.own()], seen.keys(), &mut room.scores);
        self.weigh(tower, seen.head, &mut room.scores);
        times_inputs(&room.scores, seen.values(), &mut room.attended[seen.own()]);
    }

    /// Places together, so that keys and values are read once for all of them.
    fn attend_together(&self, tower: &Causal, seen: &Seen<'_>, first: usize, room: &mut Room) {
        let (width, head_width) = (seen.width, seen.own().len());
        room.keys.reset(head_width, seen.len());
        room.values.reset(seen.len(), head_width);
        for (place, (key, value)) in seen.keys().zip(seen.values()).enumerate() {
            room.keys.set_output(place, key);
            room.values.set_input(place, value);
        }
        for (tile, queries) in room.queries.chunks(TOGETHER * width).enumerate() {
            let first = first + tile * TOGETHER;
            room.asked.clear();
            for queries in queries.chunks_exact(width) {
                room.asked.extend_from_slice(&queries[seen.own()]);
            }
            let places = queries.len() / width;
            let reach = first + places;
            resize(&mut room.scores, places * reach);
            room.keys.apply(head_width, reach, &room.asked, &mut room.scores);
            for (place, scores) in (first..).zip(room.scores.chunks_exact_mut(reach)) {
                self.weigh(tower, seen.head, &mut scores[..=place]);
                scores[place + 1..].fill(0.0);
            }
            resize(&mut room.taken, places * head_width);
            room.values.apply(reach, head_width, &room.scores, &mut room.taken);
            let to = room.attended[tile * TOGETHER * width..].chunks_exact_mut(width);
            for (to, taken) in to.zip(room.taken.chunks_exact(head_width)) {
                to[seen.own()].copy_from_slice(taken);
            }
        }
    }

    /// From products to chances, for a place that sees so many; the last is the place itself.
    fn weigh(&self, tower: &Causal, head: usize, scores: &mut [f32]) {
        let Shape { width, heads, window, .. } = tower.shape;
        let scale = 1.0 / ((width / heads) as f32).sqrt();
        let bias = &self.age_bias[(head + 1) * window - scores.len()..(head + 1) * window];
        for (score, bias) in scores.iter_mut().zip(bias) {
            *score = *score * scale + bias;
        }
        softmax(scores);
    }

    /// From what was attended to the stream behind the block.
    fn finish(&self, tower: &Causal, stream: &mut [f32], room: &mut Room) {
        let Room { normed, fixed, attended, hidden, out, .. } = room;
        let tile = TILE * tower.shape.width;
        for (stream, attended) in stream.chunks_mut(tile).zip(attended.chunks(tile)) {
            fixed.quantise(tower.shape.width, attended);
            apply(&self.attention_out, fixed, out);
            add(stream, out);
            resize(normed, stream.len());
            self.hidden_norm.over(tower.epsilon).apply(stream, normed);
            fixed.quantise(tower.shape.width, normed);
            apply(&self.hidden, fixed, hidden);
            rectify(hidden);
            fixed.quantise(tower.shape.hidden, hidden);
            apply(&self.out, fixed, out);
            add(stream, out);
        }
    }
}

/// Places of a history that attend at once.
const TOGETHER: usize = 4;

/// Places that go through a layer at once: what lies between two layers of more would be more pages of an instance's
/// memory to put back.
const TILE: usize = 16;

fn apply(layer: &FixedDense, rows: &FixedRows, to: &mut Vec<f32>) {
    resize(to, rows.len() * layer.outputs());
    layer.apply(rows, to);
}

/// Makes room for so many numbers, whatever they are: all of them are written before they are read.
///
/// Memory that is zero when it is handed out need not be filled.
fn resize(numbers: &mut Vec<f32>, count: usize) {
    if numbers.capacity() < count {
        *numbers = vec![0.0; count];
    }
    numbers.resize(count, 0.0);
}

impl Norm {
    fn over(&self, epsilon: f32) -> LayerNorm<'_> {
        LayerNorm { gain: &self.gain, bias: &self.bias, epsilon }
    }
}
