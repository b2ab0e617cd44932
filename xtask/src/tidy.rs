//! The rules of this repository that a compiler does not check.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use serde_json::Value;

use crate::shell;

/// Which of our crates may use which: `(crate, everything it may name)`. ARCHITECTURE.md draws it.
///
/// Dev-dependencies are free: a test may ask any crate for the expected answer.
const EDGES: &[(&str, &[&str])] = &[
    ("units", &[]),
    ("kernels", &[]),
    ("ranking", &["kernels", "units"]),
    ("bitrate", &["units"]),
    ("qoe", &["units"]),
    ("session", &["qoe", "units"]),
    ("windows", &["qoe", "units"]),
    ("capsule", &["units"]),
    ("inference", &["kernels"]),
    ("release", &["kernels", "ranking", "units"]),
    ("delta", &["ranking", "release"]),
    ("spool", &[]),
    ("wire", &["bitrate", "qoe", "ranking", "session", "units"]),
    ("golden", &["inference", "ranking", "release", "wire"]),
    ("guest", &[]),
    ("heap", &[]),
    ("component-ranking", &["guest", "heap", "kernels", "ranking", "release", "units"]),
    ("component-inference", &["heap", "inference", "kernels"]),
    ("component-bitrate", &["bitrate", "guest", "heap", "units"]),
    ("component-qoe", &["guest", "heap", "qoe", "session", "units"]),
    ("bindings", &["bitrate", "inference", "qoe", "ranking", "release", "session", "units", "wire"]),
    ("frontrow-edge", &["capsule", "delta", "inference", "release", "spool", "units", "windows", "wire"]),
    ("frontrow-origin", &["delta", "inference", "kernels", "ranking", "release", "units", "wire"]),
    (
        "benches",
        &[
            "bitrate",
            "frontrow-edge",
            "frontrow-origin",
            "inference",
            "kernels",
            "qoe",
            "ranking",
            "release",
            "session",
            "spool",
            "units",
            "wire",
        ],
    ),
    ("evaluate", &["bitrate", "qoe", "session", "units"]),
    ("xtask", &[]),
];

/// The only files that may say `unsafe`, each with its reason.
const UNSAFE_FILES: &[(&str, &str)] = &[
    ("components/guest/src/lib.rs", "the canonical ABI hands out memory by raw pointer"),
    ("components/heap/src/lib.rs", "an allocator speaks in raw pointers"),
    ("crates/kernels/src/dot.rs", "vector instructions load from raw pointers"),
    ("crates/kernels/src/byte_dense.rs", "vector instructions load from raw pointers"),
    ("crates/kernels/src/fixed.rs", "vector instructions load from raw pointers"),
    ("crates/kernels/src/lookup.rs", "wider registers and raw pointers"),
    ("crates/kernels/src/lanes.rs", "vector instructions load from raw pointers"),
    ("crates/kernels/src/panels.rs", "vector instructions load from raw pointers"),
    ("host/src/runtime/images.rs", "advises the kernel about memory that wasmtime maps"),
    ("host/src/runtime/artifacts.rs", "maps a .cwasm that this node compiled and authenticated"),
];

const FILE_LINES_MAX: usize = 500;

const FORBIDDEN_MODULES: [&str; 3] = ["utils", "common", "helpers"];

/// What must not be in a source file, and what to do instead.
///
/// Written in two halves so that this file does not find itself.
const FORBIDDEN_TEXTS: &[(&str, &str)] = &[
    (concat!("#[ign", "ore"), "a test that does not run shows nothing"),
    (concat!("TO", "DO"), "finish it, or say in the note what is left"),
    (concat!("FIX", "ME"), "finish it, or say in the note what is left"),
    (concat!("todo", "!("), "finish it"),
    (concat!("unimplemented", "!("), "finish it"),
];

/// Checks all rules and lists every breach.
pub(crate) fn run() -> Result<()> {
    shell::say("tidy");
    let mut breaches = Vec::new();
    check_edges(&mut breaches)?;
    let files = tracked_files()?;
    for file in &files {
        check_file(file, &mut breaches)?;
    }
    check_clippy_files(&files, &mut breaches);
    if breaches.is_empty() {
        return Ok(());
    }
    bail!("{} breaches of the rules:\n  {}", breaches.len(), breaches.join("\n  "));
}

