//! What a component may ask of the host: its release's ranker, and nothing else that works.

use wasmtime::Engine;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker};

use super::bindings::ranking_world::RankingComponent;
use super::error::{Part, PrepareError};
use super::sandbox::{InStore, Sandbox};

/// The interfaces a component imports, in order of name.
pub(super) fn names(engine: &Engine, component: &Component) -> Vec<String> {
    let component_type = component.component_type();
    let mut names: Vec<String> = component_type.imports(engine).map(|(name, _)| name.to_owned()).collect();
    names.sort();
    names
}

/// What the imports of a component reach.
///
/// A `wasi:` import is satisfied by a function that traps: std names some in code that never runs. The
/// exceptions give nothing away: an environment without variables, and a constant for the seed of std's
/// hash maps, so that a snapshot is the same on every node and no decision depends on chance. The environment has to
/// stay empty: the C library in `inference` would free variables that it did not allocate.
pub(super) fn linker(
    part: Part,
    engine: &Engine,
    component: &Component,
) -> Result<Linker<Sandbox>, PrepareError> {
    for name in names(engine, component) {
        let allowed = name.starts_with("wasi:") || (part == Part::Ranking && name == RANKER_IMPORT);
        if !allowed {
            return Err(PrepareError::ImportRefused { component: part, import: name });
        }
    }
    link(part, engine, component).map_err(|source| PrepareError::WrongWorld { component: part, source })
}

fn link(part: Part, engine: &Engine, component: &Component) -> wasmtime::Result<Linker<Sandbox>> {
    let mut linker = Linker::new(engine);
    if part == Part::Ranking {
        RankingComponent::add_to_linker::<Sandbox, InStore>(&mut linker, |sandbox| sandbox)?;
    }
    for (interface, item) in component.component_type().imports(engine) {
        let ComponentItem::ComponentInstance(instance) = item.ty else { continue };
        let mut target = linker.instance(interface)?;
        let has = |name: &str| instance.get_export(engine, name).is_some();
        match interface.split('@').next() {
            Some("wasi:random/insecure-seed") if has("insecure-seed") => {
                target.func_wrap("insecure-seed", |_, (): ()| Ok((SEED,)))?;
            }
            Some("wasi:cli/environment") if has("get-environment") => {
                target.func_wrap("get-environment", |_, (): ()| Ok((Vec::<(String, String)>::new(),)))?;
            }
            _ => {}
        }
    }
    linker.define_unknown_imports_as_traps(component)?;
    Ok(linker)
}

const RANKER_IMPORT: &str = "frontrow:edge/inference@0.1.0";

/// Any constant serves; these are the first digits of pi and e.
const SEED: (u64, u64) = (3_141_592_653_589_793_238, 2_718_281_828_459_045_235);
