//! Models wide enough that every loop of the kernels goes back to its beginning: the same bits in wasm and natively.

use ::inference::{Shortlist, Tower};
use frontrow_edge::runtime::{Generation, Runtime};
use golden::models::Exam;
use golden::sized::{self, Size};
use golden::{Case, Kind};
use release::RulesEntry;
use serde_json::Value;
use wire::{HomeRequest, RecommendRequest};

use crate::answers;
use crate::cross_form::sent;
use crate::shipped::{
    self, forgetful_runtime, native_runtime, region, rules_of, runtime, try_prepare_models,
};
use crate::tower::{candidates, request};

/// Nine steps of sixteen bytes where a loop takes eight.
const WIDTH: usize = 144;

/// Three rounds of a loop that takes 256 inputs, and outputs that are not whole groups of four.
const UNITS: [usize; 3] = [600, 70, 1];

pub(crate) const FEATURES: usize = sized::FEATURES;

pub(crate) fn large_tower() -> Vec<u8> {
    sized::tower(Size { items: 40, width: WIDTH, hidden: 200, window: 12 })
}

pub(crate) fn large_ranker() -> Vec<u8> {
    sized::ranker(WIDTH, UNITS)
}

#[test]
fn heads_of_seven_numbers_give_the_bits_of_this_process() {
    let tower = sized::tower(Size { items: 40, width: 14, hidden: 20, window: 12 });
    let own = Tower::read(&tower).unwrap();
    assert_eq!(own.shape().width / sized::heads(), 7);
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

/// A release of the exam, laid out or not.
fn sat(runtime: &Runtime, exam: &Exam, rules: &str) -> Generation {
    let entry: RulesEntry = serde_json::from_str(rules).unwrap();
    let models = [Some(exam.ranker.as_slice()), Some(exam.tower.as_slice())];
    shipped::prepare_with(runtime, &exam.candidates, None, models, rules_of(entry)).unwrap()
}

fn ask(generation: &Generation, case: &Case) -> Value {
    match case.kind {
        Kind::Home => {
            let page: HomeRequest = serde_json::from_value(case.input.clone()).unwrap();
            sent(&answers::home(generation, page).unwrap())
        }
        _ => {
            let list: RecommendRequest = serde_json::from_value(case.input.clone()).unwrap();
            sent(&answers::recommend(generation, list).unwrap())
        }
    }
}

#[test]
fn a_release_with_a_tower_of_two_hundred_and_a_wide_ranker_answers_as_the_native_code_in_every_form() {
    let exam = golden::models::exam();
    for runtime in [runtime(), forgetful_runtime(), native_runtime()] {
        let [plain, laid_out] = [&exam.rules, &exam.slate_rules].map(|rules| sat(runtime, &exam, rules));
        for case in &exam.cases {
            let generation = if case.kind == Kind::Recommend { &plain } else { &laid_out };
            assert_eq!(ask(generation, case), case.expected, "{}", case.name);
        }
    }
}

#[test]
fn a_tower_of_two_hundred_encodes_as_this_process_does_whole_and_view_by_view() {
    let exam = golden::models::exam();
    let own = Tower::read(&exam.tower).unwrap();
    let generation = sat(runtime(), &exam, &exam.rules);
    let bits = |numbers: &[f32]| numbers.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
    let history: Vec<u32> = (0..500).map(|view| view * 37 % 400).collect();
    for watched in [1, 5, 50, 199, 200, 201, 500] {
        let history = &history[..watched];
        assert_eq!(
            bits(&generation.encode(history).unwrap()),
            bits(&own.encode(history).unwrap()),
            "{watched}"
        );
    }
    let mut state = Vec::new();
    for view in &history[..200] {
        let step = generation.encode_from(&state, &[*view]).unwrap();
        state.extend(step.state);
    }
    assert_eq!(bits(&state), bits(&own.encode_from(&[], &history[..200]).unwrap().state));
}
