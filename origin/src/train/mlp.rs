//! A small network that orders the candidates of a pool: features → [`HIDDEN`] rectified units → one logit.

use ranking::features::COLUMNS;

use super::random::Random;

/// Hidden units: enough for products of two features, few enough for a microsecond a candidate.
pub const HIDDEN: usize = 16;

/// The network; equal examples and seeds give equal bits.
#[derive(Clone, Debug, PartialEq)]
pub struct Mlp {
    /// One row of [`HIDDEN`] weights a feature.
    pub hidden_weights: Vec<[f32; HIDDEN]>,
    /// One a hidden unit.
    pub hidden_biases: [f32; HIDDEN],
    /// One a hidden unit.
    pub output_weights: [f32; HIDDEN],
}

/// A pool of candidates and the one that was watched next.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// [`COLUMNS`] numbers a candidate, in the order of the pool.
    pub features: Vec<f32>,
    /// The candidate watched next.
    pub target: usize,
}

/// How long and how fast to learn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Passes over all examples.
    pub epochs: u32,
    /// The first step size of Adam; it falls to 0 along a cosine.
    pub learning_rate: f32,
    /// Of the first weights and the order of examples.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { epochs: 20, learning_rate: 0.01, seed: 42 }
    }
}

impl Mlp {
    /// Learns to put each example's target above the rest of its pool (softmax cross-entropy).
    pub fn train(examples: &[&Example], settings: &Settings) -> Self {
        let scale = Scale::of(examples);
        let scaled: Vec<Example> = examples.iter().map(|example| scale.apply(example)).collect();
        let mut random = Random::new(settings.seed);
        let mut mlp = Self::random(&mut random);
        let mut adam = Adam::default();
        let mut order: Vec<usize> = (0..scaled.len()).collect();
        let batches = scaled.len().div_ceil(BATCH);
        let steps = (batches * settings.epochs as usize).max(1);
        for epoch in 0..settings.epochs as usize {
            random.shuffle(&mut order);
            let mut loss = 0.0;
            for (batch, chosen) in order.chunks(BATCH).enumerate() {
                let mut gradient = Self::zero();
                for &example in chosen {
                    loss += mlp.learn(&scaled[example], &mut gradient);
                }
                let done = (epoch * batches + batch) as f32 / steps as f32;
                let rate = settings.learning_rate * 0.5 * (1.0 + (std::f32::consts::PI * done).cos());
                adam.step(&mut mlp, &gradient, rate, chosen.len());
            }
            tracing::debug!(epoch, loss = loss / scaled.len().max(1) as f32, "ranker");
        }
        scale.fold_into(mlp)
    }

    /// One logit a candidate.
    pub fn score(&self, features: &[f32]) -> Vec<f32> {
        features.chunks_exact(COLUMNS).map(|row| self.logit(&self.hidden(row))).collect()
    }

    fn zero() -> Self {
        Self {
            hidden_weights: vec![[0.0; HIDDEN]; COLUMNS],
            hidden_biases: [0.0; HIDDEN],
            output_weights: [0.0; HIDDEN],
        }
    }

    /// Weights of the width that keeps the variance of the signal (He et al., 2015).
    fn random(random: &mut Random) -> Self {
        let mut mlp = Self::zero();
        for weight in mlp.hidden_weights.iter_mut().flatten() {
            *weight = (random.normal() * (2.0 / COLUMNS as f64).sqrt()) as f32;
        }
        for weight in &mut mlp.output_weights {
            *weight = (random.normal() * (1.0 / HIDDEN as f64).sqrt()) as f32;
        }
        mlp
    }

    fn hidden(&self, row: &[f32]) -> [f32; HIDDEN] {
        let mut hidden = self.hidden_biases;
        for (&feature, weights) in row.iter().zip(&self.hidden_weights) {
            for (unit, weight) in hidden.iter_mut().zip(weights) {
                *unit += feature * weight;
            }
        }
        hidden.map(|unit| unit.max(0.0))
    }

    fn logit(&self, hidden: &[f32; HIDDEN]) -> f32 {
        hidden.iter().zip(&self.output_weights).map(|(unit, weight)| unit * weight).sum()
    }

    /// Adds the gradient of one example; returns its loss.
    fn learn(&self, example: &Example, gradient: &mut Self) -> f32 {
        let logits = self.score(&example.features);
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let total: f32 = logits.iter().map(|logit| (logit - largest).exp()).sum();
        for (candidate, row) in example.features.chunks_exact(COLUMNS).enumerate() {
            let chance = (logits[candidate] - largest).exp() / total;
            let slope = chance - f32::from(u8::from(candidate == example.target));
            let hidden = self.hidden(row);
            let mut back = [0.0; HIDDEN];
            for unit in 0..HIDDEN {
                gradient.output_weights[unit] += slope * hidden[unit];
                let passes = f32::from(u8::from(hidden[unit] > 0.0));
                back[unit] = slope * self.output_weights[unit] * passes;
                gradient.hidden_biases[unit] += back[unit];
            }
            for (&feature, sums) in row.iter().zip(&mut gradient.hidden_weights) {
                for (sum, &back) in sums.iter_mut().zip(&back) {
                    *sum += feature * back;
                }
            }
        }
        total.ln() + largest - logits[example.target]
    }

    fn parameters(&self) -> impl Iterator<Item = &f32> {
        self.hidden_weights.iter().flatten().chain(&self.hidden_biases).chain(&self.output_weights)
    }

