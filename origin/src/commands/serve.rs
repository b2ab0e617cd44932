//! `serve`: published releases out, batches of the nodes in.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::{error, info, warn};

use crate::cli::ServeArgs;
use crate::context::Context;
use crate::database::{Database, Moment};
use crate::error::OriginError;
use crate::limits::{MODELS_LOOK, POSTGRES_WATCH, QOE_REFRESH, RENEW_LOOK, RETENTION_LOOK};
use crate::publish::Publisher;
use crate::qoe::{Refreshed, RetentionConfig};
use crate::serve::{self, Server, Shelf};

pub(super) async fn run(
    context: &Arc<Context>,
    args: &ServeArgs,
    stopping: watch::Receiver<bool>,
) -> Result<String, OriginError> {
    let database = context.database().await?;
    let wanted = args.listen.unwrap_or(context.config().listen);
    let failed = |source| OriginError::Listen { address: wanted, source };
    let listener = TcpListener::bind(wanted).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let shelf = Arc::new(Shelf::new(context.folder()));
    refresh(&shelf).await;
    let ready = json!({"public": address.to_string()}).to_string();
    if let Some(path) = &args.ready_file {
        write_whole(path, &ready)?;
    }
    // One line for whoever started us; the log goes to stderr.
    let _ = writeln!(std::io::stdout(), "{ready}");
    info!(%address, folder = %context.folder().display(), "serving");
    let renewing = tokio::spawn(renew(context.publisher(), stopping.clone()));
    let reviving = tokio::spawn(revive(Arc::clone(context)));
    let adding = tokio::spawn(add_up(database.clone()));
    let dropping = tokio::spawn(drop_old(database.clone(), context.config().retention));
    let refreshing = tokio::spawn(keep_fresh(Arc::clone(&shelf)));
    let server = Server::new(database, &context.folder().join("tuf"), shelf);
    serve::listen(listener, server.router(), stopping).await;
    renewing.abort();
    adding.abort();
    dropping.abort();
    refreshing.abort();
    reviving.abort();
    info!("drained");
    Ok(String::new())
}

/// Reads the models if training has left others; without them only retrieval is not served.
async fn refresh(shelf: &Arc<Shelf>) {
    let shelf = Arc::clone(shelf);
    match tokio::task::spawn_blocking(move || shelf.refresh()).await {
        Ok(Ok(true)) => info!("retrieval answers from the models as trained"),
        Ok(Ok(false)) => {}
        Ok(Err(error)) => {
            warn!(code = error.code(), %error, "the models cannot be read, retrieval stays as it is");
        }
        Err(_) => error!("reading the models broke"),
    }
}

async fn keep_fresh(shelf: Arc<Shelf>) {
    let mut looks = tokio::time::interval(MODELS_LOOK);
    loop {
        looks.tick().await;
        refresh(&shelf).await;
    }
}

/// Sees to it that the private database lives as long as we do.
async fn revive(context: Arc<Context>) {
    let mut looks = tokio::time::interval(POSTGRES_WATCH);
    loop {
        looks.tick().await;
        match context.revive().await {
            Ok(true) => warn!("the private database had died and was started again"),
            Ok(false) => {}
            Err(error) => error!(code = error.code(), %error, "the private database does not start again"),
        }
    }
}

/// Adds hours up as often as that costs little.
async fn add_up(database: Database) {
    loop {
        let pause = match database.refresh_qoe().await {
            Ok(Refreshed::Done { took }) => QOE_REFRESH.max(took.saturating_mul(10)),
            Ok(Refreshed::Elsewhere) => QOE_REFRESH,
            Err(error) => {
                warn!(code = error.code(), %error, "hours could not be added up");
                QOE_REFRESH
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// Lets go of days that are older than they are to be kept.
async fn drop_old(database: Database, kept: RetentionConfig) {
    let mut looks = tokio::time::interval(RETENTION_LOOK);
    loop {
        looks.tick().await;
        match database.drop_old_days(&kept, Moment::now()).await {
            Ok(0) => {}
            Ok(dropped) => info!(dropped, "days that are too old have gone"),
            Err(error) => warn!(code = error.code(), %error, "old days could not be dropped"),
        }
    }
}

/// Keeps the signed state fresh: nodes refuse one that has expired.
async fn renew(publisher: Publisher, mut stopping: watch::Receiver<bool>) {
    let mut looks = tokio::time::interval(RENEW_LOOK);
    loop {
        tokio::select! {
            _ = stopping.changed() => return,
            _ = looks.tick() => match publisher.renew_if_due(Timestamp::now()).await {
                Ok(true) => info!("signed the published state anew"),
                Ok(false) => {}
                Err(error) => warn!(code = error.code(), %error, "the published state could not be signed anew"),
            },
        }
    }
}

/// A reader finds the file absent or complete.
fn write_whole(path: &Path, text: &str) -> Result<(), OriginError> {
    let failed = |source| OriginError::File { what: "write", path: path.to_path_buf(), source };
    let beside = path.with_extension("new");
    std::fs::write(&beside, text).map_err(failed)?;
    std::fs::rename(&beside, path).map_err(failed)
}
