//! Retrieval from the whole catalogue: by viewer, titles or vector; what is refused; what a restart keeps.

use frontrow_origin::assemble::Catalogue;
use frontrow_origin::import::import_folder;
use frontrow_origin::models::Models;
use frontrow_origin::train::Options;
use frontrow_origin::train::factors::Rating;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use wire::{ErrorBody, RetrieveAnswer};

use crate::process::Home;
use crate::stage::{Stage, movietweetings};

const TITLES: u32 = 30;
const VIEWERS: u32 = 40;

/// Titles of even numbers; a viewer likes those that leave the same rest by three.
fn ratings() -> impl Iterator<Item = (u32, u32, u32)> {
    (1..=VIEWERS).flat_map(|viewer| {
        let rated = (0..TITLES).filter(move |place| (place * 7 + viewer) % 5 < 3);
        rated.map(move |place| (viewer, 2 * place, if place % 3 == viewer % 3 { 10 } else { 2 }))
    })
}

/// A catalogue in the database, and the models trained on it in the data folder.
async fn trained(name: &str) -> (Stage, Models) {
    let stage = Stage::new(name).await;
    let movies: String =
        (0..TITLES).map(|place| format!("{:07}::Title {place} (2001)::Drama\n", 2 * place)).collect();
    let lines = ratings().map(|(viewer, title, rating)| {
        format!("{viewer}::{title:07}::{rating}::{}\n", 1_364_690_142 + u64::from(viewer * 100 + title))
    });
    let folder = movietweetings(stage.folder.path(), &movies, &lines.collect::<String>());
    import_folder(&stage.database, &folder).await.unwrap();
    let catalogue = Catalogue::read(&stage.database).await.unwrap();
    let kept = stage.database.ratings().await.unwrap();
    let kept: Vec<Rating> =
        kept.into_iter().map(|(viewer, title, rating)| Rating { viewer, title, rating }).collect();
    let options = Options { ranker: false, ..Options::default() };
    let models = tokio::task::spawn_blocking(move || Models::fit(&catalogue, &kept, &options, None).unwrap())
        .await
        .unwrap();
    models.save(stage.folder.path()).unwrap();
    assert!(stage.shelf.refresh().unwrap());
    (stage, models)
}

async fn ask(stage: &Stage, token: &str, body: &Value) -> Response {
    let request = stage.http.post(stage.url("/v1/retrieve")).bearer_auth(token);
    request.header("content-type", "application/json").body(body.to_string()).send().await.unwrap()
}

async fn answered(response: Response) -> RetrieveAnswer {
    assert_eq!(response.status(), StatusCode::OK, "{}", response.text().await.unwrap());
    assert_eq!(response.headers()["content-type"], "application/json");
    let answer: RetrieveAnswer = wire::decode_json(&response.bytes().await.unwrap(), 1 << 20).unwrap();
    assert_eq!(
        (answer.request_id.len(), answer.model.as_str(), answer.storage.as_str()),
        (16, "factors", "flat")
    );
    assert!(answer.titles.windows(2).all(|pair| pair[0].score >= pair[1].score));
    answer
}

async fn refused(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: ErrorBody = wire::decode_json(&response.bytes().await.unwrap(), 10_000).unwrap();
    (status, body.error.code)
}

fn titles(answer: &RetrieveAnswer) -> Vec<u32> {
    answer.titles.iter().map(|title| title.title).collect()
}

#[tokio::test]
async fn a_viewer_is_answered_with_the_titles_that_the_model_rates_best() {
    let (stage, models) = trained("retrieve_viewer").await;
    let token = stage.token("edge-1").await;
    for viewer in [1, 2, 3] {
        let body = json!({"viewer": viewer, "k": 6, "exclude": [0, 6]});
        let answer = answered(ask(&stage, token.text(), &body).await).await;
        let best = models.factors.top_rated(viewer, 6, &[0, 6]);
        assert_eq!(titles(&answer), best.iter().map(|scored| scored.title).collect::<Vec<_>>());
        let liked = titles(&answer).iter().filter(|title| *title / 2 % 3 == viewer % 3).count();
        assert!(liked >= 5, "{answer:?}");
    }
}

#[tokio::test]
async fn titles_are_answered_with_others_and_a_vector_with_what_it_points_to() {
    let (stage, models) = trained("retrieve_titles").await;
    let token = stage.token("edge-1").await;
    let answer = answered(ask(&stage, token.text(), &json!({"titles": [0, 6, 999_999], "k": 5})).await).await;
    assert_eq!(answer.titles.len(), 5);
    assert!(titles(&answer).iter().all(|title| ![0, 6].contains(title)));
    let alike = titles(&answer).iter().filter(|title| *title / 2 % 3 == 0).count();
    assert!(alike >= 4, "{answer:?}");
    let vector = frontrow_origin::retrieval::viewer_vector(&models.factors, 7).unwrap();
    let by_vector = answered(ask(&stage, token.text(), &json!({"vector": vector})).await).await;
    let by_viewer = answered(ask(&stage, token.text(), &json!({"viewer": 7})).await).await;
    assert_eq!((&by_vector.titles, by_vector.titles.len()), (&by_viewer.titles, 10));
    // More than there are is all that there are.
    let all = answered(ask(&stage, token.text(), &json!({"viewer": 7, "k": 1_000})).await).await;
    assert_eq!(all.titles.len(), TITLES as usize);
}

