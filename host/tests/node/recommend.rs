//! `POST /v1/recommend`: the component's answer, with names, reasons and a cache that respects licences.

use std::collections::BTreeSet;

use release::SlateEntry;
use serde_json::{Value, json};

use crate::catalogue::{ADULT, LONG_VIEWER, NOW_MS, OPENS_S, Release, US_ENDS_S, VIEWER};
use crate::client::{client, send};
use crate::scene::Scene;

fn titles(answer: &Value) -> Vec<u32> {
    let picks = answer["picks"].as_array().expect("picks");
    picks.iter().map(|pick| pick["title"].as_u64().expect("a title") as u32).collect()
}

#[tokio::test]
async fn answers_are_those_of_the_native_code() {
    let scene = Scene::serving().await;
    let release = Release::of(1);
    for region in ["eu", "us"] {
        for history in [vec![], vec![1], vec![1, 6], vec![6, 1, 99], vec![11]] {
            let question = json!({"history": history, "region": region, "k": 8, "at_unix_ms": NOW_MS});
            let answer = scene.ask("/v1/recommend", &question).await.json();
            assert_eq!(titles(&answer), release.oracle(region, &history, 8, NOW_MS), "{region} {history:?}");
            assert_eq!((&answer["region"], &answer["ranked"]), (&json!(region), &json!(false)));
        }
    }
}

#[tokio::test]
async fn models_in_wasm_and_in_the_process_of_the_node_show_the_same() {
    let release = Release::of(1).with_models();
    let (wasm, native) = (Scene::of(&release).await, Scene::of_native(&release).await);
    let mut orders = BTreeSet::new();
    for history in [vec![], vec![1], vec![1, 6], vec![6, 1, 99], vec![11], (4..=11).rev().collect()] {
        let question = json!({"history": history, "k": 8, "at_unix_ms": NOW_MS});
        for (path, shown) in [("/v1/recommend", "picks"), ("/v1/home", "rows")] {
            let [here, there] = [wasm.ask(path, &question).await, native.ask(path, &question).await];
            let (here, there) = (here.json(), there.json());
            assert_eq!(here[shown], there[shown], "{path} {history:?}");
            assert_eq!(here["ranked"], there["ranked"]);
            assert!(here[shown].is_array() && (here["ranked"] == json!(!history.is_empty())), "{here}");
        }
        orders.insert(titles(&wasm.ask("/v1/recommend", &question).await.json()));
    }
    assert!(orders.len() > 3, "who has watched something else is shown something else: {orders:?}");
}

#[tokio::test]
async fn a_viewer_is_known_by_the_release_unless_the_request_brings_a_history() {
    let scene = Scene::serving().await;
    let ask = async |question: Value| scene.ask("/v1/recommend", &question).await.json();
    let known = ask(json!({"viewer": VIEWER, "at_unix_ms": NOW_MS})).await;
    let same = ask(json!({"history": [1, 6], "at_unix_ms": NOW_MS})).await;
    assert_eq!(known["picks"], same["picks"]);
    assert_eq!(known["cached"], false);
    assert_eq!(same["cached"], true, "what is known of the viewer is the question, not its number");
    let own = ask(json!({"viewer": VIEWER, "history": [], "at_unix_ms": NOW_MS})).await;
    assert_eq!(own["picks"][0]["reason"]["kind"], "popular-for-new-viewer");
    let stranger = ask(json!({"viewer": 4_000_000_000_u32, "at_unix_ms": NOW_MS})).await;
    assert_eq!(stranger["picks"], own["picks"]);
}

#[tokio::test]
async fn what_a_known_viewer_watched_long_ago_is_not_shown_again() {
    let scene = Scene::serving().await;
    let newest =
        scene.ask("/v1/recommend", &json!({"history": [1], "k": 12, "at_unix_ms": NOW_MS})).await.json();
    assert_eq!(titles(&newest)[..2], [4, 9], "what the title watched last leads to");
    let known = scene
        .ask("/v1/recommend", &json!({"viewer": LONG_VIEWER, "k": 12, "at_unix_ms": NOW_MS}))
        .await
        .json();
    let unseen: Vec<u32> = titles(&newest).into_iter().filter(|title| ![4, 9].contains(title)).collect();
    assert_eq!(titles(&known).into_iter().collect::<BTreeSet<_>>(), unseen.into_iter().collect());
    let page =
        scene.ask("/v1/home", &json!({"viewer": LONG_VIEWER, "k": 12, "at_unix_ms": NOW_MS})).await.json();
    let rows = page["rows"].as_array().expect("rows");
    let shown: Vec<u32> = rows.iter().flat_map(titles).collect();
    assert!(!shown.is_empty() && !shown.iter().any(|title| [1, 4, 9].contains(title)), "{shown:?}");
}

#[tokio::test]
async fn every_pick_has_a_name_and_a_reason_in_words() {
    let scene = Scene::serving().await;
    let ask = async |question: Value| scene.ask("/v1/recommend", &question).await.json();
    let answer = ask(json!({"history": [1], "k": 5, "at_unix_ms": NOW_MS})).await;
    let first = json!({"kind": "because-you-watched", "title": 1, "text": "Because you watched Film 1"});
    assert_eq!(answer["picks"][0]["reason"], first);
    assert_eq!((&answer["picks"][0]["name"], &answer["picks"][0]["year"]), (&json!("Film 4"), &json!(1994)));
    assert_eq!(answer["picks"][4]["reason"]["kind"], "popular-to-fill");
    let unmatched = ask(json!({"history": [11], "at_unix_ms": NOW_MS})).await;
    assert_eq!(unmatched["picks"][0]["reason"]["kind"], "popular-without-match");
    let unknown = ask(json!({"at_unix_ms": NOW_MS})).await;
    assert_eq!(unknown["picks"][0]["reason"]["text"], "Popular in your region");
}

