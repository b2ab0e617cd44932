//! A prepared release: what can be asked of its components.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use ::inference::Shortlist;
use wasmtime::Store;

use super::bindings::bitrate_world::{BitrateComponent, BitrateComponentPre};
use super::bindings::inference_world::InferenceComponent;
use super::bindings::qoe_world::QoeComponentPre;
use super::bindings::ranking_world::{RankingComponent, RankingComponentPre};
use super::error::{InvokeError, Nonsense};
use super::linked::Linked;
use super::models::{Form, Instance, Models, Within};
use super::sandbox::{Sandbox, Sandboxes};
use super::{bitrate, checks, inference, qoe, ranking};

/// A release ready to answer. Share it in an `Arc`; dropping the last one frees its code and images.
///
/// Every call runs in an instance of its own, made from the snapshot and thrown away after it.
pub struct Generation {
    pub(super) number: u64,
    pub(super) sandboxes: Sandboxes,
    pub(super) regions: BTreeMap<String, Region>,
    // The region whose snapshot holds the factor model: the model is the same for all.
    pub(super) rating_region: String,
    pub(super) models: Option<Arc<Models>>,
    pub(super) bitrate: Linked<BitrateComponentPre<Sandbox>>,
    pub(super) qoe: Linked<QoeComponentPre<Sandbox>>,
}

/// The ranking component with one region's candidate set.
pub(super) struct Region {
    pub(super) linked: Linked<RankingComponentPre<Sandbox>>,
    pub(super) loaded: ranking::Loaded,
    pub(super) known: Known,
}

/// What the host itself has read of a candidate set.
pub(super) struct Known {
    // Rising: no answer may name another one.
    pub(super) titles: Vec<u32>,
    // Numbers in a vector; none without vectors.
    pub(super) width: Option<usize>,
    // The tower's highest number of a title.
    pub(super) item_max: Option<u32>,
    // Whether lists are in the order of their scores: nothing lays them out otherwise.
    pub(super) is_sorted: bool,
}

impl Generation {
    /// The release's number.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The regions it answers for, in order of name.
    pub fn regions(&self) -> impl Iterator<Item = &str> {
        self.regions.keys().map(String::as_str)
    }

    /// Whether the release has a ranker.
    pub fn has_ranker(&self) -> bool {
        self.models.as_ref().is_some_and(|models| models.loaded.columns > 0)
    }

    /// Whether the release has a tower.
    pub fn has_tower(&self) -> bool {
        self.models.as_ref().is_some_and(|models| models.loaded.items > 0)
    }

    /// What the region's candidate set turned out to hold. The factor model is loaded once, so one
    /// region counts its viewers and the others say 0.
    pub fn loaded(&self, region: &str) -> Option<ranking::Loaded> {
        self.regions.get(region).map(|region| region.loaded)
    }

    /// Picks titles of a region for a viewer; the answer has been checked against the request.
    pub fn recommend(
        &self,
        region: &str,
        request: &ranking::Request,
    ) -> Result<ranking::Answer, InvokeError> {
        let region = self.regions.get(region).ok_or(InvokeError::UnknownRegion)?;
        let answer: ranking::Answer = self
            .call(self.models.clone(), |store| {
                region.linked.ask::<_, Result<_, _>>(store, "recommend", (request,))
            })?
            .map_err(InvokeError::Ranking)?;
        let Known { titles, is_sorted, .. } = &region.known;
        checked(checks::answer(&answer, request, titles, *is_sorted), answer)
    }

    /// The rows of a page of a region for a viewer; they have been checked against the request.
    pub fn home(&self, region: &str, request: &ranking::HomeRequest) -> Result<ranking::Page, InvokeError> {
        let region = self.regions.get(region).ok_or(InvokeError::UnknownRegion)?;
        let page: ranking::Page = self
            .call(self.models.clone(), |store| {
                region.linked.ask::<_, Result<_, _>>(store, "home", (request,))
            })?
            .map_err(InvokeError::Ranking)?;
        checked(checks::page(&page, request, &region.known.titles), page)
    }

    /// The `count` titles of a region whose vectors are nearest to a viewer's, by the filters of `request`.
    pub fn nearest(
        &self,
        region: &str,
        viewer: &[f32],
        count: u32,
        request: &ranking::Request,
    ) -> Result<Vec<ranking::Scored>, InvokeError> {
        let region = self.regions.get(region).ok_or(InvokeError::UnknownRegion)?;
        let scored: Vec<ranking::Scored> = self
            .call(None, |store| {
                region.linked.ask::<_, Result<_, _>>(store, "nearest", (viewer, count, request))
            })?
            .map_err(InvokeError::Ranking)?;
        checked(checks::nearest(&scored, count, request, &region.known.titles), scored)
    }

