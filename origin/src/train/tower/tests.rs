//! The formulas against finite differences, the forms of a tower against each other.

use super::learn::Settings;
use super::network::{Dropout, Tape};
use super::softmax::{self, Compared, Sample, Targets, Watched, is_sampled};
use super::{Learner, Shape, Tower};
use crate::train::random::Random;

const SHAPE: Shape = Shape { items: 23, width: 8, blocks: 2, heads: 2, hidden: 12, window: 9 };

/// A tower whose every parameter matters.
fn tower(shape: Shape, seed: u64) -> Tower {
    let mut random = Random::new(seed);
    let mut parameters = shape.random(&mut random);
    for parameter in &mut parameters {
        *parameter += (random.normal() * 0.2) as f32;
    }
    Tower { shape, parameters }
}

fn histories(shape: &Shape, lengths: &[usize], seed: u64) -> Vec<Vec<u32>> {
    let mut random = Random::new(seed);
    let mut item = || (random.uniform() * shape.items as f64) as u32;
    lengths.iter().map(|&length| (0..length).map(|_| item()).collect()).collect()
}

fn gap(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).fold(0.0, |gap, (a, b)| gap.max((a - b).abs()))
}

/// The loss of a few sequences and its gradient, with the same dropout every time.
fn loss(shape: &Shape, parameters: &[f32], compared: &Compared, gradient: &mut [f32]) -> f64 {
    let layout = shape.layout();
    let sequences = histories(shape, &[5, 9, 1, 3], 7);
    let targets: Vec<u32> = histories(shape, &[18], 8).concat();
    let mut tape = Tape::default();
    tape.load(sequences.iter().map(Vec::as_slice));
    tape.forward(shape, &layout, parameters, &mut Dropout::new(0.3, 5));
    let mut slopes = Vec::new();
    let outputs = tape.output.clone();
    let targets = Targets { outputs: &outputs, targets: &targets, weight: 1.0 };
    let into = (&mut slopes, layout.item_vectors.of_mut(gradient));
    let vectors = layout.item_vectors.of(parameters);
    let loss = softmax::cross_entropy(&targets, vectors, compared, into, &mut softmax::Room::default());
    tape.backward(shape, &layout, parameters, &slopes, gradient);
    loss
}

fn check_gradient(compared: &Compared) {
    let tower = tower(SHAPE, 1);
    let mut gradient = vec![0.0; tower.parameters.len()];
    loss(&SHAPE, &tower.parameters, compared, &mut gradient);
    let mut checked = 0;
    for place in (0..gradient.len()).step_by(3) {
        let moved = |offset: f32| {
            let mut parameters = tower.parameters.clone();
            parameters[place] += offset;
            loss(&SHAPE, &parameters, compared, &mut vec![0.0; parameters.len()])
        };
        // A step across the bend of a rectified unit has two slopes; the two halves of the step tell.
        let (left, right) = ((moved(0.0) - moved(-4e-3)) / 4e-3, (moved(4e-3) - moved(0.0)) / 4e-3);
        if (left - right).abs() > 0.1 {
            continue;
        }
        let (measured, slope) = ((left + right) / 2.0, f64::from(gradient[place]));
        assert!((measured - slope).abs() < 0.01 * slope.abs().max(1.0), "{place}: {measured} {slope}");
        checked += 1;
    }
    assert!(checked > gradient.len() / 6, "{checked} of {}", gradient.len());
}

#[test]
fn the_gradient_is_that_of_the_loss() {
    check_gradient(&Compared::Full);
}

#[test]
fn the_gradient_of_a_sample_is_that_of_its_loss() {
    let watched: Vec<u32> = (0..200).map(|view| view % 7).collect();
    let watched = Watched::new(SHAPE.items, watched);
    check_gradient(&Compared::Sampled(Sample::draw(&watched, &mut Random::new(2))));
}

#[test]
fn a_sample_stands_for_the_rest_only_where_all_would_take_too_long() {
    assert!(!is_sampled(3_416, 4_000_000), "items that a sample would hold all of");
    assert!(!is_sampled(13_000, 200_000));
    assert!(is_sampled(13_000, 1_000_000) && is_sampled(200_000, 100_000));
}

