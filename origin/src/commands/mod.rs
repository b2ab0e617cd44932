//! The subcommands: each takes the surroundings and its arguments, and returns what to print.

mod evaluate;
mod export;
mod import;
mod keys;
mod licence;
mod node;
mod preview;
mod qoe;
mod release;
mod serve;
mod train;

pub use evaluate::run as evaluate;

use std::sync::Arc;

use tokio::sync::watch;

use crate::cli::Command;
use crate::context::Context;
use crate::error::OriginError;

/// Does what the command line says; `stopping` turns true when a server should drain.
pub async fn run(
    context: Arc<Context>,
    command: Command,
    stopping: watch::Receiver<bool>,
) -> Result<String, OriginError> {
    let context = &context;
    match command {
        Command::Init => {
            context.database().await?;
            Ok(format!("the database is ready in {}", context.folder().display()))
        }
        Command::Serve(args) => serve::run(context, &args, stopping).await,
        Command::Import(args) => import::run(context, &args).await,
        Command::Train(args) => train::run(context, &args).await,
        Command::Export(args) => export::run(context, &args).await,
        Command::Evaluate(command) => evaluate::run(command).await,
        Command::Licence(command) => licence::run(context, &command).await,
        Command::Release(command) => release::run(context, &command).await,
        Command::Keys(command) => keys::run(context, &command).await,
        Command::Node(command) => node::run(context, &command).await,
        Command::Qoe(args) => qoe::run(context, args).await,
        Command::Preview(args) => preview::run(context, &args).await,
    }
}