#[tokio::test]
async fn what_is_no_question_is_refused_with_a_code() {
    let (stage, models) = trained("retrieve_refused").await;
    let token = stage.token("edge-1").await;
    let dimensions = models.factors.columns().factors + 1;
    let long = vec![0.5; 2_000];
    let many: Vec<u32> = (0..10_001).collect();
    for (body, status, code) in [
        (json!({}), 400, "query-not-one"),
        (json!({"viewer": 1, "titles": [2]}), 400, "query-not-one"),
        (json!({"viewer": 1, "k": 0}), 400, "k-out-of-range"),
        (json!({"viewer": 1, "k": 1_001}), 400, "k-out-of-range"),
        (json!({"viewer": -1}), 400, "json-malformed"),
        (json!({"viewer": 1, "kk": 1}), 400, "json-malformed"),
        (json!([]), 400, "json-malformed"),
        (json!({"viewer": 999_999}), 404, "viewer-unknown"),
        (json!({"titles": [999_999]}), 404, "titles-unknown"),
        (json!({"titles": []}), 404, "titles-unknown"),
        (json!({"titles": many}), 400, "titles-too-many"),
        (json!({"viewer": 1, "exclude": many}), 400, "titles-too-many"),
        (json!({"vector": [1.0, 2.0]}), 400, "vector-length"),
        (json!({"vector": vec![0.5; dimensions + 1]}), 400, "vector-length"),
        (json!({"vector": []}), 400, "vector-length"),
        (json!({"vector": long}), 400, "vector-length"),
        (json!({"vector": [null]}), 400, "json-malformed"),
        // Finite as it is written, but not in 32 bits.
        (json!({"vector": vec![1e39; dimensions]}), 400, "json-malformed"),
    ] {
        let shown = body.to_string();
        let response = ask(&stage, token.text(), &body).await;
        assert_eq!(refused(response).await, (status, code.to_owned()), "{}", &shown[..shown.len().min(80)]);
    }
    let large = json!({"viewer": 1, "exclude": vec![4_000_000_000_u32; 100_000]});
    assert_eq!(refused(ask(&stage, token.text(), &large).await).await, (413, "body-too-large".to_owned()));
    let metrics = stage.http.get(stage.url("/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("frontrow_origin_retrievals_total{outcome=\"vector-length\"} 4"), "{metrics}");
}

#[tokio::test]
async fn only_nodes_are_answered_and_only_json_is_read() {
    let (stage, _) = trained("retrieve_strangers").await;
    let token = stage.token("edge-1").await;
    let plain =
        |request: reqwest::RequestBuilder| async move { refused(request.send().await.unwrap()).await };
    let post = || stage.http.post(stage.url("/v1/retrieve")).body(r#"{"viewer":1}"#);
    assert_eq!(plain(post()).await, (401, "token-missing".to_owned()));
    let wrong = ask(&stage, &format!("edge-2.{}", "a".repeat(64)), &json!({"viewer": 1})).await;
    assert_eq!(refused(wrong).await, (401, "token-wrong".to_owned()));
    assert_eq!(plain(post().bearer_auth(token.text())).await, (415, "content-type".to_owned()));
    let got = stage.http.get(stage.url("/v1/retrieve"));
    assert_eq!(plain(got).await, (405, "method-not-allowed".to_owned()));
}

#[tokio::test]
async fn without_models_it_says_so_and_with_new_ones_it_answers_from_them() {
    let stage = Stage::new("retrieve_empty").await;
    let token = stage.token("edge-1").await;
    let body = json!({"viewer": 1});
    assert!(!stage.shelf.refresh().unwrap(), "nothing has been trained");
    let response = ask(&stage, token.text(), &body).await;
    assert_eq!(response.headers()["retry-after"], "2");
    assert_eq!(refused(response).await, (503, "models-missing".to_owned()));

    let (other, models) = trained("retrieve_filled").await;
    models.save(stage.folder.path()).unwrap();
    assert!(stage.shelf.refresh().unwrap());
    let first = answered(ask(&stage, token.text(), &body).await).await;
    assert!(!stage.shelf.refresh().unwrap(), "the same models are not read twice");
    // An index that is damaged or missing is made anew from the factors.
    let folder = stage.folder.path().join("models");
    std::fs::write(folder.join("titles.faiss"), "damaged").unwrap();
    std::fs::rename(&folder, stage.folder.path().join("moved")).unwrap();
    assert!(!stage.shelf.refresh().unwrap(), "what was read stays");
    std::fs::rename(stage.folder.path().join("moved"), &folder).unwrap();
    std::fs::write(folder.join("new"), "").unwrap();
    assert!(stage.shelf.refresh().unwrap());
    let again = answered(ask(&stage, token.text(), &body).await).await;
    assert_eq!(again.titles, first.titles);
    // Without factors there is nothing to make it from; what was read stays.
    std::fs::remove_file(folder.join("factors.safetensors")).unwrap();
    assert_eq!(stage.shelf.refresh().unwrap_err().code(), "models-io");
    assert_eq!(answered(ask(&stage, token.text(), &body).await).await.titles, first.titles);
    drop(other);
}

#[test]
fn a_restarted_origin_answers_from_the_saved_index() {
    let home = Home::new();
    let (mut origin, _) = home.serve();
    home.says(&["import", "--generated", "--titles", "60", "--viewers", "120"]);
    let trained = home.says(&["train"]);
    assert!(trained.contains("index flat, recall@10 1.000"), "{trained}");
    let token = home.says(&["node", "add", "edge-1"]);
    origin.ask_to_stop("-TERM");
    let (mut origin, address) = home.serve();
    let (status, body) = post(&address, &token, r#"{"viewer":1,"k":3}"#);
    assert_eq!(status, 200, "{body}");
    let answer: RetrieveAnswer = wire::decode_json(body.as_bytes(), 1 << 20).unwrap();
    assert_eq!(answer.titles.len(), 3);
    origin.ask_to_stop("-TERM");
}

/// The status and the body of an answer, without a client of its own thread.
fn post(address: &str, token: &str, body: &str) -> (u16, String) {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(
        stream,
        "POST /v1/retrieve HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}
