//! `preview`: what a viewer would be shown.

use jiff::Timestamp;

use crate::assemble::Catalogue;
use crate::cli::PreviewArgs;
use crate::context::Context;
use crate::error::OriginError;
use crate::models::Models;
use crate::preview::{Preview, Question, Shown};

pub(super) async fn run(context: &Context, args: &PreviewArgs) -> Result<String, OriginError> {
    let catalogue = Catalogue::read(&context.database().await?).await?;
    let catalogue = catalogue.laid_out(context.config().slates());
    let busiest = || {
        let histories = catalogue.histories();
        let by_length = histories.iter().max_by_key(|(_, watched)| watched.len());
        by_length.map_or(0, |(&viewer, _)| viewer)
    };
    let question = Question {
        viewer: args.viewer.unwrap_or_else(busiest),
        k: args.k,
        at_unix_ms: u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0),
        maturity_max_years: wire::RecommendRequest::default().maturity_max,
    };
    let preview = match args.generation {
        Some(generation) => Preview::of_release(&context.publisher(), generation, &args.region).await?,
        None => Preview::of_models(&catalogue, &Models::load(context.folder())?, &args.region)?,
    };
    let shown = preview.answer(question)?;
    if args.json {
        return Ok(serde_json::to_string(&shown).expect("names and numbers can be written as JSON"));
    }
    Ok(told(&shown))
}

fn told(shown: &Shown) -> String {
    let by = shown
        .generation
        .map_or_else(|| "the models as trained".to_owned(), |generation| format!("generation {generation}"));
    let order = if shown.ranked { ", in the ranker's order" } else { "" };
    let mut lines = vec![format!(
        "viewer {} in {}, {} titles watched; {} of {} candidates by {by}{order}",
        shown.viewer,
        shown.region,
        shown.watched,
        shown.picks.len(),
        shown.eligible,
    )];
    lines.extend(shown.picks.iter().zip(1..).map(|(pick, place): (_, u32)| {
        let year = pick.year.map_or_else(String::new, |year| format!(" ({year})"));
        format!(
            "{place:>4}  {:>8.4}  {}{year}  [{}]  {}",
            pick.score, pick.name, pick.title, pick.reason.text
        )
    }));
    lines.join("\n")
}
