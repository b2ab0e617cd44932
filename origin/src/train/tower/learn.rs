//! Stochastic gradient descent over sequences; every place of every sequence is a target.
//!
//! A batch is cut into [`SHARDS`] parts of about equal length, each computed by one thread into a gradient of its
//! own, and the gradients are added in the order of the parts: the result does not depend on how many threads
//! there are.

use rayon::prelude::*;

use super::Tower;
use super::network::{Dropout, Tape};
use super::shape::{Layout, Shape};
use super::softmax::{self, Compared, Sample, Targets, Watched};
use crate::train::random::Random;
use crate::train::vector::{AdamStep, BETAS, adam};

/// How a tower learns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Sequences of a step.
    pub batch: usize,
    /// Step size of Adam after the first [`WARM_UP`] steps.
    pub learning_rate: f32,
    /// Share of numbers zeroed at the input and behind each half of a block.
    pub dropout: f32,
    /// Share of the parameters that a step of size 1 takes away.
    pub decay: f32,
    /// Steps over which the parameters that are kept are a running mean.
    pub averaged_steps: f32,
    /// Of the first parameters, the order of sequences and the dropout.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { batch: 128, learning_rate: 1e-3, dropout: 0.2, decay: 0.0, averaged_steps: 200.0, seed: 42 }
    }
}

/// A tower that is learning.
pub struct Learner<'a> {
    shape: Shape,
    layout: Layout,
    settings: Settings,
    // At most a window of inputs and the target of the last of them; at least two items.
    sequences: Vec<&'a [u32]>,
    // What items are compared with instead of all; none where all are.
    watched: Option<Watched>,
    parameters: Vec<f32>,
    means: Vec<f32>,
    moments: (Vec<f32>, Vec<f32>),
    steps: u32,
    random: Random,
    shards: Vec<Shard>,
}

impl<'a> Learner<'a> {
    /// Starts anew; sequences of fewer than two items teach nothing.
    pub fn new(shape: Shape, settings: Settings, sequences: impl Iterator<Item = &'a [u32]>) -> Self {
        let mut random = Random::new(settings.seed);
        let parameters = shape.random(&mut random);
        let mut learner = Self {
            layout: shape.layout(),
            means: parameters.clone(),
            moments: (vec![0.0; parameters.len()], vec![0.0; parameters.len()]),
            steps: 0,
            shards: Vec::new(),
            sequences: Vec::new(),
            watched: None,
            shape,
            settings,
            parameters,
            random,
        };
        learner.shards.resize_with(SHARDS, Shard::default);
        learner.teach(sequences);
        learner
    }

    /// Goes on with other sequences.
    pub fn teach(&mut self, sequences: impl Iterator<Item = &'a [u32]>) {
        let window = self.shape.window;
        self.sequences = sequences.flat_map(|sequence| windows(sequence, window)).collect();
        let items = self.shape.items;
        let targets = || self.sequences.iter().flat_map(|sequence| &sequence[1..]).copied().collect();
        self.watched = softmax::is_sampled(items, self.targets()).then(|| Watched::new(items, targets()));
    }

    /// Targets of an epoch.
    pub fn targets(&self) -> usize {
        self.sequences.iter().map(|sequence| sequence.len() - 1).sum()
    }

    /// Learns from every sequence once, unless it is told to stop; returns the mean loss of a target.
    pub fn epoch(&mut self, is_over: &dyn Fn() -> bool) -> f64 {
        let mut order = std::mem::take(&mut self.sequences);
        self.random.shuffle(&mut order);
        let (mut loss, mut targets) = (0.0, 0);
        for batch in order.chunks(self.settings.batch) {
            if is_over() {
                break;
            }
            loss += self.step(batch);
            targets += batch.iter().map(|sequence| sequence.len() - 1).sum::<usize>();
        }
        self.sequences = order;
        loss / targets.max(1) as f64
    }

    /// The running mean of what was learned.
    pub fn tower(&self) -> Tower {
        Tower { shape: self.shape, parameters: self.means.clone() }
    }

    fn step(&mut self, batch: &[&[u32]]) -> f64 {
        let loss = self.gradient(batch);
        self.steps += 1;
        let steps = self.steps as f32;
        let rate = self.settings.learning_rate * (steps / WARM_UP).min(1.0);
        let step = AdamStep {
            rate,
            corrections: BETAS.map(|beta| 1.0 - beta.powf(steps)),
            // Early means forget the random start quickly.
            keep: 1.0 - (10.0 / (10.0 + steps)).max(1.0 / self.settings.averaged_steps),
            decay: rate * self.settings.decay,
        };
        let (first, rest) = self.shards.split_at_mut(1);
        let moments = self.moments.0.par_chunks_mut(PART).zip(self.moments.1.par_chunks_mut(PART));
        first[0]
            .gradient
            .par_chunks_mut(PART)
            .zip(self.parameters.par_chunks_mut(PART))
            .zip(self.means.par_chunks_mut(PART))
            .zip(moments)
            .enumerate()
            .for_each(|(part, (((gradient, parameters), means), moments))| {
                for shard in &*rest {
                    let more = &shard.gradient[part * PART..][..gradient.len()];
                    gradient.iter_mut().zip(more).for_each(|(sum, slope)| *sum += slope);
                }
                adam(&step, gradient, parameters, moments, means);
            });
        loss
    }

