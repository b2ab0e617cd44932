//! A layer of floats: rows times a matrix of weights, plus a bias.
#![allow(unsafe_code, reason = "vector instructions load from raw pointers")]

use alloc::vec;
use alloc::vec::Vec;

use crate::MatrixError;

/// Outputs that are computed together; weights are stored in panels of so many.
const PANEL: usize = 8;

/// Rows that are multiplied together: four rows of eight sums fill the registers that Cranelift has.
const TILE: usize = 4;

/// The weights of a layer of `inputs` to `outputs`.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    inputs: usize,
    outputs: usize,
    // Panel after panel: for each input the eight weights of the panel's outputs; padded with zeros.
    panels: Vec<f32>,
    bias: Vec<f32>,
}

impl Dense {
    /// Takes weights of `inputs × outputs`, input by input, and a bias an output.
    ///
    /// # Errors
    ///
    /// When there is nothing, or the shapes do not fit.
    pub fn new(inputs: usize, weights: &[f32], bias: &[f32]) -> Result<Self, MatrixError> {
        let outputs = bias.len();
        if inputs == 0 || outputs == 0 {
            return Err(MatrixError::Columns { columns: inputs.min(outputs) });
        }
        if inputs.checked_mul(outputs) != Some(weights.len()) {
            return Err(MatrixError::Shape { values: weights.len() });
        }
        let padded = outputs.next_multiple_of(PANEL);
        let mut panels = vec![0.0; inputs * padded];
        for (input, weights) in weights.chunks_exact(outputs).enumerate() {
            for (panel, weights) in weights.chunks(PANEL).enumerate() {
                let at = (panel * inputs + input) * PANEL;
                panels[at..at + weights.len()].copy_from_slice(weights);
            }
        }
        let mut bias = bias.to_vec();
        bias.resize(padded, 0.0);
        Ok(Self { inputs, outputs, panels, bias })
    }

    /// Values a row of input has.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Values a row of output has.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// `to = rows · weights + bias`, row by row.
    ///
    /// Each value is `(0 + r₀w₀ + r₁w₁ + …) + bias` in this order, every product and sum rounded.
    ///
    /// # Panics
    ///
    /// When `rows` is not whole rows, or `to` not as many.
    pub fn apply(&self, rows: &[f32], to: &mut [f32]) {
        let count = rows.len() / self.inputs;
        assert!(rows.len() == count * self.inputs && to.len() == count * self.outputs);
        let whole = count / TILE * TILE;
        let (tiles, rest) = rows.split_at(whole * self.inputs);
        let (to_tiles, to_rest) = to.split_at_mut(whole * self.outputs);
        let tiles =
            tiles.chunks_exact(TILE * self.inputs).zip(to_tiles.chunks_exact_mut(TILE * self.outputs));
        for (rows, to) in tiles {
            self.tile::<TILE>(rows, to);
        }
        for (row, to) in rest.chunks_exact(self.inputs).zip(to_rest.chunks_exact_mut(self.outputs)) {
            self.tile::<1>(row, to);
        }
    }

    /// `sums += row · weights` for one row, without the bias: each sum goes on in the order of the inputs.
    ///
    /// Four panels at a time: one row alone would leave the processor waiting for its own sums.
    ///
    /// # Panics
    ///
    /// When the row or the sums are not as long as the layer's inputs or outputs.
    pub fn accumulate(&self, row: &[f32], sums: &mut [f32]) {
        assert!(row.len() == self.inputs && sums.len() == self.outputs);
        let panel = self.inputs * PANEL;
        let quads = self.panels.chunks(TILE * panel).zip(sums.chunks_mut(TILE * PANEL));
        for (weights, sums) in quads {
            let mut whole = [[0.0; PANEL]; TILE];
            let flat = whole.as_flattened_mut();
            flat[..sums.len()].copy_from_slice(sums);
            if weights.len() == TILE * panel {
                add_row(row, weights, &mut whole);
            } else {
                for (sums, weights) in whole.iter_mut().zip(weights.chunks_exact(panel)) {
                    plain_row(row, weights, core::array::from_mut(sums));
                }
            }
            sums.copy_from_slice(&whole.as_flattened()[..sums.len()]);
        }
    }

