//! A small network that orders the candidates of a pool: the viewer's vector and the candidate's, where there is a tower,
//! and features → rectified units → one logit.

mod scale;

use inference::Tower;
use ranking::features::{BEHIND, COLUMNS};

use scale::Scale;

use super::matrix;
use super::random::Random;
use super::vector::{AdamStep, BETAS, adam, dot};

/// The network; equal examples and seeds give equal bits.
#[derive(Clone, Debug, PartialEq)]
pub struct Mlp {
    // Numbers of a vector; 0 where there is none.
    width: usize,
    units: usize,
    // One row of units an input (the viewer's vector, the candidate's, the features), a bias a unit, a weight a unit.
    parameters: Vec<f32>,
}

/// A pool of candidates and the one that was watched next.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// The viewer's vector; empty without a tower.
    pub viewer: Vec<f32>,
    /// The tower's item of each candidate; one that it does not have counts as a vector of zeros.
    pub items: Vec<u32>,
    /// [`COLUMNS`] numbers a candidate, in the order of the pool.
    pub features: Vec<f32>,
    /// The candidate watched next.
    pub target: usize,
}

/// The vectors of a tower's items.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Items {
    width: usize,
    vectors: Vec<f32>,
}

impl Items {
    /// As nodes keep them: eight bits a number.
    pub fn of(tower: &Tower) -> Self {
        let (items, width) = (tower.items(), tower.shape().width);
        Self { width, vectors: (0..items.rows()).flat_map(|item| items.floats(item)).collect() }
    }

    fn vector(&self, item: u32) -> Option<&[f32]> {
        self.vectors.get(item as usize * self.width..(item as usize + 1) * self.width)
    }
}

/// How long and how fast to learn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Rectified units.
    pub units: usize,
    /// Passes over all examples.
    pub epochs: u32,
    /// The first step size of Adam; it falls to 0 along a cosine.
    pub learning_rate: f32,
    /// Share of the weights of vectors that a step of size 1 takes away: some thousand viewers say much of a few
    /// features, and little of each number of a vector.
    pub vector_decay: f32,
    /// Of the first weights and the order of examples.
    pub seed: u64,
}

impl Settings {
    /// For features alone: enough units for products of two of them.
    pub const OF_FEATURES: Self =
        Self { units: 16, epochs: 10, learning_rate: 0.01, vector_decay: 0.0, seed: 42 };

    /// For vectors too.
    pub const OF_VECTORS: Self =
        Self { units: 32, epochs: 8, learning_rate: 0.004, vector_decay: 2.0, seed: 42 };
}

impl Mlp {
    /// Learns to put each example's target above the rest of its pool (softmax cross-entropy), beginning with the order
    /// that the pool has.
    pub fn train(examples: &[&Example], items: &Items, settings: &Settings) -> Self {
        let scale = Scale::of(examples, items);
        let scaled: Vec<Example> = examples.iter().map(|example| scale.apply(example)).collect();
        let items = &scale.apply_to_items(items);
        let mut random = Random::new(settings.seed);
        let mut mlp = Self::random(items.width, settings.units, &mut random);
        mlp.follow_sources(&scale, &scaled);
        let mut descent = Descent::new(&mlp, settings.vector_decay);
        let mut order: Vec<usize> = (0..scaled.len()).collect();
        let batches = scaled.len().div_ceil(BATCH);
        let steps = (batches * settings.epochs as usize).max(1);
        let mut room = Room::default();
        for epoch in 0..settings.epochs as usize {
            random.shuffle(&mut order);
            let mut loss = 0.0;
            for (batch, chosen) in order.chunks(BATCH).enumerate() {
                let mut gradient = mlp.zero();
                for &example in chosen {
                    loss += mlp.learn(&scaled[example], items, &mut gradient, &mut room);
                }
                let done = (epoch * batches + batch) as f32 / steps as f32;
                let rate = settings.learning_rate * 0.5 * (1.0 + (std::f32::consts::PI * done).cos());
                descent.step(&mut mlp, gradient, rate, chosen.len());
            }
            tracing::debug!(epoch, loss = loss / scaled.len().max(1) as f32, "ranker");
        }
        scale.fold_into(mlp)
    }

