//! `POST /v1/home`: rows of titles, no title twice, each row with its reason.

use std::collections::BTreeSet;

use release::{PinEntry, SlateEntry};
use serde_json::{Value, json};

use crate::catalogue::{ADULT, NOW_MS, OPENS_S, Release, US_ENDS_S, VIEWER};
use crate::client::{get, post};
use crate::scene::Scene;

/// What each row is for, and its titles.
fn rows(page: &Value) -> Vec<(String, Vec<u64>)> {
    let row = |row: &Value| {
        let picks = row["picks"].as_array().expect("picks");
        let titles = picks.iter().map(|pick| pick["title"].as_u64().expect("a title")).collect();
        (row["reason"]["text"].as_str().expect("words").to_owned(), titles)
    };
    page["rows"].as_array().unwrap_or_else(|| panic!("no rows: {page}")).iter().map(row).collect()
}

fn row(text: &str, titles: &[u64]) -> (String, Vec<u64>) {
    (text.to_owned(), titles.to_vec())
}

#[tokio::test]
async fn a_page_has_rows_with_reasons_in_words_and_no_title_twice() {
    let scene = Scene::serving().await;
    let question = json!({
        "history": [6, 1], "in_progress": [{"title": 2, "share": 0.3}, {"title": 11, "share": 0.99}],
        "k": 2, "at_unix_ms": NOW_MS,
    });
    let answer = scene.ask("/v1/home", &question).await;
    let page = answer.json();
    let expected = [
        row("Continue watching", &[2]),
        row("Picked for you", &[9, 4]),
        row("Trending in your region", &[8, 7]),
        row("New in your region", &[10, 5]),
    ];
    assert_eq!(rows(&page), expected);
    assert_eq!(
        (&page["generation"], &page["region"], &page["cached"]),
        (&json!(1), &json!("eu"), &json!(false))
    );
    assert_eq!(page["rows"][0]["picks"][0]["name"], "Film 2");
    assert_eq!(page["rows"][1]["picks"][0]["reason"]["kind"], "because-you-watched");
    assert_eq!(page["request_id"], answer.headers["x-request-id"].to_str().expect("text"));
}

#[tokio::test]
async fn what_a_viewer_began_on_this_node_is_continued_unless_the_caller_says_otherwise() {
    let scene = Scene::serving().await;
    let watch = async |session: &str, title: u32, position_ms: u64| {
        let event = |number: u32, kind: &str, position_ms: u64| {
            json!({
                "event_id": format!("{session}{number}"), "session_id": session, "kind": kind, "viewer": VIEWER,
                "title": title, "at_unix_ms": 1_700_000_000_000_u64 + u64::from(number) * 1_000,
                "duration_ms": 100_000, "position_ms": position_ms,
            })
        };
        let events = json!({"events": [event(1, "start", 0), event(2, "heartbeat", position_ms), event(3, "stop", position_ms)]});
        assert_eq!(scene.ask("/v1/events", &events).await.json()["accepted"], 3);
    };
    watch("a", 4, 30_000).await;
    watch("b", 2, 50_000).await;
    // Seen to its end.
    watch("c", 9, 99_000).await;
    let first = async |question: Value| rows(&scene.ask("/v1/home", &question).await.json()).swap_remove(0);
    let asked = json!({"viewer": VIEWER, "k": 3, "at_unix_ms": NOW_MS});
    assert_eq!(first(asked).await, row("Continue watching", &[2, 4]));
    let told =
        json!({"viewer": VIEWER, "in_progress": [{"title": 4, "share": 0.1}], "k": 3, "at_unix_ms": NOW_MS});
    assert_eq!(first(told).await, row("Continue watching", &[4]));
    let nobody = json!({"viewer": VIEWER + 1, "k": 3, "at_unix_ms": NOW_MS});
    assert_ne!(first(nobody).await.0, "Continue watching");
}