    fn tile<const ROWS: usize>(&self, rows: &[f32], to: &mut [f32]) {
        let panels = self.panels.chunks_exact(self.inputs * PANEL).zip(self.bias.as_chunks::<PANEL>().0);
        for (panel, (weights, bias)) in panels.enumerate() {
            let sums = panel_sums::<ROWS>(rows, weights);
            let first = panel * PANEL;
            let width = PANEL.min(self.outputs - first);
            for (to, sums) in to.chunks_exact_mut(self.outputs).zip(&sums) {
                for ((to, sum), bias) in to[first..first + width].iter_mut().zip(sums).zip(bias) {
                    *to = sum + bias;
                }
            }
        }
    }
}

/// Adds a row times some panels to their sums.
#[inline(always)]
#[allow(clippy::inline_always, reason = "compiled once for each set of instructions")]
fn plain_row<const PANELS: usize>(row: &[f32], weights: &[f32], sums: &mut [[f32; PANEL]; PANELS]) {
    let (weights, _) = weights.as_chunks::<PANEL>();
    for (input, value) in row.iter().enumerate() {
        for (panel, sums) in sums.iter_mut().enumerate() {
            for (sum, weight) in sums.iter_mut().zip(&weights[panel * row.len() + input]) {
                *sum += value * weight;
            }
        }
    }
}

#[cfg(not(target_family = "wasm"))]
fn add_row(row: &[f32], weights: &[f32], sums: &mut [[f32; PANEL]; TILE]) {
    #[cfg(target_arch = "x86_64")]
    if x86::has_avx2() {
        // SAFETY: AVX2 was found.
        return unsafe { x86::add_row(row, weights, sums) };
    }
    plain_row(row, weights, sums);
}

#[cfg(target_family = "wasm")]
fn add_row(row: &[f32], weights: &[f32], sums: &mut [[f32; PANEL]; TILE]) {
    use core::arch::wasm32::{f32x4_add, f32x4_mul, f32x4_splat, v128_load, v128_store};

    let stride = row.len() * PANEL;
    assert!(weights.len() == TILE * stride);
    let mut at = weights.as_ptr();
    let to = sums.as_flattened_mut().as_mut_ptr();
    let mut wide = [f32x4_splat(0.0); 2 * TILE];
    for (half, wide) in wide.iter_mut().enumerate() {
        // SAFETY: eight halves of panels.
        *wide = unsafe { v128_load(to.add(half * 4).cast()) };
    }
    for &value in row {
        let value = f32x4_splat(value);
        for (half, wide) in wide.iter_mut().enumerate() {
            // SAFETY: this input's weights of each panel, one stride apart.
            let weights = unsafe { v128_load(at.add(half / 2 * stride + half % 2 * 4).cast()) };
            *wide = f32x4_add(*wide, f32x4_mul(value, weights));
        }
        // SAFETY: at most to the end of the first panel.
        at = unsafe { at.add(PANEL) };
    }
    for (half, wide) in wide.iter().enumerate() {
        // SAFETY: as above.
        unsafe { v128_store(to.add(half * 4).cast(), *wide) };
    }
}

/// The eight outputs of a panel for `ROWS` rows.
#[cfg(not(target_family = "wasm"))]
fn panel_sums<const ROWS: usize>(rows: &[f32], weights: &[f32]) -> [[f32; PANEL]; ROWS] {
    #[cfg(target_arch = "x86_64")]
    if x86::has_avx2() {
        // SAFETY: AVX2 was found.
        return unsafe { x86::panel_sums(rows, weights) };
    }
    plain(rows, weights)
}

