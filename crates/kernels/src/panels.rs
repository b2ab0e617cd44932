//! Rows of floats times a matrix of weights, in an order of the weights that a product reads straight on.
#![allow(unsafe_code, reason = "vector instructions load from raw pointers")]

use alloc::vec::Vec;

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

    /// Values a row of input has.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Values a row of output has.
    pub fn outputs(&self) -> usize {
        self.outputs
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

/// Adds a row times four panels to their sums.
#[cfg(not(target_feature = "simd128"))]
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

#[cfg(not(target_feature = "simd128"))]
fn add_row(row: &[f32], weights: &[f32], sums: &mut [[f32; PANEL]; TILE]) {
    #[cfg(target_arch = "x86_64")]
    if x86::has_avx2() {
        // SAFETY: AVX2 was found.
        return unsafe { x86::add_row(row, weights, sums) };
    }
    plain_row(row, weights, sums);
}

#[cfg(target_feature = "simd128")]
fn add_row(row: &[f32], weights: &[f32], sums: &mut [[f32; PANEL]; TILE]) {
    assert!(weights.len().is_multiple_of(TILE * PANEL) && weights.len() >= TILE * row.len() * PANEL);
    // SAFETY: the lengths were checked.
    unsafe { wasm::add_row(row, weights, sums) };
}

/// The eight outputs of a panel for four rows.
#[cfg(target_feature = "simd128")]
fn panel_sums(rows: &[f32], weights: &[f32]) -> [[f32; PANEL]; TILE] {
    assert!(rows.len() * PANEL == weights.len() * TILE);
    // SAFETY: the lengths were checked.
    unsafe { wasm::panel_sums(rows, weights) }
}

/// The eight outputs of a panel for four rows.
#[cfg(not(target_feature = "simd128"))]
fn panel_sums(rows: &[f32], weights: &[f32]) -> [[f32; PANEL]; TILE] {
    #[cfg(target_arch = "x86_64")]
    if x86::has_avx2() {
        // SAFETY: AVX2 was found.
        return unsafe { x86::panel_sums(rows, weights) };
    }
    plain(rows, weights)
}

/// The plain form of it.
#[cfg(not(target_feature = "simd128"))]
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
#[cfg(target_feature = "simd128")]
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
