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

/// What an answer says in CMSD-Dynamic.
async fn told(scene: &Scene, question: Value) -> Option<String> {
    let answer = scene.ask("/v1/bitrate", &question).await;
    assert_eq!(answer.status, 200);
    answer.headers.get("cmsd-dynamic").map(|value| value.to_str().expect("ASCII").to_owned())
}

#[tokio::test]
async fn players_are_told_of_the_network_by_what_the_decision_reads() {
    let scene = Scene::serving().await;
    let sample = |kbps: f64, waited_ms: u32| json!({"kbps": kbps, "took_ms": 1_000, "waited_ms": waited_ms});
    assert_eq!(told(&scene, json!({})).await, None, "nothing is known");
    // 2 / (1/1,000 + 1/3,000) = 1,500.
    assert_eq!(
        told(&scene, json!({"samples_kbps": [1_000, 3_000]})).await.as_deref(),
        Some("\"edge-test\";etp=1500")
    );
    // The newest five: the first is of another network.
    let many = json!({"samples_kbps": [50, 4_000, 4_000, 4_000, 4_000, 4_000]});
    assert_eq!(told(&scene, many).await.as_deref(), Some("\"edge-test\";etp=4000"));
    // Downloads with their times go before bare speeds, and are not added to them.
    let both =
        json!({"player": {"samples": [sample(2_000.0, 35), sample(2_000.0, 20)]}, "samples_kbps": [90_000]});
    assert_eq!(told(&scene, both).await.as_deref(), Some("\"edge-test\";etp=2000;rtt=20"));
}

#[tokio::test]
async fn players_are_capped_by_the_chosen_rung_only_where_the_operator_says_so() {
    let scene = Scene::serving_with("[public.cmsd]\nmb = true\netp = false").await;
    let question = json!({"policy": "throughput", "samples_kbps": [50_000, 50_000], "buffer_ms": 20_000});
    let kbps = scene.ask("/v1/bitrate", &question).await.json()["kbps"].clone();
    assert_eq!(told(&scene, question).await, Some(format!("\"edge-test\";mb={kbps}")));
}
