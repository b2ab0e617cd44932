//! Models wide enough that every loop of the kernels goes back to its beginning: the same bits in wasm and natively.

use ::inference::{Shortlist, Tower};
use prost::Message;
use tract_onnx::pb::{ModelProto, TensorProto};

use crate::shipped::{native_runtime, region, runtime, try_prepare_models};
use crate::tower::{TOWER, candidates, request};

/// Of the right form; only the sizes are changed.
const RANKER: &[u8] = include_bytes!("../../../crates/inference/tests/data/ranker-wide.onnx");

/// Nine steps of sixteen bytes where a loop takes eight.
const WIDTH: usize = 144;
const HIDDEN: usize = 200;

/// Three rounds of a loop that takes 256 inputs, and outputs that are not whole groups of four.
const UNITS: [usize; 3] = [600, 70, 1];

pub(crate) const FEATURES: usize = 8;

/// Numbers from −1 to 1, the same for a seed, that keep the size of a sum of so many.
fn fill(tensor: &mut TensorProto, dims: &[usize], seed: &str) {
    let inputs = if dims.len() > 1 { dims[0].max(dims[1]) } else { 1 };
    let mut state =
        seed.bytes().fold(1_u64, |state, byte| state.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        ((state >> 40) as f32 / 8_388_608.0 - 1.0) / (inputs as f32).sqrt()
    };
    tensor.dims = dims.iter().map(|&size| i64::try_from(size).unwrap()).collect();
    tensor.float_data.clear();
    tensor.raw_data = (0..dims.iter().product::<usize>()).flat_map(|_| next().to_le_bytes()).collect();
}

pub(crate) fn large_tower() -> Vec<u8> {
    tower_of(WIDTH, HIDDEN)
}

fn tower_of(width: usize, hidden: usize) -> Vec<u8> {
    let was = ModelProto::decode(TOWER).unwrap();
    let mut model = was.clone();
    for property in &mut model.metadata_props {
        match property.key.as_str() {
            "frontrow.tower.width" => property.value = width.to_string(),
            "frontrow.tower.hidden" => property.value = hidden.to_string(),
            _ => {}
        }
    }
    let was = |key: &str| said(&was, &format!("frontrow.tower.{key}"));
    let (old_width, old_hidden) = (was("width"), was("hidden"));
    let sized = |size: i64| match usize::try_from(size).unwrap() {
        size if size == old_width => width,
        size if size == old_hidden => hidden,
        size => size,
    };
    for tensor in &mut model.graph.as_mut().unwrap().initializer {
        let dims: Vec<usize> = tensor.dims.iter().map(|&size| sized(size)).collect();
        let name = tensor.name.clone();
        fill(tensor, &dims, &name);
    }
    model.encode_to_vec()
}

/// A size that the metadata of a tower say.
fn said(model: &ModelProto, key: &str) -> usize {
    model.metadata_props.iter().find(|property| property.key == key).unwrap().value.parse().unwrap()
}

pub(crate) fn large_ranker() -> Vec<u8> {
    let mut model = ModelProto::decode(RANKER).unwrap();
    let graph = model.graph.as_mut().unwrap();
    let columns = 2 * WIDTH + FEATURES;
    for (layer, units) in UNITS.into_iter().enumerate() {
        let inputs = if layer == 0 { columns } else { UNITS[layer - 1] };
        for (name, dims) in [(format!("w{layer}"), vec![units, inputs]), (format!("b{layer}"), vec![units])] {
            let tensor = graph.initializer.iter_mut().find(|tensor| tensor.name == name).unwrap();
            fill(tensor, &dims, &name);
        }
    }
    let declared = graph.input[0].r#type.as_mut().unwrap().value.as_mut().unwrap();
    let tract_onnx::pb::type_proto::Value::TensorType(tensor) = declared;
    tensor.shape.as_mut().unwrap().dim[1].value =
        Some(tract_onnx::pb::tensor_shape_proto::dimension::Value::DimValue(columns as i64));
    model.encode_to_vec()
}

#[test]
fn heads_of_seven_numbers_give_the_bits_of_this_process() {
    let tower = tower_of(14, 20);
    let own = Tower::read(&tower).unwrap();
    let heads = said(&ModelProto::decode(tower.as_slice()).unwrap(), "frontrow.tower.heads");
    assert_eq!(own.shape().width / heads, 7);
    let vectors = candidates(|vectors| vectors.matrix = own.items().clone());
    let generation = try_prepare_models(runtime(), &vectors, [None, Some(&tower)], 12).unwrap();
    let bits = |numbers: &[f32]| numbers.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
    let history: Vec<u32> = (0..12).map(|step| step * 7 % 40).collect();
    let whole = own.encode_from(&[], &history).unwrap();
    assert_eq!(bits(&generation.encode(&history).unwrap()), bits(&whole.user));
    let mut state = Vec::new();
    for item in &history {
        let step = generation.encode_from(&state, &[*item]).unwrap();
        state.extend(step.state);
    }
    assert_eq!(bits(&state), bits(&whole.state));
}

#[test]
fn loops_that_go_back_give_the_bits_of_this_process() {
    let (tower, ranker) = (large_tower(), large_ranker());
    let own = ::inference::Models::load(Some(&ranker), Some(&tower)).unwrap();
    assert!(own.sees_vectors() && own.is_exact());
    let vectors = candidates(|vectors| vectors.matrix = own.tower().unwrap().items().clone());
    let forms = [runtime(), native_runtime()]
        .map(|runtime| try_prepare_models(runtime, &vectors, [Some(&ranker), Some(&tower)], 12).unwrap());
    let bits = |numbers: &[f32]| numbers.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
    let history: Vec<u32> = (0..12).map(|step| step * 7 % 40).collect();
    for watched in [1, 5, 12] {
        let history = &history[..watched];
        let user = own.tower().unwrap().encode(history).unwrap();
        let items: Vec<u32> = (0..40).collect();
        let features: Vec<f32> = (0..40 * FEATURES).map(|number| number as f32 / 320.0).collect();
        let logits = own.score(&Shortlist { viewer: &user, items: &items, features: &features }).unwrap();
        assert!(logits.iter().any(|logit| *logit != logits[0]), "the candidates differ");
        let mut answers = Vec::new();
        for form in &forms {
            assert_eq!(bits(&form.encode(history).unwrap()), bits(&user));
            let shortlist = Shortlist { viewer: &user, items: &items, features: &features };
            assert_eq!(bits(&form.infer(&shortlist).unwrap()), bits(&logits));
            answers.push(form.recommend(&region(), &request(history, 8)).unwrap().picks);
        }
        assert_eq!(format!("{:?}", answers[0]), format!("{:?}", answers[1]));
    }
}