    /// Predicts the rating of each viewer for the title at the same place; whom or what nobody knows gets
    /// the mean.
    pub fn predict(&self, viewers: &[u32], titles: &[u32]) -> Result<Vec<f32>, InvokeError> {
        let region = self.rating_region()?;
        let ratings: Vec<f32> = self
            .call(None, |store| region.linked.ask::<_, Result<_, _>>(store, "predict", (viewers, titles)))?
            .map_err(InvokeError::Ranking)?;
        checked(checks::numbers(&ratings, viewers.len()), ratings)
    }

    /// The `n` titles with the highest predicted rating, without the excluded ones; empty for a viewer
    /// without factors.
    pub fn top_rated(
        &self,
        viewer: u32,
        n: u32,
        exclude: &[u32],
    ) -> Result<Vec<ranking::Scored>, InvokeError> {
        let region = self.rating_region()?;
        let scored: Vec<ranking::Scored> = self
            .call(None, |store| {
                region.linked.ask::<_, Result<_, _>>(store, "top-rated", (viewer, n, exclude))
            })?
            .map_err(InvokeError::Ranking)?;
        checked(checks::top_rated(&scored, n, exclude), scored)
    }

    /// Chooses the rung to fetch next.
    pub fn decide(&self, input: &bitrate::Input) -> Result<bitrate::Decision, InvokeError> {
        let decision: bitrate::Decision = self
            .call(None, |store| self.bitrate.ask::<_, Result<_, _>>(store, "decide", (input,)))?
            .map_err(InvokeError::Bitrate)?;
        checked(checks::decision(&decision, input), decision)
    }

    /// `decide` for each input, in order, in one instance; the outer error is of the whole call.
    pub fn decide_batch(
        &self,
        inputs: &[bitrate::Input],
    ) -> Result<Vec<Result<bitrate::Decision, bitrate::Error>>, InvokeError> {
        let decisions = self
            .call(None, |store| self.bitrate.ask::<_, Vec<Result<_, _>>>(store, "decide-batch", (inputs,)))?;
        checked(checks::decisions(&decisions, inputs), decisions)
    }

    /// `decide` for packed questions, in one instance: bytes in and out, as the crate `bitrate` documents them.
    pub fn decide_packed(&self, questions: &[u8]) -> Result<Vec<u8>, InvokeError> {
        let answers: Vec<u8> = self
            .call(None, |store| self.bitrate.ask::<_, Result<_, _>>(store, "decide-packed", (questions,)))?
            .map_err(InvokeError::Bitrate)?;
        checked(checks::packed_answers(&answers, questions), answers)
    }

