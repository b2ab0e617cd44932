//! Shorter ways from the release before to a new one.

use release::{DeltaEntry, FileEntry, Manifest, file_target, manifest_target, sha256_hex};

use super::{PublishError, Publisher};
use crate::assemble::Assembled;

/// Adds deltas to a release for nodes that have its parent: of the files that change by little each time, where they
/// have at most half the bytes. Nothing is lost without them.
///
/// # Errors
///
/// When what is published does not verify.
pub async fn add_deltas(
    publisher: &Publisher,
    parent: u64,
    mut assembled: Assembled,
) -> Result<Assembled, PublishError> {
    let Some(before) = publisher.read(&manifest_target(parent)).await? else { return Ok(assembled) };
    let Ok(before) = Manifest::decode(&before) else { return Ok(assembled) };
    for name in changing(&assembled.manifest) {
        let Some(pair) = old_and_new(&before, &assembled.manifest, &name) else { continue };
        let (old, bytes_max) = (pair.0.sha256.clone(), pair.1.bytes / 2);
        let Some(bytes) = publisher.read(&file_target(&old)).await? else { continue };
        let new = assembled.files[&name].clone();
        // Compressing as hard as it is done here takes a second for two megabytes.
        let made = tokio::task::spawn_blocking(move || delta::encode(&bytes, &new)).await;
        // A file that is too large for a delta is fetched whole, as ever.
        let Ok(Ok(made)) = made else { continue };
        let entry = DeltaEntry { file: name, from: old, bytes: made.len() as u64, sha256: sha256_hex(&made) };
        if entry.bytes <= bytes_max {
            assembled.manifest.deltas.push(entry);
            assembled.deltas.push(made);
        }
    }
    Ok(assembled)
}

/// Components change whole or not at all, and every number of a factor model is new.
fn changing(manifest: &Manifest) -> Vec<String> {
    let sets = manifest.regions.iter().map(|region| &region.candidates);
    sets.chain(&manifest.histories).chain([&manifest.titles]).cloned().collect()
}

fn old_and_new<'a>(
    before: &'a Manifest,
    now: &'a Manifest,
    name: &str,
) -> Option<(&'a FileEntry, &'a FileEntry)> {
    let (old, new) = (before.file(name)?, now.file(name)?);
    (old.sha256 != new.sha256).then_some((old, new))
}
