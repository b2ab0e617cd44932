//! `import`: titles and watch histories.

use crate::cli::ImportArgs;
use crate::context::Context;
use crate::error::OriginError;

pub(super) async fn run(context: &Context, args: &ImportArgs) -> Result<String, OriginError> {
    context.database().await?;
    Ok(format!("{args:?}"))
}
