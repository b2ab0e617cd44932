//! Events and ended sessions reach the origin once, whatever it does, and never hold a request.

use axum::http::StatusCode;
use serde_json::json;
use wire::{Batch, EventKind};

use crate::client::wait_for;
use crate::scene::Scene;

fn start_and_stop(session: &str) -> serde_json::Value {
    let event = |number: u32, kind: &str| json!({"event_id": format!("e{number}"), "session_id": session, "kind": kind, "at_unix_ms": 1_000 + number});
    json!({"events": [event(1, "start"), event(2, "stop"), event(2, "stop")]})
}

async fn batches(scene: &Scene, events: usize) -> Vec<Batch> {
    let count = |batches: &[Batch]| batches.iter().map(|batch| batch.events.len()).sum::<usize>();
    wait_for("batches", || async { Some(scene.origin.batches()).filter(|batches| count(batches) >= events) })
        .await
}

#[tokio::test]
async fn accepted_events_and_ended_sessions_reach_the_origin() {
    let scene = Scene::serving().await;
    scene.ask("/v1/events", &start_and_stop("s1")).await;
    let batches = batches(&scene, 2).await;
    let batch = &batches[0];
    assert_eq!((batch.node.as_str(), batch.sequence), ("edge-test", 1));
    let kinds: Vec<_> = batch.events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::Start, EventKind::Stop], "the repeated event is not sent");
    let session = &batch.sessions[0];
    assert_eq!((session.session_id.as_str(), session.generation), ("s1", 1));
    assert_eq!((session.started_unix_ms, session.ended_unix_ms), (1_001, 1_002));
    assert!(session.summary.ended);
}

#[tokio::test]
async fn a_batch_is_sent_until_it_is_stored_and_numbered_once() {
    let scene = Scene::serving().await;
    scene.origin.refuse_batches(Some(StatusCode::SERVICE_UNAVAILABLE));
    scene.ask("/v1/events", &start_and_stop("s1")).await;
    wait_for("two attempts", || async { (scene.origin.attempts() >= 2).then_some(()) }).await;
    // Requests do not notice.
    assert_eq!(scene.ask("/v1/events", &start_and_stop("s2")).await.status, 200);
    scene.origin.refuse_batches(None);
    let batches = batches(&scene, 4).await;
    let sequences: Vec<_> = batches.iter().map(|batch| batch.sequence).collect();
    assert_eq!(sequences, [1, 2]);
    assert!(batches.iter().all(|batch| batch.epoch == batches[0].epoch));
}

#[tokio::test]
async fn a_batch_that_is_refused_for_good_does_not_block_the_next() {
    let scene = Scene::serving().await;
    scene.origin.refuse_batches(Some(StatusCode::BAD_REQUEST));
    scene.ask("/v1/events", &start_and_stop("s1")).await;
    wait_for("a refusal", || async {
        (scene.metric(r#"frontrow_origin_batches_total{outcome="refused"}"#).await == 1.0).then_some(())
    })
    .await;
    scene.origin.refuse_batches(None);
    scene.ask("/v1/events", &start_and_stop("s2")).await;
    assert_eq!(batches(&scene, 2).await[0].events[0].session_id, "s2");
    assert_eq!(scene.metric(r#"frontrow_outbox_dropped_total{outcome="events"}"#).await, 2.0);
}

#[tokio::test]
async fn a_full_outbox_drops_the_oldest_and_counts_them() {
    let scene = Scene::serving_with("outbox_events = 3").await;
    scene.origin.refuse_batches(Some(StatusCode::SERVICE_UNAVAILABLE));
    scene.ask("/v1/events", &start_and_stop("s0")).await;
    wait_for("an attempt", || async { (scene.origin.attempts() >= 1).then_some(()) }).await;
    for session in ["s1", "s2", "s3"] {
        assert_eq!(scene.ask("/v1/events", &start_and_stop(session)).await.status, 200);
    }
    assert_eq!(scene.metric(r#"frontrow_outbox_dropped_total{outcome="events"}"#).await, 3.0);
    assert_eq!(scene.status().await["outbox"], json!({"waiting": 6, "dropped": 3}));
    scene.origin.refuse_batches(None);
    let sent: Vec<_> = batches(&scene, 5).await.into_iter().flat_map(|batch| batch.events).collect();
    let sessions: Vec<_> = sent.iter().map(|event| event.session_id.as_str()).collect();
    assert_eq!(sessions, ["s0", "s0", "s2", "s3", "s3"]);
}

#[tokio::test]
async fn a_node_that_ends_sends_what_it_has_seen() {
    let scene = Scene::serving().await;
    let start = json!({"events": [{"event_id": "e1", "session_id": "s1", "kind": "start", "at_unix_ms": 5}]});
    scene.ask("/v1/events", &start).await;
    let Scene { edge, origin, .. } = scene;
    edge.drain().await;
    let batches = origin.batches();
    let sessions: Vec<_> = batches.iter().flat_map(|batch| &batch.sessions).collect();
    assert_eq!(sessions.len(), 1, "the session that was going on ends with the node");
    assert!(!sessions[0].summary.ended);
}
