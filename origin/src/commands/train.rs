//! `train`: fits the models.

use crate::cli::TrainArgs;
use crate::context::Context;
use crate::error::OriginError;

pub(super) async fn run(context: &Context, args: &TrainArgs) -> Result<String, OriginError> {
    context.database().await?;
    Ok(format!("{args:?}"))
}
