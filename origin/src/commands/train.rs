//! `train`: fits the models to everything that was watched, and keeps them for releases.

use crate::assemble::Catalogue;
use crate::cli::{TrainArgs, TrainedModel};
use crate::context::Context;
use crate::error::OriginError;
use crate::models::Models;
use crate::train::Options;
use crate::train::factors::Rating;

pub(super) async fn run(context: &Context, args: &TrainArgs) -> Result<String, OriginError> {
    let database = context.database().await?;
    let catalogue = Catalogue::read(&database).await?;
    let ratings = database.ratings().await?;
    let ratings = ratings.into_iter().map(|(viewer, title, rating)| Rating { viewer, title, rating });
    let (ratings, options) = (ratings.collect::<Vec<_>>(), options(args));
    let folder = context.folder().to_path_buf();
    let (model, minutes, fresh) = (args.model, args.minutes, args.fresh);
    let training = tokio::task::spawn_blocking(move || {
        // What cannot be read, or was never there, is no reason not to train.
        let before = if fresh { None } else { Models::load(&folder).ok() };
        let fit = |minutes| Models::fit_after(before.as_ref(), &catalogue, &ratings, &options, minutes);
        let models = match model {
            TrainedModel::Ridge => fit(None)?,
            TrainedModel::Tower => fit(Some(minutes))?,
            TrainedModel::Mf => Models::load(&folder)?.refit_factors(&catalogue, &ratings, &options)?,
        };
        models.save(&folder)?;
        Ok(told(&models))
    });
    training.await.map_err(|_| OriginError::Panicked)?
}

fn options(args: &TrainArgs) -> Options {
    Options {
        events_min: args.events_min,
        row_entries: args.row_entries.map(usize::from),
        index_recall_at_10: args.recall,
        ..Options::default()
    }
}

fn told(models: &Models) -> String {
    let (rules, quality) = (&models.training.rules, &models.training.quality);
    format!(
        "item-to-item rows of {} titles (τ {}, λ {}, dropout {:.2})\n\
         held out, {} viewers: HR@10 {:.4}, NDCG@10 {:.4}; {}\n\
         factors of {} viewers and {} titles, RMSE {:.3}; index {}, recall@10 {:.3}",
        models.everywhere.rows(),
        rules.recency_tau,
        quality["lambda"],
        // Of models that were trained before there was one: only their factors may be new.
        quality.get("dropout").unwrap_or(&0.0),
        quality["users"],
        quality["hr_at_10"],
        quality["ndcg_at_10"],
        match (&models.tower, &models.ranker) {
            (Some(_), Some(_)) => "the ranker orders what rows and tower find",
            (Some(_), None) => "rows and tower together",
            (None, Some(_)) => "the ranker orders the best",
            (None, None) => "rows alone are better than with a ranker",
        },
        models.factors.viewers(),
        models.factors.columns().title_ids.len(),
        quality["factors_rmse"],
        models.index.storage().name(),
        models.index.description().recall_at_10,
    )
}
