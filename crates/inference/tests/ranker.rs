//! tract beside onnxruntime's logits, and models and rows that must be refused.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::needless_pass_by_value, reason = "quickcheck passes values")]

use inference::limits::{MODEL_BYTES_MAX, REASON_CHARS_MAX, ROWS_MAX};
use inference::{Error, LoadError, Ranker};
use prost::Message;
use quickcheck::{QuickCheck, TestResult};
use tract_onnx::pb::{ModelProto, StringStringEntryProto};

/// Eight features, LayerNormalization, ReLU and GELU; `crates/golden/scripts/make_ranker_mlp.py` made it.
const RANKER: &[u8] = include_bytes!("data/ranker-mlp.onnx");

fn rows() -> Vec<Vec<f32>> {
    serde_json::from_str(include_str!("data/features.json")).unwrap()
}

fn order(logits: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..logits.len()).collect();
    order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
    order
}

/// The fixture with something changed.
fn altered(change: impl FnOnce(&mut ModelProto)) -> Vec<u8> {
    let mut model = ModelProto::decode(RANKER).unwrap();
    change(&mut model);
    model.encode_to_vec()
}

fn code(onnx: &[u8]) -> &'static str {
    Ranker::load(onnx).unwrap_err().code()
}

#[test]
fn logits_are_those_of_onnxruntime_within_1e_5_and_in_equal_order() {
    let expected: Vec<f32> = serde_json::from_str(include_str!("data/logits.json")).unwrap();
    let logits = Ranker::load(RANKER).unwrap().score(&rows().concat()).unwrap();
    assert_eq!(logits.len(), expected.len());
    for (logit, expected) in logits.iter().zip(&expected) {
        assert!((logit - expected).abs() <= 1e-5 * expected.abs().max(1.0), "{logit} is not {expected}");
    }
    assert_eq!(order(&logits), order(&expected));
}

#[test]
fn a_row_has_the_same_logit_alone_and_among_others() {
    let ranker = Ranker::load(RANKER).unwrap();
    let together = ranker.score(&rows().concat()).unwrap();
    for (row, logit) in rows().iter().zip(together) {
        let alone = ranker.score(row).unwrap()[0];
        assert!((alone - logit).abs() <= 1e-5, "{alone} is not {logit}");
    }
}

#[test]
fn the_width_is_the_models() {
    assert_eq!(Ranker::load(RANKER).unwrap().columns(), 8);
    assert_eq!(Ranker::load(include_bytes!("data/ranker-narrow.onnx")).unwrap().columns(), 5);
}

#[test]
fn no_rows_have_no_logits() {
    assert_eq!(Ranker::load(RANKER).unwrap().score(&[]).unwrap(), [0.0; 0]);
}

#[test]
fn rows_that_do_not_fit_are_refused() {
    let ranker = Ranker::load(RANKER).unwrap();
    assert_eq!(ranker.score(&[0.5; 9]), Err(Error::Ragged { numbers: 9 }));
    let many = vec![0.5; 8 * (ROWS_MAX + 1)];
    assert_eq!(ranker.score(&many), Err(Error::TooManyRows { rows: ROWS_MAX + 1 }));
    assert_eq!(ranker.score(&many[8..]).map(|logits| logits.len()), Ok(ROWS_MAX));
}

#[test]
fn features_that_are_not_finite_are_refused_with_their_row() {
    let ranker = Ranker::load(RANKER).unwrap();
    for number in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut features = [0.5; 24];
        features[17] = number;
        assert_eq!(ranker.score(&features), Err(Error::NotFinite { row: 2 }));
    }
}

#[test]
fn logits_are_finite_or_refused_whatever_the_features() {
    fn holds(features: Vec<f32>) -> TestResult {
        let whole = features.len() / 8 * 8;
        if whole == 0 {
            return TestResult::discard();
        }
        TestResult::from_bool(match Ranker::load(RANKER).unwrap().score(&features[..whole]) {
            Ok(logits) => logits.len() == whole / 8 && logits.iter().all(|logit| logit.is_finite()),
            Err(error) => error.code() == "not-finite",
        })
    }
    QuickCheck::new().tests(50).quickcheck(holds as fn(Vec<f32>) -> TestResult);
}

