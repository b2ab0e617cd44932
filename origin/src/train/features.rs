//! What the rows learn from: which items around a target describe it, and how much each counts.

use super::sequences::Sequences;

/// How the items around a target describe it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Features {
    /// τ: an item at age a weighs τ/(τ + a), see [`ranking::recency_weight`]; above 0.
    pub recency_tau: f32,
    /// Newest items of a history that count; 1 to 200.
    pub window: usize,
    /// η, how much a sequence counts that is read backwards, as though what came after had led to the target; 0 to 1.
    /// Where titles were viewed a few times only, that two of them go together says more than which came first.
    pub backward: f32,
}

impl Features {
    /// Weights for the ages 0, 1, … `window` − 1.
    pub fn decay(&self) -> Vec<f32> {
        (0..self.window).map(|age| ranking::recency_weight(age, self.recency_tau)).collect()
    }
}

/// Sequences as they are learned from: read onward, and backward where that counts.
pub struct Reading<'a> {
    onward: &'a Sequences,
    held_out: usize,
    backward: Option<(Sequences, f32)>,
}

impl<'a> Reading<'a> {
    /// Reads all but the newest `held_out` of each; those read backward count `backward` times as much.
    pub fn new(sequences: &'a Sequences, held_out: usize, backward: f32) -> Self {
        let backward = (backward > 0.0).then(|| (sequences.reversed(held_out), backward));
        Self { onward: sequences, held_out, backward }
    }

    /// What was watched before comes first; with how much it counts.
    pub fn iter(&self) -> impl Iterator<Item = (&[u32], f32)> {
        let onward = self.onward.iter(self.held_out).map(|items| (items, 1.0));
        let backward = self
            .backward
            .iter()
            .flat_map(|(sequences, weight)| sequences.iter(0).map(|items| (items, *weight)));
        onward.chain(backward)
    }

    /// Items that there are.
    pub fn items(&self) -> usize {
        self.onward.titles().len()
    }
}
