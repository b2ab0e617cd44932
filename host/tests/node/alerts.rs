//! Sessions that go badly, told to operators.

use std::time::Instant;

use serde_json::{Value, json};
use units::UnixMillis;

use crate::client::get;
use crate::scene::Scene;

const WINDOW_MS: u64 = 5 * 60_000;

/// Ten playbacks from this time on, of two seconds that are shown and so many that are waited for.
async fn watch(scene: &Scene, name: &str, at_unix_ms: u64, stalled_ms: u64) {
    for number in 0..10 {
        let event = |place: u64, kind: &str, after_ms: u64| {
            json!({
                "event_id": format!("{name}{number}{place}"), "session_id": format!("{name}{number}"),
                "kind": kind, "title": 4, "kbps": 6_000, "buffer_ms": 20_000,
                "at_unix_ms": at_unix_ms + after_ms,
            })
        };
        let events = json!({"events": [
            event(0, "start", 0),
            event(1, "first-frame", 100),
            event(2, "buffering-start", 1_100),
            event(3, "buffering-end", 1_100 + stalled_ms),
            event(4, "stop", 2_100 + stalled_ms),
        ]});
        assert_eq!(scene.ask("/v1/events", &events).await.json()["accepted"], 5);
    }
}

async fn alerts(scene: &Scene) -> Value {
    get(&scene.admin("/v1/alerts")).await.json()
}

/// The alerts of all sessions together.
fn of_all(raised: &Value) -> Vec<&str> {
    let list = raised.as_array().expect("a list");
    let of_all = list.iter().filter(|alert| alert["dimension"] == "all");
    of_all.map(|alert| alert["metric"].as_str().expect("a name")).collect()
}

#[tokio::test]
async fn a_window_of_stalls_raises_an_alert_that_one_good_window_does_not_clear() {
    let scene = Scene::serving().await;
    let raised = r#"frontrow_alerts_raised{metric="rebuffer-ratio",severity="critical"}"#;
    assert_eq!((alerts(&scene).await["raised"].clone(), scene.metric(raised).await), (json!([]), 0.0));
    // A window that is open now, and not so new that the next one would lie too far ahead.
    let start = (frontrow_edge::node::unix_ms() - 20_000) / WINDOW_MS * WINDOW_MS;
    watch(&scene, "bad", start, 400).await;
    scene.edge.node.sweep_at(Instant::now(), UnixMillis::new(start + WINDOW_MS - 1));
    assert_eq!(alerts(&scene).await["raised"], json!([]), "the window is open");
    let late = 30_000;
    scene.edge.node.sweep_at(Instant::now(), UnixMillis::new(start + WINDOW_MS + late));
    let told = alerts(&scene).await;
    assert_eq!(of_all(&told["raised"]), ["rebuffer-ratio", "qoe"], "the worst first: {told}");
    let alert = told["raised"].as_array().unwrap().iter().find(|alert| alert["dimension"] == "all").unwrap();
    assert_eq!((&alert["severity"], &alert["above"]), (&json!("critical"), &json!(0.02)));
    assert_eq!(alert["since_unix_ms"], json!(start + WINDOW_MS));
    // 0.4 s of 2.4 s.
    assert!((alert["reading"].as_f64().unwrap() - 1.0 / 6.0).abs() < 1e-9, "{alert}");
    assert_eq!(told["changes"][0]["turn"], "raised");
    assert!(scene.metric(raised).await >= 1.0);
    let turned = r#"frontrow_alerts_turned_total{metric="rebuffer-ratio",severity="critical",turn="raised"}"#;
    assert_eq!(scene.metric(turned).await, scene.metric(raised).await);
    // A good window, of the two in a row that it takes.
    watch(&scene, "good", start + WINDOW_MS, 0).await;
    scene.edge.node.sweep_at(Instant::now(), UnixMillis::new(start + 2 * WINDOW_MS + late));
    assert_eq!(of_all(&alerts(&scene).await["raised"]), ["rebuffer-ratio", "qoe"]);
}
