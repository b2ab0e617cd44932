//! `train`: fits the models to everything that was watched, and keeps them for releases.

use std::collections::BTreeMap;
use std::path::Path;

use release::RulesEntry;

use crate::assemble::{Catalogue, genre_bits};
use crate::cli::TrainArgs;
use crate::context::Context;
use crate::error::OriginError;
use crate::models::{Models, Training};
use crate::train::factors::{self, Rating};
use crate::train::ranker::POOL;
use crate::train::sequences::Sequences;
use crate::train::{self, Options, TrainError, onnx};

pub(super) async fn run(context: &Context, args: &TrainArgs) -> Result<String, OriginError> {
    let database = context.database().await?;
    let catalogue = Catalogue::read(&database).await?;
    let ratings = database.ratings().await?;
    let ratings = ratings.into_iter().map(|(viewer, title, rating)| Rating { viewer, title, rating });
    let (ratings, options) = (ratings.collect::<Vec<_>>(), options(args));
    let folder = context.folder().to_path_buf();
    let training = tokio::task::spawn_blocking(move || fit(&catalogue, &ratings, &options, &folder));
    training.await.map_err(|_| OriginError::Panicked)?
}

fn options(args: &TrainArgs) -> Options {
    Options { events_min: args.events_min, row_entries: usize::from(args.row_entries), ..Options::default() }
}

fn fit(
    catalogue: &Catalogue,
    ratings: &[Rating],
    options: &Options,
    folder: &Path,
) -> Result<String, OriginError> {
    let sequences = Sequences::new(catalogue.histories());
    let known = known(catalogue, &sequences);
    let fitted = train::fit(&sequences, 0, &known, options)?;
    let settings = factors::Settings::default();
    let factors = if ratings.is_empty() {
        factors::train(&factors::from_views(&sequences, settings.seed), &settings)?
    } else {
        factors::train(ratings, &settings)?
    };
    let ranker = fitted.shipped_ranker().map(onnx::encode);
    let mut quality = fitted.quality();
    let rmse = factors.rmse.last().copied().unwrap_or(0.0);
    quality.insert("factors_rmse".to_owned(), rmse);
    let rules = RulesEntry {
        recency_tau: fitted.settings.recency_tau,
        history_window: u32::try_from(fitted.settings.window).unwrap_or(u32::MAX),
        ranker_pool: if ranker.is_some() { POOL } else { 0 },
    };
    let everywhere = known.candidates(sequences.titles(), &fitted.rows).map_err(TrainError::from)?;
    let said = format!(
        "item-to-item rows of {} titles (τ {}, λ {}), {} viewers\n\
         held out: HR@10 {:.4}, NDCG@10 {:.4}; {}\n\
         factors of {} titles, RMSE {rmse:.3}",
        everywhere.rows(),
        rules.recency_tau,
        fitted.settings.lambda,
        quality["users"],
        quality["hr_at_10"],
        quality["ndcg_at_10"],
        if ranker.is_some() { "the ranker orders the best" } else { "no ranker: rows alone are better" },
        factors.factors.columns().title_ids.len(),
    );
    let training = Training { rules, quality };
    Models { everywhere, factors: factors.factors, ranker, training }.save(folder)?;
    Ok(said)
}

/// What the ranker may know of each title in the sequences.
fn known(catalogue: &Catalogue, sequences: &Sequences) -> train::catalogue::Catalogue {
    let popularity = catalogue.popularity(None);
    let genres = catalogue.genre_names();
    let titles: BTreeMap<u32, _> = catalogue.titles.iter().map(|title| (title.id, title)).collect();
    let mut known = train::catalogue::Catalogue::default();
    for title in sequences.titles() {
        let described = titles.get(title);
        known.popularity.push(popularity.get(title).copied().unwrap_or(0.0));
        known.years.push(described.and_then(|title| title.year).unwrap_or(0));
        known.genres.push(described.map_or(0, |title| genre_bits(&title.genres, &genres)));
    }
    known
}