    /// Leaves the gradient of the mean loss in the shards.
    fn gradient(&mut self, batch: &[&[u32]]) -> f64 {
        let parts = shares(batch);
        let targets: usize = batch.iter().map(|sequence| sequence.len() - 1).sum();
        let seeds: Vec<u64> = (0..SHARDS).map(|_| self.random.bits()).collect();
        let job = Job {
            shape: &self.shape,
            layout: &self.layout,
            parameters: &self.parameters,
            watched: self.watched.as_ref(),
            dropout: self.settings.dropout,
            weight: 1.0 / targets as f32,
        };
        let losses: Vec<f64> = self
            .shards
            .par_iter_mut()
            .zip(parts)
            .zip(seeds)
            .map(|((shard, part), seed)| shard.learn(&job, &part, seed))
            .collect();
        losses.iter().sum()
    }
}

/// Windows of inputs with one more item, the newest first; all but the newest are cut where the next begins.
fn windows(sequence: &[u32], window: usize) -> impl Iterator<Item = &[u32]> {
    let mut end = sequence.len();
    std::iter::from_fn(move || {
        let part = &sequence[end.saturating_sub(window + 1)..end];
        end = end.saturating_sub(window);
        Some(part)
    })
    .take_while(|part| part.len() > 1)
}

/// The sequences of each shard: the longest first, always to the shard that has least.
fn shares<'a>(batch: &[&'a [u32]]) -> Vec<Vec<&'a [u32]>> {
    let mut longest_first = batch.to_vec();
    longest_first.sort_by_key(|sequence| std::cmp::Reverse(sequence.len()));
    let mut shares = vec![(0, Vec::new()); SHARDS];
    for sequence in longest_first {
        if let Some((length, share)) = shares.iter_mut().min_by_key(|(length, _)| *length) {
            *length += sequence.len();
            share.push(sequence);
        }
    }
    shares.into_iter().map(|(_, share)| share).collect()
}

struct Job<'a> {
    shape: &'a Shape,
    layout: &'a Layout,
    parameters: &'a [f32],
    watched: Option<&'a Watched>,
    dropout: f32,
    weight: f32,
}

#[derive(Default)]
struct Shard {
    tape: Tape,
    room: softmax::Room,
    targets: Vec<u32>,
    slopes: Vec<f32>,
    gradient: Vec<f32>,
}

impl Shard {
    fn learn(&mut self, job: &Job<'_>, sequences: &[&[u32]], seed: u64) -> f64 {
        let Job { shape, layout, parameters, .. } = *job;
        self.gradient.clear();
        self.gradient.resize(layout.len, 0.0);
        if sequences.is_empty() {
            return 0.0;
        }
        self.tape.load(sequences.iter().map(|sequence| &sequence[..sequence.len() - 1]));
        self.tape.forward(shape, layout, parameters, &mut Dropout::new(job.dropout, seed));
        self.targets.clear();
        self.targets.extend(sequences.iter().flat_map(|sequence| &sequence[1..]));
        let compared = match job.watched {
            None => Compared::Full,
            Some(watched) => {
                let mut random = Random::new(seed ^ SAMPLE_STREAM);
                Compared::Sampled(Sample::draw(watched, &mut random))
            }
        };
        let targets = Targets { outputs: &self.tape.output, targets: &self.targets, weight: job.weight };
        let item_vectors = layout.item_vectors.of(parameters);
        let into = (&mut self.slopes, layout.item_vectors.of_mut(&mut self.gradient));
        let loss = softmax::cross_entropy(&targets, item_vectors, &compared, into, &mut self.room);
        self.tape.backward(shape, layout, parameters, &self.slopes, &mut self.gradient);
        loss
    }
}

/// Parts of a batch; as many threads can take part.
const SHARDS: usize = 4;

/// Parameters that one thread moves at once.
const PART: usize = 1 << 14;

/// Steps over which the step size rises to its full length.
const WARM_UP: f32 = 100.0;

/// Keeps the sample independent of the dropout.
const SAMPLE_STREAM: u64 = 0x5341_4d50_4c45_0000;
