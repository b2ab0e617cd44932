//! Events and records reach the origin once, whatever it does, and never hold a request.

use axum::http::StatusCode;
use serde_json::json;
use wire::{EventKind, Lane};

use crate::client::wait_for;
use crate::origin::Reported;
use crate::scene::Scene;

fn start_and_stop(session: &str) -> serde_json::Value {
    let event = |number: u32, kind: &str| json!({"event_id": format!("e{number}"), "session_id": session, "kind": kind, "at_unix_ms": 1_000 + number});
    json!({"events": [event(1, "start"), event(2, "stop"), event(2, "stop")]})
}

async fn events(scene: &Scene, count: usize) -> Vec<Reported> {
    wait_for("events", || async { Some(scene.origin.events()).filter(|events| events.len() >= count) }).await
}

async fn sessions(scene: &Scene, count: usize) -> Vec<wire::SessionRecord> {
    let told = || async { Some(scene.origin.records().sessions).filter(|sessions| sessions.len() >= count) };
    wait_for("sessions", told).await
}

#[tokio::test]
async fn accepted_events_and_ended_sessions_reach_the_origin() {
    let scene = Scene::serving().await;
    scene.ask("/v1/events", &start_and_stop("s1")).await;
    let kinds: Vec<_> = events(&scene, 2).await.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::Start, EventKind::Stop], "the repeated event is not sent");
    let frame = &scene.origin.frames(Lane::Events)[0];
    assert_eq!((frame.node.as_str(), frame.sequence), ("edge-test", 1));
    let session = &sessions(&scene, 1).await[0];
    assert_eq!((session.session_id.as_str(), session.generation), ("s1", 1));
    assert_eq!((session.started_unix_ms, session.ended_unix_ms), (1_001, 1_002));
    assert!(session.summary.ended);
}

#[tokio::test]
async fn a_batch_is_sent_until_it_is_stored() {
    let scene = Scene::serving().await;
    scene.origin.refuse_batches(Some(StatusCode::SERVICE_UNAVAILABLE));
    scene.ask("/v1/events", &start_and_stop("s1")).await;
    wait_for("two attempts", || async { (scene.origin.attempts() >= 2).then_some(()) }).await;
    // Requests do not notice.
    assert_eq!(scene.ask("/v1/events", &start_and_stop("s2")).await.status, 200);
    scene.origin.refuse_batches(None);
    let told: Vec<_> = events(&scene, 4).await.into_iter().map(|event| event.session_id).collect();
    assert_eq!(told, ["s1", "s1", "s2", "s2"]);
    let frames = scene.origin.frames(Lane::Events);
    assert_eq!(frames.iter().map(|frame| frame.sequence).collect::<Vec<_>>(), [1, 2]);
    assert!(frames.iter().all(|frame| frame.epoch == frames[0].epoch));
}

