//! Products with rows that lie anywhere: as good as [`crate::Panels`] for one row of input, where bringing the weights
//! into order would cost more than multiplying with them.

use crate::lanes::{INPUTS, LANES, Lanes};

/// Lanes of sums that are added to together.
const WIDE: usize = 4;

/// `to = row · weights`, with the weights of an output in each of `outputs`.
///
/// Each value is `0 + r₀w₀ + r₁w₁ + …` in this order, every product and sum rounded: the bits of
/// [`crate::Panels::apply`].
///
/// # Panics
///
/// When an output has fewer weights than the row has values, or `to` is longer than there are outputs.
pub fn times_outputs<'a>(row: &[f32], outputs: impl IntoIterator<Item = &'a [f32]>, to: &mut [f32]) {
    let mut outputs = outputs.into_iter();
    let (fours, rest) = row.as_chunks::<INPUTS>();
    for to in to.chunks_mut(LANES) {
        let mut weights: [&[f32]; LANES] = [&[]; LANES];
        for weights in &mut weights[..to.len()] {
            *weights = &outputs.next().expect("an output for each value")[..row.len()];
        }
        // Some of the last lanes may be nobody's.
        let first = weights[0];
        weights[to.len()..].fill(first);
        let weights = weights.map(|weights| weights.as_chunks::<INPUTS>());
        let mut sums = Lanes::splat(0.0);
        for (four, values) in fours.iter().enumerate() {
            let columns = Lanes::columns(weights.map(|(fours, _)| &fours[four]));
            for (value, column) in values.iter().zip(columns) {
                sums = sums.plus(column.times(Lanes::splat(*value)));
            }
        }
        for (input, value) in rest.iter().enumerate() {
            let column = Lanes::load(&weights.map(|(_, rest)| rest[input]));
            sums = sums.plus(column.times(Lanes::splat(*value)));
        }
        let mut all = [0.0; LANES];
        sums.store(&mut all);
        to.copy_from_slice(&all[..to.len()]);
    }
}

/// `to = row · weights`, with the weights of an input in each of `inputs`; in the same order.
///
/// # Panics
///
/// When there are fewer inputs than values, or one has fewer weights than `to` has places.
pub fn times_inputs<'a>(row: &[f32], inputs: impl IntoIterator<Item = &'a [f32]> + Clone, to: &mut [f32]) {
    let mut from = 0;
    let (wide, narrow) = to.as_chunks_mut::<{ WIDE * LANES }>();
    for to in wide {
        sums::<WIDE>(row, inputs.clone(), from, to.as_chunks_mut::<LANES>().0);
        from += WIDE * LANES;
    }
    let (narrow, rest) = narrow.as_chunks_mut::<LANES>();
    for to in narrow {
        sums::<1>(row, inputs.clone(), from, core::slice::from_mut(to));
        from += LANES;
    }
    rest.fill(0.0);
    let mut inputs = inputs.into_iter();
    if !rest.is_empty() {
        for value in row {
            let weights = &inputs.next().expect("an input for each value")[from..][..rest.len()];
            for (sum, weight) in rest.iter_mut().zip(weights) {
                *sum += value * weight;
            }
        }
    }
}

/// Some lanes of sums, from that place on.
fn sums<'a, const COUNT: usize>(
    row: &[f32],
    inputs: impl IntoIterator<Item = &'a [f32]>,
    from: usize,
    to: &mut [[f32; LANES]],
) {
    let mut sums = [Lanes::splat(0.0); COUNT];
    let mut inputs = inputs.into_iter();
    for value in row {
        let weights = &inputs.next().expect("an input for each value")[from..][..COUNT * LANES];
        for (sum, weights) in sums.iter_mut().zip(weights.as_chunks::<LANES>().0) {
            *sum = sum.plus(Lanes::load(weights).times(Lanes::splat(*value)));
        }
    }
    for (to, sum) in to.iter_mut().zip(sums) {
        sum.store(to);
    }
}

#[cfg(test)]
#[allow(clippy::needless_pass_by_value, reason = "quickcheck passes values")]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;
    use crate::Panels;
    use crate::fixed::tests::numbers;

    fn bits(values: &[f32]) -> Vec<u32> {
        values.iter().map(|value| value.to_bits()).collect()
    }

    #[test]
    fn rows_apart_give_the_bits_of_panels() {
        fn property(seed: u32, inputs: u8, outputs: u8) -> bool {
            let (inputs, outputs) = (usize::from(inputs) % 80 + 1, usize::from(outputs) % 90 + 1);
            let (row, weights) = (numbers(seed, inputs), numbers(!seed, inputs * outputs));
            let (mut panels, mut expected, mut to) =
                (Panels::default(), vec![0.0; outputs], vec![9.0; outputs]);
            panels.reset(inputs, outputs);
            for (output, weights) in weights.chunks_exact(inputs).enumerate() {
                panels.set_output(output, weights);
            }
            panels.apply(inputs, outputs, &row, &mut expected);
            times_outputs(&row, weights.chunks_exact(inputs), &mut to);
            let same = bits(&to) == bits(&expected);

            panels.reset(inputs, outputs);
            for (input, weights) in weights.chunks_exact(outputs).enumerate() {
                panels.set_input(input, weights);
            }
            panels.apply(inputs, outputs, &row, &mut expected);
            to.fill(9.0);
            times_inputs(&row, weights.chunks_exact(outputs), &mut to);
            same && bits(&to) == bits(&expected)
        }
        quickcheck::quickcheck(property as fn(u32, u8, u8) -> bool);
    }

    #[test]
    fn nothing_gives_nothing() {
        let mut to = [9.0; 3];
        times_inputs(&[], [], &mut to);
        assert_eq!(to, [0.0; 3]);
        times_outputs(&[], [[].as_slice(); 3], &mut to);
        assert_eq!(to, [0.0; 3]);
        times_outputs(&[1.0], [], &mut []);
    }

    #[test]
    #[should_panic(expected = "out of range")]
    fn an_input_that_is_too_short_is_refused() {
        times_inputs(&[1.0], [[1.0].as_slice()], &mut [0.0; 3]);
    }

    #[test]
    #[should_panic(expected = "an output for each value")]
    fn an_output_that_is_not_there_is_refused() {
        times_outputs(&[1.0], [[1.0].as_slice()], &mut [0.0; 2]);
    }
}
