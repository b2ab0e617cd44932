//! `release push`: assembles, measures, signs and publishes.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use jiff::Timestamp;
use ranking::limits::RANKER_POOL_MAX;
use release::{DeltaEntry, Manifest, sha256_hex};
use serde_json::{Value, json};

use super::{current, entry};
use crate::assemble::{Assembled, Catalogue, ComponentFiles, Identity, assemble};
use crate::cli::PushArgs;
use crate::context::Context;
use crate::database::{AuditEntry, Database, NewRelease};
use crate::error::OriginError;
use crate::gate::{Before, Fall, Figures, GateError, judge, measure};
use crate::limits::REASON_BYTES_MAX;
use crate::models::Models;
use crate::publish::add_deltas;
use crate::train::ranker::POOL;

/// What every new release is held against.
const SERVED: &str = "stable";

pub(super) async fn run(
    context: &Context,
    database: &Database,
    args: &PushArgs,
) -> Result<String, OriginError> {
    if args.accept_worse.as_ref().is_some_and(|reason| reason.is_empty() || reason.len() > REASON_BYTES_MAX) {
        return Err(OriginError::Reason);
    }
    let mut models = Models::load(context.folder())?;
    if let Some(path) = &args.ranker {
        models.ranker = Some(read_ranker(path)?);
        // Beside a tower whoever ranks may see vectors, and does so on kernels of our own.
        models.training.rules.ranker_pool = if models.tower.is_some() { RANKER_POOL_MAX } else { POOL };
    }
    let components = read_components(&args.components)?;
    let _lock = database.lock_publishing().await?;
    let catalogue = Catalogue::read(database).await?.laid_out(context.config().slates());
    let now = Timestamp::now();
    let identity = Identity {
        generation: database.next_generation().await?,
        parent: current(database, &args.channel).await?,
        created_unix_s: u64::try_from(now.as_second()).unwrap_or(0),
    };
    // Building an index, the rows of every region and thousands of answers takes whole seconds of a processor.
    let making = tokio::task::spawn_blocking(move || {
        let assembled = assemble(&catalogue, &models, &components, identity)?;
        let figures = measure(&assembled, &catalogue, models.training.holdout, &models.reference);
        Ok::<_, OriginError>((assembled, figures))
    });
    let (mut assembled, figures) = making.await.map_err(|_| OriginError::Panicked)??;
    let refused = |error: GateError| {
        let report = args.json.then(|| refusal(identity.generation, &error).to_string());
        OriginError::Gate { error: Box::new(error), report }
    };
    let figures = figures.map_err(refused)?;
    let falls = compare(context, database, &args.channel, &figures).await?;
    assembled.manifest.quality.extend(figures.clone());
    if !falls.is_empty() {
        let Some(reason) = &args.accept_worse else {
            return Err(refused(GateError::Worse { falls, figures }));
        };
        assembled.manifest.accepted_worse = Some(reason.clone());
    }
    let assembled = match identity.parent {
        Some(parent) => add_deltas(&context.publisher(), parent, assembled).await?,
        None => assembled,
    };
    let said = told(&assembled, &args.channel, &falls, args.json);
    record(context, database, &assembled.manifest, &falls).await?;
    context.publisher().publish(assembled.into_targets(), &args.channel, identity.generation, now).await?;
    let entry = entry(context, "release-push", identity.generation, &args.channel);
    database.set_channel(&args.channel, identity.generation, &entry).await?;
    Ok(said)
}

/// Holds a release against what is served: on the channel `stable`, or where there is nothing, on its own.
async fn compare(
    context: &Context,
    database: &Database,
    channel: &str,
    figures: &Figures,
) -> Result<Vec<Fall>, OriginError> {
    let config = &context.config().gate;
    let served = match current(database, SERVED).await? {
        None => current(database, channel).await?,
        served => served,
    };
    let Some(generation) = served else { return Ok(judge(figures, None, config)) };
    let before = Manifest::decode(database.release(generation).await?.manifest.as_bytes())
        .map_err(|error| OriginError::ParentUnreadable(generation, error))?;
    Ok(judge(figures, Some(Before { generation, figures: &before.quality }), config))
}

