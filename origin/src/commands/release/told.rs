//! What `release list` and `release show` print.

use jiff::Timestamp;
use release::{Manifest, RegionEntry, SlateEntry};
use serde_json::json;

use crate::database::{Channel, Database, Release};
use crate::error::OriginError;

pub(super) async fn list(database: &Database, as_json: bool) -> Result<String, OriginError> {
    let (releases, channels) = (database.releases().await?, database.channels().await?);
    if as_json {
        let releases: Vec<_> = releases
            .iter()
            .map(|release| {
                json!({
                    "generation": release.generation, "parent": release.parent,
                    "created_unix_s": release.created_unix_s, "manifest_sha256": release.manifest_sha256,
                })
            })
            .collect();
        let channels: Vec<_> = channels
            .iter()
            .map(|known| json!({"channel": known.channel, "generation": known.generation}))
            .collect();
        return Ok(json!({"releases": releases, "channels": channels}).to_string());
    }
    let mut lines =
        vec![format!("{:>10}  {:>6}  {:<20}  {:>6}  channels", "generation", "parent", "created", "HR@10")];
    for release in &releases {
        let hit_rate = Manifest::decode(release.manifest.as_bytes())
            .ok()
            .and_then(|manifest| manifest.quality.get("hr_at_10").copied())
            .map_or_else(|| "-".to_owned(), |share| format!("{share:.4}"));
        lines.push(format!(
            "{:>10}  {:>6}  {:<20}  {hit_rate:>6}  {}",
            release.generation,
            parent(release),
            created(release),
            names(&channels, release),
        ));
    }
    Ok(lines.join("\n"))
}

pub(super) async fn show(database: &Database, generation: u64, as_json: bool) -> Result<String, OriginError> {
    let release = database.release(generation).await?;
    let channels = database.channels().await?;
    let Ok(manifest) = Manifest::decode(release.manifest.as_bytes()) else {
        // A manifest of another version of the origin is shown as it is.
        return Ok(pretty(&release.manifest));
    };
    if as_json {
        return Ok(pretty(&release.manifest));
    }
    let regions: Vec<_> = manifest.regions.iter().map(|region| region.name.as_str()).collect();
    let mut lines = vec![
        format!("generation  {generation}"),
        format!("parent      {}", parent(&release)),
        format!("created     {}", created(&release)),
        format!("channels    {}", names(&channels, &release)),
        format!("manifest    {}", release.manifest_sha256),
        format!("regions     {}", regions.join(" ")),
        format!(
            "rules       τ {}, the newest {} titles, ranker over {}",
            manifest.rules.recency_tau, manifest.rules.history_window, manifest.rules.ranker_pool
        ),
        format!("lists       {}", lists(&manifest)),
        format!("golden      {} questions", manifest.golden.len()),
    ];
    if let Some(reason) = &manifest.accepted_worse {
        lines.push(format!("accepted    although figures fell: {reason}"));
    }
    lines.push("quality".to_owned());
    lines.extend(manifest.quality.iter().map(|(name, figure)| format!("  {name:<20} {figure:>10.4}")));
    lines.push("files".to_owned());
    let files = manifest.files.iter();
    lines.extend(files.map(|file| format!("  {:<32} {:>10}  {}", file.name, file.bytes, &file.sha256[..16])));
    Ok(lines.join("\n"))
}

fn lists(manifest: &Manifest) -> String {
    let told = |region: &RegionEntry| {
        let slate = manifest.rules_of(region).slate;
        if slate == SlateEntry::default() {
            return format!("{}: in the order of their scores", region.name);
        }
        let SlateEntry { lambda, trending_share, new_share, genre_picks_max, promoted_max, .. } = slate;
        let SlateEntry { exploration_place, pinned, promoted, .. } = slate;
        format!(
            "{}: relevance {lambda}, shares {trending_share} trending and {new_share} new, {genre_picks_max} a genre, {} pinned, {promoted_max} of {} promoted, place \
             {exploration_place} explores",
            region.name,
            pinned.len(),
            promoted.len()
        )
    };
    manifest.regions.iter().map(told).collect::<Vec<_>>().join("; ")
}

fn parent(release: &Release) -> String {
    release.parent.map_or_else(|| "-".to_owned(), |parent| parent.to_string())
}

fn created(release: &Release) -> String {
    let at = i64::try_from(release.created_unix_s).ok().and_then(|s| Timestamp::from_second(s).ok());
    at.map_or_else(String::new, |at| at.to_string())
}

fn names(channels: &[Channel], release: &Release) -> String {
    let names = channels.iter().filter(|known| known.generation == release.generation);
    names.map(|known| known.channel.as_str()).collect::<Vec<_>>().join(" ")
}

fn pretty(json: &str) -> String {
    let value: Option<serde_json::Value> = serde_json::from_str(json).ok();
    value.and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or_else(|| json.to_owned())
}
