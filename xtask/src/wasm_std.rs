//! The standard library of the wasm targets, also where rustup's host is out of reach.
//!
//! Debian ships the source of every Rust release as `rust-src`; the library built from the source of
//! the very version of our compiler is the library that rustup would have downloaded. Packages come
//! through apt, so that their signatures are checked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{shell, www};

const TARGETS: [&str; 2] = ["wasm32-wasip2", "wasm32-unknown-unknown"];

/// The suite that carries the source of current compilers for stable Debian.
const SUITE: &str = "trixie-backports";

/// Makes `cargo build --target` work for both wasm targets.
///
/// # Errors
///
/// When neither rustup nor Debian can be reached.
pub(crate) fn ensure() -> Result<()> {
    let sysroot = PathBuf::from(shell::output(rustc().args(["--print", "sysroot"]))?.trim());
    let missing: Vec<_> = TARGETS.into_iter().filter(|target| !is_installed(&sysroot, target)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    shell::say(&format!("installing the standard library of {}", missing.join(" and ")));
    // rustup may try for minutes on a machine without a way out; 60 s is enough to know.
    let mut rustup = Command::new("timeout");
    rustup.current_dir(shell::root()).args(["60", "rustup", "target", "add"]).args(&missing);
    if shell::succeeds(&mut rustup) {
        return Ok(());
    }
    shell::note("rustup cannot download it here; building it from Debian's rust-src");
    let work = shell::root().join("target/wasm-std");
    if work.exists() {
        fs::remove_dir_all(&work)?;
    }
    fs::create_dir_all(&work)?;
    let packages = Packages::fetch(&work)?;
    install_source(&sysroot, &packages.rust_src)?;
    for target in missing {
        build(&work, &sysroot, target)?;
    }
    install_wasi_libc(&sysroot, &packages.wasi_libc)?;
    fs::remove_dir_all(&work)?;
    Ok(())
}

fn is_installed(sysroot: &Path, target: &str) -> bool {
    let library = sysroot.join("lib/rustlib").join(target).join("lib");
    let has_std = fs::read_dir(&library).is_ok_and(|entries| {
        entries.flatten().any(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.starts_with("libstd-") && name.ends_with(".rlib")
        })
    });
    // The last file that an installation puts there, so that one cut short is done again.
    has_std && (target != "wasm32-wasip2" || library.join("self-contained/libc.a").is_file())
}

/// The unpacked packages.
struct Packages {
    rust_src: PathBuf,
    wasi_libc: PathBuf,
}

impl Packages {
    /// Downloads by apt with a private state, so that the machine's own sources stay as they are.
    fn fetch(work: &Path) -> Result<Self> {
        let (mirror, keyring) = debian_mirror()?;
        let apt = work.join("apt");
        for folder in ["lists/partial", "cache/archives/partial", "empty"] {
            fs::create_dir_all(apt.join(folder))?;
        }
        fs::write(apt.join("status"), "")?;
        fs::write(apt.join("sources.list"), format!("deb [signed-by={keyring}] {mirror} {SUITE} main\n"))?;
        let version = compiler_version()?;
        shell::quietly("reading Debian's package list", private_apt("apt-get", &apt).arg("update"))?;
        let offered = shell::output(private_apt("apt-cache", &apt).args(["madison", "rust-src"]))?;
        let Some(exact) = offered
            .lines()
            .filter_map(|line| line.split('|').nth(1))
            .map(str::trim)
            .find(|offer| offer.starts_with(&format!("{version}+")))
        else {
            bail!("Debian's {SUITE} no longer has rust-src {version}; `rustup target add` is the way then");
        };
        let folder = work.join("packages");
        fs::create_dir_all(&folder)?;
        let rust_src = format!("rust-src={exact}");
        let mut download = private_apt("apt-get", &apt);
        download.current_dir(&folder).args(["download", &rust_src, "wasi-libc"]);
        shell::quietly("downloading rust-src and wasi-libc", &mut download)?;
        Ok(Self { rust_src: unpack(&folder, "rust-src")?, wasi_libc: unpack(&folder, "wasi-libc")? })
    }
}

fn private_apt(program: &str, apt: &Path) -> Command {
    let mut command = Command::new(program);
    let option = |key: &str, path: &str| format!("{key}={}", apt.join(path).display());
    command.args(["-o", &option("Dir::State::lists", "lists")]);
    command.args(["-o", &option("Dir::State::status", "status")]);
    command.args(["-o", &option("Dir::Cache", "cache")]);
    command.args(["-o", &option("Dir::Etc::sourcelist", "sources.list")]);
    command.args(["-o", &option("Dir::Etc::sourceparts", "empty")]);
    command.args(["-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=3"]);
    command
}

