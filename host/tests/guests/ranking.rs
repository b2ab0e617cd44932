//! Answers that cannot be true, and rankers that go wrong inside a ranking invocation.

use frontrow_edge::runtime::ranking::{HomeRequest, Progress, Request, Slate};
use frontrow_edge::runtime::{InvokeError, Nonsense, RegionFiles, Runtime};
use inference::Shortlist;

use crate::forge::component;
use crate::scene::{INFERENCE_LOADS, RANKING_LOADS, Scene, regions, request};

/// A title, a score, a reason and a propensity.
const PICK_BYTES: usize = 24;

/// A ranking guest that always answers with these picks, `eligible` and nothing else.
fn answering(picks: &[(u32, f32)], eligible: u32) -> Scene {
    let mut body = String::new();
    for (index, (title, score)) in picks.iter().enumerate() {
        let at = 1_024 + index * PICK_BYTES;
        body.push_str(&format!("(i32.store (i32.const {at}) (i32.const {title}))\n"));
        body.push_str(&format!("(i32.store (i32.const {}) (i32.const {}))\n", at + 4, score.to_bits()));
    }
    let mut scene = Scene::new();
    scene.ranking = component(
        "ranking-component",
        &format!(
            r#"{RANKING_LOADS}
            (func (export "frontrow:edge/ranking@0.1.0#recommend")
              (param i32 i32 i32 i32 i32 i64 i32 i32 i32) (result i32)
              {body}
              (i32.store8 (i32.const 0) (i32.const 0))
              (i32.store (i32.const 4) (i32.const 1024))
              (i32.store (i32.const 8) (i32.const {count}))
              (i32.store (i32.const 12) (i32.const {eligible}))
              (i32.const 0))"#,
            count = picks.len(),
        ),
    );
    scene
}

