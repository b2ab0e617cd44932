//! `release`: assembles, signs and publishes.

mod push;
mod told;

use jiff::Timestamp;
use serde_json::json;

use crate::cli::ReleaseCommand;
use crate::context::Context;
use crate::database::{AuditEntry, Database};
use crate::error::OriginError;

pub(super) async fn run(context: &Context, command: &ReleaseCommand) -> Result<String, OriginError> {
    let database = context.database().await?;
    match command {
        ReleaseCommand::Push(args) => push::run(context, &database, args).await,
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
