//! Builds what runs: the native programs and the four components.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{faiss, shell};

/// Names the folder of the built components to tests and benches.
pub(crate) const COMPONENTS_VARIABLE: &str = "FRONTROW_COMPONENTS";

const COMPONENTS: [&str; 4] = ["ranking", "inference", "bitrate", "qoe"];

/// Builds `frontrow-edge`, `frontrow-origin` and `frontrow-bench`.
///
/// Always the same selection of packages: another one would unify the features of the heavy
/// dependencies differently and build them a second time.
pub(crate) fn native() -> Result<()> {
    faiss::note_slow_build();
    shell::visibly("building the edge node and the origin", shell::cargo().args(["build", "--release"]))
}

/// Builds `frontrow-evaluate` alone: it needs nothing that is heavy.
pub(crate) fn evaluate() -> Result<()> {
    let mut cargo = shell::cargo();
    cargo.args(["build", "--release", "--package", "evaluate"]);
    shell::visibly("building the evaluation of bit rate policies", &mut cargo)
}

/// The packages of the components.
pub(crate) fn component_packages() -> impl Iterator<Item = String> {
    COMPONENTS.iter().map(|name| format!("component-{name}"))
}

/// Builds the components and returns the folder that holds `<name>.wasm` of each.
pub(crate) fn components() -> Result<PathBuf> {
    // One by one: built together, features that one component's dependencies ask for (`std`, above
    // all) would reach the others, which do without and so import nothing.
    for package in component_packages() {
        let mut cargo = shell::cargo();
        cargo.args(["build", "--release", "--target", "wasm32-wasip2", "--package", &package]);
        shell::visibly(&format!("building {package}"), &mut cargo)?;
    }
    let folder = shell::root().join("target/components");
    std::fs::create_dir_all(&folder)?;
    for name in COMPONENTS {
        let built = shell::target_folder().join(format!("wasm32-wasip2/release/component_{name}.wasm"));
        let copy = folder.join(format!("{name}.wasm"));
        std::fs::copy(&built, copy).with_context(|| format!("no component at {}", built.display()))?;
    }
    Ok(folder)
}