/// Written down before it is published: a number that nodes may have seen is never used again.
async fn record(
    context: &Context,
    database: &Database,
    manifest: &Manifest,
    falls: &[Fall],
) -> Result<(), OriginError> {
    let bytes = manifest.encode();
    let release = NewRelease {
        generation: manifest.generation,
        parent: manifest.parent,
        manifest_sha256: sha256_hex(&bytes),
        manifest: String::from_utf8_lossy(&bytes).into_owned(),
    };
    let falls: Vec<String> = falls.iter().map(Fall::to_string).collect();
    let entry = AuditEntry {
        actor: context.actor(),
        action: "release-assemble".to_owned(),
        subject: format!("generation {}", manifest.generation),
        detail: json!({
            "quality": manifest.quality, "accepted_worse": manifest.accepted_worse, "fell": falls,
        }),
    };
    Ok(database.record_release(&release, None, &entry).await?)
}

/// A byte more than any ranker has is enough to refuse it.
fn read_ranker(path: &Path) -> Result<Vec<u8>, OriginError> {
    let mut bytes = Vec::new();
    let limit = release::limits::RANKER_BYTES_MAX as u64 + 1;
    let read = fs::File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes));
    read.map_err(|source| OriginError::File { what: "read", path: path.to_path_buf(), source })?;
    Ok(bytes)
}

fn read_components(folder: &Path) -> Result<ComponentFiles, OriginError> {
    let mut files = BTreeMap::new();
    for name in ["ranking.wasm", "inference.wasm", "bitrate.wasm", "qoe.wasm"] {
        let path = folder.join(name);
        let bytes = fs::read(&path).map_err(|source| OriginError::File { what: "read", path, source })?;
        files.insert(name.to_owned(), bytes);
    }
    Ok(ComponentFiles { files })
}

fn told(assembled: &Assembled, channel: &str, falls: &[Fall], as_json: bool) -> String {
    let manifest = &assembled.manifest;
    let regions: Vec<_> = manifest.regions.iter().map(|region| region.name.as_str()).collect();
    let bytes = manifest.files.iter().map(|file| file.bytes).sum::<u64>();
    let delta_bytes: u64 = manifest.deltas.iter().map(|delta| delta.bytes).sum();
    let whole = |delta: &DeltaEntry| manifest.file(&delta.file).map_or(0, |file| file.bytes);
    let full_bytes: u64 = manifest.deltas.iter().map(whole).sum();
    if as_json {
        let fell: Vec<Value> = falls.iter().map(fall).collect();
        return json!({
            "generation": manifest.generation, "channel": channel, "files": manifest.files.len(), "bytes": bytes,
            "regions": regions, "quality": manifest.quality, "fell": fell,
            "accepted_worse": manifest.accepted_worse, "deltas": manifest.deltas,
            "delta_bytes": delta_bytes, "delta_full_bytes": full_bytes,
        })
        .to_string();
    }
    let quality = manifest.quality.get("hr_at_10").map_or_else(String::new, |hr| format!(", HR@10 {hr:.3}"));
    let overlap = manifest.quality.get("overlap_at_10");
    let overlap = overlap.map_or_else(String::new, |share| format!(", int8 as f32 {share:.3}"));
    let mut said = format!(
        "generation {} on channel {channel}: {} files, {:.1} MB, regions {}{quality}{overlap}",
        manifest.generation,
        manifest.files.len(),
        bytes as f64 / 1e6,
        regions.join(" and "),
    );
    if full_bytes > 0 {
        let [delta, full] = [delta_bytes, full_bytes].map(|bytes| bytes as f64 / 1e6);
        said.push_str(&format!(", deltas of {delta:.3} MB for {full:.3} MB"));
    }
    for fall in falls {
        said.push_str(&format!("\naccepted although {fall}"));
    }
    said
}

/// What a refused push prints as JSON.
fn refusal(generation: u64, error: &GateError) -> Value {
    let falls = if let GateError::Worse { falls, .. } = error { falls.as_slice() } else { &[] };
    json!({
        "refused": error.code(), "generation": generation, "quality": error.figures(),
        "fell": falls.iter().map(fall).collect::<Vec<_>>(),
    })
}

fn fall(fall: &Fall) -> Value {
    json!({"figure": fall.figure, "now": fall.now, "least": fall.least, "says": fall.to_string()})
}
