//! The inference component: tract in a snapshot, beside onnxruntime's logits.

use frontrow_edge::limits;
use frontrow_edge::runtime::ranking::{HomeRequest, Pick, Request};
use inference::Shortlist;

use crate::shipped::{generation, prepare, region, try_prepare};

const RANKER: &[u8] = include_bytes!("../../../crates/inference/tests/data/ranker-mlp.onnx");
const NARROW: &[u8] = include_bytes!("../../../crates/inference/tests/data/ranker-narrow.onnx");

fn numbers(json: &str) -> Vec<f32> {
    let value: serde_json::Value = serde_json::from_str(json).unwrap();
    let mut numbers = Vec::new();
    flatten(&value, &mut numbers);
    numbers
}

fn flatten(value: &serde_json::Value, numbers: &mut Vec<f32>) {
    match value.as_array() {
        Some(values) => values.iter().for_each(|value| flatten(value, numbers)),
        None => numbers.push(value.as_f64().unwrap() as f32),
    }
}

#[test]
fn logits_are_those_of_onnxruntime_within_1e_5_and_in_equal_order() {
    let features = numbers(include_str!("../../../crates/inference/tests/data/features.json"));
    let expected = numbers(include_str!("../../../crates/inference/tests/data/logits.json"));
    let logits = prepare(Some(RANKER), 100).infer(&Shortlist::of_features(&features)).unwrap();
    assert_eq!(logits.len(), expected.len());
    for (logit, expected) in logits.iter().zip(&expected) {
        assert!((logit - expected).abs() <= 1e-5 * expected.abs().max(1.0), "{logit} is not {expected}");
    }
    let order = |logits: &[f32]| {
        let mut order: Vec<usize> = (0..logits.len()).collect();
        order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
        order
    };
    assert_eq!(order(&logits), order(&expected));
}

fn request(k: u32) -> Request {
    let file = release::CandidateFile::decode(golden::candidates()).unwrap();
    let columns = file.candidates.columns();
    // A title with a row, so that something personal is found.
    let watched = columns.row_offsets.windows(2).position(|ends| ends[0] < ends[1]).unwrap();
    Request {
        history: vec![columns.title_ids[watched]],
        exclude: Vec::new(),
        k,
        at_unix_ms: columns.window_from_s.iter().copied().max().unwrap() * 1_000,
        maturity_max: 18,
        seed: None,
    }
}

#[test]
fn a_release_with_a_ranker_orders_the_pool_by_its_logits() {
    let ranked = prepare(Some(RANKER), 5).recommend(&region(), &request(5)).unwrap();
    assert!(ranked.ranked);
    let rows = generation().recommend(&region(), &request(5)).unwrap();
    assert!(!rows.ranked);
    let titles = |picks: &[Pick]| {
        let mut titles: Vec<u32> = picks.iter().map(|pick| pick.title).collect();
        titles.sort_unstable();
        titles
    };
    // The best five by rows, in the ranker's order.
    assert_eq!(titles(&ranked.picks), titles(&rows.picks));
    assert_eq!(ranked.eligible, rows.eligible);
}

#[test]
fn the_top_row_of_a_page_is_in_the_rankers_order() {
    let generation = prepare(Some(RANKER), 5);
    let list = generation.recommend(&region(), &request(5)).unwrap();
    let asked = HomeRequest { request: request(5), in_progress: Vec::new() };
    let page = generation.home(&region(), &asked).unwrap();
    assert!(page.ranked && page.rows.len() > 1);
    let of = |picks: &[Pick]| picks.iter().map(|pick| (pick.title, pick.score)).collect::<Vec<_>>();
    assert_eq!(of(&page.rows[0].picks), of(&list.picks));
}

#[test]
fn a_snapshot_answers_the_same_in_every_instance() {
    let generation = prepare(Some(RANKER), 100);
    let features: Vec<f32> = (0..800_u16).map(|index| f32::from(index % 37) / 37.0).collect();
    let first = generation.infer(&Shortlist::of_features(&features)).unwrap();
    for _ in 0..10 {
        let again = generation.infer(&Shortlist::of_features(&features)).unwrap();
        assert!(first.iter().zip(&again).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
    assert!(generation.infer(&Shortlist::of_features(&[])).unwrap().is_empty());
    assert_eq!(
        generation.infer(&Shortlist::of_features(&features[..13])).unwrap_err().code(),
        "features-ragged"
    );
}

#[test]
fn a_ranker_of_other_inputs_or_damaged_or_too_large_is_refused() {
    let refused =
        |onnx: &[u8]| try_prepare(golden::candidates(), golden::factors(), Some(onnx), 5).unwrap_err().code();
    assert_eq!(refused(NARROW), "ranker-signature");
    assert_eq!(refused(b""), "ranker-malformed");
    assert_eq!(refused(b"not a model"), "ranker-malformed");
    for share in 1..8 {
        let code = refused(&RANKER[..RANKER.len() * share / 8]);
        assert!(["ranker-malformed", "ranker-signature", "trap"].contains(&code), "{share}/8: {code}");
    }
    assert_eq!(refused(&vec![0; inference_bytes_max() + 1]), "ranker-too-large");
}

fn inference_bytes_max() -> usize {
    match try_prepare(golden::candidates(), golden::factors(), Some(&vec![0; 65 << 20]), 5) {
        Err(frontrow_edge::runtime::PrepareError::ModelsRefused(
            frontrow_edge::runtime::inference::LoadError::TooLarge(limit),
        )) => usize::try_from(limit).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn damaged_candidates_or_factors_are_refused() {
    let refused =
        |candidates: &[u8], factors: &[u8]| try_prepare(candidates, factors, None, 0).unwrap_err().code();
    let (candidates, factors) = (golden::candidates(), golden::factors());
    for share in 0..4 {
        assert_eq!(refused(&candidates[..candidates.len() * share / 4], factors), "candidates-malformed");
        assert_eq!(refused(candidates, &factors[..factors.len() * share / 4]), "factors-malformed");
    }
}

#[test]
fn the_ranker_is_as_wide_as_the_features_of_the_ranking() {
    assert_eq!(limits::RANKER_COLUMNS as usize, ranking::features::COLUMNS);
}

#[test]
fn players_are_told_of_as_many_speeds_as_decisions_read() {
    assert_eq!(limits::SPEEDS_USED, bitrate::SAMPLES_USED);
}

#[test]
fn the_host_lets_a_page_have_as_many_rows_as_the_ranking_lays() {
    assert_eq!(limits::PAGE_ROWS_MAX, ranking::limits::PAGE_ROWS_MAX);
}