    /// One logit a candidate.
    pub fn score(&self, example: &Example, items: &Items) -> Vec<f32> {
        let mut room = Room::default();
        self.forward(example, items, &mut room);
        room.logits
    }

    /// One row of units an input: the viewer's vector, the candidate's, the features.
    pub fn hidden_weights(&self) -> &[f32] {
        &self.parameters[..self.inputs() * self.units]
    }

    /// One a unit.
    pub fn hidden_biases(&self) -> &[f32] {
        &self.parameters[self.inputs() * self.units..][..self.units]
    }

    /// One a unit.
    pub fn output_weights(&self) -> &[f32] {
        &self.parameters[(self.inputs() + 1) * self.units..]
    }

    /// The network with so much of what its units add to the order of the sources, 0 to 1.
    pub fn softened(mut self, strength: f32) -> Self {
        let outputs = (self.inputs() + 1) * self.units;
        self.parameters[outputs..].iter_mut().skip(1).for_each(|weight| *weight *= strength);
        self
    }

    /// The network for vectors that have to be multiplied with `rotation`, row by row, to be those it has learned from.
    pub fn turned(mut self, rotation: &[f32]) -> Self {
        let (width, units) = (self.width, self.units);
        let learned = self.parameters.clone();
        for first in [0, width * units] {
            let of_vector = first..first + width * units;
            let turned = matrix::rows_mut(&mut self.parameters[of_vector.clone()], units);
            matrix::set(turned, matrix::rows(rotation, width), matrix::rows(&learned[of_vector], units), 1.0);
        }
        self
    }

    fn inputs(&self) -> usize {
        2 * self.width + COLUMNS
    }

    fn zero(&self) -> Self {
        Self { parameters: vec![0.0; self.parameters.len()], ..*self }
    }

    /// Weights of the width that keeps the variance of the signal (He et al., 2015); the units count nothing yet.
    fn random(width: usize, units: usize, random: &mut Random) -> Self {
        let inputs = 2 * width + COLUMNS;
        let mut mlp = Self { width, units, parameters: vec![0.0; (inputs + 2) * units] };
        for weight in &mut mlp.parameters[..inputs * units] {
            *weight = (random.normal() * (2.0 / inputs as f64).sqrt()) as f32;
        }
        mlp
    }

    /// Makes the first unit say how far a candidate is behind the best of its pool, and the logit as many of that as
    /// foretell the targets best, to a power of two: what is learned from there on is what the sources do not know.
    fn follow_sources(&mut self, scale: &Scale, scaled: &[Example]) {
        let (units, inputs) = (self.units, self.inputs());
        let (row, shift) = (2 * self.width + BEHIND, -scale.zero(BEHIND));
        self.parameters[..inputs * units].iter_mut().step_by(units).for_each(|weight| *weight = 0.0);
        self.parameters[row * units] = -1.0;
        self.parameters[inputs * units] = -shift;
        let loss = |sharpness: f32| -> f32 {
            let losses = scaled.iter().map(|example| {
                let behind = example.features.iter().skip(BEHIND).step_by(COLUMNS);
                let logits: Vec<f32> = behind.map(|behind| sharpness * (behind + shift)).collect();
                let (largest, total) = softmax(&logits);
                total.ln() + largest - logits[example.target]
            });
            losses.sum()
        };
        let tried = SHARPNESSES_LOG2.map(|exponent| 2.0_f32.powi(exponent));
        let best = tried.min_by(|&a, &b| loss(a).total_cmp(&loss(b)));
        self.parameters[(inputs + 1) * units] = -best.unwrap_or(1.0);
    }

