//! The libraries of web players that `wire` is compared with: npm packages, in the target folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::shell;

/// Names the folder that holds the packages to tests and benches.
pub(crate) const FOLDER_VARIABLE: &str = "FRONTROW_PEERS_NODE";

/// Installs the packages of `benches/peers/package.json` and returns their folder; none where that cannot be done,
/// which is said: what is compared with them is then left out.
pub(crate) fn install() -> Option<PathBuf> {
    let installed = try_install();
    if let Err(error) = &installed {
        shell::note(&format!("nothing is compared with the players' libraries: {error:#}"));
    }
    installed.ok()
}

fn try_install() -> Result<PathBuf> {
    let wanted = shell::root().join("benches/peers/package.json");
    let text = std::fs::read(&wanted).with_context(|| format!("cannot read {}", wanted.display()))?;
    let folder = shell::root().join("target/peers-node");
    let stamp = folder.join("installed.json");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == text) {
        return Ok(folder);
    }
    std::fs::create_dir_all(&folder)?;
    write(&folder.join("package.json"), &text)?;
    let mut npm = Command::new("npm");
    // The packages ask for versions of each other that exclude each other; ours are named one by one.
    npm.current_dir(&folder).args(["install", "--legacy-peer-deps", "--no-audit", "--no-fund"]);
    npm.args(["--no-package-lock", "--ignore-scripts"]);
    shell::quietly("installing the players' libraries", &mut npm)?;
    write(&stamp, &text)?;
    Ok(folder)
}

fn write(path: &Path, text: &[u8]) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
