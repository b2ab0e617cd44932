//! A ranker that sees vectors, beside onnxruntime's logits: `crates/golden/scripts/wide_ranker.py` made both.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::needless_pass_by_value, reason = "quickcheck passes values")]

use inference::limits::ROWS_MAX;
use inference::{Error, ModelError, Models, Shortlist};
use prost::Message;
use tract_onnx::pb::ModelProto;

const TOWER: &[u8] = include_bytes!("data/tower.onnx");
const RANKER: &[u8] = include_bytes!("data/ranker-wide.onnx");
const FEATURES: usize = 8;

struct Case {
    viewer: Vec<f32>,
    items: Vec<u32>,
    features: Vec<f32>,
    logits: Vec<f32>,
}

impl Case {
    fn shortlist(&self) -> Shortlist<'_> {
        Shortlist { viewer: &self.viewer, items: &self.items, features: &self.features }
    }
}

fn cases() -> Vec<Case> {
    let cases: serde_json::Value = serde_json::from_str(include_str!("data/ranker-wide.json")).unwrap();
    let numbers = |value: &serde_json::Value| -> Vec<f32> {
        value.as_array().unwrap().iter().map(|value| value.as_f64().unwrap() as f32).collect()
    };
    let of = |case: &serde_json::Value| Case {
        viewer: numbers(&case["viewer"]),
        items: numbers(&case["items"]).into_iter().map(|item| item as u32).collect(),
        features: numbers(&case["features"]),
        logits: numbers(&case["logits"]),
    };
    cases.as_array().unwrap().iter().map(of).collect()
}

fn models() -> Models {
    Models::load(Some(RANKER), Some(TOWER)).unwrap()
}

/// The same network behind an `Identity`: no chain that our kernels take apart.
fn unlike() -> Vec<u8> {
    then("Identity")
}

/// The same network with this operator behind it.
fn then(operator: &str) -> Vec<u8> {
    let mut model = ModelProto::decode(RANKER).unwrap();
    let graph = model.graph.as_mut().unwrap();
    let last = graph.node.last().unwrap().output[0].clone();
    graph.node.last_mut().unwrap().output[0] = "before".to_owned();
    let mut behind = graph.node.last().unwrap().clone();
    (behind.op_type, behind.input, behind.output) =
        (operator.to_owned(), vec!["before".to_owned()], vec![last]);
    behind.attribute.clear();
    behind.name = "behind".to_owned();
    graph.node.push(behind);
    model.encode_to_vec()
}

#[test]
fn logits_are_those_of_onnxruntime_but_for_the_bytes() {
    let models = models();
    assert!(models.sees_vectors() && models.is_exact());
    assert_eq!((models.features(), models.ranker_columns()), (Some(FEATURES), Some(2 * 16 + FEATURES)));
    for case in cases() {
        let logits = models.score(&case.shortlist()).unwrap();
        assert_eq!(logits.len(), case.logits.len());
        for (logit, expected) in logits.iter().zip(&case.logits) {
            assert!((logit - expected).abs() <= 0.03 * expected.abs().max(1.0), "{logit} is not {expected}");
        }
    }
}

#[test]
fn what_pytorch_exports_of_the_same_network_is_taken_apart_with_the_same_bits() {
    for exported in
        [include_bytes!("data/wide-script.onnx").as_slice(), include_bytes!("data/wide-dynamo.onnx")]
    {
        let exported = Models::load(Some(exported), Some(TOWER)).unwrap();
        assert!(exported.sees_vectors() && exported.is_exact() && exported.is_rounded());
        for case in cases() {
            let logits = models().score(&case.shortlist()).unwrap();
            assert_eq!(exported.score(&case.shortlist()).unwrap(), logits);
        }
    }
}

#[test]
fn a_graph_that_our_kernels_do_not_take_apart_runs_whole() {
    let whole = Models::load(Some(&unlike()), Some(TOWER)).unwrap();
    assert!(whole.sees_vectors());
    for case in cases() {
        let logits = whole.score(&case.shortlist()).unwrap();
        for (logit, expected) in logits.iter().zip(&case.logits) {
            assert!((logit - expected).abs() <= 1e-5 * expected.abs().max(1.0), "{logit} is not {expected}");
        }
    }
}

#[test]
fn a_sigmoid_at_the_end_is_left_out_and_the_rest_taken_apart() {
    let of_chances = Models::load(Some(&then("Sigmoid")), Some(TOWER)).unwrap();
    assert!(of_chances.is_exact() && of_chances.is_rounded());
    for case in cases() {
        let logits = models().score(&case.shortlist()).unwrap();
        assert_eq!(of_chances.score(&case.shortlist()).unwrap(), logits);
    }
}

#[test]
fn a_bias_that_is_spread_over_the_outputs_is_not_taken_for_one_of_each() {
    for shape in [vec![1], vec![1, 1]] {
        let mut model = ModelProto::decode(RANKER).unwrap();
        let constants = &mut model.graph.as_mut().unwrap().initializer;
        let bias = constants.iter_mut().find(|constant| constant.name == "b0").unwrap();
        (bias.dims, bias.raw_data) = (shape, 0.5_f32.to_le_bytes().to_vec());
        let models = Models::load(Some(&model.encode_to_vec()), Some(TOWER)).unwrap();
        assert!(!models.is_exact());
        assert_eq!(models.score(&cases()[1].shortlist()).unwrap().len(), 5);
    }
}