#[tokio::test]
async fn a_page_is_that_of_the_native_code() {
    let scene = Scene::serving().await;
    let release = Release::of(1);
    for region in ["eu", "us"] {
        for history in [vec![], vec![1], vec![1, 6], vec![6, 1, 99], vec![11]] {
            let question = json!({"history": history, "region": region, "k": 3, "at_unix_ms": NOW_MS});
            let page = scene.ask("/v1/home", &question).await.json();
            let titles: Vec<Vec<u64>> = rows(&page).into_iter().map(|(_, titles)| titles).collect();
            assert_eq!(titles, release.oracle_page(region, &history, 3, NOW_MS), "{region} {history:?}");
        }
    }
}

#[tokio::test]
async fn filters_hold_in_every_row() {
    let scene = Scene::serving().await;
    let all = async |question: Value| -> BTreeSet<u64> {
        let page = scene.ask("/v1/home", &question).await.json();
        rows(&page).into_iter().flat_map(|(_, titles)| titles).collect()
    };
    let begun = json!([{"title": ADULT, "share": 0.5}, {"title": 5, "share": 0.5}]);
    let child =
        all(json!({"in_progress": begun, "maturity_max": 12, "exclude": [5], "at_unix_ms": NOW_MS})).await;
    assert_eq!(child, BTreeSet::from([1, 2, 4, 6, 7, 8, 9, 10, 11]));
    let gone = all(
        json!({"region": "us", "in_progress": [{"title": 2, "share": 0.5}], "at_unix_ms": US_ENDS_S * 1_000}),
    );
    assert!(!gone.await.contains(&2));
    let seen = all(json!({"history": (1..=12).collect::<Vec<u32>>(), "at_unix_ms": NOW_MS})).await;
    assert!(seen.is_empty());
}

#[tokio::test]
async fn a_kept_page_is_of_the_same_question_and_the_same_windows() {
    let scene = Scene::serving().await;
    let cached = async |question: Value| scene.ask("/v1/home", &question).await.json()["cached"].clone();
    assert_eq!(cached(json!({"viewer": VIEWER, "at_unix_ms": NOW_MS})).await, false);
    assert_eq!(cached(json!({"history": [1, 6], "at_unix_ms": NOW_MS + 1})).await, true);
    let begun = |share: f32| json!({"history": [1, 6], "in_progress": [{"title": 4, "share": share}], "at_unix_ms": NOW_MS});
    assert_eq!(cached(begun(0.5)).await, false);
    assert_eq!(cached(begun(0.75)).await, false);
    assert_eq!(cached(begun(0.5)).await, true);
    assert_eq!(cached(json!({"history": [1, 6], "at_unix_ms": OPENS_S * 1_000})).await, false);
    // A list is no page, and this release explores nothing.
    let list = scene.ask("/v1/recommend", &json!({"history": [1, 6], "k": 20, "at_unix_ms": NOW_MS})).await;
    assert_eq!(list.json()["cached"], false);
    assert_eq!(cached(json!({"history": [1, 6], "seed": 9, "at_unix_ms": NOW_MS})).await, true);
}

#[tokio::test]
async fn a_page_is_answered_in_the_form_it_was_asked_in() {
    let scene = Scene::serving().await;
    let question =
        wire::HomeRequest { history: Some(vec![1]), at_unix_ms: Some(NOW_MS), ..Default::default() };
    let url = scene.url("/v1/home");
    let packed = post(&url, "application/msgpack", wire::encode_msgpack(&question)).await;
    assert_eq!(packed.headers["content-type"], "application/msgpack");
    let packed: wire::HomeAnswer = wire::decode_msgpack(&packed.bytes, packed.bytes.len()).expect("a page");
    let plain = post(&url, "application/json", wire::encode_json(&question)).await;
    let plain: wire::HomeAnswer = wire::decode_json(&plain.bytes, plain.bytes.len()).expect("a page");
    assert_eq!(packed.rows, plain.rows);
}

/// The usual release, laid out otherwise in `eu`.
fn laid_out() -> Release {
    let mut release = Release::of(1);
    release.manifest.regions[0].slate = Some(SlateEntry {
        exploration_place: 3,
        pinned: vec![PinEntry { place: 1, title: 10 }],
        promoted: vec![12, 11],
        promoted_max: 1,
        ..SlateEntry::default()
    });
    release.manifest.golden.retain(|case| case.region != "eu");
    release
}