#[cfg_attr(target_family = "wasm", allow(dead_code, reason = "the other form for tests"))]
#[inline(always)]
#[allow(clippy::inline_always, reason = "compiled once for each set of instructions")]
fn plain<const ROWS: usize>(rows: &[f32], weights: &[f32]) -> [[f32; PANEL]; ROWS] {
    let inputs = weights.len() / PANEL;
    let mut sums = [[0.0; PANEL]; ROWS];
    let (weights, _) = weights.as_chunks::<PANEL>();
    for (input, weights) in weights.iter().enumerate() {
        for (row, sums) in sums.iter_mut().enumerate() {
            let value = rows[row * inputs + input];
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum += value * weight;
            }
        }
    }
    sums
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{PANEL, TILE};

    cpufeatures::new!(cpu_has_avx2, "avx2");

    pub(super) fn has_avx2() -> bool {
        cpu_has_avx2::get()
    }

    /// # Safety
    ///
    /// The processor has AVX2.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn add_row(row: &[f32], weights: &[f32], sums: &mut [[f32; PANEL]; TILE]) {
        super::plain_row(row, weights, sums);
    }

    /// The plain form, in wider registers; the compiler never fuses products and sums by itself.
    ///
    /// # Safety
    ///
    /// The processor has AVX2.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn panel_sums<const ROWS: usize>(
        rows: &[f32],
        weights: &[f32],
    ) -> [[f32; PANEL]; ROWS] {
        super::plain(rows, weights)
    }
}

/// The eight outputs of a panel for `ROWS` rows.
#[cfg(target_family = "wasm")]
fn panel_sums<const ROWS: usize>(rows: &[f32], weights: &[f32]) -> [[f32; PANEL]; ROWS] {
    use core::arch::wasm32::{
        f32x4_add, f32x4_mul, f32x4_splat, i32x4_shuffle, v128, v128_load, v128_load32_splat, v128_store,
    };

    let inputs = weights.len() / PANEL;
    assert!(rows.len() == ROWS * inputs);
    let mut sums = [[f32x4_splat(0.0); 2]; ROWS];
    let add = |sums: &mut [v128; 2], value: v128, weights: [v128; 2]| {
        sums[0] = f32x4_add(sums[0], f32x4_mul(value, weights[0]));
        sums[1] = f32x4_add(sums[1], f32x4_mul(value, weights[1]));
    };
    let whole = inputs / 4 * 4;
    let (mut from, mut weight) = (rows.as_ptr(), weights.as_ptr());
    let mut input = 0;
    while input != whole {
        let mut values = [f32x4_splat(0.0); ROWS];
        for (row, values) in values.iter_mut().enumerate() {
            // SAFETY: four more inputs of each of the rows.
            *values = unsafe { v128_load(from.add(row * inputs).cast()) };
        }
        // One load and four shuffles: a load that spreads one number costs three instructions here.
        macro_rules! lane {
            ($lane:literal) => {
                // SAFETY: the eight weights of each of these four inputs.
                let weights = unsafe {
                    let at = weight.add($lane * PANEL);
                    [v128_load(at.cast()), v128_load(at.add(4).cast())]
                };
                for (values, sums) in values.iter().zip(&mut sums) {
                    add(sums, i32x4_shuffle::<$lane, $lane, $lane, $lane>(*values, *values), weights);
                }
            };
        }
        lane!(0);
        lane!(1);
        lane!(2);
        lane!(3);
        // SAFETY: at most to the end of the first row and of the weights.
        (from, weight) = unsafe { (from.add(4), weight.add(4 * PANEL)) };
        input += 4;
    }
    for input in whole..inputs {
        // SAFETY: below the number of inputs, and eight weights for each.
        let weights = unsafe {
            let at = weights.as_ptr().add(input * PANEL);
            [v128_load(at.cast()), v128_load(at.add(4).cast())]
        };
        for (row, sums) in sums.iter_mut().enumerate() {
            // SAFETY: below the number of inputs of this row.
            let value = unsafe { v128_load32_splat(rows.as_ptr().add(row * inputs + input).cast()) };
            add(sums, value, weights);
        }
    }
    let mut plain = [[0.0; PANEL]; ROWS];
    for (plain, sums) in plain.iter_mut().zip(&sums) {
        // SAFETY: eight numbers.
        unsafe {
            v128_store(plain.as_mut_ptr().cast(), sums[0]);
            v128_store(plain[4..].as_mut_ptr().cast(), sums[1]);
        }
    }
    plain
}

