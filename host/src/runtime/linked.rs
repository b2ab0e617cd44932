//! A component that is linked: what is asked of an instance is looked up in it, and nothing else.
//!
//! The bindings that are generated look for every function of a world in every instance, and compare the types of all
//! of them: a sixth of the time of a small invocation. They do so once, when a release is prepared.

use std::collections::BTreeMap;
use std::ops::Range;

use wasmtime::Store;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{ComponentExportIndex, ComponentNamedList, Instance, InstancePre, Lift, Lower};

use super::error::Part;
use super::sandbox::Sandbox;

/// A linked component.
pub(super) struct Linked<P> {
    /// The generated bindings.
    pub(super) bindings: P,
    pre: InstancePre<Sandbox>,
    // Of its interface, by name.
    functions: BTreeMap<String, ComponentExportIndex>,
}

impl<P> Linked<P> {
    /// Finds the functions of the interface that this part of a release exports.
    pub(super) fn new(part: Part, pre: InstancePre<Sandbox>, bindings: P) -> Self {
        let component = pre.component();
        let interface = component.get_export(None, format!("frontrow:edge/{}@0.1.0", part.name()).as_str());
        let functions = match &interface {
            Some((ComponentItem::ComponentInstance(exports), interface)) => exports
                .exports(pre.engine())
                .filter_map(|(name, _)| {
                    Some((name.to_owned(), component.get_export_index(Some(interface), name)?))
                })
                .collect(),
            // The bindings refuse such a component.
            _ => BTreeMap::new(),
        };
        Self { bindings, pre, functions }
    }

    /// Where its compiled form lies in this process.
    pub(super) fn compiled(&self) -> Range<usize> {
        let Range { start, end } = self.pre.component().image_range();
        start.addr()..end.addr()
    }

    /// An instance of its own.
    pub(super) fn instantiate(&self, store: &mut Store<Sandbox>) -> wasmtime::Result<Instance> {
        self.pre.instantiate(store)
    }

    /// Asks a function of a fresh instance.
    pub(super) fn ask<A, R>(
        &self,
        store: &mut Store<Sandbox>,
        function: &str,
        arguments: A,
    ) -> wasmtime::Result<R>
    where
        A: ComponentNamedList + Lower,
        (R,): ComponentNamedList + Lift,
    {
        let instance = self.instantiate(store)?;
        self.ask_in(&instance, store, function, arguments)
    }

    /// Asks a function of an instance that is there.
    pub(super) fn ask_in<A, R>(
        &self,
        instance: &Instance,
        store: &mut Store<Sandbox>,
        function: &str,
        arguments: A,
    ) -> wasmtime::Result<R>
    where
        A: ComponentNamedList + Lower,
        (R,): ComponentNamedList + Lift,
    {
        let index = self.functions.get(function);
        let index = index.ok_or_else(|| wasmtime::Error::msg(format!("no function {function}")))?;
        let function = instance.get_typed_func::<A, (R,)>(&mut *store, index)?;
        let (answer,) = function.call(store, arguments)?;
        Ok(answer)
    }
}
