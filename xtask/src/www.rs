//! The browser form: wasm, its generated glue, the TypeScript facade and the page.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

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
    let mut cargo = shell::cargo();
    cargo.args(["build", "--release", "--target", "wasm32-unknown-unknown", "--package", "bindings"]);
    shell::visibly("building the browser form", &mut cargo)?;
    let wasm = shell::target_folder().join("wasm32-unknown-unknown/release/bindings.wasm");
    glue(&wasm, &shell::root().join("www/generated"))?;
    shell::quietly("building the page", npm().args(["run", "build"]))
}

/// Lints the Rust side.
pub(crate) fn lint() -> Result<()> {
    let mut clippy = shell::cargo();
    clippy.args([
        "clippy",
        "--release",
        "--quiet",
        "--target",
        "wasm32-unknown-unknown",
        "--package",
        "bindings",
    ]);
    shell::visibly("linting the browser form", clippy.args(["--", "--deny", "warnings"]))
}

/// Runs the page's tests in a headless browser.
pub(crate) fn test() -> Result<()> {
    shell::visibly("testing the page in Chromium", npm().arg("test"))
}

/// Runs the page's tests in a headless browser on the page of this node, as built by [`test`].
pub(crate) fn test_against(node: &str) -> Result<()> {
    let mut tests = Command::new("node");
    tests.current_dir(shell::root().join("www")).env("FRONTROW_NODE_URL", node);
    tests.args(["--test", "dist-test/page.test.mjs"]);
    shell::quietly("testing the page on a node of the story", &mut tests)
}

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
