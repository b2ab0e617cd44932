//! The tower in a snapshot: the same bits as in this process, and rows blended with it.

use std::collections::BTreeMap;

use ::inference::Tower;
use ::ranking as domain;
use frontrow_edge::runtime::ranking::Reason;
use frontrow_edge::runtime::{PrepareError, inference, ranking};
use kernels::ByteMatrix;
use prost::Message;
use release::CandidateFile;
use tract_onnx::pb::ModelProto;

use crate::shipped::{region, try_prepare_tower};

pub(crate) const TOWER: &[u8] = include_bytes!("../../../crates/inference/tests/data/tower.onnx");

/// The golden set: its forty titles are the tower's forty items.
pub(crate) fn candidates(change: impl FnOnce(&mut domain::Vectors)) -> Vec<u8> {
    let tower = domain_tower();
    let file = CandidateFile::decode(golden::candidates()).unwrap();
    let mut vectors = domain::Vectors { matrix: tower.items().clone(), items: (0..40).collect() };
    change(&mut vectors);
    let columns = domain::Columns { vectors: Some(vectors), ..file.candidates.columns().clone() };
    let candidates = domain::Candidates::new(columns).unwrap();
    CandidateFile { candidates, ..file }.encode()
}

fn domain_tower() -> Tower {
    Tower::read(TOWER).unwrap()
}

pub(crate) fn request(history: &[u32], k: u32) -> ranking::Request {
    let file = CandidateFile::decode(golden::candidates()).unwrap();
    let columns = file.candidates.columns();
    ranking::Request {
        history: history.iter().map(|&index| columns.title_ids[index as usize]).collect(),
        exclude: Vec::new(),
        k,
        at_unix_ms: columns.window_from_s.iter().copied().max().unwrap() * 1_000,
        maturity_max: 18,
        seed: None,
    }
}

#[test]
fn encodes_as_this_process_does_whole_and_step_by_step() {
    let (tower, generation) = (domain_tower(), try_prepare_tower(&candidates(|_| {}), TOWER).unwrap());
    let history: Vec<u32> = (0..12).map(|step| step * 11 % 40).collect();
    let whole = tower.encode_from(&[], &history).unwrap();
    assert_eq!(generation.encode(&history).unwrap(), whole.user);
    let mut rows = Vec::new();
    let mut step = inference::Step { user: Vec::new(), state: Vec::new() };
    for &item in &history {
        step = generation.encode_from(&rows, &[item]).unwrap();
        rows.extend_from_slice(&step.state);
    }
    assert_eq!((step.user, &rows), (whole.user, &whole.state));
    assert_eq!(generation.encode_from(&rows, &[1]).unwrap_err().code(), "state-malformed");
    assert_eq!(generation.encode(&[]).unwrap_err().code(), "no-items");
    assert_eq!(generation.encode(&[40]).unwrap_err().code(), "item-unknown");
}

/// Runs the tower in this process.
struct InProcess(Tower);

impl domain::Models for InProcess {
    fn score(&mut self, _: &domain::Shortlist<'_>) -> Result<Vec<f32>, domain::ModelError> {
        unreachable!("the rules give the ranker no pool")
    }

    fn encode(&mut self, items: &[u32]) -> Result<Vec<f32>, domain::ModelError> {
        Ok(self.0.encode(items).unwrap())
    }
}

#[test]
fn answers_are_those_of_this_process_bit_for_bit_with_reasons() {
    let file = candidates(|vectors| vectors.items[5] = domain::Vectors::UNKNOWN);
    let generation = try_prepare_tower(&file, TOWER).unwrap();
    let decoded = CandidateFile::decode(&file).unwrap().candidates;
    let blend = domain::Blend::new(0.7, 0.01).unwrap();
    let rules = domain::Rules::new(5.0, 30, 0).unwrap().with_blend(Some(blend));
    let mut reasons = BTreeMap::new();
    for start in 0..40_u32 {
        let history: Vec<u32> = (0..=start % 7).map(|step| (start + step * 3) % 40).collect();
        let asked = request(&history, 20);
        let answer = generation.recommend(&region(), &asked).unwrap();
        let own = domain::Request {
            history: asked.history,
            exclude: Vec::new(),
            k: 20,
            at_unix_ms: asked.at_unix_ms,
            maturity_max_years: 18,
            seed: None,
        };
        let own = domain::recommend(&decoded, &rules, &own, Some(&mut InProcess(domain_tower()))).unwrap();
        let bits = |title: u32, score: f32| (title, score.to_bits());
        let theirs: Vec<_> = answer.picks.iter().map(|pick| bits(pick.title, pick.score)).collect();
        assert_eq!(theirs, own.picks.iter().map(|pick| bits(pick.title, pick.score)).collect::<Vec<_>>());
        assert_eq!(answer.eligible, own.eligible);
        for pick in answer.picks {
            let kind = match pick.reason {
                Reason::BecauseYouWatched(_) => "because",
                Reason::PickedForYou => "for you",
                Reason::PopularToFill => "to fill",
                other => panic!("{other:?}"),
            };
            *reasons.entry(kind).or_insert(0) += 1;
        }
    }
    assert!(reasons["because"] > 0 && reasons["for you"] > 0, "{reasons:?}");
}

#[test]
fn nobody_without_a_history_is_encoded() {
    let generation = try_prepare_tower(&candidates(|_| {}), TOWER).unwrap();
    let answer = generation.recommend(&region(), &request(&[], 3)).unwrap();
    assert!(answer.picks.iter().all(|pick| matches!(pick.reason, Reason::PopularForNewViewer)));
}

#[test]
fn vectors_and_a_tower_that_do_not_fit_each_other_are_refused() {
    let code = |error: Result<_, PrepareError>| error.map(drop).unwrap_err().code();
    let beyond = candidates(|vectors| vectors.items[3] = 40);
    assert_eq!(code(try_prepare_tower(&beyond, TOWER)), "candidates-malformed");
    let narrow = candidates(|vectors| vectors.matrix = ByteMatrix::quantise(8, &[1.0; 320]).unwrap());
    assert_eq!(code(try_prepare_tower(&narrow, TOWER)), "candidates-malformed");
    assert_eq!(code(try_prepare_tower(golden::candidates(), TOWER)), "candidates-malformed");
    assert_eq!(code(try_prepare_tower(&candidates(|_| {}), &TOWER[..9_000])), "tower-malformed");
}

#[test]
fn a_tower_whose_vectors_are_not_finite_is_refused() {
    let mut model = ModelProto::decode(TOWER).unwrap();
    let tensors = &mut model.graph.as_mut().unwrap().initializer;
    let gain = tensors.iter_mut().find(|tensor| tensor.name == "last_norm.gain").unwrap();
    gain.float_data.clear();
    gain.raw_data = (0..gain.dims[0]).flat_map(|_| f32::MAX.to_le_bytes()).collect();
    let refused = try_prepare_tower(&candidates(|_| {}), &model.encode_to_vec()).map(drop).unwrap_err();
    assert_eq!(refused.code(), "tower-malformed");
}
