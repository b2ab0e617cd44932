//! `keys`: makes the keys that sign.

use crate::cli::KeysCommand;
use crate::context::Context;
use crate::error::OriginError;

pub(super) async fn run(context: &Context, args: &KeysCommand) -> Result<String, OriginError> {
    context.database().await?;
    Ok(format!("{args:?}"))
}
