//! The best rows of a matrix for a query, exactly.

use alloc::vec::Vec;
use core::cmp::Ordering;

use crate::bytes::{ByteMatrix, GROUP, Query};
use crate::dot::Dot;

/// The `count` rows with the highest product with `query`, among those that `allows` lets pass: falling
/// score, ties by the lower row.
///
/// A score is the exact sum of the products of bytes, times both scales. `allows` is asked about a row
/// only when its score would enter the list, so a filter costs little however much it forbids.
///
/// A query with another number of values than the matrix has columns finds nothing.
pub fn top(
    matrix: &ByteMatrix,
    query: &Query,
    count: usize,
    mut allows: impl FnMut(usize) -> bool,
) -> Vec<(f32, u32)> {
    if query.values().len() != matrix.stride() || count == 0 {
        return Vec::new();
    }
    let dot = Dot::best();
    let mut best = Best::new(count.min(matrix.rows()));
    let mut products = [0; BLOCK];
    let mut scores = [0.0; BLOCK];
    for first in (0..matrix.rows()).step_by(BLOCK) {
        let count = BLOCK.min(matrix.rows() - first);
        let padded = count.next_multiple_of(GROUP);
        let (rows, shifts) = matrix.padded(first, padded);
        dot.products(rows, shifts, query.values(), &mut products[..padded]);
        let scores = &mut scores[..count];
        for ((score, product), scale) in scores.iter_mut().zip(&products).zip(&matrix.scales()[first..]) {
            // Exact: a product is below 2^24, and a scale is a power of two.
            *score = *product as f32 * scale;
        }
        best.offer(first, scores, &mut allows);
    }
    best.finish(query.scale())
}

/// The product of every row with `query`, exactly: sums of products of bytes, times both scales.
///
/// Empty for a query with another number of values than the matrix has columns.
pub fn scores(matrix: &ByteMatrix, query: &Query) -> Vec<f32> {
    if query.values().len() != matrix.stride() {
        return Vec::new();
    }
    let dot = Dot::best();
    let mut products = [0; BLOCK];
    let mut scores = Vec::with_capacity(matrix.rows());
    for first in (0..matrix.rows()).step_by(BLOCK) {
        let count = BLOCK.min(matrix.rows() - first);
        let padded = count.next_multiple_of(GROUP);
        let (rows, shifts) = matrix.padded(first, padded);
        dot.products(rows, shifts, query.values(), &mut products[..padded]);
        let both = products[..count].iter().zip(&matrix.scales()[first..]);
        scores.extend(both.map(|(product, scale)| *product as f32 * scale * query.scale()));
    }
    scores
}

/// The `count` highest of `scores`, among those that `allows` lets pass: falling, ties by the lower place.
///
/// A NaN is never among them.
pub fn top_of(scores: &[f32], count: usize, mut allows: impl FnMut(usize) -> bool) -> Vec<(f32, u32)> {
    if count == 0 {
        return Vec::new();
    }
    let mut best = Best::new(count.min(scores.len()));
    for (block, scores) in scores.chunks(BLOCK).enumerate() {
        best.offer(block * BLOCK, scores, &mut allows);
    }
    best.finish(1.0)
}

/// Rows between two looks at the list: their scores stay in the nearest cache.
const BLOCK: usize = 64;

/// The best so far, found in rising order of their rows.
struct Best {
    count: usize,
    // Up to twice as many as wanted: selecting once in a while costs less than a heap.
    found: Vec<(f32, u32)>,
    threshold: f32,
}

impl Best {
    fn new(count: usize) -> Self {
        Self { count, found: Vec::with_capacity(count * 2), threshold: f32::NEG_INFINITY }
    }

    /// Takes what is good enough of the scores of some rows.
    fn offer(&mut self, first: usize, scores: &[f32], allows: &mut impl FnMut(usize) -> bool) {
        // Most blocks have nothing to offer, and this loop has no branch.
        let any = scores.iter().fold(false, |any, &score| any | (score > self.threshold));
        if !any {
            return;
        }
        for (row, &score) in (first..).zip(scores) {
            if score > self.threshold && allows(row) {
                self.push(score, row as u32);
            }
        }
    }

    fn push(&mut self, score: f32, row: u32) {
        self.found.push((score, row));
        if self.found.len() >= self.count * 2 {
            self.select();
        }
    }

    /// Later rows must be better than the last one kept: of equal scores the lower row wins.
    fn select(&mut self) {
        if let Some(last) = self.count.checked_sub(1)
            && self.found.len() >= self.count
        {
            let (_, &mut (score, _), _) = self.found.select_nth_unstable_by(last, falling);
            self.found.truncate(self.count);
            self.threshold = score;
        }
    }

    fn finish(mut self, scale: f32) -> Vec<(f32, u32)> {
        self.select();
        self.found.sort_unstable_by(falling);
        for (score, _) in &mut self.found {
            *score *= scale;
        }
        self.found
    }
}

fn falling(a: &(f32, u32), b: &(f32, u32)) -> Ordering {
    b.0.total_cmp(&a.0).then(a.1.cmp(&b.1))
}
