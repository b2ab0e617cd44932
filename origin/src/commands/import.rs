//! `import`: titles and watch histories.

use std::path::Path;
use std::time::Instant;

use serde_json::json;
use tokio::sync::mpsc;

use crate::cli::ImportArgs;
use crate::context::Context;
use crate::database::{AuditEntry, Database};
use crate::error::OriginError;
use crate::generated::{Plan, generate};
use crate::import::{Catalogue, Chunk, Count, ImportError, Imported, import_folder, load};

pub(super) async fn run(context: &Context, args: &ImportArgs) -> Result<String, OriginError> {
    let started = Instant::now();
    let database = context.database().await?;
    let (what, imported, bad) = match &args.folder {
        Some(folder) => from_folder(&database, folder).await?,
        None => {
            let plan = Plan { titles: args.titles, viewers: args.viewers, seed: args.seed };
            let imported = invented(&database, plan).await?;
            ("the generated catalogue".to_owned(), imported, 0)
        }
    };
    let entry = AuditEntry {
        actor: context.actor(),
        action: "import".to_owned(),
        subject: what.clone(),
        detail: json!({"titles": imported.titles, "events_new": imported.events_new, "bad_lines": bad}),
    };
    database.append_audit(&entry).await?;
    let left_out = if bad == 0 { String::new() } else { format!(", {bad} bad lines left out") };
    Ok(format!(
        "imported {what}: {} titles, {} viewers, {} watch events ({} new){left_out}, in {:.1} s",
        imported.titles,
        imported.viewers,
        imported.events,
        imported.events_new,
        started.elapsed().as_secs_f64()
    ))
}

async fn from_folder(database: &Database, folder: &Path) -> Result<(String, Imported, u64), ImportError> {
    let reading = import_folder(database, folder).await?;
    for count in [&reading.movies, &reading.ratings] {
        tell_bad_lines(count);
    }
    let what = format!("{} ({:?})", folder.display(), reading.format);
    Ok((what, reading.imported, reading.movies.bad + reading.ratings.bad))
}

fn tell_bad_lines(count: &Count) {
    for bad in &count.first_bad {
        eprintln!("left out: {bad}");
    }
    let more = count.bad - count.first_bad.len() as u64;
    if more > 0 {
        eprintln!("left out: {more} more of {} lines", count.lines);
    }
}

async fn invented(database: &Database, plan: Plan) -> Result<Imported, ImportError> {
    let generated = tokio::task::spawn_blocking(move || generate(plan));
    let generated = generated.await.map_err(|_| ImportError::Panicked)?;
    let catalogue = Catalogue { source: plan.source(), titles: generated.titles };
    let (sender, receiver) = mpsc::channel(2);
    let history = async move {
        // The loader that went away has an error of its own to tell.
        let _ = sender.send(Chunk::Events(generated.events)).await;
        let _ = sender.send(Chunk::End).await;
    };
    let ((), imported) = tokio::join!(history, load(database, catalogue, receiver));
    imported
}
