//! Turns a component and its files into a component that has already taken them.

use std::future::{Future, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::FutureExt as _;
use wasmtime::component::{Component, ComponentType, Instance, Lift, Linker, WasmList};
use wasmtime::{Store, format_err};
use wasmtime_wizer::{ComponentInstanceState, Wizer};

use super::artifacts::{ArtifactKey, Built, Kind};
use super::error::{Part, PrepareError};
use super::prepare::Workshop;
use super::sandbox::Sandbox;

/// Compiles `wasm` after `load` has run in it; returns what `load` returned, too.
///
/// The compiled form before `load` is kept as well: the next files of the same component need only it.
pub(super) fn take<L>(
    part: Part,
    wasm: &[u8],
    workshop: &Workshop<'_>,
    linker: impl FnOnce(&Component) -> Result<Linker<Sandbox>, PrepareError>,
    load: impl FnOnce(&mut Store<Sandbox>, &Instance) -> Result<L, PrepareError>,
) -> Result<(Vec<u8>, L), PrepareError> {
    let Workshop { sandboxes, artifacts, compiler, .. } = workshop;
    let engine = &sandboxes.engine;
    let malformed = |source| PrepareError::Malformed { component: part, source };
    let wizer = Wizer::new();
    let instrument = || guarded(|| wizer.instrument_component(wasm)).map_err(malformed);
    let mut context = None;
    let key = ArtifactKey::new(engine, Kind::Instrumented, wasm, &[]);
    let (component, _) = artifacts.obtain(engine, part, &key, || {
        let (found, instrumented) = instrument()?;
        context = Some(found);
        let code = compiler.compile(&instrumented).map_err(malformed)?;
        Ok(Built { code, note: Vec::new() })
    })?;
    let mut store = sandboxes.open_to_load();
    let instance = linker(&component)?
        .instantiate(&mut store, &component)
        .map_err(|error| PrepareError::LoadFailed { component: part, source: sandboxes.ended(&error) })?;
    let loaded = load(&mut store, &instance)?;
    // Files that are refused are refused sooner without it.
    let context = match context {
        Some(context) => context,
        None => instrument()?.0,
    };
    let mut state = Reader { store: &mut store, instance, failed: None };
    // Nothing in it waits: the state is read by plain calls, so the first poll is the last.
    let wasm = guarded(|| {
        let snapshot = wizer.snapshot_component(&context, &mut state).now_or_never();
        snapshot.unwrap_or_else(|| Err(format_err!("the snapshot waits")))
    });
    match state.failed {
        Some(error) => Err(malformed(error)),
        None => Ok((wasm.map_err(malformed)?, loaded)),
    }
}

/// Wizer panics on some components that nobody builds by accident; a hostile one must not end the node.
fn guarded<T>(work: impl FnOnce() -> wasmtime::Result<T>) -> wasmtime::Result<T> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(format_err!("it uses what a snapshot cannot hold")))
}

/// Reads the memory and the globals of an instance through the exports that instrumenting added.
struct Reader<'a> {
    store: &'a mut Store<Sandbox>,
    instance: Instance,
    failed: Option<wasmtime::Error>,
}

impl Reader<'_> {
    fn call<R: Lift + ComponentType + 'static>(&mut self, instance: &str, func: &str) -> Option<R> {
        let result = self.try_call(instance, func);
        result.map_err(|error| self.failed = Some(error)).ok()
    }

    fn try_call<R: Lift + ComponentType + 'static>(
        &mut self,
        instance: &str,
        func: &str,
    ) -> wasmtime::Result<R> {
        let absent = || format_err!("{instance}#{func} is absent");
        let store = &mut *self.store;
        let (_, outer) = self.instance.get_export(&mut *store, None, instance).ok_or_else(absent)?;
        let (_, inner) = self.instance.get_export(&mut *store, Some(&outer), func).ok_or_else(absent)?;
        let func = self.instance.get_typed_func::<(), (R,)>(&mut *store, inner)?;
        Ok(func.call(&mut *store, ())?.0)
    }
}

impl ComponentInstanceState for Reader<'_> {
    fn call_func_ret_list_u8(
        &mut self,
        instance: &str,
        func: &str,
        contents: impl FnOnce(&[u8]) + Send,
    ) -> impl Future<Output = ()> + Send {
        match self.call::<WasmList<u8>>(instance, func) {
            Some(list) => contents(list.as_le_slice(&*self.store)),
            None => contents(&[]),
        }
        ready(())
    }

    fn call_func_ret_s32(&mut self, instance: &str, func: &str) -> impl Future<Output = i32> + Send {
        ready(self.call(instance, func).unwrap_or_default())
    }

    fn call_func_ret_s64(&mut self, instance: &str, func: &str) -> impl Future<Output = i64> + Send {
        ready(self.call(instance, func).unwrap_or_default())
    }

    fn call_func_ret_f32(&mut self, instance: &str, func: &str) -> impl Future<Output = u32> + Send {
        ready(self.call::<f32>(instance, func).unwrap_or_default().to_bits())
    }

    fn call_func_ret_f64(&mut self, instance: &str, func: &str) -> impl Future<Output = u64> + Send {
        ready(self.call::<f64>(instance, func).unwrap_or_default().to_bits())
    }
}
