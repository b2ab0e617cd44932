//! `preview`: what a viewer would be recommended by the models as trained, answered in this process.

use std::collections::BTreeMap;

use inference::Ranker;
use jiff::Timestamp;
use ranking::{Pick, Reason, Request, Rules};
use release::RulesEntry;
use serde_json::json;

use crate::assemble::Catalogue;
use crate::cli::PreviewArgs;
use crate::context::Context;
use crate::error::OriginError;
use crate::models::Models;
use crate::native::Native;

pub(super) async fn run(context: &Context, args: &PreviewArgs) -> Result<String, OriginError> {
    let catalogue = Catalogue::read(&context.database().await?).await?;
    let models = Models::load(context.folder())?;
    let histories = catalogue.histories();
    let busiest = || {
        let by_length = histories.iter().max_by_key(|(_, watched)| watched.len());
        by_length.map_or(0, |(&viewer, _)| viewer)
    };
    let viewer = args.viewer.unwrap_or_else(busiest);
    let watched = histories.get(&viewer).cloned().unwrap_or_default();
    // A node knows as much of a viewer as a release tells it.
    let kept = watched.len().saturating_sub(release::limits::HISTORY_TITLES_MAX);
    let request = Request {
        history: watched[kept..].to_vec(),
        exclude: Vec::new(),
        k: args.k,
        at_unix_ms: u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0),
        maturity_max_years: wire::RecommendRequest::default().maturity_max,
    };
    let set = catalogue.candidates(&args.region, &models)?;
    let ranker = models.ranker.as_deref().map(Ranker::load).transpose();
    let ranker = ranker.map_err(|error| OriginError::Preview(error.to_string()))?;
    let RulesEntry { recency_tau, history_window, ranker_pool } = models.training.rules;
    let rules = Rules::new(recency_tau, history_window, ranker_pool);
    let rules = rules.map_err(|error| OriginError::Preview(error.to_string()))?;
    let answer = Native::new(&set.candidates, rules, ranker.as_ref()).recommend(&request);
    let answer = answer.map_err(|error| OriginError::Preview(error.to_string()))?;
    let names: BTreeMap<u32, &str> =
        catalogue.titles.iter().map(|title| (title.id, title.name.as_str())).collect();
    let name = |title: u32| names.get(&title).copied().unwrap_or("?");
    if args.json {
        let picks: Vec<_> = answer
            .picks
            .iter()
            .map(|pick| json!({"title": pick.title, "name": name(pick.title), "score": pick.score}))
            .collect();
        let ranked = answer.ranked;
        let said = json!({"viewer": viewer, "region": args.region, "ranked": ranked, "picks": picks});
        return Ok(said.to_string());
    }
    let head = format!("viewer {viewer} in {}, {} titles watched", args.region, watched.len());
    let picks = answer.picks.iter().map(|pick| told(pick, &name));
    Ok([head].into_iter().chain(picks).collect::<Vec<_>>().join("\n"))
}

fn told<'a>(pick: &Pick, name: &impl Fn(u32) -> &'a str) -> String {
    let why = match pick.reason {
        Reason::BecauseYouWatched(title) => format!("because of {}", name(title)),
        Reason::PopularForNewViewer | Reason::PopularWithoutMatch | Reason::PopularToFill => {
            "popular here".to_owned()
        }
    };
    format!("{:>10}  {:>8.4}  {}  ({why})", pick.title, pick.score, name(pick.title))
}
