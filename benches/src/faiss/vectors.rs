//! Vectors of the shapes that the works ask for, the same on every machine.

use crate::release_files::Dice;

/// Numbers of a vector.
pub(super) const DIMENSIONS: usize = 256;
/// Titles of the real catalogue.
pub(super) const REAL: usize = 26_744;
/// Viewers that ask.
pub(super) const QUERIES: usize = 1_000;

/// Titles as a tower has them, and viewers who each will watch one of them next.
pub(super) struct Work {
    /// Of length one, row by row.
    pub(super) titles: Vec<f32>,
    /// Of length one, row by row.
    pub(super) queries: Vec<f32>,
    /// The title that each viewer watches next.
    pub(super) next: Vec<u32>,
}

/// What the shape is, for whoever reads the figures.
pub(super) const SHAPE: &str = "generated: 50 clusters of Zipf sizes, within-cluster spread 3 times that between \
                                clusters, spread of number j falling as (1+j)^-0.3, unit length; a query is a title \
                                and three times as much noise";

/// Titles in clusters. The shape was chosen so that lists find as much as on a real tower's 3,416 titles: 32 lists,
/// 8 compared, find 0.79 of the nearest 20 there, 0.81 here; a byte a number 0.995 there, 0.988 here.
pub(super) fn clustered(count: usize) -> Work {
    let mut normal = Normal::new(1);
    let spread: Vec<f32> = (0..DIMENSIONS).map(|number| (1.0 + number as f32).powf(-0.3)).collect();
    let mut row =
        |scale: f32| -> Vec<f32> { spread.iter().map(|spread| scale * spread * normal.next()).collect() };
    let centres: Vec<Vec<f32>> = (0..CLUSTERS).map(|_| row(1.0)).collect();
    let mut dice = Dice(2);
    let mut titles = Vec::with_capacity(count * DIMENSIONS);
    for _ in 0..count {
        let centre = &centres[zipf(&mut dice)];
        titles.extend(unit(centre.iter().zip(row(WITHIN)).map(|(centre, own)| centre + own).collect()));
    }
    let (mut queries, mut next) = (Vec::new(), Vec::new());
    for _ in 0..QUERIES {
        let title = dice.below(count as u32);
        let its = &titles[title as usize * DIMENSIONS..][..DIMENSIONS];
        let noise = unit(row(1.0));
        queries.extend(unit(its.iter().zip(noise).map(|(its, noise)| its + QUERY_NOISE * noise).collect()));
        next.push(title);
    }
    Work { titles, queries, next }
}

/// The real titles, and beside them normal numbers with the same mean and deviation, number by number, of length one:
/// `count` vectors in all.
pub(super) fn with_noise(real: &[f32], count: usize) -> Vec<f32> {
    let rows = (real.len() / DIMENSIONS) as f32;
    let mut mean = vec![0.0; DIMENSIONS];
    let mut square = vec![0.0; DIMENSIONS];
    for row in real.chunks_exact(DIMENSIONS) {
        for (number, value) in row.iter().enumerate() {
            mean[number] += value / rows;
            square[number] += value * value / rows;
        }
    }
    let deviation: Vec<f32> =
        mean.iter().zip(&square).map(|(mean, square)| (square - mean * mean).max(0.0).sqrt()).collect();
    let mut normal = Normal::new(3);
    let mut all = Vec::with_capacity(count * DIMENSIONS);
    all.extend_from_slice(real);
    while all.len() < count * DIMENSIONS {
        let drawn = mean.iter().zip(&deviation).map(|(mean, deviation)| mean + deviation * normal.next());
        all.extend(unit(drawn.collect()));
    }
    all
}

fn unit(mut row: Vec<f32>) -> Vec<f32> {
    let length = row.iter().map(|number| number * number).sum::<f32>().sqrt();
    row.iter_mut().for_each(|number| *number /= length);
    row
}

/// Cluster `c` with a chance of 1 in `c + 1`, and again until one is taken.
fn zipf(dice: &mut Dice) -> usize {
    loop {
        let cluster = dice.below(CLUSTERS as u32);
        if dice.below(cluster + 1) == 0 {
            return cluster as usize;
        }
    }
}

/// Box, Muller: A note on the generation of random normal deviates, 1958.
struct Normal {
    dice: Dice,
    spare: Option<f32>,
}

impl Normal {
    fn new(seed: u64) -> Self {
        Self { dice: Dice(seed), spare: None }
    }

    fn next(&mut self) -> f32 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let mut uniform = || (self.dice.below(1 << 24) as f32 + 0.5) / (1 << 24) as f32;
        let (radius, angle) = ((-2.0 * uniform().ln()).sqrt(), uniform() * std::f32::consts::TAU);
        self.spare = Some(radius * angle.sin());
        radius * angle.cos()
    }
}

const CLUSTERS: usize = 50;
const WITHIN: f32 = 3.0;
const QUERY_NOISE: f32 = 3.0;