#[test]
fn damaged_files_are_refused_or_run_and_never_panic() {
    fn holds(place: usize, mask: u8, cut: usize) -> bool {
        let mut damaged = RANKER.to_vec();
        let place = place % damaged.len();
        damaged[place] ^= mask;
        damaged.truncate(damaged.len() - cut % 64);
        match Ranker::load(&damaged) {
            Ok(ranker) => {
                let features = vec![0.25; ranker.columns() * 3];
                ranker
                    .score(&features)
                    .map_or_else(|error| !error.code().is_empty(), |logits| logits.len() == 3)
            }
            Err(error) => !error.code().is_empty(),
        }
    }
    QuickCheck::new().tests(300).quickcheck(holds as fn(usize, u8, usize) -> bool);
}

#[test]
fn what_is_no_model_is_malformed() {
    assert_eq!(code(b""), "model-malformed");
    assert_eq!(code(b"\x08\x07 not ONNX"), "model-malformed");
    assert_eq!(code(&RANKER[..RANKER.len() / 2]), "model-malformed");
    assert_eq!(code(&altered(|model| model.graph = None)), "model-malformed");
    assert_eq!(code(&altered(|model| model.opset_import.clear())), "model-malformed");
    assert_eq!(code(&altered(|model| graph(model).node.clear())), "model-malformed");
    assert_eq!(
        code(&altered(|model| graph(model).node[0].op_type = "Sorcery".to_owned())),
        "model-malformed"
    );
}

#[test]
fn a_model_over_the_limit_is_refused_before_it_is_read() {
    let bytes = MODEL_BYTES_MAX + 1;
    assert_eq!(Ranker::load(&vec![0; bytes]).unwrap_err(), LoadError::TooLarge { bytes });
}

#[test]
fn weights_in_another_file_are_not_followed() {
    let elsewhere = altered(|model| {
        let location = StringStringEntryProto { key: "location".to_owned(), value: "/etc/passwd".to_owned() };
        graph(model).initializer[0].external_data.push(location);
    });
    let error = Ranker::load(&elsewhere).unwrap_err();
    assert!(error.to_string().contains("outside the file"), "{error}");
}

#[test]
fn other_inputs_or_outputs_are_a_wrong_signature() {
    assert_eq!(code(&altered(|model| graph(model).output.clear())), "model-signature");
    let two_inputs = altered(|model| {
        let mut second = graph(model).input[0].clone();
        second.name = "second".to_owned();
        graph(model).input.push(second);
    });
    assert_eq!(code(&two_inputs), "model-signature");
    // The hidden layer as the output: f32[n, 16] or wider, where a column is wanted.
    let wide = altered(|model| {
        let hidden = graph(model).node[1].output[0].clone();
        graph(model).output[0].name = hidden;
    });
    assert_eq!(code(&wide), "model-signature");
}

#[test]
fn reasons_are_short_and_of_one_line() {
    let long = altered(|model| graph(model).node[0].op_type = "x\n".repeat(10 * REASON_CHARS_MAX));
    let LoadError::Malformed { reason } = Ranker::load(&long).unwrap_err() else { panic!("malformed") };
    assert!(reason.chars().count() <= REASON_CHARS_MAX);
    assert!(!reason.contains('\n'));
}

fn graph(model: &mut ModelProto) -> &mut tract_onnx::pb::GraphProto {
    model.graph.as_mut().unwrap()
}

#[test]
fn our_own_kernels_run_the_fixture_as_tract_does_and_with_exact_bits() {
    assert!(Ranker::load(RANKER).unwrap().is_exact());
    let expected: Vec<f32> = serde_json::from_str(include_str!("data/logits.json")).unwrap();
    let network = inference::Network::read(RANKER).unwrap();
    assert_eq!((network.inputs(), network.outputs()), (8, 1));
    let logits = network.run(&rows().concat());
    for (logit, expected) in logits.iter().zip(&expected) {
        assert!((logit - expected).abs() <= 1e-5 * expected.abs().max(1.0), "{logit} is not {expected}");
    }
    assert_eq!(order(&logits), order(&expected));
}