    fn parameters_mut(&mut self) -> impl Iterator<Item = &mut f32> {
        let hidden = self.hidden_weights.iter_mut().flatten().chain(&mut self.hidden_biases);
        hidden.chain(&mut self.output_weights)
    }
}

/// Adam (Kingma, Ba, 2015) with its usual constants.
#[derive(Default)]
struct Adam {
    means: Vec<f32>,
    squares: Vec<f32>,
    step: i32,
}

impl Adam {
    fn step(&mut self, mlp: &mut Mlp, gradient: &Mlp, rate: f32, examples: usize) {
        self.means.resize(mlp.parameters().count(), 0.0);
        self.squares.resize(self.means.len(), 0.0);
        self.step += 1;
        let moments = self.means.iter_mut().zip(&mut self.squares);
        for ((parameter, sum), (mean, square)) in mlp.parameters_mut().zip(gradient.parameters()).zip(moments)
        {
            let slope = sum / examples as f32;
            *mean = 0.9 * *mean + 0.1 * slope;
            *square = 0.999 * *square + 0.001 * slope * slope;
            let (mean, square) =
                (*mean / (1.0 - 0.9_f32.powi(self.step)), *square / (1.0 - 0.999_f32.powi(self.step)));
            *parameter -= rate * mean / (square.sqrt() + 1e-8);
        }
    }
}

/// Brings features to mean 0 and deviation 1 while learning; the finished network takes them as they are.
struct Scale {
    means: [f64; COLUMNS],
    deviations: [f64; COLUMNS],
}

impl Scale {
    fn of(examples: &[&Example]) -> Self {
        let rows = || examples.iter().flat_map(|example| example.features.chunks_exact(COLUMNS));
        let count = rows().count().max(1) as f64;
        let mut scale = Self { means: [0.0; COLUMNS], deviations: [0.0; COLUMNS] };
        for row in rows() {
            for (mean, &feature) in scale.means.iter_mut().zip(row) {
                *mean += f64::from(feature) / count;
            }
        }
        for row in rows() {
            for ((square, mean), &feature) in scale.deviations.iter_mut().zip(&scale.means).zip(row) {
                *square += (f64::from(feature) - mean).powi(2) / count;
            }
        }
        // A feature that never changes says nothing, and must not be blown up when one day it does.
        scale.deviations = scale.deviations.map(|square| if square > 1e-12 { square.sqrt() } else { 1.0 });
        scale
    }

    fn apply(&self, example: &Example) -> Example {
        let scaled = example.features.iter().enumerate().map(|(place, &feature)| {
            let column = place % COLUMNS;
            ((f64::from(feature) - self.means[column]) / self.deviations[column]) as f32
        });
        Example { features: scaled.collect(), target: example.target }
    }

    /// A network of scaled features as one of plain features.
    fn fold_into(&self, mut mlp: Mlp) -> Mlp {
        for (column, weights) in mlp.hidden_weights.iter_mut().enumerate() {
            for (weight, bias) in weights.iter_mut().zip(&mut mlp.hidden_biases) {
                let plain = f64::from(*weight) / self.deviations[column];
                *bias -= (plain * self.means[column]) as f32;
                *weight = plain as f32;
            }
        }
        mlp
    }
}

/// Examples whose mean gradient makes one step.
const BATCH: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    /// Pools of random features; the target has the highest product of the first two.
    fn products(count: usize) -> Vec<Example> {
        let mut random = Random::new(11);
        let example = |_| {
            let features: Vec<f32> = (0..20 * COLUMNS).map(|_| 5.0 + random.normal() as f32).collect();
            let worth = |row: &[f32]| (row[0] - 5.0) * (row[1] - 5.0);
            let rows = features.chunks_exact(COLUMNS).map(worth).enumerate();
            let target = rows.max_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(candidate, _)| candidate);
            Example { features, target }
        };
        (0..count).map(example).collect()
    }

    #[test]
    fn learns_an_order_that_no_single_feature_gives() {
        let examples = products(1_500);
        let (train, held_out) = examples.split_at(1_200);
        let train: Vec<&Example> = train.iter().collect();
        let mlp = Mlp::train(&train, &Settings { epochs: 30, ..Settings::default() });
        let first = held_out.iter().filter(|example| {
            let logits = mlp.score(&example.features);
            logits.iter().all(|&logit| logit <= logits[example.target])
        });
        let share = first.count() as f64 / held_out.len() as f64;
        assert!(share > 0.5, "first in {share} of the pools, 0.05 by chance");
    }

    #[test]
    fn the_gradient_is_that_of_the_loss() {
        let example = &products(1)[0];
        let mlp = Mlp::random(&mut Random::new(1));
        let mut gradient = Mlp::zero();
        mlp.learn(example, &mut gradient);
        for (place, &slope) in gradient.parameters().enumerate() {
            let loss = |offset: f32| {
                let mut moved = mlp.clone();
                *moved.parameters_mut().nth(place).unwrap() += offset;
                moved.learn(example, &mut Mlp::zero())
            };
            let measured = (loss(1e-3) - loss(-1e-3)) / 2e-3;
            assert!((measured - slope).abs() < 0.02 * slope.abs().max(1.0), "{place}: {measured} {slope}");
        }
    }

    #[test]
    fn equal_seeds_give_equal_bits() {
        let examples = products(100);
        let examples: Vec<&Example> = examples.iter().collect();
        let train = |seed| Mlp::train(&examples, &Settings { epochs: 2, seed, ..Settings::default() });
        assert_eq!(train(1), train(1));
        assert_ne!(train(1), train(2));
    }
}
