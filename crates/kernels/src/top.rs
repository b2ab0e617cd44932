//! The best rows of a matrix for a query, exactly.

use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Ordering;

use crate::bytes::{ByteMatrix, GROUP, Query};
use crate::dot::Dot;
use crate::lanes::{LANES, Lanes};

/// The `count` rows with the highest product with `query`, among those that `allows` lets pass: falling
/// score, ties by the lower row.
///
/// A score is the exact sum of the products of bytes, times both scales. `allows` is asked about few of the
/// rows only (see [`top_of`]).
///
/// A query with another number of values than the matrix has columns finds nothing.
pub fn top(
    matrix: &ByteMatrix,
    query: &Query,
    count: usize,
    allows: impl FnMut(usize) -> bool,
) -> Vec<(f32, u32)> {
    // A power of two changes no order.
    let mut best = top_of(&unscaled(matrix, query), f32::NEG_INFINITY, count, allows);
    for (score, _) in &mut best {
        *score *= query.scale();
    }
    best
}

/// The product of every row with `query`, exactly: sums of products of bytes, times both scales.
///
/// Empty for a query with another number of values than the matrix has columns.
pub fn scores(matrix: &ByteMatrix, query: &Query) -> Vec<f32> {
    let mut scores = unscaled(matrix, query);
    for score in &mut scores {
        *score *= query.scale();
    }
    scores
}

/// As [`scores`], still to be multiplied with the query's scale, which is a power of two and changes no order.
///
/// Exact: a product is below 2^24, and the scale of a row is a power of two.
pub fn unscaled(matrix: &ByteMatrix, query: &Query) -> Vec<f32> {
    if query.values().len() != matrix.stride() {
        return Vec::new();
    }
    let mut scores = vec![0.0; matrix.rows().next_multiple_of(GROUP)];
    Dot::best().scores(matrix.padded(0, scores.len()), query.values(), &mut scores);
    scores.truncate(matrix.rows());
    scores
}

/// The `count` highest of the `scores` above `floor`, among those that `allows` lets pass: falling, ties by the
/// lower place. A NaN is never among them.
///
/// Every sixteenth score says which threshold about twice as many as wanted will reach, and only about those is
/// `allows` asked; when it forbids so many that too few are left, the threshold is lowered.
pub fn top_of(
    scores: &[f32],
    floor: f32,
    count: usize,
    mut allows: impl FnMut(usize) -> bool,
) -> Vec<(f32, u32)> {
    let mut found = Vec::new();
    if count == 0 {
        return found;
    }
    let mut sample: Vec<f32> = scores.iter().step_by(SAMPLED).copied().collect();
    // Some more, for what chance leaves out of the sample.
    let mut rank = count.saturating_mul(2) / SAMPLED + 8;
    loop {
        let threshold = if rank < sample.len() {
            *sample.select_nth_unstable_by(rank, |a, b| b.total_cmp(a)).1
        } else {
            f32::NEG_INFINITY
        };
        found.clear();
        gather(scores, floor, threshold, &mut allows, &mut found);
        if found.len() >= count || rank >= sample.len() {
            break;
        }
        rank *= 4;
    }
    if count < found.len() {
        found.select_nth_unstable_by(count, falling);
        found.truncate(count);
    }
    found.sort_unstable_by(falling);
    found
}

/// One score of so many is looked at first.
const SAMPLED: usize = 16;

/// Adds what is above the floor, reaches the threshold and is allowed.
// A function of its own: within a large one the loop's few numbers would live on the stack.
#[inline(never)]
fn gather(
    scores: &[f32],
    floor: f32,
    threshold: f32,
    allows: &mut impl FnMut(usize) -> bool,
    found: &mut Vec<(f32, u32)>,
) {
    let mut first = 0;
    let (chunks, rest) = scores.as_chunks::<LANES>();
    let mut take = |place: usize, score: f32| {
        if score >= threshold && score > floor && allows(place) {
            found.push((score, place as u32));
        }
    };
    for chunk in chunks {
        // Most have none, which is seen without a branch.
        if Lanes::load(chunk).any_reaches(Lanes::splat(threshold)) {
            for (lane, &score) in chunk.iter().enumerate() {
                take(first + lane, score);
            }
        }
        first += LANES;
    }
    for (lane, &score) in rest.iter().enumerate() {
        take(first + lane, score);
    }
}

fn falling(a: &(f32, u32), b: &(f32, u32)) -> Ordering {
    b.0.total_cmp(&a.0).then(a.1.cmp(&b.1))
}
