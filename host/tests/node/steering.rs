//! Content steering over HTTP.

use serde_json::{Value, json};

use crate::client::{Answer, client, get, send};
use crate::scene::Scene;

/// Pathways of `eu` as shipped: `cdn-a` and `cdn-b` at 100, and a clone.
async fn manifest(scene: &Scene, protocol: &str, session: u32) -> Answer {
    get(&scene.url(&format!("/v1/steering/{protocol}?session=viewer-{session}"))).await
}

/// The pathway that each of some viewers is sent to first.
async fn firsts(scene: &Scene, protocol: &str, key: &str) -> Vec<String> {
    let mut firsts = Vec::new();
    for session in 0..40 {
        let manifest = manifest(scene, protocol, session).await.json();
        firsts.push(manifest[key][0].as_str().expect("a pathway").to_owned());
    }
    firsts
}

async fn put_loads(scene: &Scene, loads: &Value) -> Answer {
    let request = client().put(scene.admin("/v1/steering/loads")).header("content-type", "application/json");
    send(request.body(loads.to_string())).await
}

#[tokio::test]
async fn players_of_hls_and_dash_are_spread_and_leave_a_pathway_that_is_full() {
    let scene = Scene::serving().await;
    for (protocol, key, media) in [
        ("hls", "PATHWAY-PRIORITY", "application/vnd.apple.steering-list"),
        ("dash", "PATHWAY-PRIORITY", "application/json"),
    ] {
        let answer = manifest(&scene, protocol, 1).await;
        assert_eq!((answer.status, answer.headers["content-type"].to_str().unwrap()), (200, media));
        assert_eq!(answer.headers["cache-control"], "no-store");
        let told = answer.json();
        assert_eq!((&told["VERSION"], &told["TTL"]), (&json!(1), &json!(120)), "{told}");
        let before = firsts(&scene, protocol, key).await;
        assert!(["cdn-a", "cdn-b"].iter().all(|id| before.iter().any(|first| first == id)), "{before:?}");
        assert_eq!(firsts(&scene, protocol, key).await, before, "a viewer stays");
        assert_eq!(put_loads(&scene, &json!({"permille": {"cdn-a": 1_000}})).await.status, 204);
        let after = firsts(&scene, protocol, key).await;
        assert!(after.iter().all(|first| first != "cdn-a"), "{after:?}");
        assert_eq!(put_loads(&scene, &json!({"permille": {"cdn-a": 0}})).await.status, 204);
        assert_eq!(firsts(&scene, protocol, key).await, before);
    }
    let refused = put_loads(&scene, &json!({"permille": {}, "ttl_s": 0})).await;
    assert_eq!(refused.refusal(), (400, "ttl-out-of-range".to_owned()));
}
