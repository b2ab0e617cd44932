//! Rows of numbers that are not below 0 as bytes, on their way into a layer ([`crate::ByteDense`]).

use alloc::vec::Vec;

use crate::lanes::{LANES, Lanes, narrow};
use crate::row::ROUND;

/// Inputs that one instruction takes.
pub(crate) const STEP: usize = 16;

/// Inputs over which sums stay in sixteen bits.
pub(crate) const BLOCK: usize = 4 * STEP;

/// The largest input.
const INPUT_MAX: f32 = 127.0;

/// Rows of numbers that are not below 0 in seven bits, with a scale a row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ByteRows {
    pub(crate) inputs: usize,
    // Padded to whole blocks.
    pub(crate) bytes: Vec<u8>,
    pub(crate) scales: Vec<f32>,
}

impl ByteRows {
    /// Rows there are.
    pub fn len(&self) -> usize {
        self.scales.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.scales.is_empty()
    }

    /// Takes whole rows of `inputs` floats, each rounded to the nearest, ties to even; what is not above 0 counts as 0, a
    /// NaN among other numbers too.
    ///
    /// A row with an infinite number, or with a NaN and nothing above 0, gets NaN as its scale, and all that a layer
    /// makes of it is NaN: a row that was spoilt once stays so.
    ///
    /// # Panics
    ///
    /// When there are no inputs, or the rows are not whole.
    pub fn quantise(&mut self, inputs: usize, rows: &[f32]) {
        assert!(inputs > 0 && rows.len().is_multiple_of(inputs));
        self.inputs = inputs;
        let stride = inputs.next_multiple_of(BLOCK);
        self.bytes.resize(rows.len() / inputs * stride, 0);
        self.scales.clear();
        for (row, bytes) in rows.chunks_exact(inputs).zip(self.bytes.chunks_exact_mut(stride)) {
            self.scales.push(quantise(row, bytes));
        }
    }
}

/// Writes a row's bytes and returns their scale.
fn quantise(row: &[f32], bytes: &mut [u8]) -> f32 {
    let (blocks, rest) = row.as_chunks::<BLOCK>();
    let mut end = [0.0; BLOCK];
    end[..rest.len()].copy_from_slice(rest);
    let blocks = || blocks.iter().chain(if rest.is_empty() { None } else { Some(&end) });
    let mut greatest = Lanes::splat(0.0);
    for block in blocks() {
        for lanes in block.as_chunks::<LANES>().0 {
            greatest = greatest.or_greater(Lanes::load(lanes));
        }
    }
    let size = greatest.greatest();
    let is_spoilt =
        |size: f32| size == f32::INFINITY || (size == 0.0 && row.iter().any(|value| value.is_nan()));
    // Far below that its reciprocal would not be finite.
    if size < f32::MIN_POSITIVE * 65_536.0 || size == f32::INFINITY {
        bytes.fill(0);
        return if is_spoilt(size) { f32::NAN } else { 0.0 };
    }
    let factor = Lanes::splat(INPUT_MAX / size);
    // Adding it rounds to a whole number, which then is in the lowest bits.
    let whole = |lanes: &[f32; LANES]| {
        Lanes::load(lanes).rectified().times(factor).plus(Lanes::splat(ROUND)).bits_above(ROUND)
    };
    for (bytes, block) in bytes.as_chunks_mut::<BLOCK>().0.iter_mut().zip(blocks()) {
        let lanes = block.as_chunks::<LANES>().0.as_chunks::<2>().0;
        for (bytes, [low, high]) in bytes.as_chunks_mut::<STEP>().0.iter_mut().zip(lanes) {
            *bytes = narrow([whole(low), whole(high)]);
        }
    }
    size / INPUT_MAX
}