#[test]
fn a_sample_of_everything_costs_what_everything_costs() {
    let tower = tower(SHAPE, 1);
    let watched: Vec<u32> = (0..SHAPE.items as u32).collect();
    let watched = Watched::new(SHAPE.items, watched);
    let sample = Compared::Sampled(Sample::draw(&watched, &mut Random::new(2)));
    let cost = |compared: &Compared| {
        loss(&SHAPE, &tower.parameters, compared, &mut vec![0.0; tower.parameters.len()])
    };
    let (full, sampled) = (cost(&Compared::Full), cost(&sample));
    assert!((full / sampled - 1.0).abs() < 0.02, "{full} {sampled}");
}

#[test]
fn a_node_reads_the_file_and_computes_the_same_vector() {
    let shape = Shape { blocks: 3, heads: 4, ..Shape::standard(50) };
    let tower = tower(shape, 3);
    let node = inference::Tower::read(&tower.to_onnx()).unwrap();
    // What a node has of the items, in eight bits.
    let items = node.items();
    let row = |item: usize| items.row(item).iter().map(move |&value| f32::from(value) * items.scales()[item]);
    let kept: Vec<f32> = (0..shape.items).flat_map(row).collect();
    let half_steps = kept.iter().zip(tower.item_vectors()).enumerate();
    assert!(
        half_steps.into_iter().all(|(at, (kept, own))| (kept - own).abs() <= items.scales()[at / 64] / 2.0)
    );
    let mut rounded = tower.clone();
    shape.layout().item_vectors.of_mut(&mut rounded.parameters).copy_from_slice(&kept);
    for history in histories(&shape, &[1, 2, 50, 200, 230], 4) {
        let (own, theirs) = (rounded.encode(&history).unwrap(), node.encode(&history).unwrap());
        // Layers of sixteen bits; a vector has a length of about 8.
        assert!(gap(&own, &theirs) < 5e-3, "{} items: {}", history.len(), gap(&own, &theirs));
    }
}

#[test]
fn appending_gives_the_very_bits_of_the_whole_history() {
    let shape = Shape::standard(300);
    let node = inference::Tower::read(&tower(shape, 3).to_onnx()).unwrap();
    let history = &histories(&shape, &[shape.window], 4)[0];
    let mut state = Vec::new();
    for (place, &item) in history.iter().enumerate() {
        let own = node.encode_from(&state, &[item]).unwrap();
        state.extend(own.state);
        if [0, 1, 7, 63, 199].contains(&place) {
            let whole = node.encode_from(&[], &history[..=place]).unwrap();
            assert_eq!((own.user, &state), (whole.user, &whole.state), "{place}");
        }
    }
    assert_eq!(node.encode_from(&state, &[0]), Err(inference::EncodeError::State));
}

#[test]
fn a_node_names_what_it_cannot_encode() {
    use inference::EncodeError;
    let node = inference::Tower::read(&tower(SHAPE, 3).to_onnx()).unwrap();
    assert_eq!(node.encode(&[]), Err(EncodeError::Empty));
    assert_eq!(node.encode(&[1, 2, 23]), Err(EncodeError::UnknownItem { place: 2 }));
    let long: Vec<u32> = [[0; 20], [99; 20]].concat();
    assert_eq!(node.encode(&long), Err(EncodeError::UnknownItem { place: 31 }));
    assert_eq!(node.encode_from(&[0.0; 3], &[1]), Err(EncodeError::State));
    assert_eq!(node.encode_from(&vec![f32::MAX; node.state_row()], &[1]), Err(EncodeError::NotFinite));
}

#[test]
fn a_damaged_file_is_refused_and_never_panics() {
    use inference::TowerError;
    let sound = tower(SHAPE, 3).to_onnx();
    assert!(inference::Tower::read(&sound[..sound.len() / 2]).is_err());
    for place in (0..sound.len()).step_by(11) {
        let mut bytes = sound.clone();
        bytes[place] ^= 0x15;
        if let Ok(node) = inference::Tower::read(&bytes) {
            let _ = node.encode(&[1, 2, 3]);
        }
    }
    let renamed = |from: &str, to: &str| {
        let text = sound.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        let mut bytes = sound.clone();
        bytes[text..text + to.len()].copy_from_slice(to.as_bytes());
        inference::Tower::read(&bytes).unwrap_err()
    };
    assert_eq!(renamed("causal-v1", "causal-v9"), TowerError::NotATower);
    assert_eq!(
        renamed("frontrow.tower.window", "frontrow.tower.widnow"),
        TowerError::Size { name: "window" }
    );
}

