//! A viewer that moves from one node to another takes the session along.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Answer, client, get, send, wait_for};
use crate::scene::Scene;

const CAPSULE: &str = "frontrow-capsule";

static BEGAN: LazyLock<u64> = LazyLock::new(|| frontrow_edge::node::unix_ms() - 10_000);

/// Events of some seconds ago: a window is told half a minute after its end, and counts none that come later.
async fn tell(scene: &Scene, capsule: &str, number: u32, kind: &str, after_ms: u64) -> Answer {
    let events = json!({"events": [{
        "event_id": format!("e{number}"), "session_id": "s", "kind": kind, "viewer": 7, "title": 4,
        "at_unix_ms": *BEGAN + after_ms,
    }]});
    let request = client().post(scene.url("/v1/events")).header(CAPSULE, capsule);
    send(request.header("content-type", "application/json").body(events.to_string())).await
}

fn capsule(answer: &Answer) -> String {
    answer.headers[CAPSULE].to_str().expect("text").to_owned()
}

async fn summary(scene: &Scene) -> Value {
    get(&scene.url("/v1/sessions/s")).await.json()["summary"].clone()
}

#[tokio::test]
async fn a_session_goes_on_at_another_node() {
    let (here, there) = (Scene::serving().await, Scene::serving().await);
    tell(&here, "new", 1, "start", 0).await;
    let taken = capsule(&tell(&here, "new", 2, "first-frame", 700).await);
    assert!(taken.len() <= 1_024, "{} bytes are much for a header", taken.len());
    let answer = tell(&there, &taken, 3, "heartbeat", 5_700).await;
    assert_eq!((answer.status, &answer.json()["accepted"]), (200, &json!(1)));
    let summary = summary(&there).await;
    assert_eq!(
        (&summary["events"], &summary["initial_startup_time_ms"], &summary["played_ms"]),
        (&json!(3), &json!(700), &json!(5_000))
    );
    // What was seen here was counted here.
    let played = |scene: &Scene| -> u64 {
        let windows = scene.edge.node.sessions.drain_windows();
        windows.iter().filter(|window| *window.value == *"all").map(|window| window.totals.started).sum()
    };
    assert_eq!((played(&here), played(&there)), (1, 0));
    // It ended there, and began here.
    let ended = there.edge.node.sweep(Instant::now() + Duration::from_secs(86_400));
    assert_eq!(ended, 1);
    let record = wait_for("the record", || async { there.origin.records().sessions.pop() }).await;
    assert_eq!((record.started_unix_ms, record.summary.events), (*BEGAN, 3));
    // And back again: the first node knew less of it than what came along.
    let back = tell(&here, &capsule(&answer), 4, "heartbeat", 9_000).await;
    assert_eq!(back.json()["accepted"], 1);
    let whole = self::summary(&here).await;
    assert_eq!((&whole["events"], &whole["played_ms"]), (&json!(4), &json!(8_300)));
    // What it knows now is more than an older capsule says.
    let again = tell(&here, &taken, 5, "heartbeat", 9_500).await;
    assert_eq!(again.json()["accepted"], 1);
    assert_eq!(self::summary(&here).await["events"], 5);
}

#[tokio::test]
async fn a_capsule_that_was_changed_or_is_anothers_is_refused_and_the_events_count() {
    let (here, there) = (Scene::serving().await, Scene::serving().await);
    let taken = capsule(&tell(&here, "new", 1, "start", 0).await);
    let mut changed = taken.clone().into_bytes();
    let middle = changed.len() / 2;
    changed[middle] = if changed[middle] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).expect("text");
    for (number, (bad, code)) in (2..).zip([
        (changed.as_str(), "capsule-tampered"),
        (&taken[..taken.len() / 4 * 4 - 8], "capsule-tampered"),
        ("not a capsule, and long enough to be one", "capsule-malformed"),
        (&"A".repeat(5_000), "capsule-large"),
    ]) {
        let scene = Scene::serving().await;
        let answer = tell(&scene, bad, number, "heartbeat", 1_000).await;
        assert_eq!((answer.status, &answer.json()["accepted"]), (200, &json!(1)), "{code}");
        assert_eq!(answer.headers["frontrow-capsule-refused"], code);
        assert_eq!(scene.metric(&format!(r#"frontrow_refusals_total{{code="{code}"}}"#)).await, 1.0);
        assert_eq!(summary(&scene).await["events"], 1, "it began anew");
    }
    let events = json!({"events": [{
        "event_id": "e", "session_id": "another", "kind": "start", "viewer": 7, "at_unix_ms": 1_700_000_000_000_u64,
    }]});
    let request = client().post(there.url("/v1/events")).header(CAPSULE, taken);
    let foreign = send(request.header("content-type", "application/json").body(events.to_string())).await;
    assert_eq!(foreign.headers["frontrow-capsule-refused"], "capsule-foreign");
}
