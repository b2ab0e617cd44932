//! Models in the component and models in the node's process decide alike, with and without kept states.

use ::inference::Shortlist;
use frontrow_edge::runtime::{Generation, InvokeError, PrepareError, ranking};

use crate::exported;
use crate::shipped::{forgetful_runtime, native_runtime, region, runtime, try_prepare_models};
use crate::tower::{TOWER, candidates, request};

const RANKER: &[u8] = include_bytes!("../../../crates/inference/tests/data/ranker-mlp.onnx");

/// Sees the vectors of viewer and candidate.
const WIDE: &[u8] = include_bytes!("../../../crates/inference/tests/data/ranker-wide.onnx");

/// In wasm, natively, and in wasm without kept states.
fn forms(ranker: Option<&[u8]>, tower: &[u8]) -> [Result<Generation, PrepareError>; 3] {
    let pool = if ranker.is_some() { 12 } else { 0 };
    [runtime(), native_runtime(), forgetful_runtime()]
        .map(|runtime| try_prepare_models(runtime, &candidates(|_| {}), [ranker, Some(tower)], pool))
}

/// All of an answer, with the bits of its scores.
fn told(answer: Result<ranking::Answer, InvokeError>) -> String {
    match answer {
        Ok(answer) => {
            let bits: Vec<_> = answer.picks.iter().map(|pick| pick.score.to_bits()).collect();
            format!("{answer:?} {bits:?}")
        }
        Err(error) => error.code().to_owned(),
    }
}

#[test]
fn a_viewer_who_goes_on_watching_gets_the_same_answers_wherever_and_however_the_models_run() {
    for ranker in [None, Some(RANKER), Some(WIDE)] {
        let forms = forms(ranker, TOWER).map(Result::unwrap);
        for start in 0..10_u32 {
            // Past the tower's window of twelve, where a state cannot go on.
            let history: Vec<u32> = (0..16).map(|step| (start * 5 + step * 7) % 40).collect();
            for watched in 0..=history.len() {
                let asked = request(&history[..watched], 8);
                let [wasm, native, anew] =
                    forms.each_ref().map(|form| told(form.recommend(&region(), &asked)));
                assert_eq!(wasm, native, "{:?}", &history[..watched]);
                assert_eq!(wasm, anew, "{:?}", &history[..watched]);
            }
        }
    }
}

#[test]
fn what_runs_in_tract_decides_alike_in_wasm_and_natively() {
    for name in ["torch-script", "keras-15", "keras-18", "sklearn", "dynamic", "qdq", "qdq-per-channel"] {
        let onnx = exported::file(&format!("{name}.onnx"));
        let [wasm, native, _] = forms(Some(&onnx), TOWER).map(Result::unwrap);
        for start in 0..10_u32 {
            let history: Vec<u32> = (0..6).map(|step| (start * 5 + step * 7) % 40).collect();
            let asked = request(&history, 12);
            let [here, there] = [&wasm, &native].map(|form| form.recommend(&region(), &asked).unwrap());
            let order =
                |answer: &ranking::Answer| answer.picks.iter().map(|pick| pick.title).collect::<Vec<_>>();
            assert_eq!(order(&here), order(&there), "{name} {history:?}");
            assert!(here.ranked && there.ranked);
            let scores = here.picks.iter().zip(&there.picks).map(|(here, there)| (here.score, there.score));
            for (here, there) in scores {
                let is_near = (here - there).abs() <= 1e-5 * there.abs().max(1.0);
                assert!(is_near, "{name} {history:?}: {here} and {there}");
            }
        }
    }
}

#[test]
fn vectors_states_and_refusals_are_the_same() {
    let forms = forms(None, TOWER).map(Result::unwrap);
    let items: Vec<u32> = (0..14).map(|step| step * 9 % 40).collect();
    let mut grown = items[..3].to_vec();
    grown.push(40);
    for items in [&items[..1], &items[..2], &items[..5], &items, &[], &[40], &grown] {
        let encoded = forms.each_ref().map(|form| match form.encode(items) {
            Ok(user) => format!("{:?}", user.iter().map(|value| value.to_bits()).collect::<Vec<_>>()),
            Err(error) => format!("{} {error:?}", error.code()),
        });
        assert_eq!((&encoded[0], &encoded[0]), (&encoded[1], &encoded[2]), "{items:?}");
    }
    for state in [&[][..], &[0.5; 3], &[0.5; 64]] {
        let steps = forms.each_ref().map(|form| match form.encode_from(state, &[3, 4]) {
            Ok(step) => format!("{:?} {:?}", step.user, step.state),
            Err(error) => error.code().to_owned(),
        });
        assert_eq!((&steps[0], &steps[0]), (&steps[1], &steps[2]), "{}", state.len());
    }
}

#[test]
fn a_ranker_sees_who_asks_and_what_it_ranks() {
    let [wasm, native, _] = forms(Some(WIDE), TOWER).map(Result::unwrap);
    let viewers = [vec![0.5; 16], vec![-0.25; 16], Vec::new()];
    let features = [0.5; 3 * 8];
    let mut told = Vec::new();
    for viewer in &viewers {
        for items in [[1, 2, 3], [3, 2, 1], [40, 41, u32::MAX]] {
            let shortlist = Shortlist { viewer, items: &items, features: &features };
            let [here, there] = [&wasm, &native].map(|form| form.infer(&shortlist).unwrap());
            assert!(here.iter().map(|logit| logit.to_bits()).eq(there.iter().map(|logit| logit.to_bits())));
            told.push(here);
        }
    }
    // Of items the other way round the logits are the other way round; unknown ones are all alike.
    assert_eq!(told[0], [told[1][2], told[1][1], told[1][0]]);
    assert!(told[2][0] == told[2][1] && told[2][1] == told[2][2]);
    assert!(told[0] != told[3] && told[0][0] != told[0][1]);
    let shortlist = Shortlist { viewer: &[0.5; 15], items: &[1], features: &[0.5; 8] };
    for form in [&wasm, &native] {
        assert_eq!(form.infer(&shortlist).unwrap_err().code(), "viewer-refused");
    }
}

#[test]
fn a_model_that_cannot_be_read_is_refused_by_both_with_the_same_code() {
    for tower in [&TOWER[..TOWER.len() / 2], b"not a model", b""] {
        let codes = forms(None, tower).map(|form| form.map(drop).unwrap_err().code());
        assert!(codes.iter().all(|code| *code == codes[0]), "{codes:?}");
    }
    for ranker in [&RANKER[..RANKER.len() / 2], b"not a model", b""] {
        let codes = forms(Some(ranker), TOWER).map(|form| form.map(drop).unwrap_err().code());
        assert!(codes.iter().all(|code| *code == codes[0]), "{codes:?}");
    }
}
