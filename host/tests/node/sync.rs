//! A node changes to what its origin signed, and to nothing else: one test an attack or an accident.

use std::fs;

use frontrow_edge::sync::Sync;
use jiff::SignedDuration;
use release::manifest_target;
use serde_json::json;

use crate::catalogue::{NOW_MS, Release, VIEWER};
use crate::client::get;
use crate::scene::Scene;

const REFUSED_LOOKS: &str = r#"frontrow_sync_checks_total{outcome="refused"}"#;

/// After one more look the node still serves generation 1, counts the refusal and says why it does not change.
pub(crate) async fn check_refused(scene: &mut Scene, code: &str) {
    let releases = format!(r#"frontrow_releases_refused_total{{code="{code}"}}"#);
    let before = scene.edge.node.sync.status().refused;
    let counted_before = (scene.metric(REFUSED_LOOKS).await, scene.metric(&releases).await);
    scene.sync.look().await;
    let counted = (scene.metric(REFUSED_LOOKS).await, scene.metric(&releases).await);
    let status = scene.edge.node.sync.status();
    let error = status.last_error.expect("a reason");
    assert_eq!((status.last_outcome, error.code), (Some("refused"), code), "{}", error.message);
    assert_eq!(status.refused, before + 1);
    assert_eq!(counted, (counted_before.0 + 1.0, counted_before.1 + 1.0), "{code} is counted");
    check_serves_one(scene).await;
    // The same thing again is the same refusal.
    scene.sync.look().await;
    assert_eq!(scene.edge.node.sync.status().refused, before + 1);
}

async fn check_serves_one(scene: &Scene) {
    let answer = scene.ask("/v1/recommend", &json!({"viewer": VIEWER, "at_unix_ms": NOW_MS})).await;
    assert_eq!((answer.status, answer.json()["generation"].as_u64()), (200, Some(1)));
}

#[tokio::test]
async fn a_node_is_not_ready_before_its_first_release_and_ready_after() {
    let mut scene = Scene::empty().await;
    scene.sync.look().await;
    let status = scene.edge.node.sync.status();
    assert_eq!(status.last_outcome, Some("unreachable"), "nothing published is no attack");
    assert_eq!(get(&scene.admin("/healthz")).await.status, 200);
    assert_eq!(get(&scene.admin("/readyz")).await.refusal(), (503, "no-generation".to_owned()));
    let refused = scene.ask("/v1/recommend", &json!({})).await;
    assert_eq!(refused.refusal(), (503, "no-generation".to_owned()));
    assert_eq!(refused.headers["retry-after"], "1");

    scene.publisher.publish(&Release::of(1)).await;
    scene.sync.look().await;
    assert_eq!(get(&scene.admin("/readyz")).await.status, 200);
    let status = scene.status().await;
    assert_eq!((&status["generation"], &status["regions"]), (&json!(1), &json!(["eu", "us"])));
    assert_eq!(scene.metric("frontrow_generation").await, 1.0);
}

#[tokio::test]
async fn a_new_release_is_switched_to_and_a_roll_back_restores_the_answers() {
    let mut scene = Scene::serving().await;
    let question = json!({"viewer": VIEWER, "k": 12, "at_unix_ms": NOW_MS});
    let first = scene.ask("/v1/recommend", &question).await.json();
    scene.publisher.publish(&Release::of(2)).await;
    scene.sync.look().await;
    let second = scene.ask("/v1/recommend", &question).await.json();
    assert_eq!(second["generation"], 2);
    assert_eq!(second["cached"], false, "an answer of another release is not found");
    assert_ne!(first["picks"], second["picks"]);

    // A roll-back is a newer signed state that names an older release.
    scene.publisher.point(1).await;
    scene.sync.look().await;
    let back = scene.ask("/v1/recommend", &question).await.json();
    assert_eq!((&back["generation"], &back["picks"]), (&json!(1), &first["picks"]));
    assert_eq!(scene.status().await["sync"]["previous"], json!([2]));
    assert_eq!(scene.metric(r#"frontrow_sync_checks_total{outcome="switched"}"#).await, 3.0);
}

#[tokio::test]
async fn a_flipped_bit_in_a_file_is_refused() {
    let mut scene = Scene::serving().await;
    let mut release = Release::of(2);
    release
        .files
        .insert("titles.json".to_owned(), b"{\"schema\":\"frontrow-titles-1\",\"titles\":[]}".to_vec());
    release.list_files();
    scene.publisher.publish(&release).await;
    let sha256 = &release.manifest.file("titles.json").expect("listed").sha256;
    let path = scene.publisher.target(&release::file_target(sha256));
    let mut bytes = fs::read(&path).expect("published");
    bytes[10] ^= 1;
    fs::write(&path, bytes).expect("written");
    check_refused(&mut scene, "target-tampered").await;
}

#[tokio::test]
async fn a_truncated_manifest_is_refused() {
    let mut scene = Scene::serving().await;
    scene.publisher.publish(&Release::of(2)).await;
    let path = scene.publisher.target(&manifest_target(2));
    let bytes = fs::read(&path).expect("published");
    fs::write(&path, &bytes[..bytes.len() / 2]).expect("written");
    check_refused(&mut scene, "target-tampered").await;
}

#[tokio::test]
async fn a_signed_manifest_that_is_malformed_or_of_another_generation_is_refused() {
    let mut scene = Scene::serving().await;
    scene.publisher.publish(&Release::of(2)).await;
    let sound = Release::of(2).manifest.encode();
    let half = sound[..sound.len() / 2].to_vec();
    scene.publisher.replace(&manifest_target(2), half).await;
    check_refused(&mut scene, "not-json").await;
    scene.publisher.replace(&manifest_target(2), Release::of(3).manifest.encode()).await;
    check_refused(&mut scene, "release-contradiction").await;
    scene.publisher.replace(&manifest_target(2), vec![b' '; 2 << 20]).await;
    check_refused(&mut scene, "target-too-large").await;
    let mut future = Release::of(2);
    future.manifest.host_min = "99.0.0".to_owned();
    scene.publisher.publish(&future).await;
    check_refused(&mut scene, "host-too-old").await;
}

#[tokio::test]
async fn files_of_two_releases_do_not_make_one() {
    let mut scene = Scene::serving().await;
    // The manifest of 2 with candidates whose digest nobody signed for it.
    let mut mixed = Release::of(2);
    let other = Release::of(3).files["candidates-us.safetensors"].clone();
    mixed.files.insert("candidates-eu.safetensors".to_owned(), other);
    scene.publisher.publish(&mixed).await;
    let digests_of_two = Release::of(2).manifest;
    scene.publisher.replace(&manifest_target(2), digests_of_two.encode()).await;
    check_refused(&mut scene, "target-unnamed").await;
    // And one whose files are all signed, but for the wrong region.
    mixed.manifest.golden.clear();
    mixed.list_files();
    scene.publisher.publish(&mixed).await;
    check_refused(&mut scene, "candidates-malformed").await;
}

#[tokio::test]
async fn a_release_whose_golden_answers_differ_is_refused() {
    let mut scene = Scene::serving().await;
    let mut wrong = Release::of(2);
    wrong.manifest.golden[0].titles.swap(0, 1);
    scene.publisher.publish(&wrong).await;
    check_refused(&mut scene, "golden-differs").await;
    // Mended under the same number, it is another release, and tried at once.
    scene.publisher.publish(&Release::of(2)).await;
    scene.sync.look().await;
    assert_eq!(scene.generation(), Some(2));
}

#[tokio::test]
async fn a_component_that_is_none_is_refused() {
    let mut scene = Scene::serving().await;
    let mut wrong = Release::of(2);
    wrong.files.insert("qoe.wasm".to_owned(), b"\0asm no component".to_vec());
    wrong.list_files();
    scene.publisher.publish(&wrong).await;
    check_refused(&mut scene, "component-malformed").await;
}

#[tokio::test]
async fn an_older_signed_state_is_refused_even_after_a_restart() {
    let mut scene = Scene::serving().await;
    let old = scene.publisher.record();
    scene.publisher.publish(&Release::of(2)).await;
    scene.sync.look().await;
    assert_eq!(scene.generation(), Some(2));
    scene.publisher.replay(&old);
    scene.sync.look().await;
    assert_eq!(scene.edge.node.sync.status().last_error.expect("a reason").code, "metadata-older");
    assert_eq!(scene.generation(), Some(2));

    let mut scene = scene.restart().await;
    assert_eq!(scene.generation(), Some(2));
    scene.sync.look().await;
    assert_eq!(scene.edge.node.sync.status().last_error.expect("a reason").code, "metadata-older");
    assert_eq!(scene.generation(), Some(2));
}

#[tokio::test]
async fn an_expired_timestamp_is_refused_and_the_release_goes_on_serving() {
    let mut scene = Scene::serving().await;
    scene.publisher.publish(&Release::of(2)).await;
    scene.publisher.sign(SignedDuration::from_secs(-1)).await;
    check_refused(&mut scene, "metadata-expired").await;
}

#[tokio::test]
async fn metadata_signed_with_another_key_are_refused() {
    for role in ["timestamp", "snapshot", "targets"] {
        let mut scene = Scene::serving().await;
        // Forged with a key that only a root names which the node never gets to see.
        scene.publisher.rotate(role).await;
        scene.publisher.publish(&Release::of(2)).await;
        fs::remove_file(scene.publisher.metadata().join("2.root.json")).expect("a root");
        check_refused(&mut scene, "signature").await;
    }
}

#[tokio::test]
async fn a_rotated_key_is_followed_and_the_old_one_is_worth_nothing_from_then_on() {
    let mut scene = Scene::serving().await;
    let before = scene.publisher.record();
    scene.publisher.rotate("timestamp").await;
    scene.publisher.publish(&Release::of(2)).await;
    scene.sync.look().await;
    assert_eq!(scene.generation(), Some(2));
    // Even with the new root withheld, the node remembers it.
    fs::remove_file(scene.publisher.metadata().join("2.root.json")).expect("a root");
    scene.publisher.replay(&before);
    let mut scene = scene.restart().await;
    scene.sync.look().await;
    assert_eq!(scene.edge.node.sync.status().last_error.expect("a reason").code, "signature");
    assert_eq!(scene.generation(), Some(2));
}

#[tokio::test]
async fn a_root_that_cannot_be_fetched_is_not_taken_for_none() {
    let mut scene = Scene::serving().await;
    scene.publisher.rotate("timestamp").await;
    scene.publisher.publish(&Release::of(2)).await;
    scene.origin.break_paths(Some("2.root.json"));
    scene.sync.look().await;
    assert_eq!(scene.edge.node.sync.status().last_outcome, Some("unreachable"));
    check_serves_one(&scene).await;
    scene.origin.break_paths(None);
    scene.sync.look().await;
    assert_eq!(scene.generation(), Some(2));
}

#[tokio::test]
async fn an_origin_that_is_away_is_no_refusal_and_is_found_again() {
    let mut scene = Scene::serving().await;
    scene.publisher.publish(&Release::of(2)).await;
    for path in ["/tuf", "manifest-2", "titles", "sha256-"] {
        scene.origin.break_paths(Some(path));
        scene.sync.look().await;
        let status = scene.edge.node.sync.status();
        let expected = if path == "titles" { "switched" } else { "unreachable" };
        assert_eq!((status.last_outcome, status.refused), (Some(expected), 0), "{path}");
        if path == "titles" {
            break;
        }
        check_serves_one(&scene).await;
    }
    scene.origin.break_paths(None);
    scene.sync.look().await;
    assert_eq!(scene.generation(), Some(2));
}

#[tokio::test]
async fn a_node_restarts_from_disk_without_its_origin() {
    let mut scene = Scene::serving().await;
    scene.publisher.publish(&Release::of(2)).await;
    scene.sync.look().await;
    scene.origin.break_paths(Some("/"));
    let mut scene = scene.restart().await;
    assert_eq!(scene.generation(), Some(2));
    assert_eq!(get(&scene.admin("/readyz")).await.status, 200);
    let answer = scene.ask("/v1/recommend", &json!({"viewer": VIEWER})).await.json();
    assert_eq!((&answer["generation"], &answer["stale"]), (&json!(2), &json!(true)));
    scene.sync.look().await;
    assert_eq!(scene.generation(), Some(2));
    scene.origin.break_paths(None);
    scene.sync.look().await;
    let answer = scene.ask("/v1/recommend", &json!({"viewer": VIEWER})).await.json();
    assert_eq!(answer["stale"], false);
}

#[tokio::test]
async fn a_kept_release_that_rotted_is_passed_over_and_fetched_again() {
    let mut scene = Scene::serving().await;
    scene.publisher.publish(&Release::of(2)).await;
    scene.sync.look().await;
    let titles = Release::of(2);
    let eu = &titles.manifest.file("candidates-eu.safetensors").expect("listed").sha256;
    let path = scene.data().join("store/files").join(format!("sha256-{eu}"));
    let mut bytes = fs::read(&path).expect("kept");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&path, bytes).expect("written");
    let mut scene = scene.restart().await;
    assert_eq!(scene.generation(), Some(1), "the one before is sound");
    scene.sync.look().await;
    assert_eq!(scene.generation(), Some(2), "{:?}", scene.edge.node.sync.status());
}

#[tokio::test]
async fn two_generations_before_are_kept_on_disk_and_older_files_go() {
    let mut scene = Scene::serving().await;
    for generation in 2..=4 {
        scene.publisher.publish(&Release::of(generation)).await;
        scene.sync.look().await;
        assert_eq!(scene.generation(), Some(generation));
    }
    assert_eq!(scene.status().await["sync"]["previous"], json!([3, 2]));
    let is_kept = |generation: u64| {
        let sha256 = release::sha256_hex(&Release::of(generation).manifest.encode());
        scene.data().join("store/files").join(format!("sha256-{sha256}")).exists()
    };
    assert_eq!([1, 2, 3, 4].map(is_kept), [false, true, true, true]);
}

#[tokio::test]
async fn a_damaged_memory_of_the_signed_state_stops_the_sync_and_not_the_answers() {
    let mut scene = Scene::serving().await;
    let trust = scene.data().join("trust");
    let state = fs::read_dir(&trust).expect("a folder").flatten().next().expect("a state").path();
    for file in ["timestamp.json", "snapshot.json", "root.json"] {
        let whole = fs::read(state.join(file)).expect("a file");
        // A write that was cut short: taken for absent, it would allow an older state.
        for length in [0, 1, whole.len() / 2, whole.len() - 1] {
            fs::write(state.join(file), &whole[..length]).expect("written");
            scene.sync.look().await;
            let error = scene.edge.node.sync.status().last_error.expect("a reason");
            assert_eq!(error.code, "trust-damaged", "{file} of {length} bytes");
            check_serves_one(&scene).await;
        }
        fs::write(state.join(file), &whole).expect("written");
    }
    scene.sync.look().await;
    assert_eq!(scene.edge.node.sync.status().last_outcome, Some("in-step"));
    // An operator who begins anew removes the folder.
    fs::remove_dir_all(&state).expect("removed");
    scene.sync.look().await;
    assert_eq!(scene.edge.node.sync.status().last_outcome, Some("in-step"));
}

#[tokio::test]
async fn what_a_crash_left_half_written_is_removed_and_not_used() {
    let scene = Scene::serving().await;
    let left = [
        scene.data().join("trust/.new-dead"),
        scene.data().join("store/files/.new-dead"),
        scene.data().join("store/.new-dead"),
    ];
    fs::create_dir(&left[0]).expect("a folder");
    fs::write(left[0].join("root.json"), b"{").expect("written");
    fs::write(&left[1], b"half a file").expect("written");
    fs::write(&left[2], b"{").expect("written");
    let mut scene = scene.restart().await;
    assert_eq!(scene.generation(), Some(1));
    assert!(left.iter().all(|path| !path.exists()));
    scene.sync.look().await;
    assert_eq!(scene.edge.node.sync.status().last_outcome, Some("in-step"));
}

/// Requests of the whole time name 1, then 2, and none fails.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_while_a_release_is_switched() {
    let mut scene = Scene::serving().await;
    scene.publisher.publish(&Release::of(2)).await;
    let url = scene.url("/v1/recommend");
    let asking = tokio::spawn(async move {
        let mut generations = Vec::new();
        while generations.last() != Some(&2) {
            let body = json!({"history": [generations.len() % 12], "k": 5}).to_string();
            let answer = crate::client::post(&url, "application/json", body).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            generations.push(answer.json()["generation"].as_u64().expect("one generation"));
        }
        generations
    });
    let sync: &mut Sync = &mut scene.sync;
    sync.look().await;
    let generations = asking.await.expect("no panic");
    assert!(generations.is_sorted(), "{generations:?}");
}