/// The mirror and the keyring of the machine's own apt sources, in either of their two forms.
fn debian_mirror() -> Result<(String, String)> {
    const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    if let Ok(entries) = fs::read_dir("/etc/apt/sources.list.d") {
        files.extend(entries.flatten().map(|entry| entry.path()));
    }
    for file in files {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        let addresses =
            text.lines().filter(|line| !line.trim_start().starts_with('#')).flat_map(str::split_whitespace);
        let mirror = addresses
            .filter(|word| word.starts_with("http"))
            .map(|word| word.trim_end_matches('/'))
            .find(|word| word.ends_with("/debian"));
        if let Some(mirror) = mirror {
            return Ok((mirror.to_owned(), KEYRING.to_owned()));
        }
    }
    bail!("no Debian mirror in /etc/apt: `rustup target add {}` is the way here", TARGETS.join(" "))
}

fn compiler_version() -> Result<String> {
    let line = shell::output(rustc().arg("--version"))?;
    line.split_whitespace().nth(1).map(str::to_owned).context("rustc --version says no version")
}

fn unpack(folder: &Path, package: &str) -> Result<PathBuf> {
    let archive = fs::read_dir(folder)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(package)))
        .with_context(|| format!("apt downloaded no {package}"))?;
    let unpacked = folder.join(format!("{package}.unpacked"));
    shell::quietly(
        &format!("unpacking {package}"),
        Command::new("dpkg-deb").arg("-x").arg(archive).arg(&unpacked),
    )?;
    Ok(unpacked)
}

fn install_source(sysroot: &Path, rust_src: &Path) -> Result<()> {
    let source = rust_src.join("usr/src").join(format!("rustc-{}", compiler_version()?));
    let place = sysroot.join("lib/rustlib/src/rust");
    if place.join("library/Cargo.lock").is_file() {
        return Ok(());
    }
    fs::create_dir_all(place.parent().context("the sysroot has folders")?)?;
    shell::quietly("installing the library's source", Command::new("cp").arg("-r").arg(source).arg(place))
}

/// Builds an empty crate with its own std and keeps that std.
fn build(work: &Path, sysroot: &Path, target: &str) -> Result<()> {
    let stub = work.join("stub");
    fs::create_dir_all(stub.join("src"))?;
    let manifest = "[package]\nname = \"stub\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n";
    fs::write(stub.join("Cargo.toml"), manifest)?;
    fs::write(stub.join("src/lib.rs"), "#![no_std]\n")?;
    fs::copy(shell::root().join("rust-toolchain.toml"), stub.join("rust-toolchain.toml"))?;
    let mut cargo = shell::cargo();
    // A std of our own is not a stable feature of cargo; the source is that of the compiler itself.
    cargo.current_dir(&stub).env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_DIR", stub.join("target"));
    // As rustup's, it is also for engines without vectors.
    cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", www::WITHOUT_VECTORS);
    cargo.args(["build", "--release", "-Z", "build-std=std,panic_abort,proc_macro", "--target", target]);
    shell::quietly(&format!("building std for {target}"), &mut cargo)?;
    let library = sysroot.join("lib/rustlib").join(target).join("lib");
    fs::create_dir_all(&library)?;
    for entry in fs::read_dir(stub.join("target").join(target).join("release/deps"))?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".rlib") && !name.starts_with("libstub") {
            fs::copy(entry.path(), library.join(name))?;
        }
    }
    Ok(())
}

fn install_wasi_libc(sysroot: &Path, wasi_libc: &Path) -> Result<()> {
    let place = sysroot.join("lib/rustlib/wasm32-wasip2/lib/self-contained");
    fs::create_dir_all(&place)?;
    for name in ["crt1-command.o", "crt1-reactor.o", "libc.a"] {
        let from = wasi_libc.join("usr/lib/wasm32-wasip2").join(name);
        fs::copy(&from, place.join(name)).with_context(|| format!("wasi-libc has no {}", from.display()))?;
    }
    Ok(())
}

fn rustc() -> Command {
    let mut rustc = Command::new("rustc");
    rustc.current_dir(shell::root());
    rustc
}
