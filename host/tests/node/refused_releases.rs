//! Signed releases whose files are damaged or too large: refused, counted, and the release before serves on.

use std::path::Path;

use release::{Model, manifest_target};

use crate::catalogue::Release;
use crate::scene::Scene;
use crate::sync::check_refused;

/// A file of the crate that runs rankers.
fn onnx(name: &str) -> Vec<u8> {
    let path = Path::new("../crates/inference/tests/data").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Generation 2 with this ranker, well signed.
fn ranked_by(onnx: Vec<u8>) -> Release {
    let mut release = Release::of(2);
    release.manifest.ranker =
        Some(Model { file: "ranker.onnx".to_owned(), inputs: Vec::new(), outputs: Vec::new() });
    release.files.insert("ranker.onnx".to_owned(), onnx);
    release.list_files();
    release
}

/// Generation 2 with another candidate set for `eu`, well signed.
fn with_candidates(bytes: Vec<u8>) -> Release {
    let mut release = Release::of(2);
    release.files.insert("candidates-eu.safetensors".to_owned(), bytes);
    release.list_files();
    release
}

async fn check_release_refused(scene: &mut Scene, release: &Release, code: &str) {
    scene.publisher.publish(release).await;
    check_refused(scene, code).await;
}

#[tokio::test]
async fn a_truncated_ranker_is_refused() {
    let mut scene = Scene::serving().await;
    let whole = onnx("ranker-mlp.onnx");
    for length in [0, whole.len() / 2, whole.len() - 1] {
        let release = ranked_by(whole[..length].to_vec());
        check_release_refused(&mut scene, &release, "ranker-malformed").await;
    }
}

#[tokio::test]
async fn a_ranker_of_one_byte_too_many_is_refused() {
    let mut scene = Scene::serving().await;
    let mut large = onnx("ranker-mlp.onnx");
    large.resize(release::limits::RANKER_BYTES_MAX + 1, 0);
    check_release_refused(&mut scene, &ranked_by(large), "ranker-too-large").await;
}

#[tokio::test]
async fn a_ranker_of_another_width_is_refused() {
    let mut scene = Scene::serving().await;
    check_release_refused(&mut scene, &ranked_by(onnx("ranker-narrow.onnx")), "ranker-signature").await;
}

#[tokio::test]
async fn a_sound_ranker_after_a_refused_one_is_switched_to() {
    let mut scene = Scene::serving().await;
    check_release_refused(&mut scene, &ranked_by(b"no ONNX".to_vec()), "ranker-malformed").await;
    scene.publisher.publish(&ranked_by(onnx("ranker-mlp.onnx"))).await;
    scene.sync.look().await;
    assert_eq!(scene.generation(), Some(2), "{:?}", scene.edge.node.sync.status());
}

#[tokio::test]
async fn a_truncated_candidate_set_is_refused() {
    let mut scene = Scene::serving().await;
    let whole = Release::of(2).files["candidates-eu.safetensors"].clone();
    for length in [0, 7, whole.len() / 2, whole.len() - 1] {
        let release = with_candidates(whole[..length].to_vec());
        check_release_refused(&mut scene, &release, "candidates-malformed").await;
    }
}

#[tokio::test]
async fn a_candidate_set_of_one_byte_too_many_is_refused() {
    let mut scene = Scene::serving().await;
    let mut large = Release::of(2).files["candidates-eu.safetensors"].clone();
    large.resize(release::limits::CANDIDATES_BYTES_MAX + 1, 0);
    check_release_refused(&mut scene, &with_candidates(large), "candidates-malformed").await;
}

#[tokio::test]
async fn a_component_of_one_byte_too_many_is_refused() {
    let mut scene = Scene::serving().await;
    let mut release = Release::of(2);
    let wasm = release.files.get_mut("qoe.wasm").expect("a component");
    wasm.resize(frontrow_edge::limits::COMPONENT_BYTES_MAX + 1, 0);
    release.list_files();
    check_release_refused(&mut scene, &release, "component-too-large").await;
}

#[tokio::test]
async fn a_manifest_of_one_byte_too_many_is_refused_before_it_is_read() {
    let mut scene = Scene::serving().await;
    scene.publisher.publish(&Release::of(2)).await;
    // JSON may end in spaces: nothing is wrong with it but its length.
    let mut manifest = Release::of(2).manifest.encode();
    let max = usize::try_from(frontrow_edge::limits::MANIFEST_BYTES_MAX).expect("a length");
    manifest.resize(max + 1, b' ');
    scene.publisher.replace(&manifest_target(2), manifest.clone()).await;
    check_refused(&mut scene, "target-too-large").await;
    manifest.truncate(max);
    scene.publisher.replace(&manifest_target(2), manifest).await;
    scene.sync.look().await;
    assert_eq!(scene.generation(), Some(2), "{:?}", scene.edge.node.sync.status());
}
