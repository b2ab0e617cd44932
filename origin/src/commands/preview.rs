//! `preview`: what a viewer would be recommended.

use crate::cli::PreviewArgs;
use crate::context::Context;
use crate::error::OriginError;

pub(super) async fn run(context: &Context, args: &PreviewArgs) -> Result<String, OriginError> {
    context.database().await?;
    Ok(format!("{args:?}"))
}
