//! `POST /v1/events` and `GET /v1/sessions/{id}`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wire::EventsAnswer;

use crate::client::{get, post};
use crate::scene::Scene;

fn event(session: &str, number: u32, kind: &str, after_ms: u64, more: Value) -> Value {
    let mut event = json!({
        "event_id": format!("e{number}"), "session_id": session, "kind": kind,
        "at_unix_ms": 1_700_000_000_000_u64 + after_ms, "viewer": 7, "title": 4, "region": "eu", "device": "tv",
    });
    if let (Some(event), Value::Object(more)) = (event.as_object_mut(), more) {
        event.extend(more);
    }
    event
}

fn playback(session: &str) -> Value {
    json!({"events": [
        event(session, 1, "start", 0, json!({"duration_ms": 5_400_000})),
        event(session, 2, "first-frame", 800, json!({"kbps": 2500, "position_ms": 0})),
        event(session, 3, "heartbeat", 30_800, json!({"kbps": 5000, "position_ms": 30_000, "buffer_ms": 15_000})),
        event(session, 4, "buffering-start", 40_800, json!({"position_ms": 40_000})),
        event(session, 5, "buffering-end", 43_800, json!({"position_ms": 40_000, "kbps": 2500})),
        event(session, 6, "stop", 103_800, json!({"position_ms": 100_000})),
    ]})
}

#[tokio::test]
async fn a_playback_becomes_a_session_with_scores() {
    let scene = Scene::serving().await;
    let answer = scene.ask("/v1/events", &playback("s1")).await.json();
    assert_eq!((&answer["accepted"], &answer["generation"]), (&json!(6), &json!(1)));
    assert_eq!((&answer["duplicates"], &answer["refused"]), (&json!(0), &json!([])));

    let session = get(&scene.url("/v1/sessions/s1")).await.json();
    assert_eq!(
        (&session["viewer"], &session["title"], &session["ended"]),
        (&json!(7), &json!(4), &json!(true))
    );
    let summary = &session["summary"];
    assert_eq!(
        (
            &summary["initial_startup_time_ms"],
            &summary["playback_stall_count"],
            &summary["playback_stall_duration_ms"]
        ),
        (&json!(800), &json!(1), &json!(3000))
    );
    for score in ["session_v1", "window_v1"] {
        let score = session["scores"][score].as_f64().expect("a score");
        assert!((0.0..=100.0).contains(&score));
    }
    assert_eq!(get(&scene.url("/v1/sessions/nobody")).await.refusal(), (404, "session-unknown".to_owned()));
}

