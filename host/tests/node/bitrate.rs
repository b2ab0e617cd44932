//! `POST /v1/bitrate`.

use serde_json::{Value, json};

use crate::scene::Scene;

#[tokio::test]
async fn the_nodes_own_ladder_and_rules_hold_unless_the_player_brings_a_ladder() {
    let scene = Scene::serving().await;
    let ask = async |question: Value| scene.ask("/v1/bitrate", &question).await.json();
    let unknown = ask(json!({})).await;
    assert_eq!(
        (&unknown["rung"], &unknown["id"], &unknown["why"]),
        (&json!(0), &json!("360p"), &json!("unknown-speed"))
    );
    assert_eq!((&unknown["generation"], &unknown["policy"]), (&json!(1), &json!("bola")));

    // 12 Mbit/s is 1080p by the shipped table of a region that has none of its own.
    let ruled = ask(json!({"policy": "seed-rules", "region": "nowhere", "samples_kbps": [12_000]})).await;
    assert_eq!((&ruled["height"], &ruled["why"]), (&json!(1080), &json!("speed-rule")));
    assert_eq!(ruled["cdn_endpoint"], "https://cdn.example/");

    let ladder =
        json!([{"id": "low", "height": 240, "kbps": 300}, {"id": "high", "height": 480, "kbps": 900}]);
    let own = ask(json!({"policy": "throughput", "ladder": ladder, "samples_kbps": [50_000, 50_000]})).await;
    assert_eq!((&own["rung"], &own["id"], &own["kbps"]), (&json!(1), &json!("high"), &json!(900)));
    let capped =
        json!({"policy": "throughput", "ladder": ladder, "samples_kbps": [50_000], "height_max": 240});
    assert_eq!(ask(capped).await["why"], "height-cap");
}

#[tokio::test]
async fn absurd_numbers_are_refused() {
    let scene = Scene::serving().await;
    for question in [
        json!({"samples_kbps": [-1.0]}),
        json!({"samples_kbps": [5_000.0, 1e300]}),
        json!({"buffer_ms": u32::MAX}),
        json!({"segment_ms": u32::MAX}),
        json!({"ladder": [{"id": "a", "height": 240, "kbps": u32::MAX}]}),
    ] {
        let answer = scene.ask("/v1/bitrate", &question).await;
        assert_eq!(answer.refusal(), (400, "number-out-of-range".to_owned()), "{question}");
    }
}
