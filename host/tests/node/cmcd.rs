//! What players tell by CMCD with their requests for media.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Answer, get};
use crate::scene::Scene;

async fn request(scene: &Scene, sid: &str) -> Answer {
    get(&scene.url(&format!("/v1/cmcd?CMCD=bl%3D20000%2Csid%3D%22{sid}%22"))).await
}

async fn events(scene: &Scene, session: &str) -> Value {
    get(&scene.url(&format!("/v1/sessions/{session}"))).await.json()["summary"]["events"].clone()
}

#[tokio::test]
async fn requests_that_say_the_same_are_requests_of_their_own_and_keep_a_session_alive() {
    let scene = Scene::serving().await;
    for told in 1..=3 {
        assert_eq!(request(&scene, "a").await.status, 204);
        assert_eq!(events(&scene, "a").await, json!(told));
    }
    assert_eq!(scene.metric(r#"frontrow_events_total{outcome="accepted"}"#).await, 3.0);
    assert_eq!(scene.edge.node.sweep(Instant::now()), 0, "it is live");
    assert_eq!(scene.edge.node.sweep(Instant::now() + Duration::from_secs(86_400)), 1);
}

#[tokio::test]
async fn a_node_that_can_hold_no_more_sessions_says_so_and_when_to_come_back() {
    let scene = Scene::serving_with("sessions = 1").await;
    let mut refused = Vec::new();
    for number in 0..200 {
        let answer = request(&scene, &format!("s{number}")).await;
        if answer.status != 204 {
            refused.push(answer);
        }
    }
    assert!(!refused.is_empty());
    for answer in refused {
        assert_eq!(answer.refusal(), (503, "sessions-full".to_owned()));
        assert!(answer.headers.contains_key("retry-after"));
    }
}
