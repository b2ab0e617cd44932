//! A node makes a file from the one it has where that works, and fetches it whole where anything is wrong.

use std::fs;

use release::{DeltaEntry, file_target, sha256_hex};

use crate::catalogue::Release;
use crate::scene::Scene;

const FILE: &str = "candidates-eu.safetensors";

/// Generation 2 with this delta for the candidate set of one region.
fn release(delta: &[u8]) -> Release {
    let mut release = Release::of(2);
    release.manifest.deltas = vec![DeltaEntry {
        file: FILE.to_owned(),
        from: sha256_hex(&Release::of(1).files[FILE]),
        bytes: delta.len() as u64,
        sha256: sha256_hex(delta),
    }];
    release
}

fn sound() -> Vec<u8> {
    delta::encode(&Release::of(1).files[FILE], &Release::of(2).files[FILE]).expect("a delta")
}

/// Publishes generation 2 with the delta, breaks what is to be broken, and looks.
async fn check(scene: &mut Scene, delta: Vec<u8>, spoil: impl FnOnce(&Scene)) {
    scene.publisher.replace(&file_target(&sha256_hex(&delta)), delta.clone()).await;
    scene.publisher.publish(&release(&delta)).await;
    spoil(scene);
    scene.sync.look().await;
    assert_eq!(scene.generation(), Some(2));
    let stored = scene.data().join("store/files").join(file_target(&sha256_hex(&Release::of(2).files[FILE])));
    assert_eq!(fs::read(stored).expect("in the store"), Release::of(2).files[FILE]);
}

fn without_the_whole_file(scene: &Scene) {
    let whole = scene.publisher.target(&file_target(&sha256_hex(&Release::of(2).files[FILE])));
    fs::remove_file(whole).expect("removed");
}

#[tokio::test]
async fn a_file_is_made_from_the_one_before_and_not_fetched() {
    let mut scene = Scene::serving().await;
    assert_eq!(scene.generation(), Some(1));
    check(&mut scene, sound(), without_the_whole_file).await;
}

#[tokio::test]
async fn a_tampered_delta_is_no_harm() {
    let mut scene = Scene::serving().await;
    check(&mut scene, sound(), |scene| {
        let path = scene.publisher.target(&file_target(&sha256_hex(&sound())));
        let mut bytes = sound();
        bytes[20] ^= 1;
        fs::write(path, bytes).expect("a file");
    })
    .await;
}

#[tokio::test]
async fn a_signed_delta_that_makes_another_file_is_no_harm() {
    let mut scene = Scene::serving().await;
    let other = delta::encode(&Release::of(1).files[FILE], b"no candidate set").expect("a delta");
    check(&mut scene, other, |_| {}).await;
    let mut scene = Scene::serving().await;
    check(&mut scene, b"<html>".to_vec(), |_| {}).await;
}

#[tokio::test]
async fn a_delta_that_is_gone_is_no_harm() {
    let mut scene = Scene::serving().await;
    check(&mut scene, sound(), |scene| {
        fs::remove_file(scene.publisher.target(&file_target(&sha256_hex(&sound())))).expect("removed");
    })
    .await;
}

#[tokio::test]
async fn a_node_without_the_release_before_fetches_whole_files() {
    let mut scene = Scene::empty().await;
    check(&mut scene, sound(), |_| {}).await;
}
