//! Causal attention over several sequences that lie one after the other.

use std::ops::Range;

use super::shape::Shape;
use crate::train::matrix::{rows, rows_mut, set};
use crate::train::vector::{causal_softmax, causal_softmax_back};

/// Room for the scores of one head of one sequence, used again and again.
#[derive(Default)]
pub(super) struct Room {
    chances: Vec<f32>,
    slopes: Vec<f32>,
}

/// Where each sequence stands among the rows; each is at most a window long.
pub(super) type Spans = [Range<usize>];

/// Writes what each place takes from itself and the places before it.
pub(super) fn forward(
    shape: &Shape,
    spans: &Spans,
    query_key_value: &[f32],
    age_bias: &[f32],
    output: &mut Vec<f32>,
    room: &mut Room,
) {
    let (width, head_width) = (shape.width, shape.head_width());
    output.resize(query_key_value.len() / 3, 0.0);
    for span in spans {
        let part = rows(&query_key_value[span.start * 3 * width..span.end * 3 * width], 3 * width);
        let output = &mut output[span.start * width..span.end * width];
        for head in 0..shape.heads {
            chances(shape, part, age_bias, head, room);
            let columns = head * head_width;
            let values = part.subcols(2 * width + columns, head_width);
            let out = rows_mut(output, width).subcols_mut(columns, head_width);
            set(out, rows(&room.chances, span.len()), values, 1.0);
        }
    }
}

/// Slopes by queries, keys and values from the slopes by the output; chances are computed again, because
/// keeping them costs more memory traffic than that.
#[allow(clippy::needless_pass_by_value, reason = "a bundle of borrows is handed over whole")]
pub(super) fn backward(
    shape: &Shape,
    spans: &Spans,
    query_key_value: &[f32],
    age_bias: &[f32],
    slopes: &[f32],
    into: Slopes<'_>,
    room: &mut Room,
) {
    let (width, head_width, scale) = (shape.width, shape.head_width(), scale(shape));
    into.query_key_value.resize(query_key_value.len(), 0.0);
    for span in spans {
        let part = rows(&query_key_value[span.start * 3 * width..span.end * 3 * width], 3 * width);
        let own = &mut into.query_key_value[span.start * 3 * width..span.end * 3 * width];
        let slopes = rows(&slopes[span.start * width..span.end * width], width);
        for head in 0..shape.heads {
            let columns = head * head_width;
            let side = |side: usize| part.subcols(side * width + columns, head_width);
            let slopes = slopes.subcols(columns, head_width);
            chances(shape, part, age_bias, head, room);
            room.slopes.resize(span.len() * span.len(), 0.0);
            set(rows_mut(&mut room.slopes, span.len()), slopes, side(2).transpose(), 1.0);
            let runs = [0, 1, 2].map(|side| side * width + columns);
            let mut write = |side: usize, a, b, scale| {
                set(rows_mut(own, 3 * width).subcols_mut(runs[side], head_width), a, b, scale);
            };
            write(2, rows(&room.chances, span.len()).transpose(), slopes, 1.0);
            let bias_slopes = &mut into.age_bias[head * shape.window..(head + 1) * shape.window];
            causal_softmax_back(&room.chances, &mut room.slopes, span.len(), bias_slopes);
            let by_scores = rows(&room.slopes, span.len());
            write(0, by_scores, side(1), scale);
            write(1, by_scores.transpose(), side(0), scale);
        }
    }
}

/// What [`backward`] writes and adds to.
pub(super) struct Slopes<'a> {
    /// Written.
    pub(super) query_key_value: &'a mut Vec<f32>,
    /// Added to.
    pub(super) age_bias: &'a mut [f32],
}

fn chances(shape: &Shape, part: faer::MatRef<'_, f32>, age_bias: &[f32], head: usize, room: &mut Room) {
    let (length, columns) = (part.nrows(), head * shape.head_width());
    let queries = part.subcols(columns, shape.head_width());
    let keys = part.subcols(shape.width + columns, shape.head_width());
    room.chances.resize(length * length, 0.0);
    set(rows_mut(&mut room.chances, length), queries, keys.transpose(), scale(shape));
    let bias = &age_bias[head * shape.window..(head + 1) * shape.window];
    causal_softmax(&mut room.chances, length, bias);
}

/// Keeps scores of random queries and keys near 1 (Vaswani et al., 2017).
pub(super) fn scale(shape: &Shape) -> f32 {
    (shape.head_width() as f32).sqrt().recip()
}
