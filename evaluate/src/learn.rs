//! What usually follows: trains the flagship's perceptron on the downloads of sessions.
//!
//! Each download of a session is foretold from those before it. The five outcomes are quantiles (Koenker and Bassett,
//! Econometrica 1978: the loss whose least is a quantile); the throughput after them and what stays of an outcome are
//! a line through what came, by Huber's loss. Adam (Kingma and Ba, ICLR 2015) with a step that falls to nothing. One
//! thread, single precision and a seed: the same downloads give the same weights.

use bitrate::{
    HIDDEN, INPUTS, LEAK, OUTCOMES, OUTPUTS, PERCEPTRON_LEN, Perceptron, Policy, Sample, Seen, Settings,
    Views, distance_slope, single,
};
use units::Millis;

use crate::bootstrap::Random;
use crate::player::Protocol;
use crate::session;
use crate::trace::Trace;
use crate::video::Video;

/// The quantiles that the outcomes are to be.
const QUANTILES: [f32; OUTCOMES] = [0.05, 0.2, 0.5, 0.8, 0.95];

/// Downloads whose mean is what comes after the next one.
const AFTER: usize = 5;

/// A line through what comes after is drawn with the square of an error up to here, and with its size above.
const HUBER: f32 = 0.3;

/// Passes over all downloads.
const PASSES: usize = 6;

/// Downloads of one step.
const BATCH: usize = 64;

/// The step at the beginning.
const STEP: f32 = 0.003;

/// Pulls weights to zero that nothing needs.
const DECAY: f32 = 1e-5;

/// A download and what was known before it.
#[derive(Clone, Debug)]
pub(crate) struct Example {
    told: [f32; INPUTS],
    /// The logarithm of its throughput above the level.
    next: f32,
    /// The mean of those after it.
    after: f32,
    weight: f32,
}

impl Example {
    /// The same with another weight.
    pub(crate) fn weighing(self, weight: f64) -> Self {
        Self { weight: weight as f32, ..self }
    }
}

/// The downloads of a session that RobustMPC plays, each of weight 1.
pub(crate) fn examples(
    video: &Video,
    trace: &Trace,
    protocol: Protocol,
    settings: &Settings,
) -> Vec<Example> {
    let ms = |ms: f64| Millis::new(ms.round() as u64);
    let played = session::play(video, trace, protocol, Policy::RobustMpc, settings);
    let seen = played.iter().map(|played| {
        let fetched = &played.fetched;
        let kbps = fetched.bytes * 8.0 / fetched.took_ms;
        Seen::of(&Sample { kbps, took: ms(fetched.took_ms), waited: ms(protocol.rtt_ms) })
    });
    let seen: Vec<Seen> = seen.collect();
    let mut views = Views::new(settings);
    let mut examples = Vec::with_capacity(seen.len());
    for at in 0..seen.len().saturating_sub(2) {
        views.learn(&seen[at]);
        let above = |seen: &Seen| seen.log_kbps - views.level();
        let later = &seen[at + 2..(at + 2 + AFTER).min(seen.len())];
        let after = later.iter().map(above).sum::<f64>() / later.len() as f64;
        let next = single(above(&seen[at + 1]));
        examples.push(Example { told: views.told(), next, after: single(after), weight: 1.0 });
    }
    examples
}

/// Trains on all examples, and rounds the weights to four digits.
pub(crate) fn train(examples: &[Example], seed: u64) -> Perceptron {
    let mut random = Random::new(seed);
    let mut weights = beginning(&mut random);
    let mut order: Vec<usize> = (0..examples.len()).collect();
    let (mut mean, mut square) = ([0.0_f32; PERCEPTRON_LEN], [0.0_f32; PERCEPTRON_LEN]);
    let (mut mean_left, mut square_left) = (1.0_f32, 1.0_f32);
    let steps = PASSES * examples.len().div_ceil(BATCH);
    let mut done = 0;
    for _ in 0..PASSES {
        for last in (1..order.len()).rev() {
            order.swap(last, random.below(last + 1));
        }
        for batch in order.chunks(BATCH) {
            let perceptron = checked(weights);
            let mut slope = [0.0; PERCEPTRON_LEN];
            batch.iter().for_each(|index| add_slope(&perceptron, &examples[*index], &mut slope));
            let step = STEP * (steps - done) as f32 / steps as f32;
            done += 1;
            mean_left *= MEAN_KEPT;
            square_left *= SQUARE_KEPT;
            for at in 0..PERCEPTRON_LEN {
                let slope = slope[at] / BATCH as f32 + DECAY * weights[at];
                mean[at] = MEAN_KEPT * mean[at] + (1.0 - MEAN_KEPT) * slope;
                square[at] = SQUARE_KEPT * square[at] + (1.0 - SQUARE_KEPT) * slope * slope;
                let size = (square[at] / (1.0 - square_left)).sqrt();
                weights[at] -= step * mean[at] / (1.0 - mean_left) / (size + 1e-8);
            }
        }
    }
    checked(weights.map(|weight| (f64::from(weight) * 1e4).round() as f32 / 1e4))
}