#[tokio::test]
async fn a_repeated_event_is_acknowledged_and_counts_once() {
    let scene = Scene::serving().await;
    scene.ask("/v1/events", &playback("s1")).await;
    let before = get(&scene.url("/v1/sessions/s1")).await.json();
    let again = scene.ask("/v1/events", &playback("s1")).await.json();
    assert_eq!((&again["accepted"], &again["duplicates"]), (&json!(0), &json!(6)));
    let after = get(&scene.url("/v1/sessions/s1")).await.json();
    assert_eq!(before["summary"], after["summary"]);
    assert_eq!(scene.metric(r#"frontrow_events_total{outcome="duplicate"}"#).await, 6.0);
}

#[tokio::test]
async fn one_bad_event_does_not_harm_the_rest() {
    let scene = Scene::serving().await;
    let mut request = playback("s1");
    request["events"][2]["event_id"] = json!("x".repeat(65));
    request["events"][4]["position_ms"] = json!(u64::MAX);
    let answer = scene.ask("/v1/events", &request).await.json();
    assert_eq!(answer["accepted"], 4);
    let refused = answer["refused"].as_array().expect("a list");
    let codes: Vec<_> = refused.iter().map(|refused| (&refused["index"], &refused["code"])).collect();
    assert_eq!(codes, [(&json!(2), &json!("id-length")), (&json!(4), &json!("number-out-of-range"))]);
    assert_eq!(scene.metric(r#"frontrow_refusals_total{code="id-length"}"#).await, 1.0);
}

#[tokio::test]
async fn messagepack_is_answered_in_messagepack() {
    let scene = Scene::serving().await;
    let body = wire::encode_msgpack(&playback("s1"));
    let answer = post(&scene.url("/v1/events"), "application/msgpack", body).await;
    assert_eq!(answer.headers["content-type"], "application/msgpack");
    let answer: EventsAnswer = wire::decode_msgpack(&answer.bytes, 1 << 20).expect("an answer");
    assert_eq!(answer.accepted, 6);
    assert_eq!(answer.refused, []);

    let refused = post(&scene.url("/v1/events"), "application/msgpack", vec![0xc1]).await;
    assert_eq!(
        (refused.status, &refused.headers["content-type"]),
        (400, &"application/msgpack".parse().expect("a value"))
    );
    let body: wire::ErrorBody = wire::decode_msgpack(&refused.bytes, 1 << 20).expect("a refusal");
    assert_eq!(body.error.code, "msgpack-malformed");
}

#[tokio::test]
async fn viewers_are_those_who_play_and_a_silent_one_is_closed() {
    let scene = Scene::serving().await;
    for session in ["a", "b"] {
        let start = json!({"events": [event(session, 1, "start", 0, json!({})), event(session, 2, "start", 5, json!({}))]});
        scene.ask("/v1/events", &start).await;
    }
    assert_eq!(scene.metric("frontrow_viewers").await, 2.0);
    scene.ask("/v1/events", &json!({"events": [event("a", 3, "stop", 9, json!({}))]})).await;
    assert_eq!(scene.metric("frontrow_viewers").await, 1.0);
    let idle = Duration::from_secs(301);
    assert_eq!(scene.edge.node.sweep(Instant::now()), 0, "not silent for long enough");
    assert_eq!(scene.edge.node.sweep(Instant::now() + idle), 1);
    assert_eq!(scene.metric("frontrow_viewers").await, 0.0);
    assert_eq!(get(&scene.url("/v1/sessions/b")).await.json()["ended"], true);
    // Its next event goes on where it was.
    scene.ask("/v1/events", &json!({"events": [event("b", 3, "heartbeat", 9_000, json!({}))]})).await;
    let session = get(&scene.url("/v1/sessions/b")).await.json();
    assert_eq!((&session["ended"], &session["summary"]["events"]), (&json!(false), &json!(3)));
}

#[tokio::test]
async fn a_session_goes_on_over_a_switch_of_releases() {
    let mut scene = Scene::serving().await;
    scene.ask("/v1/events", &json!({"events": [event("s", 1, "start", 0, json!({}))]})).await;
    scene.publisher.publish(&crate::catalogue::Release::of(2)).await;
    scene.sync.look().await;
    scene.ask("/v1/events", &json!({"events": [event("s", 2, "first-frame", 700, json!({}))]})).await;
    let session = get(&scene.url("/v1/sessions/s")).await.json();
    assert_eq!(
        (&session["generation"], &session["summary"]["initial_startup_time_ms"]),
        (&json!(2), &json!(700))
    );
}

#[tokio::test]
async fn what_sessions_saw_is_in_the_metrics_by_the_names_of_the_standard() {
    let scene = Scene::serving().await;
    // Just now: windows take no part of what is long over.
    let began = frontrow_edge::node::unix_ms() - 104_000;
    let mut recent = playback("s1");
    for event in recent["events"].as_array_mut().expect("a list") {
        let after_ms = event["at_unix_ms"].as_u64().unwrap() - 1_700_000_000_000;
        event["at_unix_ms"] = json!(began + after_ms);
    }
    // Repeated, they count once.
    scene.ask("/v1/events", &recent).await;
    scene.ask("/v1/events", &recent).await;
    let session = get(&scene.url("/v1/sessions/s1")).await.json();
    let told = [
        ("frontrow_sessions_started_total", 1.0),
        ("frontrow_playback_stall_count_total", 1.0),
        ("frontrow_playback_stall_duration_seconds_total", 3.0),
        ("frontrow_initial_startup_time_seconds_sum", 0.8),
        ("frontrow_session_rebuffer_ratios_count", 1.0),
        ("frontrow_bits_played_total", session["summary"]["bits_played"].as_f64().unwrap()),
    ];
    for (metric, expected) in told {
        assert_eq!(scene.metric(metric).await, expected, "{metric}");
    }
    assert!(session["summary"]["bits_played"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn a_session_goes_on_after_a_restart_and_counts_no_event_twice() {
    let scene = Scene::serving().await;
    let now = frontrow_edge::node::unix_ms();
    let told = |number: u32, kind: &str, after_ms: u64| {
        json!({
            "event_id": format!("e{number}"), "session_id": "s", "kind": kind, "at_unix_ms": now + after_ms, "title": 4,
        })
    };
    scene.ask("/v1/events", &json!({"events": [told(1, "start", 0), told(2, "first-frame", 800)]})).await;
    let scene = scene.restart().await;
    let again = json!({"events": [told(2, "first-frame", 800), told(3, "heartbeat", 2_000)]});
    let answer = scene.ask("/v1/events", &again).await.json();
    assert_eq!((&answer["accepted"], &answer["duplicates"]), (&json!(1), &json!(1)));
    let session = get(&scene.url("/v1/sessions/s")).await.json();
    assert_eq!(
        (&session["summary"]["initial_startup_time_ms"], &session["summary"]["events"]),
        (&json!(800), &json!(3))
    );
}

#[tokio::test]
async fn a_time_far_ahead_is_refused_and_holds_nothing_back() {
    let scene = Scene::serving().await;
    let mut request = playback("s1");
    request["events"][5]["at_unix_ms"] = json!(frontrow_edge::node::unix_ms() + 3_600_000);
    let answer = scene.ask("/v1/events", &request).await.json();
    assert_eq!(answer["accepted"], 5);
    assert_eq!(answer["refused"][0]["code"], "time-in-future");
}

#[tokio::test]
async fn what_comes_too_late_for_its_window_is_counted_as_such() {
    let scene = Scene::serving().await;
    let now = frontrow_edge::node::unix_ms();
    let told = |number: u32, ago_ms: u64| {
        let mut event = event("s", number, "heartbeat", 0, json!({}));
        event["at_unix_ms"] = json!(now - ago_ms);
        json!({"events": [event]})
    };
    let count = async |outcome: &str| {
        scene.metric(&format!(r#"frontrow_window_deltas_total{{outcome="{outcome}"}}"#)).await
    };
    assert_eq!(scene.ask("/v1/events", &told(1, 20 * 60_000)).await.json()["accepted"], 1);
    assert_eq!((count("late").await, count("counted").await), (1.0, 0.0));
    assert_eq!(scene.ask("/v1/events", &told(2, 0)).await.json()["accepted"], 1);
    assert_eq!((count("late").await, count("counted").await), (1.0, 1.0));
}
