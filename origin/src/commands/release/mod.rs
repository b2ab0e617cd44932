//! `release`: assembles, signs and publishes.

mod told;

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use release::{Manifest, sha256_hex};
use serde_json::json;

use crate::assemble::{Assembled, Catalogue, ComponentFiles, Identity, assemble};
use crate::cli::ReleaseCommand;
use crate::context::Context;
use crate::database::{AuditEntry, Database, NewRelease};
use crate::error::OriginError;
use crate::limits::QUALITY_SHARE_MIN;
use crate::models::Models;

/// The figure that a new release must hold against the one before.
const GATE: &str = "hr_at_10";

pub(super) async fn run(context: &Context, command: &ReleaseCommand) -> Result<String, OriginError> {
    let database = context.database().await?;
    match command {
        ReleaseCommand::Push { components, channel } => push(context, &database, components, channel).await,
        ReleaseCommand::Promote { generation, channel } => {
            point(context, &database, "release-promote", *generation, channel).await
        }
        ReleaseCommand::Rollback { to, channel } => {
            let generation = match to {
                Some(generation) => *generation,
                None => before(&database, channel).await?,
            };
            point(context, &database, "release-rollback", generation, channel).await
        }
        ReleaseCommand::List { json } => told::list(&database, *json).await,
        ReleaseCommand::Show { generation, json } => told::show(&database, *generation, *json).await,
    }
}

async fn push(
    context: &Context,
    database: &Database,
    components: &Path,
    channel: &str,
) -> Result<String, OriginError> {
    let models = Models::load(context.folder())?;
    let components = read_components(components)?;
    let _lock = database.lock_publishing().await?;
    let catalogue = Catalogue::read(database).await?.laid_out(context.config().slates());
    let parent = current(database, channel).await?;
    let now = Timestamp::now();
    let identity = Identity {
        generation: database.next_generation().await?,
        parent,
        created_unix_s: u64::try_from(now.as_second()).unwrap_or(0),
    };
    // Building an index and the rows of every region takes whole seconds of a processor.
    let assembling =
        tokio::task::spawn_blocking(move || assemble(&catalogue, &models, &components, identity));
    let assembled = assembling.await.map_err(|_| OriginError::Panicked)??;
    check_quality(database, parent, &assembled.manifest).await?;
    let said = told(&assembled, channel);
    record(context, database, &assembled.manifest).await?;
    context.publisher().publish(assembled.into_targets(), channel, identity.generation, now).await?;
    let entry = entry(context, "release-push", identity.generation, channel);
    database.set_channel(channel, identity.generation, &entry).await?;
    Ok(said)
}

/// Written down before it is published: a number that nodes may have seen is never used again.
async fn record(context: &Context, database: &Database, manifest: &Manifest) -> Result<(), OriginError> {
    let bytes = manifest.encode();
    let release = NewRelease {
        generation: manifest.generation,
        parent: manifest.parent,
        manifest_sha256: sha256_hex(&bytes),
        manifest: String::from_utf8_lossy(&bytes).into_owned(),
    };
    let entry = AuditEntry {
        actor: context.actor(),
        action: "release-assemble".to_owned(),
        subject: format!("generation {}", manifest.generation),
        detail: json!({ "quality": manifest.quality }),
    };
    Ok(database.record_release(&release, None, &entry).await?)
}

/// Lets a channel point to a release; under a newer signature, also when the release is older.
async fn point(
    context: &Context,
    database: &Database,
    action: &str,
    generation: u64,
    channel: &str,
) -> Result<String, OriginError> {
    let _lock = database.lock_publishing().await?;
    database.release(generation).await?;
    context.publisher().point(channel, generation, Timestamp::now()).await?;
    database.set_channel(channel, generation, &entry(context, action, generation, channel)).await?;
    Ok(format!("channel {channel} points to generation {generation}"))
}

/// Refuses a release that finds clearly less of what viewers watch next than the one before.
async fn check_quality(
    database: &Database,
    parent: Option<u64>,
    manifest: &Manifest,
) -> Result<(), OriginError> {
    let Some(parent) = parent else { return Ok(()) };
    let before = Manifest::decode(database.release(parent).await?.manifest.as_bytes())
        .map_err(|error| OriginError::ParentUnreadable(parent, error))?;
    match (before.quality.get(GATE).copied(), manifest.quality.get(GATE).copied()) {
        (Some(before), Some(now)) if now < before * QUALITY_SHARE_MIN => {
            Err(OriginError::QualityFell { figure: GATE, before, now })
        }
        _ => Ok(()),
    }
}

/// The release from which the one on the channel was made.
async fn before(database: &Database, channel: &str) -> Result<u64, OriginError> {
    let nothing = || OriginError::NothingBefore(channel.to_owned());
    let current = current(database, channel).await?.ok_or_else(nothing)?;
    database.release(current).await?.parent.ok_or_else(nothing)
}

async fn current(database: &Database, channel: &str) -> Result<Option<u64>, OriginError> {
    let channels = database.channels().await?;
    Ok(channels.into_iter().find(|known| known.channel == channel).map(|known| known.generation))
}

fn entry(context: &Context, action: &str, generation: u64, channel: &str) -> AuditEntry {
    AuditEntry {
        actor: context.actor(),
        action: action.to_owned(),
        subject: format!("generation {generation}"),
        detail: json!({ "channel": channel }),
    }
}

fn read_components(folder: &Path) -> Result<ComponentFiles, OriginError> {
    let mut files = std::collections::BTreeMap::new();
    for name in ["ranking.wasm", "inference.wasm", "bitrate.wasm", "qoe.wasm"] {
        let path = folder.join(name);
        let bytes = fs::read(&path).map_err(|source| OriginError::File { what: "read", path, source })?;
        files.insert(name.to_owned(), bytes);
    }
    Ok(ComponentFiles { files })
}

fn told(assembled: &Assembled, channel: &str) -> String {
    let manifest = &assembled.manifest;
    let regions: Vec<_> = manifest.regions.iter().map(|region| region.name.as_str()).collect();
    let megabytes = manifest.files.iter().map(|file| file.bytes).sum::<u64>() as f64 / 1e6;
    let quality = manifest.quality.get(GATE).map_or_else(String::new, |hr| format!(", HR@10 {hr:.3}"));
    format!(
        "generation {} on channel {channel}: {} files, {megabytes:.1} MB, regions {}{quality}",
        manifest.generation,
        manifest.files.len(),
        regions.join(" and "),
    )
}
