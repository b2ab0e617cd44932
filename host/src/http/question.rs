//! What a list and a page have in common: whose history, which region, the cache, names.

use std::sync::Arc;
use std::time::Instant;

use axum::http::StatusCode;
use wire::{Decided, Pick, Reason, RecommendRequest, Shown};

use super::errors::ApiError;
use super::invoke::Stages;
use crate::answer_cache::{AnswerCache, Question};
use crate::convert;
use crate::decisions;
use crate::node::{Node, unix_ms};
use crate::runtime::{Generation, InvokeError, ranking};
use crate::serving::Serving;
use crate::settings::Settings;

/// A question, as far as the node can answer it by itself.
pub(super) struct Asking {
    /// One release from here to the end: an answer never mixes two.
    pub(super) serving: Arc<Serving>,
    pub(super) region: String,
    pub(super) request: ranking::Request,
    pub(super) in_progress: Vec<ranking::Progress>,
    viewer: Option<u32>,
    // Licence windows of the region that began or ended before.
    window: u64,
    // The node drew the seed: nobody will ask this again.
    is_drawn: bool,
}

impl Asking {
    /// Looks up the region and the history, and draws a seed where the release explores and the caller has none.
    pub(super) fn new(
        node: &Node,
        settings: &Settings,
        request: RecommendRequest,
        in_progress: Vec<ranking::Progress>,
    ) -> Result<Self, ApiError> {
        let serving = node.serving.load_full().ok_or_else(ApiError::no_generation)?;
        let region = request.region.unwrap_or_else(|| settings.region.clone());
        let Some(known) = serving.regions.get(&region) else {
            let text = format!("this release has no candidates for {region}");
            return Err(ApiError::new(StatusCode::BAD_REQUEST, "region-unknown", text));
        };
        let at_unix_ms = request.at_unix_ms.unwrap_or_else(unix_ms);
        let viewer = request.viewer;
        let history = match (request.history, request.viewer) {
            (Some(history), _) => history,
            (None, Some(viewer)) => serving.history_of(viewer).to_vec(),
            (None, None) => Vec::new(),
        };
        let mut exclude = request.exclude;
        exclude.sort_unstable();
        exclude.dedup();
        let explores = known.rules.slate.exploration_place > 0;
        let is_drawn = explores && request.seed.is_none();
        let seed = if is_drawn { Some(node.dice.seed()) } else { request.seed.filter(|_| explores) };
        let (k, maturity_max) = (request.k, request.maturity_max);
        let window = known.window_at(at_unix_ms);
        let request = ranking::Request { history, exclude, k, at_unix_ms, maturity_max, seed };
        Ok(Self { serving, region, request, in_progress, viewer, window, is_drawn })
    }

    /// The answer that was kept, or the component's; and which of them it is.
    pub(super) async fn answered<A: Send + Sync + 'static>(
        self: &Arc<Self>,
        node: &Arc<Node>,
        cache: &AnswerCache<A>,
        stages: &mut Stages,
        call: fn(&Generation, &Self) -> Result<A, InvokeError>,
    ) -> Result<(Arc<A>, bool), ApiError> {
        let ranking::Request { history, exclude, k, maturity_max, seed, .. } = &self.request;
        let question = Question {
            manifest_sha256: &self.serving.manifest_sha256,
            region: &self.region,
            window: self.window,
            history,
            exclude,
            k: *k,
            maturity_max: *maturity_max,
            seed: *seed,
            in_progress: &self.in_progress,
        };
        let key = (!self.is_drawn).then(|| question.key());
        let ttl = node.settings.load().answer_ttl;
        let kept = key.as_ref().and_then(|key| cache.get(key, ttl, Instant::now()));
        node.metrics.looked_up(kept.is_some());
        if let Some(kept) = kept {
            return Ok((kept, true));
        }
        let asking = Arc::clone(self);
        let answer =
            stages.call_queued(node, "ranking", move || call(&asking.serving.generation, &asking)).await?;
        let answer = Arc::new(answer);
        if let Some(key) = key {
            cache.put(key, Arc::clone(&answer), Instant::now());
        }
        Ok((answer, false))
    }

    /// Logs what is shown.
    pub(super) fn log<'a>(
        &self,
        node: &Node,
        request_id: &str,
        rows: impl Iterator<Item = &'a [ranking::Pick]>,
    ) {
        let generation = self.serving.generation.number();
        decisions::log(node, generation, request_id, &self.region, self.viewer, || {
            let shown = (0..).zip(rows).flat_map(|(row, picks)| {
                (0..).zip(picks).map(move |(place, pick)| Shown {
                    title: pick.title,
                    row,
                    place,
                    reason: convert::reason(&pick.reason).0,
                    propensity: pick.propensity,
                })
            });
            Decided::Titles { seed: self.request.seed, shown: shown.collect() }
        });
    }

    /// Picks with their names and their reasons in words.
    pub(super) fn named(&self, picks: &[ranking::Pick]) -> Vec<Pick> {
        picks.iter().map(|pick| self.named_one(pick)).collect()
    }

    fn named_one(&self, pick: &ranking::Pick) -> Pick {
        let known = self.serving.titles.get(pick.title);
        Pick {
            title: pick.title,
            name: self.name_of(pick.title),
            year: known.and_then(|known| known.year),
            score: pick.score,
            reason: self.reason(&pick.reason),
            propensity: pick.propensity,
        }
    }

    /// A reason in words.
    pub(super) fn reason(&self, reason: &ranking::Reason) -> Reason {
        let (kind, title) = convert::reason(reason);
        let text = kind.text(title.map(|title| self.name_of(title)).as_deref());
        Reason { kind, title, text }
    }

    fn name_of(&self, title: u32) -> String {
        let known = self.serving.titles.get(title);
        known.map_or_else(|| format!("Title {title}"), |known| known.name.clone())
    }
}
