//! Cross-entropy of the softmax over items: which of them was watched next?
//!
//! Where an epoch can afford it, all are compared with. Else a sample stands for the rest, drawn anew for every shard;
//! its logits are raised by −ln of how often each is expected in the sample, so that the sum over the
//! sample is that over all items in the mean (logQ correction; Bengio, Senécal, 2008). The target itself always
//! takes part, uncorrected.

use crate::train::matrix::{add, rows, rows_mut, set};
use crate::train::random::Random;
use crate::train::vector::{dot, exp_shifted};

/// Targets of an epoch times items: comparing all of more takes minutes an epoch, and too few fit half an hour.
const FULL_PRODUCTS_MAX: usize = 10_000_000_000;

/// Items that stand for the rest.
const SAMPLE: usize = 4_096;

/// Places whose logits are held at once: as many as stay near the processor.
const ROWS_AT_ONCE: usize = 128;

/// The items a shard is compared with.
pub(super) enum Compared {
    /// All of them.
    Full,
    /// Some of them.
    Sampled(Sample),
}

/// Whether comparing all items with each of so many targets takes too long.
pub(super) fn is_sampled(items: usize, targets: usize) -> bool {
    items > SAMPLE && items.saturating_mul(targets) > FULL_PRODUCTS_MAX
}

/// What samples are drawn from.
pub(super) struct Watched {
    targets: Vec<u32>,
    // Of each item, how often it is among them.
    counts: Vec<u32>,
}

impl Watched {
    pub(super) fn new(items: usize, targets: Vec<u32>) -> Self {
        let mut counts = vec![0; items];
        targets.iter().for_each(|&item| counts[item as usize] += 1);
        Self { targets, counts }
    }
}

/// Items that stand for all.
pub(super) struct Sample {
    items: Vec<u32>,
    // What each one's logits are raised by.
    raises: Vec<f32>,
    // Where an item stands among `items`; `u32::MAX` for one that was not drawn.
    columns: Vec<u32>,
}

impl Sample {
    /// Half drawn evenly, half by how often an item is watched; of several draws of one item one stays.
    pub(super) fn draw(watched: &Watched, random: &mut Random) -> Self {
        let Watched { targets, counts: views } = watched;
        let items = views.len();
        let mut columns = vec![u32::MAX; items];
        let mut drawn: Vec<u32> = Vec::with_capacity(SAMPLE);
        let mut counts: Vec<f32> = Vec::with_capacity(SAMPLE);
        for draw in 0..SAMPLE {
            let pick = |count: usize, random: &mut Random| (random.uniform() * count as f64) as usize;
            let item =
                if draw % 2 == 0 { pick(items, random) as u32 } else { targets[pick(targets.len(), random)] };
            let column = &mut columns[item as usize];
            if *column == u32::MAX {
                *column = drawn.len() as u32;
                drawn.push(item);
                counts.push(0.0);
            }
            counts[*column as usize] += 1.0;
        }
        let half = SAMPLE as f32 / 2.0;
        let raises = drawn.iter().zip(&counts).map(|(&item, count)| {
            let expected = half / items as f32 + half * views[item as usize] as f32 / targets.len() as f32;
            (count / expected).ln()
        });
        Self { raises: raises.collect(), items: drawn, columns }
    }
}

/// Room that is used again.
#[derive(Default)]
pub(super) struct Room {
    logits: Vec<f32>,
    vectors: Vec<f32>,
    vector_slopes: Vec<f32>,
    scaled: Vec<f32>,
}

/// One shard's outputs and what should follow each.
pub(super) struct Targets<'a> {
    /// Rows of `width`.
    pub(super) outputs: &'a [f32],
    /// The item that should score highest, one a row.
    pub(super) targets: &'a [u32],
    /// What each row counts.
    pub(super) weight: f32,
}

/// Returns the summed loss; writes its slopes by the outputs and adds those by the item vectors.
pub(super) fn cross_entropy(
    targets: &Targets<'_>,
    item_vectors: &[f32],
    compared: &Compared,
    (slopes, vector_slopes): (&mut Vec<f32>, &mut [f32]),
    room: &mut Room,
) -> f64 {
    let width = targets.outputs.len() / targets.targets.len();
    slopes.resize(targets.outputs.len(), 0.0);
    let Compared::Sampled(sample) = compared else {
        return rounds(targets, item_vectors, item_vectors, None, (slopes, vector_slopes, None), room);
    };
    let mut vectors = std::mem::take(&mut room.vectors);
    let mut sums = std::mem::take(&mut room.vector_slopes);
    vectors.clear();
    for &item in &sample.items {
        vectors.extend_from_slice(&item_vectors[item as usize * width..][..width]);
    }
    sums.clear();
    sums.resize(vectors.len(), 0.0);
    let into = (slopes, vector_slopes, Some(&mut sums));
    let loss = rounds(targets, item_vectors, &vectors, Some(sample), into, room);
    (room.vectors, room.vector_slopes) = (vectors, sums);
    loss
}

type Into<'a> = (&'a mut Vec<f32>, &'a mut [f32], Option<&'a mut Vec<f32>>);

