//! Released components that loop, trap, take memory or lie: their own answers fail, with a code and counted,
//! and the node goes on answering everything else.

use serde_json::{Value, json};
use wire::packed::FoldBatch;
use wire::{EventKind, PlaybackEvent};

use crate::catalogue::{NOW_MS, Release};
use crate::client::{Answer, get, post};
use crate::forge::component;
use crate::scene::Scene;

/// Short enough that a test of a guest without end ends, long enough for the others on a busy machine.
const DEADLINE: &str = "invocation_ms = 1000";

const LOOPS: &str = "(loop $for_ever (br $for_ever))";
const TAKES: &str = "(loop $for_ever (drop (memory.grow (i32.const 1))) (br $for_ever))";

/// Ways to go wrong that every interface has; each is what happens when `asked` is this value.
fn misbehaviours(asked: &str, lie: &str) -> String {
    let when = |value: u32, body: &str| format!("(if (i32.eq {asked} (i32.const {value})) (then {body}))\n");
    [when(11, LOOPS), when(12, "unreachable"), when(13, TAKES), when(14, lie)].concat()
}

/// The code of each, its status, and the value that brings it about.
const MISBEHAVIOURS: [(u32, u16, &str); 4] =
    [(11, 504, "deadline"), (12, 500, "trap"), (13, 500, "out-of-memory"), (14, 500, "nonsense-answer")];

/// Generation 2 serves: the usual release with one component of ours.
async fn serving(part: &str, wasm: Vec<u8>) -> Scene {
    let mut scene = Scene::serving_with(DEADLINE).await;
    let mut release = Release::of(2);
    release.files.insert(format!("{part}.wasm"), wasm);
    if part == "ranking" {
        // No release whose answers are tried would get this far.
        release.manifest.golden.clear();
    }
    release.list_files();
    scene.publisher.publish(&release).await;
    scene.sync.look().await;
    assert_eq!(scene.generation(), Some(2), "{:?}", scene.edge.node.sync.status());
    scene
}

/// Decides on the lowest rung unless a segment has one of the lengths that provoke it.
fn hostile_bitrate() -> Vec<u8> {
    let lie = "(i32.store (i32.const 4) (i32.const 1000))";
    component(
        "bitrate-component",
        &format!(
            r#"(func (export "frontrow:edge/bitrate@0.1.0#decide")
                 (param i32) (result i32)
                 {} (i32.const 0))"#,
            // The length of a segment, where the input lies in memory.
            misbehaviours("(i32.load offset=36 (local.get 0))", lie)
        ),
    )
}

/// Knows all twelve titles and recommends none of them, unless as many are asked for as provoke it.
fn hostile_ranking() -> Vec<u8> {
    // One pick of a title that no candidate set has.
    let lie = "(i32.store (i32.const 4) (i32.const 1024)) (i32.store (i32.const 8) (i32.const 1))
               (i32.store (i32.const 12) (i32.const 1)) (i32.store (i32.const 1024) (i32.const 9999))";
    component(
        "ranking-component",
        &format!(
            r#"(func (export "frontrow:edge/ranking@0.1.0#load")
                 (param i32) (result i32)
                 (i32.store (i32.const 2052) (i32.const 12)) (i32.const 2048))
               (func (export "frontrow:edge/ranking@0.1.0#recommend")
                 (param i32 i32 i32 i32 i32 i64 i32 i32 i32) (result i32)
                 {} (i32.const 0))"#,
            misbehaviours("(local.get 4)", lie)
        ),
    )
}

/// Says of any session what is true of one with a heartbeat, unless as many events come at once as provoke it.
fn hostile_qoe() -> Vec<u8> {
    let mut batch = FoldBatch::default();
    batch.add(&[], &[PlaybackEvent::new(EventKind::Heartbeat, NOW_MS)]).expect("room for one");
    let answer = session::packed::fold_batch(batch.bytes()).expect("a sound batch");
    let text: String = answer.iter().map(|byte| format!("\\{byte:02x}")).collect();
    component(
        "qoe-component",
        &format!(
            r#"(data (i32.const 4096) "{text}")
               (func (export "frontrow:edge/qoe@0.1.0#fold-batch") (param i32 i32) (result i32)
                 (i32.store (i32.const 4) (i32.const 4096)) (i32.store (i32.const 8) (i32.const {length}))
                 {misbehaviours} (i32.const 0))"#,
            length = answer.len(),
            // The number of events of a session without a state, where the batch lies in memory.
            misbehaviours = misbehaviours(
                "(i32.load16_u offset=6 (local.get 0))",
                "(i32.store (i32.const 8) (i32.const 70))"
            )
        ),
    )
}

async fn recommend(scene: &Scene, k: u32) -> Answer {
    scene.ask("/v1/recommend", &json!({"history": [1], "k": k, "at_unix_ms": NOW_MS})).await
}

async fn bitrate(scene: &Scene, segment_ms: u32) -> Answer {
    scene.ask("/v1/bitrate", &json!({"segment_ms": segment_ms})).await
}

