//! The models of a release, and who runs them: an instance of the inference component, or this process.

use std::fmt;

use ::inference::Shortlist;
use wasmtime::Store;
use wasmtime::component::{self, ComponentNamedList, Lift, Lower};

use super::bindings::inference_world::InferenceComponentPre;
use super::error::{InvokeError, Nonsense};
use super::inference;
use super::linked::Linked;
use super::native::NativeModels;
use super::sandbox::{Sandbox, Sandboxes};
use super::states::EncoderStates;
use crate::limits;

/// The models of a release, ready to be asked.
pub(super) struct Models {
    pub(super) form: Form,
    pub(super) sandboxes: Sandboxes,
    pub(super) loaded: inference::Loaded,
    pub(super) states: EncoderStates,
}

/// Who runs them; the answers are the same, bit for bit, where our own kernels do.
pub(super) enum Form {
    /// The snapshot of the inference component.
    Wasm(Linked<InferenceComponentPre<Sandbox>>),
    /// This process.
    Native(Box<NativeModels>),
}

impl Models {
    /// One logit a row of features; whose vectors the ranker sees, it is told.
    pub(super) fn score(
        &self,
        instance: &mut Instance,
        within: Within,
        shortlist: &Shortlist<'_>,
    ) -> Result<Vec<f32>, InvokeError> {
        let Shortlist { viewer, items, features } = *shortlist;
        let logits = match &self.form {
            Form::Wasm(linked) => self.call(linked, instance, within, "score", (viewer, items, features))?,
            Form::Native(models) => models.score(shortlist).map_err(InvokeError::Inference)?,
        };
        finite(logits, features.len() / limits::RANKER_COLUMNS as usize)
    }

    /// The vector of whoever watched these items of the tower; of more than its window the newest count.
    ///
    /// Goes on from what was computed for the same viewer some items ago, where that is still kept: a vector depends
    /// on the items and nothing else, and is the same whole and step by step.
    pub(super) fn encode(
        &self,
        instance: &mut Instance,
        within: Within,
        items: &[u32],
    ) -> Result<Vec<f32>, InvokeError> {
        let items = &items[items.len().saturating_sub(self.loaded.window as usize)..];
        if let Some(user) = self.states.user(items) {
            return Ok(user);
        }
        if self.states.keeps_nothing() {
            return self.encode_anew(instance, within, items);
        }
        let (known, mut state) = self.states.longest_before(items);
        let step =
            self.encode_from(instance, within, &state, &items[known..]).map_err(|error| match error {
                InvokeError::Inference(inference::Error::UnknownItem(place)) => {
                    InvokeError::Inference(inference::Error::UnknownItem(place + known as u32))
                }
                other => other,
            })?;
        state.extend_from_slice(&step.state);
        self.states.keep(items, &step.user, state);
        Ok(step.user)
    }

    /// Without the state, which would only be copied out of the instance.
    fn encode_anew(
        &self,
        instance: &mut Instance,
        within: Within,
        items: &[u32],
    ) -> Result<Vec<f32>, InvokeError> {
        let user = match &self.form {
            Form::Wasm(linked) => self.call(linked, instance, within, "encode", (items,))?,
            Form::Native(models) => models.encode_from(&[], items).map_err(InvokeError::Inference)?.user,
        };
        finite(user, self.loaded.width as usize)
    }

    /// The same, going on from a state.
    pub(super) fn encode_from(
        &self,
        instance: &mut Instance,
        within: Within,
        state: &[f32],
        items: &[u32],
    ) -> Result<inference::Step, InvokeError> {
        let step = match &self.form {
            Form::Wasm(linked) => self.call(linked, instance, within, "encode-from", (state, items))?,
            Form::Native(models) => models.encode_from(state, items).map_err(InvokeError::Inference)?,
        };
        let (width, row) = (self.loaded.width as usize, self.loaded.state_row as usize);
        Ok(inference::Step { user: finite(step.user, width)?, state: finite(step.state, items.len() * row)? })
    }

    /// In the instance of the calls before, if there is one; in none of anybody else.
    fn call<A, R>(
        &self,
        linked: &Linked<InferenceComponentPre<Sandbox>>,
        instance: &mut Instance,
        within: Within,
        function: &str,
        arguments: A,
    ) -> Result<R, InvokeError>
    where
        A: ComponentNamedList + Lower,
        (Result<R, inference::Error>,): ComponentNamedList + Lift,
    {
        let ticks = match within {
            Within::ItsOwnTime => self.sandboxes.clock.ticks(self.sandboxes.deadline),
            Within::Until(deadline_tick) => deadline_tick.saturating_sub(self.sandboxes.clock.now()),
        };
        if ticks == 0 {
            return Err(InvokeError::Deadline);
        }
        let ended = |error: wasmtime::Error| self.sandboxes.ended(&error);
        // One that failed is not asked again.
        let (mut store, guest) = match instance.0.take() {
            Some((mut store, guest)) => {
                store.set_epoch_deadline(ticks);
                store.set_hostcall_fuel(limits::HOSTCALL_BYTES_MAX);
                (store, guest)
            }
            None => {
                let mut store = self.sandboxes.open_for(ticks, limits::HOSTCALL_BYTES_MAX, None);
                let guest = linked.instantiate(&mut store).map_err(ended)?;
                (store, guest)
            }
        };
        let answer: Result<R, _> = linked.ask_in(&guest, &mut store, function, arguments).map_err(ended)?;
        instance.0 = Some((store, guest));
        answer.map_err(InvokeError::Inference)
    }
}

/// The memory in which an invocation asks its models; begun in fresh memory when it first does.
#[derive(Default)]
pub(super) struct Instance(Option<(Store<Sandbox>, component::Instance)>);

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Instance(begun)" } else { "Instance" })
    }
}

/// How long a call may take.
#[derive(Clone, Copy, Debug)]
pub(super) enum Within {
    /// The deadline of an invocation.
    ItsOwnTime,
    /// What is left of somebody else's, by the clock.
    Until(u64),
}

/// So many finite numbers.
fn finite(numbers: Vec<f32>, allowed: usize) -> Result<Vec<f32>, InvokeError> {
    if numbers.len() != allowed {
        return Err(InvokeError::Nonsense(Nonsense::Length { got: numbers.len(), allowed }));
    }
    match numbers.iter().position(|number| !number.is_finite()) {
        Some(index) => Err(InvokeError::Nonsense(Nonsense::Number { index })),
        None => Ok(numbers),
    }
}

impl fmt::Debug for Models {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Models").field("loaded", &self.loaded).finish_non_exhaustive()
    }
}