#[cfg(test)]
#[allow(clippy::needless_pass_by_value, reason = "quickcheck passes values")]
mod tests {
    use quickcheck::{Arbitrary, Gen, QuickCheck};

    use super::*;

    #[derive(Clone, Debug)]
    struct Case {
        inputs: usize,
        weights: Vec<f32>,
        bias: Vec<f32>,
        rows: Vec<f32>,
    }

    impl Arbitrary for Case {
        fn arbitrary(g: &mut Gen) -> Self {
            let (inputs, outputs) = (usize::arbitrary(g) % 20 + 1, usize::arbitrary(g) % 20 + 1);
            let rows = usize::arbitrary(g) % 11;
            let mut numbers =
                |count: usize| (0..count).map(|_| f32::from(i16::arbitrary(g)) / 977.0).collect();
            let (weights, bias, rows) = (numbers(inputs * outputs), numbers(outputs), numbers(rows * inputs));
            Self { inputs, weights, bias, rows }
        }
    }

    #[test]
    fn every_value_is_the_sum_in_the_order_of_the_inputs_bit_for_bit() {
        fn holds(case: Case) -> bool {
            let layer = Dense::new(case.inputs, &case.weights, &case.bias).unwrap();
            let outputs = case.bias.len();
            let mut found = vec![0.0; case.rows.len() / case.inputs * outputs];
            layer.apply(&case.rows, &mut found);
            let expected = case.rows.chunks_exact(case.inputs).flat_map(|row| {
                let (weights, bias) = (&case.weights, &case.bias);
                (0..outputs).map(move |output| {
                    let terms = row
                        .iter()
                        .enumerate()
                        .map(|(input, value)| value * weights[input * outputs + output]);
                    terms.fold(0.0, |sum, term| sum + term) + bias[output]
                })
            });
            found.iter().map(|value| value.to_bits()).eq(expected.map(f32::to_bits))
        }
        QuickCheck::new().tests(500).quickcheck(holds as fn(Case) -> bool);
    }

    #[test]
    fn sums_go_on_in_the_order_of_the_inputs_bit_for_bit() {
        fn holds(case: Case, start: f32) -> bool {
            let (inputs, outputs) = (case.inputs, case.bias.len() * 5);
            let weights: Vec<f32> = case.weights.iter().cycle().take(inputs * outputs).copied().collect();
            let layer = Dense::new(inputs, &weights, &vec![9.0; outputs]).unwrap();
            let row: Vec<f32> = case.weights.iter().rev().cycle().take(inputs).copied().collect();
            let mut found = vec![start; outputs];
            layer.accumulate(&row, &mut found);
            let expected = (0..outputs).map(|output| {
                let terms =
                    row.iter().enumerate().map(|(input, value)| value * weights[input * outputs + output]);
                terms.fold(start, |sum, term| sum + term)
            });
            start.is_nan() || found.iter().map(|value| value.to_bits()).eq(expected.map(f32::to_bits))
        }
        QuickCheck::new().quickcheck(holds as fn(Case, f32) -> bool);
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused() {
        assert_eq!(Dense::new(0, &[], &[1.0]), Err(MatrixError::Columns { columns: 0 }));
        assert_eq!(Dense::new(2, &[1.0; 3], &[1.0; 2]), Err(MatrixError::Shape { values: 3 }));
    }
}
