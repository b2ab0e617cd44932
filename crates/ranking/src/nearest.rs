//! The candidates nearest to a viewer's vector, without rows, reasons or popularity.

use alloc::vec::Vec;

use kernels::{Query, top};

use crate::Candidates;
use crate::Error;
use crate::eligibility::Eligibility;
use crate::limits::NEAREST_MAX;
use crate::order::keep_best;
use crate::request::{Request, Scored};

/// The `count` titles whose vectors have the highest product with `viewer`, among those that the filters of `request`
/// let pass (its `k` is not looked at): falling product, ties by the lower id.
///
/// They are found by exact products of bytes, the viewer's rounded to seven bits, and ordered by the products with
/// the vector as it is. Empty where the candidates have no vectors.
///
/// # Errors
///
/// When `count` is 0 or above [`NEAREST_MAX`], the history is too long, or the vector is not of the candidates' width or
/// not finite.
pub fn nearest(
    candidates: &Candidates,
    viewer: &[f32],
    count: u32,
    request: &Request,
) -> Result<Vec<Scored>, Error> {
    if count == 0 || count > NEAREST_MAX {
        return Err(Error::KOutOfRange { k: count });
    }
    let Some(vectors) = &candidates.columns.vectors else { return Ok(Vec::new()) };
    let width = vectors.matrix.columns();
    if viewer.len() != width || viewer.iter().any(|value| !value.is_finite()) {
        return Err(Error::Vector { width });
    }
    let eligibility = Eligibility::new(candidates, request);
    let allows = |index: usize| eligibility.allows(index) && vectors.item(index).is_some();
    let mut found = top(&vectors.matrix, &Query::quantise(viewer), count as usize, allows);
    for (score, index) in &mut found {
        *score = vectors.exact(viewer, *index as usize);
    }
    let all = found.len();
    keep_best(&mut found, all);
    let title = |index: u32| candidates.columns.title_ids[index as usize];
    Ok(found.into_iter().map(|(score, index)| Scored { title: title(index), score }).collect())
}