#[tokio::test]
async fn trends_have_the_share_that_the_operator_gives_them() {
    let mut release = Release::of(1);
    let slate = SlateEntry { trending_share: 0.3, ..SlateEntry::default() };
    release.manifest.regions[0].slate = Some(slate);
    release.manifest.golden.retain(|case| case.region != "eu");
    let scene = Scene::of(&release).await;
    let ask = async |region: &str| {
        let question = json!({"history": [1], "k": 5, "region": region, "at_unix_ms": NOW_MS});
        scene.ask("/v1/recommend", &question).await.json()
    };
    // Title 1 leads to 4 and 9 with weights of 100 and 60; 8 and 7 are trends of 8 and 7.
    let mixed = ask("eu").await;
    assert_eq!(titles(&mixed)[..4], [4, 9, 8, 7]);
    for (place, chance) in
        [0.7 * 100.0 / 160.0, 0.7 * 60.0 / 160.0, 0.3 * 8.0 / 15.0, 0.3 * 7.0 / 15.0].iter().enumerate()
    {
        let score = mixed["picks"][place]["score"].as_f64().expect("a score");
        assert!((score - f64::ln(*chance)).abs() < 1e-5, "{place}: {score}");
    }
    let reason = |place: usize| mixed["picks"][place]["reason"]["kind"].clone();
    assert_eq!((reason(1), reason(2)), (json!("because-you-watched"), json!("trending")));
    assert_eq!(mixed["picks"][2]["reason"]["text"], "Trending in your region");
    let plain = ask("us").await;
    assert_eq!(
        (titles(&plain)[..2].to_vec(), &plain["picks"][2]["reason"]["kind"]),
        (vec![4, 9], &json!("popular-to-fill"))
    );
}

#[tokio::test]
async fn filters_come_before_the_selection() {
    let scene = Scene::serving().await;
    let ask = async |question: Value| titles(&scene.ask("/v1/recommend", &question).await.json());
    let all = json!({"k": 100, "at_unix_ms": NOW_MS, "region": "us"});
    assert_eq!(ask(all).await, [1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], "title 2 has left us");
    let child = ask(json!({"k": 2, "maturity_max": 12, "exclude": [1, 2, 900], "at_unix_ms": NOW_MS})).await;
    assert!(!child.contains(&ADULT));
    assert_eq!(child, [4, 5]);
}

#[tokio::test]
async fn a_kept_answer_is_told_as_such_and_never_outlives_a_licence_window() {
    let scene = Scene::serving().await;
    let ask = async |question: Value| scene.ask("/v1/recommend", &question).await.json();
    let at = |at_unix_ms: u64| json!({"region": "us", "k": 12, "at_unix_ms": at_unix_ms});
    let last_ms = US_ENDS_S * 1_000 - 1;
    let before = ask(at(last_ms - 500)).await;
    assert_eq!((&before["cached"], titles(&before).contains(&2)), (&json!(false), true));
    let still = ask(at(last_ms)).await;
    assert_eq!((&still["cached"], &still["picks"]), (&json!(true), &before["picks"]));
    // One millisecond later the licence is over, and the kept answer is too.
    let after = ask(at(last_ms + 1)).await;
    assert_eq!((&after["cached"], titles(&after).contains(&2)), (&json!(false), false));
    assert_eq!(ask(at(last_ms + 2)).await["cached"], true);
    // A window that opens does the same.
    let opens = |at_unix_ms: u64| json!({"region": "eu", "k": 12, "at_unix_ms": at_unix_ms});
    assert!(!titles(&ask(opens(OPENS_S * 1_000 - 1)).await).contains(&12));
    assert!(titles(&ask(opens(OPENS_S * 1_000)).await).contains(&12));
    assert_eq!(scene.metric(r#"frontrow_answer_cache_lookups_total{outcome="hit"}"#).await, 2.0);
}

#[tokio::test]
async fn an_order_of_excludes_is_no_other_question() {
    let scene = Scene::serving().await;
    let ask = async |question: Value| scene.ask("/v1/recommend", &question).await.json();
    assert_eq!(ask(json!({"exclude": [5, 4, 5], "at_unix_ms": NOW_MS})).await["cached"], false);
    assert_eq!(ask(json!({"exclude": [4, 5], "at_unix_ms": NOW_MS})).await["cached"], true);
}

#[tokio::test]
async fn every_answer_names_its_request_and_its_stages_add_up() {
    let scene = Scene::serving().await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = client()
        .post(scene.url("/v1/recommend"))
        .header("content-type", "application/json; charset=utf-8")
        .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
        .body("{}");
    let traced = send(request).await;
    assert_eq!(traced.headers["x-request-id"], trace);
    let answer = traced.json();
    assert_eq!(answer["request_id"], trace);
    let stage = |name: &str| answer["timings_us"][name].as_u64().expect("microseconds");
    assert!(stage("queue") + stage("decide") <= stage("total") + stage("total") / 20, "{answer}");

    let own = scene.ask("/v1/recommend", &json!({})).await.json();
    assert_eq!(own["request_id"].as_str().map(str::len), Some(32));
    assert_ne!(own["request_id"], trace);
}