fn rounds(
    targets: &Targets<'_>,
    item_vectors: &[f32],
    vectors: &[f32],
    sample: Option<&Sample>,
    (slopes, vector_slopes, mut sample_slopes): Into<'_>,
    room: &mut Room,
) -> f64 {
    let width = targets.outputs.len() / targets.targets.len();
    let mut loss = 0.0;
    let parts = targets.outputs.chunks(ROWS_AT_ONCE * width).zip(targets.targets.chunks(ROWS_AT_ONCE));
    for ((outputs, chosen), slopes) in parts.zip(slopes.chunks_mut(ROWS_AT_ONCE * width)) {
        let part = Targets { outputs, targets: chosen, weight: targets.weight };
        let all = &mut *vector_slopes;
        loss += match &mut sample_slopes {
            None => round(&part, item_vectors, vectors, None, (slopes, all, None), room),
            Some(sums) => round(&part, item_vectors, vectors, sample, (slopes, all, Some(sums)), room),
        };
    }
    if let (Some(sample), Some(sums)) = (sample, sample_slopes) {
        for (&item, sums) in sample.items.iter().zip(sums.chunks_exact(width)) {
            accumulate(&mut vector_slopes[item as usize * width..][..width], sums, 1.0);
        }
    }
    loss
}

type RoundInto<'a> = (&'a mut [f32], &'a mut [f32], Option<&'a mut Vec<f32>>);

/// One chunk of rows: logits, softmax, slopes. A row's chances are left unscaled; what is multiplied with them is
/// scaled instead, which is a pass over `width` numbers instead of over all items.
fn round(
    part: &Targets<'_>,
    item_vectors: &[f32],
    vectors: &[f32],
    sample: Option<&Sample>,
    (slopes, all_slopes, sample_slopes): RoundInto<'_>,
    room: &mut Room,
) -> f64 {
    let width = part.outputs.len() / part.targets.len();
    let columns = vectors.len() / width;
    let Room { logits, scaled, .. } = room;
    logits.resize(part.targets.len() * columns, 0.0);
    set(rows_mut(logits, columns), rows(part.outputs, width), rows(vectors, width).transpose(), 1.0);
    let owns = own_logits(part, item_vectors, sample, logits, columns);
    let mut loss = 0.0;
    scaled.resize(part.outputs.len(), 0.0);
    // The factor of a row's chances, and the slope by the target's logit that is not among them.
    let mut factors = Vec::with_capacity(part.targets.len());
    for (logits, Own { logit, listed }) in logits.chunks_exact_mut(columns).zip(owns) {
        let (largest, sum) = exp_shifted(logits);
        let top = largest.max(logit);
        let sum = f64::from(sum) * f64::from(largest - top).exp();
        let own = f64::from(logit - top).exp();
        let total = if listed { sum } else { sum + own };
        loss += total.ln() + f64::from(top) - f64::from(logit);
        let factor = f64::from(largest - top).exp() / total * f64::from(part.weight);
        let rest = if listed { -1.0 } else { own / total - 1.0 };
        factors.push((factor as f32, (rest * f64::from(part.weight)) as f32));
    }
    set(rows_mut(slopes, width), rows(logits, columns), rows(vectors, width), 1.0);
    let places = slopes.chunks_exact_mut(width).zip(part.outputs.chunks_exact(width));
    for (((slopes, output), scaled), (&target, &(factor, rest))) in
        places.zip(scaled.chunks_exact_mut(width)).zip(part.targets.iter().zip(&factors))
    {
        let own = target as usize * width..(target as usize + 1) * width;
        for ((slope, x), vector) in
            slopes.iter_mut().zip(scaled.iter_mut().zip(output)).zip(&item_vectors[own.clone()])
        {
            *slope = *slope * factor + rest * vector;
            *x.0 = x.1 * factor;
        }
        accumulate(&mut all_slopes[own], output, rest);
    }
    let sums = sample_slopes.map_or(all_slopes, Vec::as_mut_slice);
    add(rows_mut(sums, width), rows(logits, columns).transpose(), rows(scaled, width), 1.0);
    loss
}

/// The logit of a row's target.
#[derive(Clone, Copy)]
struct Own {
    logit: f32,
    /// Whether it stands in the row too.
    listed: bool,
}

/// Raises sampled logits, but not that of a row's target.
fn own_logits(
    part: &Targets<'_>,
    item_vectors: &[f32],
    sample: Option<&Sample>,
    logits: &mut [f32],
    columns: usize,
) -> Vec<Own> {
    let width = part.outputs.len() / part.targets.len();
    let rows = logits.chunks_exact_mut(columns).zip(part.targets).zip(part.outputs.chunks_exact(width));
    rows.map(|((logits, &target), output)| {
        let Some(sample) = sample else { return Own { logit: logits[target as usize], listed: true } };
        let column = sample.columns[target as usize];
        accumulate(logits, &sample.raises, 1.0);
        if column == u32::MAX {
            let logit = dot(output, &item_vectors[target as usize * width..][..width]);
            return Own { logit, listed: false };
        }
        let logit = &mut logits[column as usize];
        *logit -= sample.raises[column as usize];
        Own { logit: *logit, listed: true }
    })
    .collect()
}

fn accumulate(sums: &mut [f32], values: &[f32], factor: f32) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value * factor;
    }
}
