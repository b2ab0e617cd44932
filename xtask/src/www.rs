//! The browser form: wasm, its generated glue, the TypeScript facade and the page.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use wasm_bindgen_cli_support::Bindgen;
use wasmparser::{Validator, WasmFeatures};

use crate::shell;

/// Installs the page's tools from the lock file.
pub(crate) fn install() -> Result<()> {
    let folder = shell::root().join("www");
    let installed = folder.join("node_modules/.package-lock.json");
    let lock = folder.join("package-lock.json");
    if is_newer(&installed, &lock) {
        return Ok(());
    }
    shell::quietly("installing the page's tools", npm().args(["ci", "--no-audit", "--no-fund"]))
}

/// Builds `www/generated` and `www/dist`.
pub(crate) fn build() -> Result<()> {
    let mut plain = shell::cargo();
    plain.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", WITHOUT_VECTORS);
    let beside = shell::target_folder().join("bindings-plain");
    compile("building the browser form for engines without vectors", &mut plain, &beside)?;
    let generated = shell::root().join("www/generated");
    compile("building the browser form", &mut shell::cargo(), &generated)?;
    add_plain(&beside, &generated)?;
    shell::quietly("building the page", npm().args(["run", "build"]))
}

/// Builds the bindings, and their glue into a folder.
fn compile(what: &str, cargo: &mut Command, generated: &Path) -> Result<()> {
    cargo.args(["build", "--release", "--target", "wasm32-unknown-unknown", "--package", "bindings"]);
    shell::visibly(what, cargo)?;
    glue(&shell::target_folder().join("wasm32-unknown-unknown/release/bindings.wasm"), generated)
}

/// Puts the form without vectors beside the other; one glue has to do for both.
fn add_plain(from: &Path, generated: &Path) -> Result<()> {
    let glue = |folder: &Path| fs::read(folder.join("bindings.js"));
    ensure!(glue(from)? == glue(generated)?, "the forms with and without vectors have different glue");
    let wasm = fs::read(from.join("bindings_bg.wasm"))?;
    let features = WasmFeatures::all().difference(WasmFeatures::SIMD | WasmFeatures::RELAXED_SIMD);
    Validator::new_with_features(features)
        .validate_all(&wasm)
        .context("the form without vectors has some")?;
    fs::write(generated.join("bindings_plain_bg.wasm"), wasm)?;
    Ok(())
}

/// Lints the Rust side, with and without vectors.
pub(crate) fn lint() -> Result<()> {
    for flags in [None, Some(WITHOUT_VECTORS)] {
        let mut clippy = shell::cargo();
        clippy.envs(flags.map(|flags| ("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", flags)));
        clippy.args(["clippy", "--release", "--quiet", "--target", "wasm32-unknown-unknown"]);
        clippy.args(["--package", "bindings", "--", "--deny", "warnings"]);
        shell::visibly("linting the browser form", &mut clippy)?;
    }
    Ok(())
}

/// Runs the page's tests in a headless browser.
pub(crate) fn test() -> Result<()> {
    let exam = shell::target_folder().join("golden-models");
    let mut ask = shell::cargo();
    ask.args(["run", "--release", "--quiet", "--example", "models", "--"]).arg(&exam);
    shell::quietly("asking the native code what models of full size answer", &mut ask)?;
    let mut tests = npm();
    tests.arg("test").env("FRONTROW_GOLDEN_MODELS", exam);
    shell::visibly("testing the page in Chromium", &mut tests)
}

/// Runs the page's tests in a headless browser on the page of this node, as built by [`test`].
pub(crate) fn test_against(node: &str) -> Result<()> {
    let mut tests = Command::new("node");
    tests.current_dir(shell::root().join("www")).env("FRONTROW_NODE_URL", node);
    tests.args(["--test", "dist-test/page.test.mjs"]);
    shell::quietly("testing the page on a node of the story", &mut tests)
}

/// Comes behind the flags of `.cargo/config.toml`, and takes back what they say of vectors.
pub(crate) const WITHOUT_VECTORS: &str = "-C target-feature=-simd128";

/// Generates the JavaScript and the types that go with a wasm file.
fn glue(wasm: &Path, folder: &Path) -> Result<()> {
    shell::say("generating the JavaScript glue");
    Bindgen::new()
        .input_path(wasm)
        // Names of functions are an eighth of the file, and only a debugger reads them.
        .remove_name_section(true)
        .remove_producers_section(true)
        .web(true)
        .and_then(|bindgen| bindgen.typescript(true).generate(folder))
        .with_context(|| format!("wasm-bindgen refuses {}", wasm.display()))
}

fn npm() -> Command {
    let mut npm = Command::new("npm");
    npm.current_dir(shell::root().join("www"));
    npm
}

fn is_newer(a: &Path, b: &Path) -> bool {
    let modified = |path: &Path| path.metadata().and_then(|data| data.modified());
    matches!((modified(a), modified(b)), (Ok(a), Ok(b)) if a >= b)
}