fn check_edges(breaches: &mut Vec<String>) -> Result<()> {
    let json = shell::output(shell::cargo().args(["metadata", "--format-version", "1", "--no-deps"]))?;
    let metadata: Value = serde_json::from_str(&json)?;
    let packages = metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let ours: BTreeSet<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    for name in &ours {
        if !EDGES.iter().any(|(known, _)| known == name) {
            breaches.push(format!("{name}: not in the table of allowed edges, xtask/src/tidy.rs"));
        }
    }
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        let Some((_, allowed)) = EDGES.iter().find(|(known, _)| *known == name) else { continue };
        for dependency in package["dependencies"].as_array().map(Vec::as_slice).unwrap_or_default() {
            let to = dependency["name"].as_str().unwrap_or_default();
            let is_for_tests = dependency["kind"].as_str() == Some("dev");
            if ours.contains(to) && !is_for_tests && !allowed.contains(&to) {
                breaches.push(format!("{name}: may not use {to}"));
            }
        }
    }
    Ok(())
}

fn check_file(file: &Path, breaches: &mut Vec<String>) -> Result<()> {
    let shown = file.display();
    // A module is a file or a folder.
    let stem = file.with_extension("");
    let mut names = stem.components().map(|part| part.as_os_str().to_string_lossy());
    if names.any(|name| FORBIDDEN_MODULES.contains(&&*name)) {
        breaches.push(format!("{shown}: name it after what it does"));
    }
    let extension = file.extension().map(|extension| extension.to_string_lossy().into_owned());
    let Some("rs" | "ts" | "py" | "sh") = extension.as_deref() else { return Ok(()) };
    let text = fs::read_to_string(shell::root().join(file))?;
    for (forbidden, instead) in FORBIDDEN_TEXTS {
        if let Some(line) = text.lines().position(|line| line.contains(forbidden)) {
            breaches.push(format!("{shown}:{}: {forbidden} ({instead})", line + 1));
        }
    }
    let lines = text.lines().count();
    if lines > FILE_LINES_MAX {
        breaches.push(format!("{shown}: {lines} lines, above {FILE_LINES_MAX}"));
    }
    if extension.as_deref() == Some("rs") {
        check_rust(file, &text, breaches);
    }
    Ok(())
}

fn check_rust(file: &Path, text: &str, breaches: &mut Vec<String>) {
    let shown = file.display();
    if !text.starts_with("//!") {
        breaches.push(format!("{shown}:1: the first line says what the file is, `//! …`"));
    }
    let is_listed = UNSAFE_FILES.iter().any(|(known, _)| Path::new(known) == file);
    let keyword = concat!("uns", "afe");
    for (index, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        let leaves_safety = code.contains(&format!("{keyword} {{"))
            || code.contains(&format!("{keyword} fn"))
            || code.contains(&format!("{keyword} impl"));
        if leaves_safety && !is_listed {
            breaches.push(format!("{shown}:{}: {keyword} outside the files that may", index + 1));
        }
    }
}

/// A `clippy.toml` in a folder silently replaces the one at the root.
fn check_clippy_files(files: &[PathBuf], breaches: &mut Vec<String>) {
    for file in files {
        let is_clippy = file.file_name().is_some_and(|name| name == "clippy.toml" || name == ".clippy.toml");
        if is_clippy && file.components().count() > 1 {
            breaches.push(format!("{}: the only clippy.toml is the one at the root", file.display()));
        }
    }
}

/// What git tracks or would track, relative to the root.
fn tracked_files() -> Result<Vec<PathBuf>> {
    let mut git = std::process::Command::new("git");
    git.current_dir(shell::root()).args(["ls-files", "--cached", "--others", "--exclude-standard"]);
    let listed = shell::output(&mut git)?;
    Ok(listed.lines().map(PathBuf::from).filter(|file| shell::root().join(file).is_file()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaches_of(path: &str, text: &str) -> Vec<String> {
        let mut breaches = Vec::new();
        check_rust(Path::new(path), text, &mut breaches);
        breaches
    }

    #[test]
    fn a_module_must_say_what_it_is() {
        assert_eq!(breaches_of("a.rs", "//! Adds.\n"), Vec::<String>::new());
        assert_eq!(breaches_of("a.rs", "use std::fs;\n").len(), 1);
    }

    #[test]
    fn only_the_listed_files_may_leave_the_safe_language() {
        let text = concat!("//! Maps.\nlet a = uns", "afe { b() };\n");
        assert_eq!(breaches_of("host/src/runtime/artifacts.rs", text), Vec::<String>::new());
        assert_eq!(breaches_of("host/src/main.rs", text).len(), 1);
    }

    #[test]
    fn the_table_of_edges_has_no_cycle_and_names_only_known_crates() {
        for (name, allowed) in EDGES {
            for to in *allowed {
                let (_, back) = EDGES.iter().find(|(known, _)| known == to).expect("a known crate");
                assert!(!back.contains(name), "{name} and {to} may use each other");
            }
        }
    }
}