/// Adam's memory of slopes and of their squares.
const MEAN_KEPT: f32 = 0.9;
const SQUARE_KEPT: f32 = 0.999;

/// The mean loss over the five quantiles, by weight.
pub(crate) fn loss(perceptron: &Perceptron, examples: &[Example]) -> f64 {
    let (mut sum, mut weights) = (0.0, 0.0);
    for example in examples {
        let outcomes = perceptron.run(&example.told).outlook().outcomes;
        let loss = outcomes.iter().zip(QUANTILES).map(|(outcome, quantile)| {
            let above = example.next - outcome;
            if above > 0.0 { quantile * above } else { (quantile - 1.0) * above }
        });
        sum += f64::from(example.weight * loss.sum::<f32>());
        weights += f64::from(example.weight);
    }
    sum / weights
}

fn checked(weights: [f32; PERCEPTRON_LEN]) -> Perceptron {
    Perceptron::from_weights(weights).expect("steps are small and inputs are bounded")
}

/// Biases of zero, and weights as K. He et al. (ICCV 2015) draw them, but from an even distribution.
fn beginning(random: &mut Random) -> [f32; PERCEPTRON_LEN] {
    let mut weights = [0.0; PERCEPTRON_LEN];
    for Layer { at, inputs, units } in LAYERS {
        let range = (2.0 / inputs as f64).sqrt();
        for weight in &mut weights[at + units..at + units + inputs * units] {
            *weight = ((2.0 * random.unit() - 1.0) * range) as f32;
        }
    }
    weights
}

/// Where the weights of a layer are.
struct Layer {
    at: usize,
    inputs: usize,
    units: usize,
}

const SECOND: usize = HIDDEN * (INPUTS + 1);
const LAST: usize = SECOND + HIDDEN * (HIDDEN + 1);

const LAYERS: [Layer; 3] = [
    Layer { at: 0, inputs: INPUTS, units: HIDDEN },
    Layer { at: SECOND, inputs: HIDDEN, units: HIDDEN },
    Layer { at: LAST, inputs: HIDDEN, units: OUTPUTS },
];

fn add_slope(perceptron: &Perceptron, example: &Example, slope: &mut [f32; PERCEPTRON_LEN]) {
    let seen = perceptron.run(&example.told);
    let outlook = seen.outlook();
    // The slope of the loss by outcome, then by output: an outcome is the median and the distances between.
    let by_outcome: [f32; OUTCOMES] = std::array::from_fn(|outcome| {
        if example.next > outlook.outcomes[outcome] { -QUANTILES[outcome] } else { 1.0 - QUANTILES[outcome] }
    });
    let [lowest, low, _, high, highest] = by_outcome;
    let off = (example.next - outlook.outcomes[OUTCOMES / 2]).clamp(-1.0, 1.0);
    let missed = (example.after - outlook.after - outlook.stays * off).clamp(-HUBER, HUBER) / HUBER;
    let by_output = [
        by_outcome.iter().sum(),
        -(lowest + low) * distance_slope(seen.out[1]),
        -lowest * distance_slope(seen.out[2]),
        (high + highest) * distance_slope(seen.out[3]),
        highest * distance_slope(seen.out[4]),
        -missed * AFTER_SHARE,
        -missed * off * AFTER_SHARE,
    ];
    let by_output = by_output.map(|slope| slope * example.weight);
    let weights = perceptron.weights();
    let by_second = add_layer(&weights[LAST..], &by_output, &seen.second, &mut slope[LAST..]);
    let by_second = through(by_second, &seen.second);
    let by_first = add_layer(&weights[SECOND..LAST], &by_second, &seen.first, &mut slope[SECOND..LAST]);
    let by_first = through(by_first, &seen.first);
    add_layer(&weights[..SECOND], &by_first, &example.told, &mut slope[..SECOND]);
}