#[tokio::test]
async fn an_operators_layout_holds_in_its_region_and_the_filters_hold_for_it() {
    let scene = Scene::of(&laid_out()).await;
    let ask = async |question: Value| scene.ask("/v1/recommend", &question).await.json();
    let titles = |answer: &Value| -> Vec<u64> {
        let picks = answer["picks"].as_array().unwrap_or_else(|| panic!("{answer}"));
        picks.iter().map(|pick| pick["title"].as_u64().expect("a title")).collect()
    };
    let question = |seed: Option<u32>| json!({"history": [1], "k": 4, "seed": seed, "at_unix_ms": NOW_MS});
    let answer = ask(question(Some(5))).await;
    // 12 may not be shown yet; 4 and 9 go with what was watched.
    assert_eq!((titles(&answer)[..2].to_vec(), titles(&answer)[3]), (vec![10, 11], 4));
    let kinds = answer["picks"].as_array().expect("picks").iter().map(|pick| pick["reason"]["kind"].clone());
    assert_eq!(kinds.collect::<Vec<_>>(), ["pinned", "promoted", "explored", "because-you-watched"]);
    // Eleven may be shown but for the one watched; three stand before it is drawn.
    let propensity = answer["picks"][2]["propensity"].as_f64().expect("a number") as f32;
    assert_eq!(propensity, 1.0 / 7.0);
    assert_eq!(
        (&answer["cached"], ask(question(Some(5))).await["cached"].clone()),
        (&json!(false), json!(true))
    );
    let mut drawn = BTreeSet::new();
    for _ in 0..20 {
        let answer = ask(question(None)).await;
        assert_eq!(answer["cached"], false, "drawn anew for each request");
        drawn.insert(titles(&answer)[2]);
    }
    assert!(drawn.len() > 1, "{drawn:?}");
    let us = ask(json!({"history": [1], "region": "us", "k": 4, "at_unix_ms": NOW_MS})).await;
    assert_eq!(titles(&us)[..2], [4, 9]);
    let page = scene.ask("/v1/home", &question(Some(5))).await.json();
    assert_eq!(rows(&page)[0].1, titles(&answer));
    let file = get(&scene.url("/v1/candidates/eu")).await;
    let rules: Value = serde_json::from_slice(file.headers["x-frontrow-rules"].as_bytes()).expect("JSON");
    assert_eq!(rules["slate"]["pinned"], json!([{"place": 1, "title": 10}]), "a browser lays out alike");
}

#[tokio::test]
async fn what_is_drawn_is_logged_with_the_propensity_that_was_answered() {
    let scene = Scene::of(&laid_out()).await;
    let question = json!({"history": [1], "k": 4, "seed": 5, "at_unix_ms": NOW_MS});
    let answer = scene.ask("/v1/recommend", &question).await.json();
    let Scene { edge, origin, .. } = scene;
    edge.drain().await;
    let decisions = origin.records().decisions;
    let [decision] = decisions.as_slice() else { panic!("{decisions:?}") };
    assert_eq!((decision.generation, decision.region.as_str()), (1, "eu"));
    assert_eq!(answer["request_id"], decision.request_id.as_str());
    let wire::Decided::Titles { seed, shown } = &decision.decided else { panic!("{decision:?}") };
    assert_eq!(*seed, Some(5));
    let picks = answer["picks"].as_array().expect("picks");
    assert_eq!(shown.len(), picks.len());
    for (place, (shown, pick)) in shown.iter().zip(picks).enumerate() {
        assert_eq!((usize::from(shown.place), shown.row), (place, 0));
        assert_eq!(json!(shown.title), pick["title"]);
        assert_eq!(shown.propensity, pick["propensity"].as_f64().map(|propensity| propensity as f32));
    }
    assert_eq!(shown[2].propensity, Some(1.0 / 7.0));
}
