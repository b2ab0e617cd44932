//! A layer of floats: rows times a matrix of weights, plus a bias.
#![allow(unsafe_code, reason = "vector instructions load from raw pointers")]

use alloc::vec::Vec;

use crate::MatrixError;
use crate::row::add;

/// Outputs that are computed together; weights are stored in panels of so many.
const PANEL: usize = 8;

/// Rows that are multiplied together: four rows of eight sums fill the registers that Cranelift has.
const TILE: usize = 4;

/// A matrix of weights of `inputs` to `outputs`, as a product reads it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Panels {
    inputs: usize,
    outputs: usize,
    // Panel after panel: for each input the eight weights of the panel's outputs; padded with zeros to whole tiles of
    // panels.
    weights: Vec<f32>,
}

impl Panels {
    /// Takes another shape, all zeros.
    pub fn reset(&mut self, inputs: usize, outputs: usize) {
        (self.inputs, self.outputs) = (inputs, outputs);
        self.weights.clear();
        self.weights.resize(inputs * outputs.next_multiple_of(TILE * PANEL), 0.0);
    }

    /// Takes the weights of an input, one an output.
    ///
    /// # Panics
    ///
    /// When there is no such input, or more weights than outputs.
    pub fn set_input(&mut self, input: usize, weights: &[f32]) {
        assert!(input < self.inputs && weights.len() <= self.outputs);
        let (panels, _) = self.weights.as_chunks_mut::<PANEL>();
        let (whole, rest) = weights.as_chunks::<PANEL>();
        for (panel, weights) in whole.iter().enumerate() {
            panels[panel * self.inputs + input] = *weights;
        }
        if !rest.is_empty() {
            panels[whole.len() * self.inputs + input][..rest.len()].copy_from_slice(rest);
        }
    }

    /// Takes the weights of an output, one an input.
    ///
    /// # Panics
    ///
    /// When there is no such output.
    pub fn set_output(&mut self, output: usize, weights: &[f32]) {
        assert!(output < self.outputs);
        let panel = &mut self.weights[output / PANEL * self.inputs * PANEL..][..self.inputs * PANEL];
        for (to, weight) in panel.as_chunks_mut::<PANEL>().0.iter_mut().zip(weights) {
            to[output % PANEL] = *weight;
        }
    }

    /// `to = rows · weights`, row by row, from the first `inputs` to the first `outputs` only.
    ///
    /// Each value is `0 + r₀w₀ + r₁w₁ + …` in this order, every product and sum rounded.
    ///
    /// # Panics
    ///
    /// When there are not so many inputs or outputs, `rows` is not whole rows, or `to` not as many.
    pub fn apply(&self, inputs: usize, outputs: usize, rows: &[f32], to: &mut [f32]) {
        assert!(0 < inputs && inputs <= self.inputs && 0 < outputs && outputs <= self.outputs);
        let count = rows.len() / inputs;
        assert!(rows.len() == count * inputs && to.len() == count * outputs);
        let whole = count / TILE * TILE;
        let (tiles, rest) = rows.split_at(whole * inputs);
        let (to_tiles, to_rest) = to.split_at_mut(whole * outputs);
        for (rows, to) in tiles.chunks_exact(TILE * inputs).zip(to_tiles.chunks_exact_mut(TILE * outputs)) {
            self.tile(inputs, outputs, rows, to);
        }
        for (row, to) in rest.chunks_exact(inputs).zip(to_rest.chunks_exact_mut(outputs)) {
            to.fill(0.0);
            self.accumulate(row, to);
        }
    }

    /// `sums += row · weights` for one row: each sum goes on in the order of the inputs.
    ///
    /// Four panels at a time: one row alone would leave the processor waiting for its own sums.
    ///
    /// # Panics
    ///
    /// When the row or the sums are longer than the inputs or outputs.
    pub fn accumulate(&self, row: &[f32], sums: &mut [f32]) {
        assert!(row.len() <= self.inputs && sums.len() <= self.outputs);
        let stride = self.inputs * PANEL;
        for (weights, sums) in self.weights.chunks_exact(TILE * stride).zip(sums.chunks_mut(TILE * PANEL)) {
            // Mostly all of them; copying them would cost as much as adding to them.
            if let ([sums], _) = sums.as_chunks_mut::<PANEL>().0.as_chunks_mut::<TILE>() {
                add_row(row, weights, sums);
                continue;
            }
            let mut whole = [[0.0; PANEL]; TILE];
            whole.as_flattened_mut()[..sums.len()].copy_from_slice(sums);
            add_row(row, weights, &mut whole);
            sums.copy_from_slice(&whole.as_flattened()[..sums.len()]);
        }
    }

    fn tile(&self, inputs: usize, outputs: usize, rows: &[f32], to: &mut [f32]) {
        let panels = self.weights.chunks_exact(self.inputs * PANEL);
        for (panel, weights) in panels.take(outputs.div_ceil(PANEL)).enumerate() {
            let sums = panel_sums(rows, &weights[..inputs * PANEL]);
            let first = panel * PANEL;
            for (to, sums) in to.chunks_exact_mut(outputs).zip(&sums) {
                match to[first..].first_chunk_mut() {
                    Some(to) => *to = *sums,
                    None => to[first..].copy_from_slice(&sums[..outputs - first]),
                }
            }
        }
    }
}

