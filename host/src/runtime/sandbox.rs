//! The store of one invocation: how long it may run, how much it may take, and what it may ask.

use std::sync::Arc;
use std::time::Duration;

use ::inference::Shortlist;
use wasmtime::component::HasSelf;
use wasmtime::{Engine, PoolConcurrencyLimitError, ResourceLimiter, Store, Trap};

use super::bindings::ranking_world::frontrow::edge::inference as imported;
use super::engine::Clock;
use super::error::InvokeError;
use super::inference;
use super::models::{Instance, Models, Within};
use crate::limits;

/// Makes stores, all alike.
#[derive(Clone, Debug)]
pub(super) struct Sandboxes {
    pub(super) engine: Engine,
    pub(super) clock: Arc<Clock>,
    pub(super) memory_bytes_max: usize,
    pub(super) deadline: Duration,
    pub(super) load_deadline: Duration,
}

impl Sandboxes {
    /// A store with the deadline of an invocation; the models are what its import reaches.
    pub(super) fn open(&self, models: Option<Arc<Models>>) -> Store<Sandbox> {
        self.open_for(self.clock.ticks(self.deadline), limits::HOSTCALL_BYTES_MAX, models)
    }

    /// A store in which a component takes its files; the snapshot reads its whole memory in one call.
    pub(super) fn open_to_load(&self) -> Store<Sandbox> {
        self.open_for(self.clock.ticks(self.load_deadline), self.memory_bytes_max, None)
    }

    pub(super) fn open_for(
        &self,
        ticks: u64,
        hostcall_bytes: usize,
        models: Option<Arc<Models>>,
    ) -> Store<Sandbox> {
        let sandbox = Sandbox {
            memory_bytes_max: self.memory_bytes_max,
            // Only a ranking store has somewhere to pass the rest of its time on to.
            deadline_tick: if models.is_some() { self.clock.now() + ticks } else { 0 },
            models,
            instance: Instance::default(),
        };
        let mut store = Store::new(&self.engine, sandbox);
        store.limiter(|sandbox| sandbox);
        store.set_epoch_deadline(ticks);
        store.set_hostcall_fuel(hostcall_bytes);
        store
    }

    /// Says what ended an invocation.
    pub(super) fn ended(&self, error: &wasmtime::Error) -> InvokeError {
        if let Some(error) = error.downcast_ref::<InvokeError>() {
            return error.clone();
        }
        if error.is::<PoolConcurrencyLimitError>() {
            return InvokeError::Overloaded;
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::Interrupt) => InvokeError::Deadline,
            Some(trap) => InvokeError::Trap(trap.to_string().trim_start_matches("wasm trap: ").to_owned()),
            None => {
                let mut reason = error.root_cause().to_string();
                reason.truncate(reason.floor_char_boundary(limits::REASON_BYTES_MAX));
                InvokeError::Trap(reason)
            }
        }
    }
}

/// What a store holds.
#[derive(Debug)]
pub(super) struct Sandbox {
    memory_bytes_max: usize,
    deadline_tick: u64,
    models: Option<Arc<Models>>,
    instance: Instance,
}

/// An error from here ends the guest at once: one that asks for too much is not to be trusted further.
impl ResourceLimiter for Sandbox {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        if desired > self.memory_bytes_max {
            return Err(wasmtime::Error::new(InvokeError::OutOfMemory(self.memory_bytes_max)));
        }
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        if desired > limits::TABLE_ELEMENTS_MAX {
            let bytes_max = limits::TABLE_ELEMENTS_MAX * size_of::<usize>();
            return Err(wasmtime::Error::new(InvokeError::OutOfMemory(bytes_max)));
        }
        Ok(true)
    }
}

/// How a linker finds the sandbox in its store.
pub(super) type InStore = HasSelf<Sandbox>;

/// What the ranking component may ask: its release's models, in memory that is its invocation's alone.
impl imported::Host for Sandbox {
    fn load(
        &mut self,
        _: Option<Vec<u8>>,
        _: Option<Vec<u8>>,
    ) -> wasmtime::Result<Result<imported::Loaded, imported::LoadError>> {
        Ok(Err(imported::LoadError::Malformed("only the host loads a model".to_owned())))
    }

    fn score(
        &mut self,
        viewer: Vec<f32>,
        items: Vec<u32>,
        features: Vec<f32>,
    ) -> wasmtime::Result<Result<Vec<f32>, imported::Error>> {
        let shortlist = Shortlist { viewer: &viewer, items: &items, features: &features };
        self.ask(|models, instance, within| models.score(instance, within, &shortlist))
    }

    fn encode(&mut self, items: Vec<u32>) -> wasmtime::Result<Result<Vec<f32>, imported::Error>> {
        self.ask(|models, instance, within| models.encode(instance, within, &items))
    }

    fn encode_from(
        &mut self,
        state: Vec<f32>,
        items: Vec<u32>,
    ) -> wasmtime::Result<Result<imported::Step, imported::Error>> {
        self.ask(|models, instance, within| {
            let step = models.encode_from(instance, within, &state, &items)?;
            Ok(imported::Step { user: step.user, state: step.state })
        })
    }
}

impl Sandbox {
    /// Within what is left of the time of the invocation that asks.
    fn ask<R>(
        &mut self,
        ask: impl FnOnce(&Models, &mut Instance, Within) -> Result<R, InvokeError>,
    ) -> wasmtime::Result<Result<R, imported::Error>> {
        let Some(models) = &self.models else {
            return Ok(Err(imported::Error::NotLoaded));
        };
        match ask(models, &mut self.instance, Within::Until(self.deadline_tick)) {
            Ok(answer) => Ok(Ok(answer)),
            Err(InvokeError::Inference(refusal)) => Ok(Err(as_imported(refusal))),
            // It ran out of time or memory, trapped or lied: the whole answer fails, with that reason.
            Err(other) => Err(wasmtime::Error::new(other)),
        }
    }
}

fn as_imported(refusal: inference::Error) -> imported::Error {
    match refusal {
        inference::Error::NotLoaded => imported::Error::NotLoaded,
        inference::Error::Viewer(numbers) => imported::Error::Viewer(numbers),
        inference::Error::Ragged(count) => imported::Error::Ragged(count),
        inference::Error::TooManyRows(limit) => imported::Error::TooManyRows(limit),
        inference::Error::NotFinite(row) => imported::Error::NotFinite(row),
        inference::Error::Failed(reason) => imported::Error::Failed(reason),
        inference::Error::UnknownItem(place) => imported::Error::UnknownItem(place),
        inference::Error::NoItems => imported::Error::NoItems,
        inference::Error::State => imported::Error::State,
    }
}
