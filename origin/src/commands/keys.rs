//! `keys`: makes the keys that sign.

use jiff::Timestamp;

use crate::cli::KeysCommand;
use crate::context::Context;
use crate::error::OriginError;
use crate::publish::Validity;

pub(super) async fn run(context: &Context, command: &KeysCommand) -> Result<String, OriginError> {
    let KeysCommand::Init = command;
    let keys = context.keys();
    keys.init(Timestamp::now(), Validity::from(context.config().signatures).root).await?;
    Ok(format!("made four keys; give {} to every node", keys.root().display()))
}