    /// An instance that is kept between decisions: for measuring what a fresh one costs, never for
    /// answering, because it would carry one viewer's data into the next one's decision.
    pub fn hold_bitrate(&self) -> Result<HeldBitrate<'_>, InvokeError> {
        let mut store = self.sandboxes.open(None);
        // It is held for longer than an invocation may take.
        store.set_epoch_deadline(u64::MAX / 2);
        let guest = self.bitrate.bindings.instantiate(&mut store);
        let guest = guest.map_err(|error| self.sandboxes.ended(&error))?;
        Ok(HeldBitrate { generation: self, store, guest })
    }

    /// The same for the region whose snapshot holds the factor model, with an instance of the models.
    pub fn hold_ranking(&self) -> Result<HeldRanking<'_>, InvokeError> {
        let mut store = self.sandboxes.open_for(u64::MAX / 2, usize::MAX, self.models.clone());
        let region = self.rating_region()?;
        let guest = region.linked.bindings.instantiate(&mut store);
        let guest = guest.map_err(|error| self.sandboxes.ended(&error))?;
        Ok(HeldRanking { generation: self, store, guest })
    }

    /// The same for the models of a release.
    pub fn hold_models(&self) -> Result<HeldModels<'_>, InvokeError> {
        let Form::Wasm(linked) = &self.models()?.form else {
            return Err(InvokeError::Inference(inference::Error::NotLoaded));
        };
        let mut store = self.sandboxes.open(None);
        store.set_epoch_deadline(u64::MAX / 2);
        store.set_hostcall_fuel(usize::MAX);
        let guest = linked.bindings.instantiate(&mut store);
        let guest = guest.map_err(|error| self.sandboxes.ended(&error))?;
        Ok(HeldModels { generation: self, store, guest })
    }

    /// Folds events into a saved session; an empty state begins one.
    pub fn fold(&self, state: &[u8], events: &[qoe::Event]) -> Result<qoe::Folded, InvokeError> {
        let folded: qoe::Folded = self
            .call(None, |store| self.qoe.ask::<_, Result<_, _>>(store, "fold", (state, events)))?
            .map_err(InvokeError::Qoe)?;
        checked(checks::folded(&folded), folded)
    }

    /// Folds events into many sessions at once; batch and answer are packed, see `wire::packed`.
    pub fn fold_batch(&self, batch: &[u8]) -> Result<Vec<u8>, InvokeError> {
        self.call(None, |store| self.qoe.ask::<_, Result<_, _>>(store, "fold-batch", (batch,)))?
            .map_err(InvokeError::Qoe)
    }

    /// Scores many sessions at once; figures and scores are packed, see `wire::packed`.
    pub fn score_batch(&self, figures: &[u8]) -> Result<Vec<u8>, InvokeError> {
        self.call(None, |store| self.qoe.ask::<_, Result<_, _>>(store, "score-batch", (figures,)))?
            .map_err(InvokeError::Qoe)
    }

    /// Scores a summary.
    pub fn score(&self, summary: &qoe::Summary) -> Result<qoe::Scores, InvokeError> {
        let scores = self.call(None, |store| self.qoe.ask::<_, qoe::Scores>(store, "score", (*summary,)))?;
        checked(checks::scores(&scores), scores)
    }

    /// Runs the ranker over a shortlist: one logit a row of features.
    pub fn infer(&self, shortlist: &Shortlist<'_>) -> Result<Vec<f32>, InvokeError> {
        self.models()?.score(&mut Instance::default(), Within::ItsOwnTime, shortlist)
    }

    /// The vector of whoever watched these items of the tower, oldest first.
    pub fn encode(&self, items: &[u32]) -> Result<Vec<f32>, InvokeError> {
        self.models()?.encode(&mut Instance::default(), Within::ItsOwnTime, items)
    }

    /// The same, going on from the state of what was watched before; returns what to add to it.
    pub fn encode_from(&self, state: &[f32], items: &[u32]) -> Result<inference::Step, InvokeError> {
        self.models()?.encode_from(&mut Instance::default(), Within::ItsOwnTime, state, items)
    }

    fn models(&self) -> Result<&Models, InvokeError> {
        self.models.as_deref().ok_or(InvokeError::Inference(inference::Error::NotLoaded))
    }

    fn rating_region(&self) -> Result<&Region, InvokeError> {
        self.regions.get(&self.rating_region).ok_or(InvokeError::UnknownRegion)
    }

    fn call<R>(
        &self,
        models: Option<Arc<Models>>,
        call: impl FnOnce(&mut Store<Sandbox>) -> wasmtime::Result<R>,
    ) -> Result<R, InvokeError> {
        let mut store = self.sandboxes.open(models);
        call(&mut store).map_err(|error| self.sandboxes.ended(&error))
    }
}

fn checked<T>(check: Result<(), Nonsense>, answer: T) -> Result<T, InvokeError> {
    check.map(|()| answer).map_err(InvokeError::Nonsense)
}

impl fmt::Debug for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generation")
            .field("number", &self.number)
            .field("regions", &self.regions.keys())
            .field("models", &self.models)
            .finish_non_exhaustive()
    }
}

/// A bitrate instance that outlives a decision; see [`Generation::hold_bitrate`].
pub struct HeldBitrate<'a> {
    generation: &'a Generation,
    store: Store<Sandbox>,
    guest: BitrateComponent,
}

impl HeldBitrate<'_> {
    /// Chooses the rung to fetch next, in the instance of the decision before.
    pub fn decide(&mut self, input: &bitrate::Input) -> Result<bitrate::Decision, InvokeError> {
        let decision = self
            .guest
            .frontrow_edge_bitrate()
            .call_decide(&mut self.store, input)
            .map_err(|error| self.generation.sandboxes.ended(&error))?
            .map_err(InvokeError::Bitrate)?;
        checked(checks::decision(&decision, input), decision)
    }

    /// The same for packed questions.
    pub fn decide_packed(&mut self, questions: &[u8]) -> Result<Vec<u8>, InvokeError> {
        let answers = self
            .guest
            .frontrow_edge_bitrate()
            .call_decide_packed(&mut self.store, questions)
            .map_err(|error| self.generation.sandboxes.ended(&error))?
            .map_err(InvokeError::Bitrate)?;
        checked(checks::packed_answers(&answers, questions), answers)
    }
}