#[test]
fn a_ranker_is_taken_apart_however_large_its_logits_are() {
    for factor in [1e-4_f32, 100.0, 1e6] {
        let mut model = ModelProto::decode(RANKER).unwrap();
        for constant in &mut model.graph.as_mut().unwrap().initializer {
            if ["w2", "b2"].contains(&constant.name.as_str()) {
                let scaled = constant.raw_data.as_chunks::<4>().0.iter();
                constant.raw_data =
                    scaled.flat_map(|bytes| (f32::from_le_bytes(*bytes) * factor).to_le_bytes()).collect();
            }
        }
        let models = Models::load(Some(&model.encode_to_vec()), Some(TOWER)).unwrap();
        assert!(models.is_exact(), "{factor}");
        let (scaled, plain) =
            (models.score(&cases()[1].shortlist()), self::models().score(&cases()[1].shortlist()));
        for (scaled, plain) in scaled.unwrap().iter().zip(plain.unwrap()) {
            assert!((scaled / factor - plain).abs() <= 1e-5, "{scaled} is not {factor} times {plain}");
        }
    }
}

#[test]
fn numbers_that_leave_their_range_on_the_way_are_an_error() {
    let case = &cases()[1];
    let mut features = case.features.clone();
    features[2 * FEATURES..3 * FEATURES].fill(3e38);
    let asked = Shortlist { viewer: &case.viewer, items: &case.items, features: &features };
    assert_eq!(models().score(&asked), Err(Error::NotFinite { row: 2 }));
}

#[test]
fn a_candidate_has_the_same_logit_in_every_company() {
    fn holds(places: Vec<u8>) -> bool {
        let (models, case) = (models(), &cases()[2]);
        let all = models.score(&case.shortlist()).unwrap();
        let places: Vec<usize> = places.into_iter().map(|place| usize::from(place) % all.len()).collect();
        let items: Vec<u32> = places.iter().map(|&place| case.items[place]).collect();
        let features: Vec<f32> = places
            .iter()
            .flat_map(|&place| &case.features[place * FEATURES..][..FEATURES])
            .copied()
            .collect();
        let some = Shortlist { viewer: &case.viewer, items: &items, features: &features };
        let logits = models.score(&some).unwrap();
        logits.iter().map(|logit| logit.to_bits()).eq(places.iter().map(|&place| all[place].to_bits()))
    }
    quickcheck::quickcheck(holds as fn(Vec<u8>) -> bool);
}

#[test]
fn shortlists_that_are_none_are_refused_in_either_way_of_running() {
    for ranker in [RANKER.to_vec(), unlike()] {
        let models = Models::load(Some(&ranker), Some(TOWER)).unwrap();
        let case = &cases()[1];
        let ask = |viewer: &[f32], items: &[u32], features: &[f32]| {
            models.score(&Shortlist { viewer, items, features })
        };
        assert_eq!(ask(&case.viewer[1..], &case.items, &case.features), Err(Error::Viewer { numbers: 15 }));
        assert_eq!(ask(&[f32::NAN; 16], &case.items, &case.features), Err(Error::Viewer { numbers: 16 }));
        assert_eq!(ask(&case.viewer, &case.items[1..], &case.features), Err(Error::Ragged { numbers: 40 }));
        let mut features = case.features.clone();
        features[2 * FEATURES] = f32::INFINITY;
        assert_eq!(ask(&case.viewer, &case.items, &features), Err(Error::NotFinite { row: 2 }));
        let many = vec![0.5; (ROWS_MAX + 1) * FEATURES];
        let refused = ask(&[], &[0; ROWS_MAX + 1], &many);
        assert_eq!(refused, Err(Error::TooManyRows { rows: ROWS_MAX + 1 }));
        assert_eq!(ask(&[], &[], &[]), Ok(Vec::new()));
    }
}

#[test]
fn without_a_tower_it_is_a_ranker_of_forty_features() {
    let models = Models::load(Some(RANKER), None).unwrap();
    assert_eq!((models.features(), models.sees_vectors()), (Some(40), false));
    assert_eq!(
        Models::load(None, Some(TOWER)).unwrap().score(&cases()[0].shortlist()),
        Err(Error::NotLoaded)
    );
    assert!(matches!(Models::load(Some(b""), Some(TOWER)), Err(ModelError::Ranker(_))));
    assert!(matches!(Models::load(None, Some(b"")), Err(ModelError::Tower(_))));
}

#[test]
fn damaged_files_are_refused_or_run_and_never_panic() {
    fn holds(place: usize, mask: u8, cut: usize) -> bool {
        let mut damaged = RANKER.to_vec();
        let place = place % damaged.len();
        damaged[place] ^= mask;
        damaged.truncate(damaged.len() - cut % 64);
        let case = &cases()[1];
        match Models::load(Some(&damaged), Some(TOWER)) {
            Ok(models) if models.features() == Some(FEATURES) => models
                .score(&case.shortlist())
                .map_or_else(|error| !error.code().is_empty(), |logits| logits.len() == case.items.len()),
            Ok(_) => true,
            Err(error) => !error.code().is_empty(),
        }
    }
    quickcheck::QuickCheck::new().tests(200).quickcheck(holds as fn(usize, u8, usize) -> bool);
}
