//! Products of row-major matrices, one thread each: whoever calls runs several at once.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

/// `data` as rows of `columns`.
pub(super) fn rows(data: &[f32], columns: usize) -> MatRef<'_, f32> {
    MatRef::from_row_major_slice(data, data.len() / columns, columns)
}

/// `data` as rows of `columns`, to be written.
pub(super) fn rows_mut(data: &mut [f32], columns: usize) -> MatMut<'_, f32> {
    let rows = data.len() / columns;
    MatMut::from_row_major_slice_mut(data, rows, columns)
}

/// `out` = `scale` · a · b.
pub(super) fn set(out: MatMut<'_, f32>, a: MatRef<'_, f32>, b: MatRef<'_, f32>, scale: f32) {
    matmul(out, Accum::Replace, a, b, scale, Par::Seq);
}

/// `out` += `scale` · a · b.
pub(super) fn add(out: MatMut<'_, f32>, a: MatRef<'_, f32>, b: MatRef<'_, f32>, scale: f32) {
    matmul(out, Accum::Add, a, b, scale, Par::Seq);
}
