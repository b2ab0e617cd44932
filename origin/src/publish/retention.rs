//! Which targets of a repository are still needed: without an end, every release would stay for ever.

use std::collections::BTreeSet;

use release::{Channel, Manifest, file_target};

use crate::limits::RELEASES_KEPT;

/// The targets that neither a channel nor one of the newest releases needs.
///
/// `read` gives the content of a target. What cannot be read or understood keeps everything: a file too many
/// costs a little disk, a file too few costs a release.
pub(super) fn superseded<'a>(
    names: impl Iterator<Item = &'a str> + Clone,
    read: impl Fn(&str) -> Option<Vec<u8>>,
) -> BTreeSet<String> {
    needed(names.clone(), read).map_or_else(BTreeSet::new, |needed| {
        names.filter(|name| !needed.contains(*name)).map(str::to_owned).collect()
    })
}

fn needed<'a>(
    names: impl Iterator<Item = &'a str> + Clone,
    read: impl Fn(&str) -> Option<Vec<u8>>,
) -> Option<BTreeSet<String>> {
    let mut needed = BTreeSet::new();
    let mut generations = BTreeSet::new();
    let mut pointed_to = BTreeSet::new();
    for name in names {
        if let Some(generation) = generation(name) {
            generations.insert(generation);
        } else if name.starts_with("channel-") {
            pointed_to.insert(Channel::decode(&read(name)?).ok()?.generation);
            needed.insert(name.to_owned());
        } else if !name.starts_with("sha256-") {
            // Not one of ours.
            needed.insert(name.to_owned());
        }
    }
    let newest = generations.iter().rev().take(RELEASES_KEPT).copied();
    let kept: BTreeSet<u64> = newest.chain(pointed_to.intersection(&generations).copied()).collect();
    for generation in kept {
        let name = release::manifest_target(generation);
        let manifest = Manifest::decode(&read(&name)?).ok()?;
        needed.extend(manifest.files.iter().map(|file| file_target(&file.sha256)));
        needed.extend(manifest.deltas.iter().map(|delta| file_target(&delta.sha256)));
        needed.insert(name);
    }
    Some(needed)
}

/// The generation whose manifest a target is.
fn generation(target: &str) -> Option<u64> {
    target.strip_prefix("manifest-")?.strip_suffix(".json")?.parse().ok()
}