/// The weights of a layer of `inputs` to `outputs`.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    panels: Panels,
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
        let mut panels = Panels::default();
        panels.reset(inputs, outputs);
        for (input, weights) in weights.chunks_exact(outputs).enumerate() {
            panels.set_input(input, weights);
        }
        Ok(Self { panels, bias: bias.to_vec() })
    }

    /// Values a row of input has.
    pub fn inputs(&self) -> usize {
        self.panels.inputs
    }

    /// Values a row of output has.
    pub fn outputs(&self) -> usize {
        self.panels.outputs
    }

    /// `to = rows · weights + bias`, row by row.
    ///
    /// Each value is `(0 + r₀w₀ + r₁w₁ + …) + bias` in this order, every product and sum rounded.
    ///
    /// # Panics
    ///
    /// When `rows` is not whole rows, or `to` not as many.
    pub fn apply(&self, rows: &[f32], to: &mut [f32]) {
        self.panels.apply(self.inputs(), self.outputs(), rows, to);
        for to in to.chunks_exact_mut(self.outputs()) {
            add(to, &self.bias);
        }
    }

    /// `sums += row · weights` for one row, without the bias: each sum goes on in the order of the inputs.
    ///
    /// # Panics
    ///
    /// When the row or the sums are longer than the layer's inputs or outputs.
    pub fn accumulate(&self, row: &[f32], sums: &mut [f32]) {
        self.panels.accumulate(row, sums);
    }
}

