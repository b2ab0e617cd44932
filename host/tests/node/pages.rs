//! What a browser gets: the release's files, the ladder, the page, and leave to ask.

use reqwest::Method;
use serde_json::json;

use crate::catalogue::Release;
use crate::client::{client, get, send};
use crate::scene::Scene;

#[tokio::test]
async fn the_browser_gets_the_candidates_that_the_node_ranks() {
    let mut scene = Scene::serving().await;
    let file = get(&scene.url("/v1/candidates/eu")).await;
    assert_eq!(file.bytes, Release::of(1).files["candidates-eu.safetensors"]);
    assert_eq!(file.headers["x-frontrow-generation"], "1");
    let rules = file.headers["x-frontrow-rules"].to_str().expect("text");
    assert_eq!(rules, r#"{"recency_tau":5.0,"history_window":20,"ranker_pool":0}"#);
    let etag = file.headers["etag"].to_str().expect("text").to_owned();
    assert_eq!(etag, format!("\"{}\"", release::sha256_hex(&file.bytes)));

    let again = async |scene: &Scene| {
        send(client().get(scene.url("/v1/candidates/eu")).header("if-none-match", &etag)).await
    };
    let unchanged = again(&scene).await;
    assert_eq!((unchanged.status, unchanged.bytes.len()), (304, 0));
    scene.publisher.publish(&Release::of(2)).await;
    scene.sync.look().await;
    let changed = again(&scene).await;
    assert_eq!(
        (changed.status, &changed.headers["x-frontrow-generation"]),
        (200, &"2".parse().expect("a value"))
    );
}

#[tokio::test]
async fn a_release_without_a_ranker_says_so() {
    let scene = Scene::serving().await;
    assert_eq!(get(&scene.url("/v1/ranker")).await.refusal(), (404, "no-ranker".to_owned()));
}

#[tokio::test]
async fn titles_and_ladder_are_json() {
    let scene = Scene::serving().await;
    let titles = get(&scene.url("/v1/titles")).await;
    assert_eq!(titles.headers["content-type"], "application/json");
    assert_eq!(titles.json()["titles"][3]["name"], "Film 4");
    let ladder = get(&scene.url("/v1/ladder")).await.json();
    assert_eq!(ladder["rungs"][0], json!({"id": "360p", "height": 360, "kbps": 500}));
}

#[tokio::test]
async fn only_pages_of_the_configured_hosts_may_ask_from_a_browser() {
    let scene = Scene::serving().await;
    let preflight = async |page: &str| {
        let request = client()
            .request(Method::OPTIONS, scene.url("/v1/recommend"))
            .header("origin", page)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type");
        send(request).await.headers.get("access-control-allow-origin").cloned()
    };
    assert_eq!(preflight("https://page.example").await.expect("allowed"), "https://page.example");
    assert_eq!(preflight("https://evil.example").await, None);
    assert_eq!(preflight("null").await, None);
}

#[tokio::test]
async fn the_page_is_served_and_nothing_beside_it() {
    let scene = Scene::serving_with("[www]\nroot = \"www\"").await;
    let www = scene.folder.path().join("www");
    std::fs::create_dir(&www).expect("a folder");
    std::fs::write(www.join("index.html"), "<h1>rows</h1>").expect("a file");
    std::fs::write(www.join("ranking.wasm"), "\0asm").expect("a file");
    let page = get(&scene.url("/")).await;
    assert_eq!((page.status, page.text().as_str()), (200, "<h1>rows</h1>"));
    assert_eq!(get(&scene.url("/ranking.wasm")).await.headers["content-type"], "application/wasm");
    assert_eq!(get(&scene.url("/missing.js")).await.refusal(), (404, "route-unknown".to_owned()));
    for path in ["/../token", "/..%2ftoken", "/%2e%2e/token", "//token"] {
        assert_eq!(get(&scene.url(path)).await.status, 404, "{path}");
    }
    assert_eq!(scene.ask("/v1/bitrate", &json!({})).await.status, 200);
}