fn nonsense(picks: &[(u32, f32)], eligible: u32, k: u32) -> Nonsense {
    match answering(picks, eligible).generation().recommend("eu", &request(k)) {
        Err(InvokeError::Nonsense(nonsense)) => nonsense,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_true_answer_passes() {
    let generation = answering(&[(2, 3.0), (1, 1.5), (3, 1.5)], 3).generation();
    let answer = generation.recommend("eu", &request(3)).unwrap();
    let titles: Vec<u32> = answer.picks.iter().map(|pick| pick.title).collect();
    assert_eq!(titles, [2, 1, 3]);
    assert!(!answer.ranked);
    assert_eq!(generation.loaded("eu").unwrap().rows, 2);
    assert!(matches!(generation.recommend("mars", &request(3)), Err(InvokeError::UnknownRegion)));
}

#[test]
fn more_than_k_or_than_is_eligible_is_refused() {
    assert_eq!(nonsense(&[(2, 3.0), (1, 1.5)], 3, 1), Nonsense::Length { got: 2, allowed: 1 });
    assert_eq!(nonsense(&[(2, 3.0), (1, 1.5)], 1, 3), Nonsense::Length { got: 2, allowed: 1 });
    assert_eq!(nonsense(&[(2, 3.0)], 4, 3), Nonsense::Length { got: 4, allowed: 3 });
}

#[test]
fn picks_out_of_order_are_refused() {
    assert_eq!(nonsense(&[(2, 1.0), (1, 1.5)], 3, 3), Nonsense::Unsorted { index: 1 });
    assert_eq!(nonsense(&[(2, 1.0), (1, 1.0)], 3, 3), Nonsense::Unsorted { index: 1 });
}

#[test]
fn a_title_twice_is_refused() {
    assert_eq!(nonsense(&[(2, 3.0), (1, 2.0), (2, 1.0)], 3, 3), Nonsense::Duplicate { title: 2 });
}

#[test]
fn scores_that_are_no_numbers_are_refused() {
    for score in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert_eq!(nonsense(&[(2, score)], 3, 3), Nonsense::Number { index: 0 });
    }
}

#[test]
fn a_title_the_candidate_set_lacks_is_refused() {
    assert_eq!(nonsense(&[(9, 3.0)], 3, 3), Nonsense::UnknownTitle { title: 9 });
}

#[test]
fn a_title_that_was_watched_or_excluded_is_refused() {
    let generation = answering(&[(2, 3.0), (1, 1.5)], 3).generation();
    for question in
        [Request { history: vec![3, 1], ..request(3) }, Request { exclude: vec![1], ..request(3) }]
    {
        match generation.recommend("eu", &question) {
            Err(InvokeError::Nonsense(Nonsense::Excluded { title: 1 })) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_propensity_that_is_no_probability_is_refused() {
    for propensity in [0.0, -0.5, 1.5, f32::NAN, f32::INFINITY] {
        let mut scene = Scene::new();
        scene.ranking = component(
            "ranking-component",
            &format!(
                r#"{RANKING_LOADS}
                (func (export "frontrow:edge/ranking@0.1.0#recommend")
                  (param i32 i32 i32 i32 i32 i64 i32 i32 i32) (result i32)
                  (i32.store (i32.const 1024) (i32.const 2))
                  (i32.store (i32.const 1040) (i32.const 1))
                  (i32.store (i32.const 1044) (i32.const {}))
                  (i32.store (i32.const 4) (i32.const 1024))
                  (i32.store (i32.const 8) (i32.const 1))
                  (i32.store (i32.const 12) (i32.const 3))
                  (i32.const 0))"#,
                propensity.to_bits().cast_signed()
            ),
        );
        let error = scene.generation().recommend("eu", &request(3)).unwrap_err();
        assert!(matches!(error, InvokeError::Nonsense(Nonsense::Number { index: 0 })), "{error:?}");
    }
}

#[test]
fn where_lists_are_laid_out_their_scores_need_not_fall() {
    let scene = answering(&[(2, 1.0), (1, 1.5)], 3);
    let slate = Slate { lambda: 0.5, ..Slate::default() };
    let candidates = crate::candidates::three_titles();
    let region = [RegionFiles { slate: Some(&slate), ..regions(&candidates)[0] }];
    let generation = Runtime::new(&scene.config).unwrap().prepare(&scene.files(&region)).unwrap();
    assert_eq!(generation.recommend("eu", &request(3)).unwrap().picks[1].title, 1);
}

/// A row's kind of reason, by its number in the variant, and its titles.
type Told<'a> = (u8, &'a [u32]);

const CONTINUE_WATCHING: u8 = 5;
const TRENDING: u8 = 6;

/// What becomes of a page of these rows for a viewer who watched 1 and has begun 2, if the guest tells it.
fn page(rows: &[Told<'_>]) -> Result<usize, Nonsense> {
    let mut body = String::new();
    let mut pick_at = 4_096;
    for (row, (reason, titles)) in rows.iter().enumerate() {
        let at = 1_024 + row * 16;
        body.push_str(&format!("(i32.store8 (i32.const {at}) (i32.const {reason}))\n"));
        body.push_str(&format!("(i32.store (i32.const {}) (i32.const {pick_at}))\n", at + 8));
        body.push_str(&format!("(i32.store (i32.const {}) (i32.const {}))\n", at + 12, titles.len()));
        for title in *titles {
            body.push_str(&format!("(i32.store (i32.const {pick_at}) (i32.const {title}))\n"));
            pick_at += PICK_BYTES;
        }
    }
    let mut scene = Scene::new();
    scene.ranking = component(
        "ranking-component",
        &format!(
            r#"{RANKING_LOADS}
            (func (export "frontrow:edge/ranking@0.1.0#home")
              (param i32 i32 i32 i32 i32 i64 i32 i32 i32 i32 i32) (result i32)
              {body}
              (i32.store (i32.const 4) (i32.const 1024))
              (i32.store (i32.const 8) (i32.const {}))
              (i32.store (i32.const 12) (i32.const 3))
              (i32.const 0))"#,
            rows.len()
        ),
    );
    let request = Request { history: vec![1], ..request(2) };
    let asked = HomeRequest { request, in_progress: vec![Progress { title: 2, share: 0.5 }] };
    match scene.generation().home("eu", &asked) {
        Ok(page) => Ok(page.rows.len()),
        Err(InvokeError::Nonsense(nonsense)) => Err(nonsense),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_page_that_cannot_be_true_is_refused() {
    assert_eq!(page(&[(CONTINUE_WATCHING, &[2]), (TRENDING, &[3])]), Ok(2));
    assert_eq!(page(&[]), Ok(0));
    let refused = |rows: &[Told<'_>]| page(rows).unwrap_err();
    let empty: Told<'_> = (TRENDING, &[]);
    assert_eq!(refused(&[empty; 8]), Nonsense::Length { got: 8, allowed: 7 });
    assert_eq!(refused(&[(TRENDING, &[3, 4, 5])]), Nonsense::Length { got: 3, allowed: 2 });
    assert_eq!(refused(&[(TRENDING, &[3, 3])]), Nonsense::Duplicate { title: 3 });
    assert_eq!(refused(&[(TRENDING, &[3]), (TRENDING, &[3])]), Nonsense::Duplicate { title: 3 });
    assert_eq!(refused(&[(TRENDING, &[9])]), Nonsense::UnknownTitle { title: 9 });
    assert_eq!(refused(&[(TRENDING, &[1])]), Nonsense::Excluded { title: 1 });
    assert_eq!(refused(&[(TRENDING, &[2])]), Nonsense::Excluded { title: 2 });
    assert_eq!(refused(&[(CONTINUE_WATCHING, &[3])]), Nonsense::NotBegun { title: 3 });
}

/// A ranking guest that asks the ranker with two rows and traps on a refusal; `score` is its body.
fn ranked_by(score: &str) -> Scene {
    let mut scene = Scene::new();
    scene.ranking = component(
        "ranking-component",
        &format!(
            r#"(import "frontrow:edge/inference@0.1.0" "score" (func $score (param i32 i32 i32 i32 i32 i32 i32)))
            {RANKING_LOADS}
            (func (export "frontrow:edge/ranking@0.1.0#recommend")
              (param i32 i32 i32 i32 i32 i64 i32 i32 i32) (result i32)
              (call $score (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 2048) (i32.const 16) (i32.const 512))
              (if (i32.load8_u (i32.const 512)) (then unreachable))
              (i64.store (i32.const 4) (i64.const 0))
              (i32.store8 (i32.const 16) (i32.const 1))
              (i32.const 0))"#
        ),
    );
    scene.inference = component(
        "inference-component",
        &format!(
            r#"{INFERENCE_LOADS}
            (func (export "frontrow:edge/inference@0.1.0#score") (param i32 i32 i32 i32 i32 i32) (result i32)
              {score} (i32.const 0))"#
        ),
    );
    scene.ranker = Some(vec![1]);
    scene
}

const TWO_LOGITS: &str = "(i32.store (i32.const 4) (i32.const 1024)) (i32.store (i32.const 8) (i32.const 2))";

#[test]
fn a_ranking_asks_the_ranker_of_its_release() {
    let scene = ranked_by(TWO_LOGITS);
    let generation = scene.generation();
    assert!(generation.recommend("eu", &request(1)).unwrap().ranked);
    assert_eq!(generation.infer(&Shortlist::of_features(&[0.0; 16])).unwrap(), [0.0, 0.0]);
}

#[test]
fn without_a_ranker_the_import_answers_not_loaded() {
    let mut scene = ranked_by(TWO_LOGITS);
    scene.ranker = None;
    let generation = scene.generation();
    assert_eq!(generation.recommend("eu", &request(1)).unwrap_err().code(), "trap");
    assert_eq!(generation.infer(&Shortlist::of_features(&[0.0; 16])).unwrap_err().code(), "not-loaded");
}

#[test]
fn a_ranker_that_loops_uses_up_the_deadline_of_the_whole_answer() {
    let generation = ranked_by("(loop $for_ever (br $for_ever))").generation();
    assert!(matches!(generation.recommend("eu", &request(1)), Err(InvokeError::Deadline)));
}

#[test]
fn a_ranker_that_traps_takes_or_lies_fails_the_answer_with_its_own_code() {
    let code = |score| ranked_by(score).generation().recommend("eu", &request(1)).unwrap_err().code();
    assert_eq!(code("unreachable"), "trap");
    assert_eq!(code("(loop $for_ever (drop (memory.grow (i32.const 1))) (br $for_ever))"), "out-of-memory");
    assert_eq!(code("(i32.store (i32.const 8) (i32.const 0))"), "nonsense-answer");
    let not_a_number = format!("{TWO_LOGITS} (i32.store (i32.const 1024) (i32.const 0x7fc00000))");
    assert_eq!(code(&not_a_number), "nonsense-answer");
}

#[test]
fn ratings_that_are_not_one_finite_number_a_pair_are_refused() {
    let mut scene = Scene::new();
    scene.ranking = component(
        "ranking-component",
        &format!(
            r#"{RANKING_LOADS}
            (func (export "frontrow:edge/ranking@0.1.0#predict") (param i32 i32 i32 i32) (result i32)
              (i32.store (i32.const 4) (i32.const 1024))
              (i32.store (i32.const 8) (i32.const 1))
              (i32.store (i32.const 1024) (i32.const 0x7f800000))
              (i32.const 0))
            (func (export "frontrow:edge/ranking@0.1.0#top-rated") (param i32 i32 i32 i32) (result i32)
              (i32.store (i32.const 4) (i32.const 1024))
              (i32.store (i32.const 8) (i32.const 1))
              (i32.store (i32.const 1024) (i32.const 2))
              (i32.const 0))"#
        ),
    );
    let generation = scene.generation();
    let code = |ids: &[u32]| generation.predict(ids, ids).unwrap_err().to_string();
    assert!(code(&[1]).contains("number 0"));
    assert!(code(&[1, 1]).contains("1 entries, 2"));
    assert_eq!(generation.top_rated(1, 1, &[]).unwrap()[0].title, 2);
    assert!(generation.top_rated(1, 0, &[]).is_err());
    assert!(generation.top_rated(1, 1, &[2]).is_err());
}