#[test]
fn what_lies_before_the_window_does_not_matter() {
    let tower = tower(SHAPE, 3);
    let history = &histories(&SHAPE, &[30], 4)[0];
    assert_eq!(tower.encode(history), tower.encode(&history[30 - SHAPE.window..]));
    assert_eq!(tower.encode(&[]), None);
}

#[test]
fn many_histories_are_encoded_like_one() {
    let tower = tower(SHAPE, 3);
    let histories = histories(&SHAPE, &(1..40).collect::<Vec<_>>(), 4);
    let all = tower.encode_all(&histories.iter().map(Vec::as_slice).collect::<Vec<_>>());
    for (history, vector) in histories.iter().zip(all.chunks_exact(SHAPE.width)) {
        assert!(gap(&tower.encode(history).unwrap(), vector) < 1e-5);
    }
}

#[test]
fn tract_computes_the_same_vector_from_the_file() {
    use tract_onnx::prelude::*;
    let shape = Shape { blocks: 3, heads: 4, ..Shape::standard(50) };
    let tower = tower(shape, 3);
    let bytes = tower.to_onnx();
    let mut model = tract_onnx::onnx().model_for_read(&mut bytes.as_slice()).unwrap();
    let length = model.symbols.sym("n");
    model
        .set_input_fact(0, InferenceFact::dt_shape(i64::datum_type(), tvec!(1.to_dim(), length.to_dim())))
        .unwrap();
    let plan = model.into_optimized().unwrap().into_runnable().unwrap();
    for history in histories(&shape, &[1, 2, 50, 200], 4) {
        let items: Vec<i64> = history.iter().map(|&item| i64::from(item)).collect();
        let input = Tensor::from_shape(&[1, items.len()], &items).unwrap();
        let output = plan.run(tvec!(input.into_tvalue())).unwrap();
        assert_eq!(output[0].shape(), [1, shape.width]);
        let theirs: Vec<f32> = output[0].to_plain_array_view::<f32>().unwrap().iter().copied().collect();
        let own = tower.encode(&history).unwrap();
        assert!(gap(&own, &theirs) < 1e-4, "{} items: {}", history.len(), gap(&own, &theirs));
    }
    assert_eq!(bytes, tower.to_onnx());
}

/// Viewers walk a ring of items, each from another start.
fn ring(items: u32) -> Vec<Vec<u32>> {
    (0..60).map(|viewer| (0..8).map(|step| (viewer * 7 + step * 3) % items).collect()).collect()
}

#[test]
fn learns_what_follows_what() {
    let sequences = ring(20);
    let shape = Shape { items: 20, window: 16, ..SHAPE };
    let settings = Settings { batch: 16, learning_rate: 0.01, dropout: 0.1, ..Settings::default() };
    let mut learner = Learner::new(shape, settings, sequences.iter().map(Vec::as_slice));
    assert_eq!(learner.targets(), 60 * 7);
    let losses: Vec<f64> = (0..80).map(|_| learner.epoch(&|| false)).collect();
    assert!(losses[79] < 1.0 && losses[0] > 2.5, "{losses:?}");
    let scores = learner.tower().scores(&[&[1, 4, 7, 10]]);
    assert!(scores.iter().all(|&score| score <= scores[13]), "{scores:?}");
}

#[test]
fn equal_seeds_give_equal_bits_on_any_number_of_threads() {
    let sequences = ring(20);
    let shape = Shape { items: 20, window: 16, ..SHAPE };
    let learn = |seed, threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let settings = Settings { batch: 16, seed, ..Settings::default() };
        pool.install(|| {
            let mut learner = Learner::new(shape, settings, sequences.iter().map(Vec::as_slice));
            learner.epoch(&|| false);
            learner.tower()
        })
    };
    assert_eq!(learn(1, 1), learn(1, 3));
    assert_ne!(learn(1, 1), learn(2, 1));
}

#[test]
fn an_epoch_that_is_over_teaches_nothing() {
    let sequences = ring(20);
    let shape = Shape { items: 20, window: 16, ..SHAPE };
    let mut learner = Learner::new(shape, Settings::default(), sequences.iter().map(Vec::as_slice));
    let before = learner.tower();
    assert_eq!(learner.epoch(&|| true), 0.0);
    assert_eq!(learner.tower(), before);
}