    fn forward(&self, example: &Example, items: &Items, room: &mut Room) {
        let (width, units) = (self.width, self.units);
        room.inputs.clear();
        for (&item, features) in example.items.iter().zip(example.features.chunks_exact(COLUMNS)) {
            let start = room.inputs.len();
            room.inputs.extend_from_slice(items.vector(item).unwrap_or_default());
            room.inputs.resize(start + width, 0.0);
            room.inputs.extend_from_slice(features);
        }
        let mut shared = self.hidden_biases().to_vec();
        let (of_viewer, own) = self.hidden_weights().split_at(width * units);
        for (&number, weights) in example.viewer.iter().zip(of_viewer.chunks_exact(units)) {
            shared.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += number * weight);
        }
        room.hidden.resize(example.items.len() * units, 0.0);
        let inputs = matrix::rows(&room.inputs, width + COLUMNS);
        matrix::set(matrix::rows_mut(&mut room.hidden, units), inputs, matrix::rows(own, units), 1.0);
        room.logits.clear();
        for row in room.hidden.chunks_exact_mut(units) {
            row.iter_mut().zip(&shared).for_each(|(unit, shared)| *unit = (*unit + shared).max(0.0));
            room.logits.push(dot(row, self.output_weights()));
        }
    }

    /// Adds the gradient of one example; returns its loss.
    fn learn(&self, example: &Example, items: &Items, gradient: &mut Self, room: &mut Room) -> f32 {
        self.forward(example, items, room);
        let (width, units, inputs) = (self.width, self.units, self.inputs());
        let own = room.logits[example.target];
        let (largest, total) = softmax(&room.logits);
        let (weights, rest) = gradient.parameters.split_at_mut(inputs * units);
        let (biases, outputs) = rest.split_at_mut(units);
        let mut sums = vec![0.0; units];
        for (candidate, (row, logit)) in room.hidden.chunks_exact_mut(units).zip(&room.logits).enumerate() {
            let chance = (logit - largest).exp() / total;
            let slope = chance - f32::from(u8::from(candidate == example.target));
            // From here on the row holds the slopes of its units.
            for (unit, hidden) in row.iter_mut().enumerate() {
                outputs[unit] += slope * *hidden;
                *hidden = if *hidden > 0.0 { slope * self.output_weights()[unit] } else { 0.0 };
                sums[unit] += *hidden;
            }
        }
        biases.iter_mut().zip(&sums).for_each(|(bias, sum)| *bias += sum);
        let (of_viewer, own_weights) = weights.split_at_mut(width * units);
        for (&number, weights) in example.viewer.iter().zip(of_viewer.chunks_exact_mut(units)) {
            weights.iter_mut().zip(&sums).for_each(|(weight, sum)| *weight += number * sum);
        }
        let seen = matrix::rows(&room.inputs, width + COLUMNS).transpose();
        matrix::add(matrix::rows_mut(own_weights, units), seen, matrix::rows(&room.hidden, units), 1.0);
        total.ln() + largest - own
    }
}

/// The largest logit, and the sum of exp(logit − largest).
fn softmax(logits: &[f32]) -> (f32, f32) {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    (largest, logits.iter().map(|logit| (logit - largest).exp()).sum())
}

/// What a pass over an example writes; kept for the next.
#[derive(Default)]
struct Room {
    inputs: Vec<f32>,
    hidden: Vec<f32>,
    logits: Vec<f32>,
}

/// Adam, with decay for what is multiplied with vectors.
struct Descent {
    // So many parameters, the first, decay.
    of_vectors: usize,
    vector_decay: f32,
    moments: (Vec<f32>, Vec<f32>),
    means: Vec<f32>,
    steps: i32,
}

impl Descent {
    fn new(mlp: &Mlp, vector_decay: f32) -> Self {
        let zeros = vec![0.0; mlp.parameters.len()];
        let of_vectors = 2 * mlp.width * mlp.units;
        Self { of_vectors, vector_decay, moments: (zeros.clone(), zeros.clone()), means: zeros, steps: 0 }
    }

