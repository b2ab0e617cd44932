//! From verified files on disk to a release that answers as its origin says.

use std::collections::BTreeMap;

use bytes::Bytes;
use release::{CandidateFile, Histories, Manifest, Model, Titles};

use super::error::SyncError;
use super::store::{KeptGeneration, Store, Wanted};
use crate::convert;
use crate::runtime::{Components, RegionFiles, ReleaseFiles, Runtime, ranking};
use crate::serving::{File, Region, Serving};

/// Reads the manifest of a kept generation.
pub(super) fn manifest(store: &Store, kept: &KeptGeneration) -> Result<Manifest, SyncError> {
    let name = release::manifest_target(kept.generation);
    let bytes = store.read_any(&kept.manifest)?;
    let manifest =
        Manifest::decode(&bytes).map_err(|source| SyncError::File { name: name.clone(), source })?;
    if manifest.generation != kept.generation {
        return Err(SyncError::Contradiction {
            name,
            said: manifest.generation.to_string(),
            expected: kept.generation.to_string(),
        });
    }
    check_host(&manifest.host_min)?;
    Ok(manifest)
}

/// Reads, prepares and tries a generation. Blocks: seconds for components never seen.
pub(super) fn serving(store: &Store, runtime: &Runtime, kept: &KeptGeneration) -> Result<Serving, SyncError> {
    let manifest = manifest(store, kept)?;
    let files = read_all(store, &manifest)?;
    let file = |name: &str| files.get(name).cloned().unwrap_or_default();
    let optional = |name: &Option<String>| name.as_deref().map(file);
    let components = [
        &manifest.components.ranking,
        &manifest.components.inference,
        &manifest.components.bitrate,
        &manifest.components.qoe,
    ]
    .map(|name| file(name));
    let regions: Vec<(&str, Bytes)> =
        manifest.regions.iter().map(|region| (region.name.as_str(), file(&region.candidates))).collect();
    let slates: Vec<Option<ranking::Slate>> =
        manifest.regions.iter().map(|region| region.slate.clone().map(convert::slate)).collect();
    let region_files: Vec<RegionFiles<'_>> = regions
        .iter()
        .zip(&slates)
        .map(|((name, candidates), slate)| RegionFiles { name, candidates, slate: slate.as_ref() })
        .collect();
    let factors = optional(&manifest.factors);
    let model = |model: &Option<Model>| model.as_ref().map(|model| file(&model.file));
    let (ranker, tower) = (model(&manifest.ranker), model(&manifest.tower));
    let generation = runtime.prepare(&ReleaseFiles {
        generation: manifest.generation,
        components: Components {
            ranking: &components[0],
            inference: &components[1],
            bitrate: &components[2],
            qoe: &components[3],
        },
        regions: &region_files,
        factors: factors.as_deref(),
        ranker: ranker.as_deref(),
        tower: tower.as_deref(),
        rules: convert::rules(&manifest.rules),
    })?;
    let titles = file(&manifest.titles);
    let served = |model: &Option<Model>| {
        model.as_ref().map(|model| File::new(file(&model.file), sha256_of(&manifest, &model.file)))
    };
    let serving = Serving {
        generation,
        manifest_sha256: kept.manifest.clone(),
        titles: Titles::decode(&titles).map_err(|source| malformed(&manifest.titles, source))?,
        titles_file: File::new(titles, sha256_of(&manifest, &manifest.titles)),
        ranker: served(&manifest.ranker),
        tower: served(&manifest.tower),
        histories: histories(&manifest, optional(&manifest.histories))?,
        regions: regions_of(&manifest, regions)?,
    };
    check_golden(&serving, &manifest)?;
    Ok(serving)
}

fn read_all<'a>(store: &Store, manifest: &'a Manifest) -> Result<BTreeMap<&'a str, Bytes>, SyncError> {
    let read = |entry: &'a release::FileEntry| {
        let wanted = Wanted { sha256: entry.sha256.clone(), bytes: entry.bytes };
        Ok((entry.name.as_str(), Bytes::from(store.read(&wanted)?)))
    };
    manifest.files.iter().map(read).collect()
}

fn histories(manifest: &Manifest, bytes: Option<Bytes>) -> Result<Option<Histories>, SyncError> {
    let (Some(bytes), Some(name)) = (bytes, &manifest.histories) else { return Ok(None) };
    Histories::decode(&bytes).map(Some).map_err(|source| malformed(name, source))
}

fn regions_of(
    manifest: &Manifest,
    regions: Vec<(&str, Bytes)>,
) -> Result<BTreeMap<String, Region>, SyncError> {
    let mut known = BTreeMap::new();
    for (entry, (name, bytes)) in manifest.regions.iter().zip(regions) {
        let decoded = CandidateFile::decode(&bytes).map_err(|source| malformed(&entry.candidates, source))?;
        let file = File::new(bytes, sha256_of(manifest, &entry.candidates));
        known.insert(name.to_owned(), Region::new(file, &decoded, manifest.rules_of(entry)));
    }
    Ok(known)
}

/// A release whose components answer otherwise than where it was made is not the release that was meant.
fn check_golden(serving: &Serving, manifest: &Manifest) -> Result<(), SyncError> {
    for (case, golden) in manifest.golden.iter().enumerate() {
        let request = ranking::Request {
            history: golden.history.clone(),
            exclude: Vec::new(),
            k: golden.k,
            at_unix_ms: golden.at_unix_ms,
            maturity_max: release::GOLDEN_MATURITY_MAX_YEARS,
            seed: None,
        };
        let answer = serving
            .generation
            .recommend(&golden.region, &request)
            .map_err(|source| SyncError::GoldenFailed { case, source })?;
        let got: Vec<u32> = answer.picks.iter().map(|pick| pick.title).collect();
        if got != golden.titles {
            return Err(SyncError::GoldenDiffers { case, got, expected: golden.titles.clone() });
        }
    }
    Ok(())
}

fn check_host(needed: &str) -> Result<(), SyncError> {
    let have = env!("CARGO_PKG_VERSION");
    let numbers = |version: &str| -> Option<[u64; 3]> {
        let parts: Option<Vec<u64>> = version.split('.').map(|part| part.parse().ok()).collect();
        parts?.try_into().ok()
    };
    match numbers(needed) {
        Some(oldest) if Some(oldest) <= numbers(have) => Ok(()),
        _ => Err(SyncError::HostTooOld { needed: needed.to_owned(), have }),
    }
}

fn sha256_of<'a>(manifest: &'a Manifest, name: &str) -> &'a str {
    manifest.file(name).map_or("", |entry| &entry.sha256)
}

fn malformed(name: &str, source: release::FileError) -> SyncError {
    SyncError::File { name: name.to_owned(), source }
}
