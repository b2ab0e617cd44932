//! The one order of answers: falling score, ties by the lower index, which is the lower title id.

use alloc::vec::Vec;
use core::cmp::Ordering;

/// Compares two scored indexes; a total order, so that every form selects the same.
pub(crate) fn falling(score_a: f32, a: u32, score_b: f32, b: u32) -> Ordering {
    score_b.total_cmp(&score_a).then(a.cmp(&b))
}

/// Keeps the best `count`, in order.
pub(crate) fn keep_best(scored: &mut Vec<(f32, u32)>, count: usize) {
    let compare = |a: &(f32, u32), b: &(f32, u32)| falling(a.0, a.1, b.0, b.1);
    if count < scored.len() {
        // Selecting first costs one pass; sorting all candidates would cost ten.
        scored.select_nth_unstable_by(count, compare);
        scored.truncate(count);
    }
    scored.sort_unstable_by(compare);
}