    fn step(&mut self, mlp: &mut Mlp, mut gradient: Mlp, rate: f32, examples: usize) {
        self.steps += 1;
        gradient.parameters.iter_mut().for_each(|slope| *slope /= examples as f32);
        let corrections = BETAS.map(|beta| 1.0 - beta.powi(self.steps));
        let parts = [(0..self.of_vectors, self.vector_decay), (self.of_vectors..mlp.parameters.len(), 0.0)];
        for (part, decay) in parts {
            let step = AdamStep { rate, corrections, keep: 0.0, decay: rate * decay };
            let (first, second) = &mut self.moments;
            let moments = (&mut first[part.clone()], &mut second[part.clone()]);
            let (slopes, means) = (&gradient.parameters[part.clone()], &mut self.means[part.clone()]);
            adam(&step, slopes, &mut mlp.parameters[part], moments, means);
        }
    }
}

/// Logits a deviation of that column, as powers of two.
const SHARPNESSES_LOG2: std::ops::RangeInclusive<i32> = -6..=6;

/// Examples whose mean gradient makes one step.
const BATCH: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 5;

    fn items() -> Items {
        let mut random = Random::new(3);
        Items { width: WIDTH, vectors: (0..30 * WIDTH).map(|_| random.normal() as f32).collect() }
    }

    /// Pools of random features, all as far behind; the target has the highest worth of its features and its vector.
    fn pools(count: usize, worth: impl Fn(&[f32], &[f32]) -> f32) -> Vec<Example> {
        let (mut random, items) = (Random::new(11), items());
        let example = |_| {
            let mut features: Vec<f32> = (0..20 * COLUMNS).map(|_| 5.0 + random.normal() as f32).collect();
            features.iter_mut().skip(BEHIND).step_by(COLUMNS).for_each(|behind| *behind = 0.0);
            let pooled: Vec<u32> = (0..20).map(|_| (random.uniform() * 30.0) as u32).collect();
            let rows = features.chunks_exact(COLUMNS).zip(&pooled);
            let worths = rows.map(|(row, &item)| worth(row, items.vector(item).unwrap()));
            let best = worths.enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
            let target = best.map_or(0, |(candidate, _)| candidate);
            let viewer = (0..WIDTH).map(|_| random.normal() as f32).collect();
            Example { viewer, items: pooled, features, target }
        };
        (0..count).map(example).collect()
    }

    fn products(count: usize) -> Vec<Example> {
        pools(count, |row, _| (row[0] - 5.0) * (row[1] - 5.0))
    }

    /// Share of the pools whose target is first.
    fn first(mlp: &Mlp, examples: &[Example], items: &Items) -> f64 {
        let is_first = |example: &&Example| {
            let logits = mlp.score(example, items);
            logits.iter().all(|&logit| logit <= logits[example.target])
        };
        examples.iter().filter(is_first).count() as f64 / examples.len() as f64
    }

    #[test]
    fn learns_an_order_that_no_single_feature_gives() {
        let examples = products(1_500);
        let (train, held_out) = examples.split_at(1_200);
        let train: Vec<&Example> = train.iter().collect();
        let settings = Settings { epochs: 30, ..Settings::OF_FEATURES };
        let mlp = Mlp::train(&train, &Items::default(), &settings);
        let share = first(&mlp, held_out, &Items::default());
        assert!(share > 0.5, "first in {share} of the pools, 0.05 by chance");
    }

    #[test]
    fn learns_an_order_that_only_vectors_give() {
        let examples = pools(1_500, |_, vector| vector[1] - vector[4]);
        let (train, held_out) = examples.split_at(1_200);
        let train: Vec<&Example> = train.iter().collect();
        let mlp = Mlp::train(&train, &items(), &Settings { epochs: 30, ..Settings::OF_VECTORS });
        // The best item may be in a pool twice.
        let share = first(&mlp, held_out, &items());
        assert!(share > 0.5, "first in {share} of the pools, 0.05 by chance");
    }

    #[test]
    fn begins_with_the_order_of_the_sources() {
        let mut examples = products(40);
        for example in &mut examples {
            for (place, row) in example.features.chunks_exact_mut(COLUMNS).enumerate() {
                row[BEHIND] = -0.125 * place as f32;
            }
        }
        let train: Vec<&Example> = examples.iter().collect();
        let mlp = Mlp::train(&train, &items(), &Settings { epochs: 0, ..Settings::OF_VECTORS });
        for example in &examples {
            let logits = mlp.score(example, &items());
            assert!(logits.windows(2).all(|pair| pair[0] > pair[1]), "{logits:?}");
        }
    }

    #[test]
    fn softened_to_nothing_only_the_sources_are_left() {
        let (examples, items) = (products(60), items());
        let mlp = Mlp::train(&examples.iter().collect::<Vec<_>>(), &items, &Settings::OF_VECTORS);
        let own = |mlp: &Mlp| mlp.output_weights()[1..].iter().map(|weight| weight.abs()).sum::<f32>();
        let half = mlp.clone().softened(0.5);
        assert!(own(&mlp) > 0.0 && (own(&half) * 2.0 - own(&mlp)).abs() < 1e-4);
        assert_eq!(own(&mlp.clone().softened(0.0)), 0.0);
        assert_eq!(
            (mlp.clone().softened(1.0), half.output_weights()[0]),
            (mlp.clone(), mlp.output_weights()[0])
        );
    }

    #[test]
    fn the_gradient_is_that_of_the_loss() {
        let (example, items) = (&products(1)[0], items());
        let mut random = Random::new(1);
        let mut mlp = Mlp::random(WIDTH, 16, &mut random);
        mlp.parameters.iter_mut().for_each(|parameter| *parameter += 0.2 * random.normal() as f32);
        let mut gradient = mlp.zero();
        mlp.learn(example, &items, &mut gradient, &mut Room::default());
        for (place, &slope) in gradient.parameters.iter().enumerate() {
            let loss = |offset: f32| {
                let mut moved = mlp.clone();
                moved.parameters[place] += offset;
                moved.learn(example, &items, &mut mlp.zero(), &mut Room::default())
            };
            let measured = (loss(1e-3) - loss(-1e-3)) / 2e-3;
            assert!((measured - slope).abs() < 0.02 * slope.abs().max(1.0), "{place}: {measured} {slope}");
        }
    }

    #[test]
    fn turned_vectors_are_scored_as_those_that_were_learned_from() {
        let (examples, items) = (products(3), items());
        let mlp = Mlp::train(&examples.iter().collect::<Vec<_>>(), &items, &Settings::OF_VECTORS);
        // The numbers of a vector change their places, and two their signs.
        let swap = |vector: &[f32]| vec![-vector[3], vector[0], vector[4], -vector[1], vector[2]];
        let rotation: Vec<f32> = (0..WIDTH)
            .flat_map(|row| {
                let unit: Vec<f32> = (0..WIDTH).map(|column| f32::from(u8::from(column == row))).collect();
                swap(&unit)
            })
            .collect();
        let turned_back = |vectors: &[f32]| -> Vec<f32> {
            let column = |vector: &[f32], row: usize| dot(vector, &rotation[row * WIDTH..(row + 1) * WIDTH]);
            let rows = vectors.chunks_exact(WIDTH);
            rows.flat_map(|vector| (0..WIDTH).map(|row| column(vector, row)).collect::<Vec<_>>()).collect()
        };
        let other = Items { vectors: turned_back(&items.vectors), ..items };
        for example in &examples {
            let theirs = Example { viewer: turned_back(&example.viewer), ..example.clone() };
            let (before, after) =
                (mlp.score(example, &items), mlp.clone().turned(&rotation).score(&theirs, &other));
            assert!(before.iter().zip(&after).all(|(a, b)| (a - b).abs() < 1e-4), "{before:?} {after:?}");
        }
    }

    #[test]
    fn equal_seeds_give_equal_bits() {
        let (examples, items) = (products(100), items());
        let examples: Vec<&Example> = examples.iter().collect();
        let train =
            |seed| Mlp::train(&examples, &items, &Settings { epochs: 2, seed, ..Settings::OF_VECTORS });
        assert_eq!(train(1), train(1));
        assert_ne!(train(1), train(2));
    }
}
