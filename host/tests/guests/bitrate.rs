//! Invocations that go wrong, tried on the bitrate interface.

use frontrow_edge::runtime::{InvokeError, Nonsense};

use crate::forge::component;
use crate::scene::{Scene, input};

/// A bitrate guest whose `decide` has this body; its parameter is where the input lies.
fn deciding(body: &str) -> Scene {
    let mut scene = Scene::new();
    scene.bitrate = component(
        "bitrate-component",
        &format!(
            r#"
            (global $calls (mut i32) (i32.const 0))
            (func (export "frontrow:edge/bitrate@0.1.0#decide")
              (param i32) (result i32)
              {body}
              (i32.const 0))
            "#
        ),
    );
    scene
}

// The input in memory, from 0: policy, 4: ladder, 12: rules, 20: samples, 28: buffer, 32: buffer max, 36: segment.
const SEGMENT_IS_666: &str = "(i32.eq (i32.load offset=36 (local.get 0)) (i32.const 666))";

#[test]
fn a_loop_without_end_meets_the_deadline_and_the_next_call_answers() {
    let scene = deciding(&format!("(if {SEGMENT_IS_666} (then (loop $for_ever (br $for_ever))))"));
    let generation = scene.generation();
    assert!(matches!(generation.decide(&input(666)), Err(InvokeError::Deadline)));
    assert_eq!(generation.decide(&input(4_000)).unwrap().rung, 0);
}

#[test]
fn memory_without_end_is_refused_and_the_next_call_answers() {
    let scene = deciding(&format!(
        "(if {SEGMENT_IS_666} (then (loop $for_ever (drop (memory.grow (i32.const 1))) (br $for_ever))))"
    ));
    let generation = scene.generation();
    let error = generation.decide(&input(666)).unwrap_err();
    assert!(
        matches!(error, InvokeError::OutOfMemory(bytes) if bytes == scene.config.memory_bytes_max),
        "{error}"
    );
    assert_eq!(generation.decide(&input(4_000)).unwrap().rung, 0);
}

#[test]
fn a_trap_ends_its_own_call_only() {
    let scene = deciding(&format!("(if {SEGMENT_IS_666} (then unreachable))"));
    let generation = scene.generation();
    for _ in 0..20 {
        let error = generation.decide(&input(666)).unwrap_err();
        assert_eq!(error.code(), "trap");
        assert!(error.to_string().contains("unreachable"), "{error}");
        assert_eq!(generation.decide(&input(4_000)).unwrap().rung, 0);
    }
}

#[test]
fn endless_recursion_is_a_trap() {
    let mut scene = Scene::new();
    scene.bitrate = component(
        "bitrate-component",
        r#"
        (func $deeper (call $deeper))
        (func (export "frontrow:edge/bitrate@0.1.0#decide")
          (param i32) (result i32)
          (call $deeper)
          (i32.const 0))
        "#,
    );
    let error = scene.generation().decide(&input(4_000)).unwrap_err();
    assert_eq!(error.to_string(), "trap: call stack exhausted");
}

#[test]
fn nothing_survives_from_one_call_to_the_next() {
    // It answers with rung = the calls it remembers, in a global and in memory.
    let scene = deciding(
        "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
         (i32.store (i32.const 1000) (i32.add (i32.load (i32.const 1000)) (i32.const 1)))
         (i32.store (i32.const 4)
           (i32.sub (i32.add (global.get $calls) (i32.load (i32.const 1000))) (i32.const 2)))",
    );
    let generation = scene.generation();
    for _ in 0..20 {
        assert_eq!(generation.decide(&input(4_000)).unwrap().rung, 0);
    }
    // The same guest kept between calls does remember: the test above can fail.
    let mut held = generation.hold_bitrate().unwrap();
    assert_eq!(held.decide(&input(4_000)).unwrap().rung, 0);
    assert!(matches!(held.decide(&input(4_000)), Err(InvokeError::Nonsense(Nonsense::Rung { rung: 2 }))));
}

#[test]
fn a_rung_outside_the_ladder_is_refused() {
    let scene = deciding("(i32.store (i32.const 4) (i32.const 2))");
    let error = scene.generation().decide(&input(4_000)).unwrap_err();
    assert!(matches!(error, InvokeError::Nonsense(Nonsense::Rung { rung: 2 })), "{error}");
    assert_eq!(error.code(), "nonsense-answer");
}

#[test]
fn an_enum_value_or_pointer_out_of_range_is_a_trap() {
    for body in [
        "(i32.store8 (i32.const 8) (i32.const 200))",
        "(i32.store8 (i32.const 0) (i32.const 9))",
        "(i32.store (i32.const 12) (i32.const 0x7fffffff)) (i32.store (i32.const 16) (i32.const 100))",
        "(return (i32.const -4))",
        "(return (i32.const 3))",
    ] {
        assert_eq!(deciding(body).generation().decide(&input(4_000)).unwrap_err().code(), "trap", "{body}");
    }
}

#[test]
fn a_refusal_carries_its_own_code() {
    // result = error, variant case 2: ladder-not-rising(1).
    let scene = deciding(
        "(i32.store8 (i32.const 0) (i32.const 1))
         (i32.store8 (i32.const 4) (i32.const 2))
         (i32.store (i32.const 8) (i32.const 1))",
    );
    let error = scene.generation().decide(&input(4_000)).unwrap_err();
    assert_eq!(error.code(), "ladder-not-rising");
    assert!(error.is_refusal());
}

#[test]
fn a_batch_of_another_length_is_refused() {
    let mut scene = Scene::new();
    // An empty list, whatever was asked.
    scene.bitrate = component(
        "bitrate-component",
        r#"(func (export "frontrow:edge/bitrate@0.1.0#decide-batch") (param i32 i32) (result i32) (i32.const 0))"#,
    );
    let generation = scene.generation();
    assert_eq!(generation.decide_batch(&[]).unwrap().len(), 0);
    let error = generation.decide_batch(&[input(4_000)]).unwrap_err();
    assert!(matches!(error, InvokeError::Nonsense(Nonsense::Length { got: 0, allowed: 1 })), "{error}");
}

#[test]
fn a_session_state_over_the_limit_or_a_false_score_is_refused() {
    let folding = |body: &str| {
        let mut scene = Scene::new();
        scene.qoe = component(
            "qoe-component",
            &format!(
                r#"(func (export "frontrow:edge/qoe@0.1.0#fold") (param i32 i32 i32 i32) (result i32)
                     {body} (i32.const 0))"#
            ),
        );
        scene.generation().fold(&[], &[])
    };
    assert!(folding("").is_ok());
    let error = folding("(i32.store (i32.const 12) (i32.const 70000))").unwrap_err();
    assert!(matches!(error, InvokeError::Nonsense(Nonsense::StateTooLarge(70_000))), "{error}");
    // Any byte of the answer turned to ones is a trap, a refusal or nonsense, or a number that may be.
    let mut refused = 0;
    for place in (8..184).step_by(8) {
        let answer = folding(&format!("(i64.store (i32.const {place}) (i64.const -1))"));
        refused += u32::from(answer.is_err());
    }
    assert!(refused >= 6, "only {refused} refused");
}