/// Adds a row times four panels to their sums.
#[cfg_attr(target_family = "wasm", allow(dead_code, reason = "the form of other processors"))]
#[inline(always)]
#[allow(clippy::inline_always, reason = "compiled once for each set of instructions")]
fn plain_row(row: &[f32], weights: &[f32], sums: &mut [[f32; PANEL]; TILE]) {
    let (weights, _) = weights.as_chunks::<PANEL>();
    let stride = weights.len() / TILE;
    for (input, value) in row.iter().enumerate() {
        for (panel, sums) in sums.iter_mut().enumerate() {
            for (sum, weight) in sums.iter_mut().zip(&weights[panel * stride + input]) {
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
    assert!(weights.len().is_multiple_of(TILE * PANEL) && weights.len() >= TILE * row.len() * PANEL);
    // SAFETY: the lengths were checked.
    unsafe { wasm::add_row(row, weights, sums) };
}

/// The eight outputs of a panel for four rows.
#[cfg(target_family = "wasm")]
fn panel_sums(rows: &[f32], weights: &[f32]) -> [[f32; PANEL]; TILE] {
    assert!(rows.len() * PANEL == weights.len() * TILE);
    // SAFETY: the lengths were checked.
    unsafe { wasm::panel_sums(rows, weights) }
}

/// The eight outputs of a panel for four rows.
#[cfg(not(target_family = "wasm"))]
fn panel_sums(rows: &[f32], weights: &[f32]) -> [[f32; PANEL]; TILE] {
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
fn plain(rows: &[f32], weights: &[f32]) -> [[f32; PANEL]; TILE] {
    let inputs = weights.len() / PANEL;
    let mut sums = [[0.0; PANEL]; TILE];
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
    pub(super) unsafe fn panel_sums(rows: &[f32], weights: &[f32]) -> [[f32; PANEL]; TILE] {
        super::plain(rows, weights)
    }
}

/// A backward branch has a check that the engine adds, and around it every sum goes to the stack and back. Between two
/// forward branches, in turn, the compiler moves all loads before all sums and runs out of registers. So each input has
/// a way out of the loop behind it, and many inputs follow each other before the loop goes back.
#[cfg(target_family = "wasm")]
mod wasm {
    use core::arch::wasm32::{
        f32x4_add, f32x4_mul, f32x4_splat, i32x4_shuffle, v128, v128_load, v128_load32_splat, v128_store,
    };

    use super::{PANEL, TILE};

    /// # Safety
    ///
    /// The weights are four panels for at least as many inputs as the row has.
    #[inline(never)]
    pub(super) unsafe fn add_row(row: &[f32], weights: &[f32], sums: &mut [[f32; PANEL]; TILE]) {
        let stride = weights.len() / TILE;
        let (mut value, mut at) = (row.as_ptr(), weights.as_ptr());
        let end = value.wrapping_add(row.len());
        let to = sums.as_flattened_mut().as_mut_ptr();
        let mut wide = [f32x4_splat(0.0); 2 * TILE];
        for (half, wide) in wide.iter_mut().enumerate() {
            // SAFETY: eight halves of panels.
            *wide = unsafe { v128_load(to.add(half * 4).cast()) };
        }
        'inputs: while value != end {
            macro_rules! input {
                () => {
                    // SAFETY: one of the row's inputs, and its weights of each panel, one stride apart.
                    unsafe {
                        let spread = v128_load32_splat(value.cast());
                        for (half, wide) in wide.iter_mut().enumerate() {
                            let weights = v128_load(at.add(half / 2 * stride + half % 2 * 4).cast());
                            *wide = f32x4_add(*wide, f32x4_mul(spread, weights));
                        }
                        (value, at) = (value.add(1), at.wrapping_add(PANEL));
                    }
                    if value == end {
                        break 'inputs;
                    }
                };
            }
            input!();
            input!();
            input!();
            input!();
            input!();
            input!();
            input!();
            input!();
        }
        for (half, wide) in wide.iter().enumerate() {
            // SAFETY: as above.
            unsafe { v128_store(to.add(half * 4).cast(), *wide) };
        }
    }

    /// # Safety
    ///
    /// The weights are one panel for as many inputs as each of the four rows has.
    #[inline(never)]
    pub(super) unsafe fn panel_sums(rows: &[f32], weights: &[f32]) -> [[f32; PANEL]; TILE] {
        let inputs = weights.len() / PANEL;
        let mut sums = [[f32x4_splat(0.0); 2]; TILE];
        let (mut from, mut weight) = (rows.as_ptr(), weights.as_ptr());
        let whole = inputs / 4 * 4;
        let end = weight.wrapping_add(whole * PANEL);
        'inputs: while weight != end {
            macro_rules! input {
                ($lane:literal, $values:ident) => {
                    // SAFETY: the eight weights of one more input.
                    let weights = unsafe { [v128_load(weight.cast()), v128_load(weight.add(4).cast())] };
                    for (values, sums) in $values.iter().zip(&mut sums) {
                        add(sums, i32x4_shuffle::<$lane, $lane, $lane, $lane>(*values, *values), weights);
                    }
                    weight = weight.wrapping_add(PANEL);
                    if weight == end {
                        break 'inputs;
                    }
                };
            }
            macro_rules! four_inputs {
                () => {
                    let mut values = [f32x4_splat(0.0); TILE];
                    for (row, values) in values.iter_mut().enumerate() {
                        // SAFETY: four more inputs of each of the rows.
                        *values = unsafe { v128_load(from.add(row * inputs).cast()) };
                    }
                    from = from.wrapping_add(4);
                    // One load and four shuffles: a load that spreads one number costs three instructions here.
                    input!(0, values);
                    input!(1, values);
                    input!(2, values);
                    input!(3, values);
                };
            }
            four_inputs!();
            four_inputs!();
            four_inputs!();
            four_inputs!();
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
        let mut plain = [[0.0; PANEL]; TILE];
        for (plain, sums) in plain.iter_mut().zip(&sums) {
            // SAFETY: eight numbers.
            unsafe {
                v128_store(plain.as_mut_ptr().cast(), sums[0]);
                v128_store(plain[4..].as_mut_ptr().cast(), sums[1]);
            }
        }
        plain
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "the innermost step of a kernel")]
    fn add(sums: &mut [v128; 2], value: v128, weights: [v128; 2]) {
        sums[0] = f32x4_add(sums[0], f32x4_mul(value, weights[0]));
        sums[1] = f32x4_add(sums[1], f32x4_mul(value, weights[1]));
    }
}

#[cfg(test)]
#[allow(clippy::needless_pass_by_value, reason = "quickcheck passes values")]
mod tests {
    use alloc::vec;

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
    fn a_part_of_the_panels_gives_what_a_smaller_layer_would_however_they_were_filled() {
        fn holds(case: Case, by_output: bool, inputs: usize, outputs: usize) -> bool {
            let (all_inputs, all_outputs) = (case.inputs, case.bias.len());
            let (inputs, outputs) = (inputs % all_inputs + 1, outputs % all_outputs + 1);
            let mut panels = Panels::default();
            panels.reset(3, 70);
            panels.reset(all_inputs, all_outputs);
            let weight = |input: usize, output: usize| case.weights[input * all_outputs + output];
            if by_output {
                for output in 0..all_outputs {
                    let weights: Vec<f32> = (0..all_inputs).map(|input| weight(input, output)).collect();
                    panels.set_output(output, &weights);
                }
            } else {
                for input in 0..all_inputs {
                    panels.set_input(input, &case.weights[input * all_outputs..][..all_outputs]);
                }
            }
            let rows: Vec<f32> =
                case.rows.chunks_exact(all_inputs).flat_map(|row| &row[..inputs]).copied().collect();
            let smaller: Vec<f32> =
                (0..inputs * outputs).map(|place| weight(place / outputs, place % outputs)).collect();
            let layer = Dense::new(inputs, &smaller, &vec![0.0; outputs]).unwrap();
            let mut expected = vec![0.0; rows.len() / inputs * outputs];
            let mut found = expected.clone();
            layer.apply(&rows, &mut expected);
            panels.apply(inputs, outputs, &rows, &mut found);
            found == expected
        }
        QuickCheck::new().tests(500).quickcheck(holds as fn(Case, bool, usize, usize) -> bool);
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused() {
        assert_eq!(Dense::new(0, &[], &[1.0]), Err(MatrixError::Columns { columns: 0 }));
        assert_eq!(Dense::new(2, &[1.0; 3], &[1.0; 2]), Err(MatrixError::Shape { values: 3 }));
    }
}
