//! `keys`: makes the keys that sign.

use jiff::Timestamp;

use crate::cli::KeysCommand;
use crate::context::Context;
use crate::error::OriginError;
use crate::keys::Keys;

pub(super) async fn run(context: &Context, command: &KeysCommand) -> Result<String, OriginError> {
    let KeysCommand::Init = command;
    let keys = Keys::of(context.folder());
    keys.init(Timestamp::now()).await?;
    Ok(format!("made four keys; give {} to every node", keys.root().display()))
}