#[tokio::test]
async fn a_batch_that_is_refused_for_good_does_not_block_the_next() {
    let scene = Scene::serving().await;
    scene.origin.refuse_batches(Some(StatusCode::BAD_REQUEST));
    scene.ask("/v1/events", &start_and_stop("s1")).await;
    wait_for("a refusal of both lanes", || async {
        (scene.metric(r#"frontrow_origin_batches_total{outcome="refused"}"#).await == 2.0).then_some(())
    })
    .await;
    scene.origin.refuse_batches(None);
    scene.ask("/v1/events", &start_and_stop("s2")).await;
    assert_eq!(events(&scene, 2).await[0].session_id, "s2");
    assert_eq!(scene.metric(r#"frontrow_outbox_dropped_total{outcome="events"}"#).await, 2.0);
    assert_eq!(scene.metric(r#"frontrow_outbox_dropped_total{outcome="records"}"#).await, 1.0);
}

#[tokio::test]
async fn a_frame_that_is_refused_for_good_takes_none_of_its_batch_with_it() {
    let scene = Scene::serving().await;
    scene.origin.refuse_batches(Some(StatusCode::SERVICE_UNAVAILABLE));
    for session in ["s1", "s2", "poison", "s3", "s4"] {
        scene.ask("/v1/events", &start_and_stop(session)).await;
    }
    scene.origin.refuse_frames_with("poison");
    scene.origin.refuse_batches(None);
    let told: Vec<_> = events(&scene, 8).await.into_iter().map(|event| event.session_id).collect();
    assert_eq!(told, ["s1", "s1", "s2", "s2", "s3", "s3", "s4", "s4"]);
    assert_eq!(sessions(&scene, 4).await.len(), 4);
    wait_for("both to be counted", || async {
        let dropped = |lane: &str| format!(r#"frontrow_outbox_dropped_total{{outcome="{lane}"}}"#);
        let counted = (scene.metric(&dropped("events")).await, scene.metric(&dropped("records")).await);
        (counted == (2.0, 1.0)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_full_spool_drops_the_oldest_events_and_counts_them() {
    let scene = Scene::serving_with("spool_mib = 1").await;
    scene.origin.refuse_batches(Some(StatusCode::SERVICE_UNAVAILABLE));
    let dropped = r#"frontrow_outbox_dropped_total{outcome="events"}"#;
    let (mut sent, mut held) = (0, None);
    // Until all are gone that were there when the first one went: the batch that is being tried may hold as many.
    loop {
        let dropped = scene.metric(dropped).await;
        if dropped > 0.0 && dropped > f64::from(*held.get_or_insert(sent)) {
            break;
        }
        assert!(sent < 200_000, "a spool of 1 MiB holds as many");
        let event = |number: u32| json!({"event_id": format!("e{number}"), "session_id": "s", "kind": "heartbeat", "at_unix_ms": 1_000});
        for _ in 0..20 {
            let events: Vec<_> = (sent..sent + 100).map(event).collect();
            assert_eq!(scene.ask("/v1/events", &json!({"events": events})).await.status, 200);
            sent += 100;
        }
    }
    let status = scene.status().await["outbox"].clone();
    assert!(status["events"]["bytes"].as_u64().expect("a number") <= 1 << 20, "{status}");
    assert_eq!(status["events"]["dropped_records"].as_f64(), Some(scene.metric(dropped).await));
    let lost = status["events"]["dropped_records"].as_u64().expect("a number");
    scene.origin.refuse_batches(None);
    // The batch that was being tried is sent all the same; of the others the newest are there.
    let last = format!("e{}", sent - 1);
    let told = || async {
        Some(scene.origin.events()).filter(|told| told.iter().any(|event| event.event_id == last))
    };
    let told = wait_for("the newest event", told).await;
    assert!(
        told.len() < sent as usize && told.len() as u64 >= u64::from(sent) - lost,
        "{} of {sent}",
        told.len()
    );
}

#[tokio::test]
async fn what_the_origin_has_not_taken_is_sent_after_a_restart() {
    let scene = Scene::serving().await;
    scene.origin.refuse_batches(Some(StatusCode::SERVICE_UNAVAILABLE));
    scene.ask("/v1/events", &start_and_stop("s1")).await;
    let scene = scene.restart().await;
    scene.origin.refuse_batches(None);
    assert_eq!(events(&scene, 2).await.len(), 2);
    assert_eq!(sessions(&scene, 1).await.len(), 1);
}

#[tokio::test]
async fn a_node_that_ends_tells_what_it_has_seen() {
    let scene = Scene::serving().await;
    let now = frontrow_edge::node::unix_ms();
    let start =
        json!({"events": [{"event_id": "e1", "session_id": "s1", "kind": "start", "at_unix_ms": now}]});
    scene.ask("/v1/events", &start).await;
    let Scene { edge, origin, .. } = scene;
    edge.drain().await;
    let records = origin.records();
    assert_eq!(records.sessions.len(), 1, "the session that was going on ends with the node");
    assert!(!records.sessions[0].summary.ended);
    let all: Vec<_> = records.windows.iter().filter(|window| window.value == "all").collect();
    assert_eq!(all.iter().map(|window| window.started).sum::<u64>(), 1);
}
