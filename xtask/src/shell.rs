//! Runs other programs: announced, timed, and with an error that says which one failed.

use std::fs::File;
use std::io::{IsTerminal, Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::faiss;

/// The root of the checkout: cargo says where it found us. What was true when we were built may not be
/// true now, since checkouts share a target folder.
pub(crate) fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR");
    let here = here.map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf(), PathBuf::from);
    here.parent().expect("xtask lies in a folder of the workspace").to_path_buf()
}

/// Where cargo puts what it builds.
pub(crate) fn target_folder() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// A program of this workspace, as `build::native` left it.
pub(crate) fn program(name: &str) -> Result<Command> {
    let path = target_folder().join("release").join(name);
    if !path.is_file() {
        bail!("{} has not been built", path.display());
    }
    Ok(Command::new(path))
}

/// `cargo`, the one that runs us.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    if let Some(flags) = faiss::flags() {
        cargo.env(faiss::FLAGS_VARIABLE, flags);
    }
    cargo
}

/// Runs a command whose own output is its progress.
pub(crate) fn visibly(what: &str, command: &mut Command) -> Result<()> {
    say(what);
    let started = Instant::now();
    // Standard output stays free for what a caller may want to read, such as JSON.
    let status = command
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()
        .with_context(|| format!("cannot start {command:?}"))?;
    if !status.success() {
        bail!("{what}: {command:?} ended with {status}");
    }
    let seconds = started.elapsed().as_secs();
    if seconds >= 2 {
        note(&format!("{what}: {seconds} s"));
    }
    Ok(())
}

/// Runs a command whose output matters only when it fails; it is kept in `target/logs`.
pub(crate) fn quietly(what: &str, command: &mut Command) -> Result<()> {
    say(what);
    let folder = root().join("target/logs");
    std::fs::create_dir_all(&folder)?;
    let name: String = what.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let path = folder.join(format!("{name}.log"));
    let log = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    let started = Instant::now();
    let status = command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .status()
        .with_context(|| format!("cannot start {command:?}"))?;
    if !status.success() {
        bail!("{what}: {command:?} ended with {status}; its last lines:\n{}", tail(&path)?);
    }
    let seconds = started.elapsed().as_secs();
    if seconds >= 2 {
        note(&format!("{what}: {seconds} s"));
    }
    Ok(())
}

/// Runs a command and returns what it wrote to standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("cannot start {command:?}"))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!("{command:?} ended with {}: {}", output.status, errors.trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("{command:?} wrote something that is not text"))
}

/// Whether a command can be run and succeeds.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let silent = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    silent.status().is_ok_and(|status| status.success())
}

/// Becomes the command: its output and exit code are ours.
pub(crate) fn replace(command: &mut Command) -> Result<()> {
    Err(command.exec()).with_context(|| format!("cannot start {command:?}"))
}

/// Announces what is done next, on standard error.
pub(crate) fn say(what: &str) {
    eprintln!("{} {what}", paint("1;36", "▸"));
}

/// A detail below what was announced.
pub(crate) fn note(what: &str) {
    eprintln!("  {}", paint("2", what));
}

/// Colours a text, on a terminal only.
pub(crate) fn paint(code: &str, text: &str) -> String {
    if std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

/// The end of a log: enough to see why, short enough to read.
fn tail(path: &Path) -> Result<String> {
    const TAIL_BYTES: u64 = 4_000;
    let mut file = File::open(path)?;
    let start = file.metadata()?.len().saturating_sub(TAIL_BYTES);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
