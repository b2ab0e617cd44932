//! `train`: fits the models to everything that was watched, and keeps them for releases.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Instant;

use crate::assemble::Catalogue;
use crate::cli::{TrainArgs, TrainedModel};
use crate::context::Context;
use crate::error::OriginError;
use crate::limits::TOWER_TITLES_BYTES_MAX;
use crate::models::{Models, TowerFrom};
use crate::train::Options;
use crate::train::factors::Rating;
use crate::train::given::Given;

pub(super) async fn run(context: &Context, args: &TrainArgs) -> Result<String, OriginError> {
    let (tower, titles) = (args.tower.clone(), args.tower_titles.clone());
    let given = tokio::task::spawn_blocking(move || {
        tower.map(|tower| read_given(&tower, titles.as_deref())).transpose()
    });
    let given = given.await.map_err(|_| OriginError::Panicked)??;
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
        let fit = |tower| Models::fit_after(before.as_ref(), &catalogue, &ratings, &options, tower);
        let models = match (&given, model) {
            (Some(given), _) => fit(Some(TowerFrom::Given(given)))?,
            (None, TrainedModel::Ridge) => fit(None)?,
            (None, TrainedModel::Tower) => fit(Some(TowerFrom::Learned { minutes }))?,
            (None, TrainedModel::Mf) => {
                Models::load(&folder)?.refit_factors(&catalogue, &ratings, &options)?
            }
        };
        models.save(&folder)?;
        let of_given = given.map(|given| told_of_given(&given, &models));
        Ok(told(&models) + &of_given.unwrap_or_default())
    });
    training.await.map_err(|_| OriginError::Panicked)?
}

/// The tower that somebody else has trained.
fn read_given(tower: &Path, titles: Option<&Path>) -> Result<Given, OriginError> {
    let onnx = read(tower, inference::limits::MODEL_BYTES_MAX as u64)?;
    let titles = titles.map(|path| read(path, TOWER_TITLES_BYTES_MAX)).transpose()?;
    let titles = titles.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Ok(Given::new(onnx, titles.as_deref())?)
}

/// What a file holds, and a byte more than `bytes_max` of one that holds more: enough to refuse it.
fn read(path: &Path, bytes_max: u64) -> Result<Vec<u8>, OriginError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(bytes_max + 1).read_to_end(&mut bytes));
    read.map_err(|source| OriginError::File { what: "read", path: path.to_path_buf(), source })?;
    Ok(bytes)
}

fn options(args: &TrainArgs) -> Options {
    Options {
        events_min: args.events_min,
        row_entries: args.row_entries.map(usize::from),
        index_recall_at_10: args.recall,
        ..Options::default()
    }
}

fn told_of_given(given: &Given, models: &Models) -> String {
    let watched = &models.everywhere.columns().title_ids;
    let known =
        format!("\nthe tower knows {} of {} titles that were watched", given.known(watched), watched.len());
    // The quickest of a few: what else the machine does says nothing of the tower.
    let runs = (0..5).filter_map(|_| {
        let started = Instant::now();
        given.run_longest().ok().map(|items| (started.elapsed(), items))
    });
    let took = runs.min().map_or_else(String::new, |(took, items)| {
        format!("; a history of {items} takes {:.1} ms here, natively", took.as_secs_f64() * 1e3)
    });
    let known = known + &took;
    match &models.tower {
        Some(_) => known,
        None => known + "\nit was left out: rows alone find more of what was held out",
    }
}

fn told(models: &Models) -> String {
    let (rules, quality) = (&models.training.rules, &models.training.quality);
    format!(
        "item-to-item rows of {} titles (τ {}, λ {}, dropout {:.2}, backward {})\n\
         held out, {} viewers: HR@10 {:.4}, NDCG@10 {:.4}; {}\n\
         factors of {} viewers and {} titles, RMSE {:.3}; index {}, recall@10 {:.3}",
        models.everywhere.rows(),
        rules.recency_tau,
        quality["lambda"],
        // Of models that were trained before there were any: only their factors may be new.
        quality.get("dropout").unwrap_or(&0.0),
        quality.get("backward").unwrap_or(&0.0),
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
