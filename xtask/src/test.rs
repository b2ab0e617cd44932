//! `cargo xtask test`: the whole proof, in the order in which failures are cheapest to find.

use std::time::Instant;

use anyhow::Result;

use crate::{build, demo, node_peers, setup, shell, tidy, www};

/// What to leave out while working; CI leaves nothing out.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Skip the browser and the end-to-end story.
    #[arg(long)]
    quick: bool,
}

/// Runs every check and test.
pub(crate) fn run(args: &Args) -> Result<()> {
    let started = Instant::now();
    setup::everything()?;
    shell::visibly("checking the format", shell::cargo().args(["fmt", "--all", "--check"]))?;
    tidy::run()?;
    licences()?;
    let components = build::components()?;
    for package in build::component_packages() {
        let mut guest = shell::cargo();
        guest.args(["clippy", "--release", "--quiet", "--target", "wasm32-wasip2", "--package", &package]);
        shell::visibly(&format!("linting {package}"), guest.args(["--", "--deny", "warnings"]))?;
    }
    www::lint()?;
    let mut natives = shell::cargo();
    natives.args(["clippy", "--release", "--quiet", "--all-targets", "--", "--deny", "warnings"]);
    shell::visibly("linting the native crates", &mut natives)?;
    let mut own = shell::cargo();
    own.args([
        "clippy",
        "--release",
        "--quiet",
        "--package",
        "xtask",
        "--all-targets",
        "--",
        "--deny",
        "warnings",
    ]);
    shell::visibly("linting xtask", &mut own)?;
    let mut tests = shell::cargo();
    tests.env(build::COMPONENTS_VARIABLE, &components).args(["test", "--release", "--no-fail-fast"]);
    if let Some(folder) = node_peers::install() {
        tests.env(node_peers::FOLDER_VARIABLE, folder);
    }
    shell::visibly("running the native tests", &mut tests)?;
    shell::visibly("testing xtask", shell::cargo().args(["test", "--release", "--package", "xtask"]))?;
    if !args.quick {
        www::build()?;
        www::test()?;
        demo::run(&demo::Args::once_on_generated_data())?;
    }
    shell::say(&format!("all checks passed in {} s", started.elapsed().as_secs()));
    Ok(())
}

/// Licences, bans and sources of the dependencies; the tool is optional on a developer's machine.
fn licences() -> Result<()> {
    if !shell::succeeds(shell::cargo().args(["deny", "--version"])) {
        shell::note("cargo-deny is not installed: licences and sources are not checked here");
        return Ok(());
    }
    let mut deny = shell::cargo();
    deny.args(["deny", "--offline", "check", "bans", "licenses", "sources"]);
    shell::quietly("checking licences and sources", &mut deny)
}
