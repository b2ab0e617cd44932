//! Inputs of about one size, while a network learns.

use ranking::features::COLUMNS;

use super::{Example, Items, Mlp};

/// Brings features to mean 0 and deviation 1, and the numbers of vectors to about 1, while learning; the finished
/// network takes them as they are.
pub(super) struct Scale {
    means: [f64; COLUMNS],
    deviations: [f64; COLUMNS],
    viewers: f32,
    items: f32,
}

impl Scale {
    pub(super) fn of(examples: &[&Example], items: &Items) -> Self {
        let rows = || examples.iter().flat_map(|example| example.features.chunks_exact(COLUMNS));
        let count = rows().count().max(1) as f64;
        let (mut means, mut deviations) = ([0.0; COLUMNS], [0.0; COLUMNS]);
        for row in rows() {
            for (mean, &feature) in means.iter_mut().zip(row) {
                *mean += f64::from(feature) / count;
            }
        }
        for row in rows() {
            for ((square, mean), &feature) in deviations.iter_mut().zip(&means).zip(row) {
                *square += (f64::from(feature) - mean).powi(2) / count;
            }
        }
        // A feature that never changes says nothing, and must not be blown up when one day it does.
        deviations = deviations.map(|square| if square > 1e-12 { square.sqrt() } else { 1.0 });
        let viewers = one_over_size(examples.iter().flat_map(|example| &example.viewer));
        Self { means, deviations, viewers, items: one_over_size(items.vectors.iter()) }
    }

    /// What a feature of 0 becomes.
    pub(super) fn zero(&self, column: usize) -> f32 {
        (-self.means[column] / self.deviations[column]) as f32
    }

    pub(super) fn apply(&self, example: &Example) -> Example {
        let scaled = example.features.iter().enumerate().map(|(place, &feature)| {
            let column = place % COLUMNS;
            ((f64::from(feature) - self.means[column]) / self.deviations[column]) as f32
        });
        let viewer = example.viewer.iter().map(|number| number * self.viewers).collect();
        Example { viewer, items: example.items.clone(), features: scaled.collect(), target: example.target }
    }

    pub(super) fn apply_to_items(&self, items: &Items) -> Items {
        Items { vectors: items.vectors.iter().map(|number| number * self.items).collect(), ..*items }
    }

    /// A network of scaled inputs as one of plain inputs.
    pub(super) fn fold_into(&self, mut mlp: Mlp) -> Mlp {
        let (of_vector, units) = (mlp.width * mlp.units, mlp.units);
        let (weights, rest) = mlp.parameters.split_at_mut(2 * of_vector + COLUMNS * units);
        let (vectors, features) = weights.split_at_mut(2 * of_vector);
        vectors[..of_vector].iter_mut().for_each(|weight| *weight *= self.viewers);
        vectors[of_vector..].iter_mut().for_each(|weight| *weight *= self.items);
        for (column, weights) in features.chunks_exact_mut(units).enumerate() {
            for (weight, bias) in weights.iter_mut().zip(&mut *rest) {
                let plain = f64::from(*weight) / self.deviations[column];
                *bias -= (plain * self.means[column]) as f32;
                *weight = plain as f32;
            }
        }
        mlp
    }
}

/// One over the root of the mean square; 1 where there is nothing.
fn one_over_size<'a>(numbers: impl Iterator<Item = &'a f32>) -> f32 {
    let (mut squares, mut count) = (0.0, 0.0);
    for &number in numbers {
        squares += f64::from(number).powi(2);
        count += 1.0;
    }
    if squares > 0.0 { (count / squares).sqrt() as f32 } else { 1.0 }
}