impl fmt::Debug for HeldBitrate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeldBitrate")
    }
}

/// An inference instance that outlives a call; see [`Generation::hold_bitrate`].
pub struct HeldModels<'a> {
    generation: &'a Generation,
    store: Store<Sandbox>,
    guest: InferenceComponent,
}

impl HeldModels<'_> {
    /// As [`Generation::encode`], in the instance of the call before.
    pub fn encode(&mut self, items: &[u32]) -> Result<Vec<f32>, InvokeError> {
        let guest = self.guest.frontrow_edge_inference();
        let encoded = guest.call_encode(&mut self.store, items);
        encoded.map_err(|error| self.generation.sandboxes.ended(&error))?.map_err(InvokeError::Inference)
    }

    /// As [`Generation::infer`], in the instance of the call before.
    pub fn infer(&mut self, shortlist: &Shortlist<'_>) -> Result<Vec<f32>, InvokeError> {
        let Shortlist { viewer, items, features } = *shortlist;
        let guest = self.guest.frontrow_edge_inference();
        let scored = guest.call_score(&mut self.store, viewer, items, features);
        scored.map_err(|error| self.generation.sandboxes.ended(&error))?.map_err(InvokeError::Inference)
    }

    /// As [`Generation::encode_from`], in the instance of the call before.
    pub fn encode_from(&mut self, state: &[f32], items: &[u32]) -> Result<inference::Step, InvokeError> {
        let guest = self.guest.frontrow_edge_inference();
        let step = guest.call_encode_from(&mut self.store, state, items);
        step.map_err(|error| self.generation.sandboxes.ended(&error))?.map_err(InvokeError::Inference)
    }
}

impl fmt::Debug for HeldModels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeldModels")
    }
}

/// A ranking instance that outlives a call; see [`Generation::hold_ranking`].
pub struct HeldRanking<'a> {
    generation: &'a Generation,
    store: Store<Sandbox>,
    guest: RankingComponent,
}

impl HeldRanking<'_> {
    /// As [`Generation::recommend`], in the instances of the call before, and not checked.
    pub fn recommend(&mut self, request: &ranking::Request) -> Result<ranking::Answer, InvokeError> {
        let guest = self.guest.frontrow_edge_ranking();
        let answer = guest.call_recommend(&mut self.store, request);
        answer.map_err(|error| self.generation.sandboxes.ended(&error))?.map_err(InvokeError::Ranking)
    }

    /// As [`Generation::predict`], in the instance of the call before.
    pub fn predict(&mut self, viewers: &[u32], titles: &[u32]) -> Result<Vec<f32>, InvokeError> {
        let guest = self.guest.frontrow_edge_ranking();
        let ratings = guest
            .call_predict(&mut self.store, viewers, titles)
            .map_err(|error| self.generation.sandboxes.ended(&error))?
            .map_err(InvokeError::Ranking)?;
        checked(checks::numbers(&ratings, viewers.len()), ratings)
    }

    /// As [`Generation::nearest`] for the region whose snapshot holds the factor model, in the instance of the call
    /// before.
    pub fn nearest(
        &mut self,
        viewer: &[f32],
        count: u32,
        request: &ranking::Request,
    ) -> Result<Vec<ranking::Scored>, InvokeError> {
        let guest = self.guest.frontrow_edge_ranking();
        let found = guest.call_nearest(&mut self.store, viewer, count, request);
        found.map_err(|error| self.generation.sandboxes.ended(&error))?.map_err(InvokeError::Ranking)
    }

    /// As [`Generation::top_rated`], in the instance of the call before.
    pub fn top_rated(
        &mut self,
        viewer: u32,
        n: u32,
        exclude: &[u32],
    ) -> Result<Vec<ranking::Scored>, InvokeError> {
        let guest = self.guest.frontrow_edge_ranking();
        let scored = guest
            .call_top_rated(&mut self.store, viewer, n, exclude)
            .map_err(|error| self.generation.sandboxes.ended(&error))?
            .map_err(InvokeError::Ranking)?;
        checked(checks::top_rated(&scored, n, exclude), scored)
    }
}

impl fmt::Debug for HeldRanking<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeldRanking")
    }
}