/// What the line through what comes after weighs beside the quantiles.
const AFTER_SHARE: f32 = 0.5;

/// Adds the slopes of a layer's weights, and returns those of its inputs.
fn add_layer<const IN: usize, const OUT: usize>(
    weights: &[f32],
    by_output: &[f32; OUT],
    inputs: &[f32; IN],
    slope: &mut [f32],
) -> [f32; IN] {
    let (biases, slope) = slope.split_at_mut(OUT);
    biases.iter_mut().zip(by_output).for_each(|(bias, by)| *bias += by);
    let rows = weights[OUT..].chunks_exact(OUT).zip(slope.chunks_exact_mut(OUT));
    let mut by_input = [0.0; IN];
    for (((weights, slope), input), by_input) in rows.zip(inputs).zip(&mut by_input) {
        for unit in 0..OUT {
            slope[unit] += by_output[unit] * input;
            *by_input += by_output[unit] * weights[unit];
        }
    }
    by_input
}

fn through(by_unit: [f32; HIDDEN], units: &[f32; HIDDEN]) -> [f32; HIDDEN] {
    std::array::from_fn(|unit| by_unit[unit] * if units[unit] > 0.0 { 1.0 } else { LEAK })
}

/// The source file of the crate that holds a perceptron.
pub(crate) fn source(perceptron: &Perceptron, command: &str) -> String {
    let mut out = format!(
        "//! What the flagship learnt from traces. Made by a command, not by hand:\n//! {command}.\n\n"
    );
    out.push_str("use crate::PERCEPTRON_LEN;\n\n#[rustfmt::skip]\n");
    out.push_str("pub(crate) const WEIGHTS: [f32; PERCEPTRON_LEN] = [\n");
    for row in perceptron.weights().chunks(NUMBERS_A_LINE) {
        let row: Vec<String> = row.iter().map(|weight| format!("{weight:?}")).collect();
        out.push_str(&format!("    {},\n", row.join(", ")));
    }
    out.push_str("];\n");
    out
}

const NUMBERS_A_LINE: usize = 10;

#[cfg(test)]
mod tests {
    use bitrate::{INPUTS, OUTCOMES, PERCEPTRON_LEN, Perceptron};

    use super::{Example, LAST, add_slope, loss, train};
    use crate::bootstrap::Random;

    /// What comes next is the first input, give or take a half, and stays by half.
    fn made_up(count: usize) -> Vec<Example> {
        let mut random = Random::new(4);
        let mut example = || {
            let mut told = [0.0; INPUTS];
            told[0] = random.normal() as f32;
            let off = random.unit() as f32 - 0.5;
            Example { told, next: told[0] + off, after: told[0] + off / 2.0, weight: 1.0 }
        };
        (0..count).map(|_| example()).collect()
    }

    #[test]
    fn finds_quantiles_and_what_stays() {
        let examples = made_up(20_000);
        let learnt = train(&examples, 1);
        assert!(loss(&learnt, &examples) < loss(&Perceptron::SHIPPED, &examples));
        let mut told = [0.0; INPUTS];
        told[0] = 0.4;
        let outlook = learnt.run(&told).outlook();
        for (outcome, expected) in outlook.outcomes.iter().zip([-0.05, 0.1, 0.4, 0.7, 0.85]) {
            assert!((outcome - expected).abs() < 0.06, "{outlook:?}");
        }
        assert!((outlook.after - 0.4).abs() < 0.06 && (outlook.stays - 0.5).abs() < 0.1, "{outlook:?}");
    }

    #[test]
    fn the_slope_is_that_of_the_loss() {
        let examples = made_up(2_000);
        let learnt = train(&examples, 1);
        let mut slope = [0.0; PERCEPTRON_LEN];
        examples.iter().for_each(|example| add_slope(&learnt, example, &mut slope));
        let moved = |at: usize, by: f32| {
            let mut weights = *learnt.weights();
            weights[at] += by;
            loss(&Perceptron::from_weights(weights).unwrap(), &examples) * examples.len() as f64
        };
        // The biases of the median and of the four distances, by 2,000 examples with a slope of up to one each.
        for (at, slope) in slope.iter().enumerate().skip(LAST).take(OUTCOMES) {
            let numeric = (moved(at, 1e-2) - moved(at, -1e-2)) / 2e-2;
            assert!((numeric - f64::from(*slope)).abs() < 60.0, "{at}: {numeric}, not {slope}");
        }
    }
}
