//! Installs what a fresh machine lacks; does nothing, quickly, when all is there.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{shell, wasm_std, www};

/// What a Debian package is needed for, and how to see that it is there.
struct Need {
    package: &'static str,
    present: fn() -> bool,
}

const NATIVE: &[Need] = &[
    Need { package: "cmake", present: || runs("cmake", "--version") },
    Need { package: "g++", present: || runs("g++", "--version") },
    Need { package: "make", present: || runs("make", "--version") },
    Need { package: "libopenblas-dev", present: || has_library("libopenblas.so") },
    Need { package: "liblapack-dev", present: || has_library("liblapack.so") },
];

const SERVERS: &[Need] = &[Need { package: "postgresql", present: has_postgres }];

const PAGE: &[Need] = &[
    Need { package: "nodejs", present: || runs("node", "--version") },
    Need { package: "npm", present: || runs("npm", "--version") },
];

const BROWSER: &[Need] = &[Need { package: "chromium", present: || runs("chromium", "--version") }];

const PEERS: &[Need] = &[Need { package: "python3-venv", present: can_make_venv }];

/// For everything this repository does.
pub(crate) fn everything() -> Result<()> {
    packages(&[NATIVE, SERVERS, PAGE, BROWSER])?;
    wasm_std::ensure()?;
    www::install()
}

/// For building and running the native programs.
pub(crate) fn for_native() -> Result<()> {
    packages(&[NATIVE, SERVERS])
}

/// For building the components.
pub(crate) fn for_components() -> Result<()> {
    wasm_std::ensure()
}

/// For building the page.
pub(crate) fn for_page() -> Result<()> {
    packages(&[PAGE])?;
    wasm_std::ensure()?;
    www::install()
}

/// The Python that what we measure against runs in, in `target/peers`; without it a bench has no peers.
pub(crate) fn peers() -> Option<PathBuf> {
    let installed = install_peers();
    if let Err(error) = &installed {
        shell::note(&format!("no peers beside our figures: {error:#}"));
    }
    installed.ok()
}

fn install_peers() -> Result<PathBuf> {
    let wanted = shell::root().join("benches/peers/requirements.txt");
    let folder = shell::root().join("target/peers");
    let (python, stamp) = (folder.join("bin/python"), folder.join("requirements.txt"));
    let text = std::fs::read(&wanted).with_context(|| format!("cannot read {}", wanted.display()))?;
    if std::fs::read(&stamp).is_ok_and(|installed| installed == text) {
        return Ok(python);
    }
    packages(&[PEERS])?;
    let mut make = Command::new("python3");
    shell::quietly("making a place for the peers", make.args(["-m", "venv", "--clear"]).arg(&folder))?;
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(&wanted);
    shell::quietly("installing the peers", &mut install)?;
    std::fs::write(&stamp, text).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(python)
}

fn packages(groups: &[&[Need]]) -> Result<()> {
    let missing: Vec<_> = groups
        .iter()
        .flat_map(|group| group.iter())
        .filter(|need| !(need.present)())
        .map(|need| need.package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !runs("apt-get", "--version") {
        bail!("this machine has no apt; install by hand, then run again: {}", missing.join(" "));
    }
    shell::quietly("reading the package lists", &mut apt(&["update"]))?;
    let mut install = apt(&["install", "--yes", "--no-install-recommends"]);
    install.args(&missing);
    shell::quietly(&format!("installing {}", missing.join(" ")), &mut install)
        .with_context(|| format!("cannot install {}", missing.join(" ")))
}

/// `apt-get` as root: through sudo where we are not.
fn apt(arguments: &[&str]) -> Command {
    let is_root = shell::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    let mut command = if is_root {
        Command::new("apt-get")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["--preserve-env=DEBIAN_FRONTEND", "apt-get"]);
        sudo
    };
    command.env("DEBIAN_FRONTEND", "noninteractive").args(["-o", "Acquire::Retries=3"]).args(arguments);
    command
}

fn runs(program: &str, argument: &str) -> bool {
    shell::succeeds(Command::new(program).arg(argument))
}

/// Debian ships the half of `venv` that installs pip in a package of its own.
fn can_make_venv() -> bool {
    shell::succeeds(Command::new("python3").args(["-c", "import ensurepip, venv"]))
}

fn has_library(name: &str) -> bool {
    ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"]
        .iter()
        .any(|folder| Path::new(folder).join(name).exists())
}

/// The server programs are not on PATH in Debian: they lie in a folder of their version.
fn has_postgres() -> bool {
    let in_debian = std::fs::read_dir("/usr/lib/postgresql")
        .is_ok_and(|versions| versions.flatten().any(|version| version.path().join("bin/initdb").is_file()));
    in_debian || runs("initdb", "--version")
}
