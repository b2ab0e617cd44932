//! `release`: assembles, signs and publishes.

use crate::cli::ReleaseCommand;
use crate::context::Context;
use crate::error::OriginError;

pub(super) async fn run(context: &Context, args: &ReleaseCommand) -> Result<String, OriginError> {
    context.database().await?;
    Ok(format!("{args:?}"))
}