/// Events of one session, each with a number of its own.
async fn events(scene: &Scene, session: &str, count: u32) -> Answer {
    let event = |number: u32| {
        json!({"event_id": format!("e{number}"), "session_id": session, "kind": "heartbeat",
               "at_unix_ms": NOW_MS + u64::from(number)})
    };
    let all: Vec<Value> = (0..count).map(event).collect();
    scene.ask("/v1/events", &json!({"events": all})).await
}

async fn invocations(scene: &Scene, part: &str, outcome: &str) -> f64 {
    scene.metric(&format!(r#"frontrow_invocations_total{{component="{part}",outcome="{outcome}"}}"#)).await
}

/// Everything that asks no provoking question is answered, and by the same generation as before.
async fn check_goes_on(scene: &Scene) {
    for answer in [recommend(scene, 3).await, bitrate(scene, 4_000).await, events(scene, "other", 1).await] {
        assert_eq!(
            (answer.status, answer.json()["generation"].as_u64()),
            (200, Some(2)),
            "{}",
            answer.text()
        );
    }
    for path in ["/healthz", "/readyz"] {
        assert_eq!(get(&scene.admin(path)).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_bitrate_component_that_loops_traps_takes_or_lies_fails_its_own_answer_only() {
    let scene = serving("bitrate", hostile_bitrate()).await;
    for (segment_ms, status, code) in MISBEHAVIOURS {
        for times in [1.0, 2.0] {
            let answer = bitrate(&scene, segment_ms).await;
            assert_eq!(answer.refusal(), (status, code.to_owned()));
            assert_eq!(invocations(&scene, "bitrate", code).await, times, "{code}");
            assert_eq!(
                scene.metric(&format!(r#"frontrow_refusals_total{{code="{code}"}}"#)).await,
                times,
                "{code}"
            );
        }
        check_goes_on(&scene).await;
    }
    assert_eq!(bitrate(&scene, 4_000).await.json()["rung"], 0);
}

#[tokio::test]
async fn the_caller_learns_the_code_of_a_failure_and_nothing_of_the_component() {
    let scene = serving("bitrate", hostile_bitrate()).await;
    for (segment_ms, _, code) in MISBEHAVIOURS {
        let text = bitrate(&scene, segment_ms).await.text();
        assert!(text.contains(code), "{text}");
        for inside in ["wasm", "unreachable", "1000", "0x"] {
            assert!(!text.contains(inside), "{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn titles_are_recommended_while_more_bit_rates_loop_than_there_are_threads() {
    let scene = serving("bitrate", hostile_bitrate()).await;
    let asking = |path: &str, question: Value| {
        let url = scene.url(path);
        tokio::spawn(async move { post(&url, "application/json", question.to_string()).await })
    };
    let loops: Vec<_> = (0..6).map(|_| asking("/v1/bitrate", json!({"segment_ms": 11}))).collect();
    let titles: Vec<_> = (1..=6).map(|k| asking("/v1/recommend", json!({"k": k}))).collect();
    for answer in titles {
        assert_eq!(answer.await.expect("no panic").status, 200);
    }
    for answer in loops {
        assert_eq!(answer.await.expect("no panic").refusal(), (504, "deadline".to_owned()));
    }
    check_goes_on(&scene).await;
}

#[tokio::test]
async fn a_ranking_component_that_loops_traps_takes_or_lies_fails_its_own_answer_only() {
    let scene = serving("ranking", hostile_ranking()).await;
    for (k, status, code) in MISBEHAVIOURS {
        // The second is not answered from the cache: a failure is not kept.
        for times in [1.0, 2.0] {
            assert_eq!(recommend(&scene, k).await.refusal(), (status, code.to_owned()));
            assert_eq!(invocations(&scene, "ranking", code).await, times, "{code}");
        }
        check_goes_on(&scene).await;
    }
}

#[tokio::test]
async fn events_that_a_qoe_component_fails_to_fold_are_refused_and_may_come_again() {
    let scene = serving("qoe", hostile_qoe()).await;
    for (count, _, code) in MISBEHAVIOURS {
        let answer = events(&scene, code, count).await;
        assert_eq!((answer.status, answer.json()["accepted"].as_u64()), (200, Some(0)));
        let refused = answer.json()["refused"].as_array().expect("a list").clone();
        assert_eq!(refused.len(), count as usize);
        assert!(refused.iter().all(|refused| refused["code"] == code), "{refused:?}");
        // What is no answer is found out after the call.
        if code != "nonsense-answer" {
            assert_eq!(invocations(&scene, "qoe", code).await, 1.0, "{code}");
        }
        let refused = scene.metric(&format!(r#"frontrow_refusals_total{{code="{code}"}}"#)).await;
        assert_eq!(refused, f64::from(count), "{code}");
        // Nothing of them was remembered, so they are no repeats.
        let again = events(&scene, code, 2).await.json();
        assert_eq!(again["accepted"], 2, "{again}");
        check_goes_on(&scene).await;
    }
}

#[tokio::test]
async fn a_roll_back_ends_the_failures() {
    let mut scene = serving("bitrate", hostile_bitrate()).await;
    assert_eq!(bitrate(&scene, 12).await.refusal(), (500, "trap".to_owned()));
    scene.publisher.point(1).await;
    scene.sync.look().await;
    let answer = bitrate(&scene, 12).await;
    assert_eq!((answer.status, answer.json()["generation"].as_u64()), (200, Some(1)));
}
