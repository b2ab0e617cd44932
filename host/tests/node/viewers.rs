//! `GET /v1/viewers`: who watches what, as it changes.

use serde_json::{Value, json};

use crate::client::client;
use crate::scene::Scene;

/// The messages of a stream, one by one.
struct Stream {
    response: reqwest::Response,
    text: String,
}

impl Stream {
    async fn of(scene: &Scene) -> Self {
        let response = client().get(scene.url("/v1/viewers")).send().await.expect("an answer");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new() }
    }

    async fn next(&mut self) -> Value {
        loop {
            if let Some((message, rest)) = self.text.split_once("\n\n") {
                let data = message.lines().find_map(|line| line.strip_prefix("data: ")).map(str::to_owned);
                self.text = rest.to_owned();
                // What keeps the connection open says nothing.
                if let Some(data) = data {
                    return serde_json::from_str(&data).expect("JSON");
                }
            }
            let chunk = self.response.chunk().await.expect("the stream goes on").expect("a message");
            self.text.push_str(std::str::from_utf8(&chunk).expect("UTF-8"));
        }
    }
}

async fn tell(scene: &Scene, session: &str, kind: &str, title: u32) {
    let event = json!({
        "event_id": format!("{session} {kind}"), "session_id": session, "kind": kind, "title": title,
        "at_unix_ms": frontrow_edge::node::unix_ms(),
    });
    assert_eq!(scene.ask("/v1/events", &json!({"events": [event]})).await.json()["accepted"], 1);
}

#[tokio::test]
async fn whoever_listens_hears_who_comes_and_goes() {
    let scene = Scene::serving().await;
    tell(&scene, "a", "start", 4).await;
    let mut stream = Stream::of(&scene).await;
    let first = stream.next().await;
    assert_eq!(first, json!({"total": 1, "whole": true, "titles": [{"title": "4", "viewers": 1}]}));
    tell(&scene, "b", "start", 9).await;
    let came = stream.next().await;
    assert_eq!((&came["total"], &came["titles"]), (&json!(2), &json!([{"title": "9", "viewers": 1}])));
    tell(&scene, "a", "stop", 4).await;
    let left = stream.next().await;
    assert_eq!((&left["total"], &left["titles"]), (&json!(1), &json!([{"title": "4", "viewers": 0}])));
}
