//! `cargo xtask fuzz`: feeds mutated inputs to a parser and watches which of its code they reach.
//!
//! The targets are in `fuzz/`, a workspace of its own. What the fuzzer watches is put in by passes of the stable
//! compiler; only a sanitizer would need another one, and our parsers are safe Rust.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::shell;

/// What to fuzz and for how long.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// One of the targets in `fuzz/targets`; all of them, one after the other, without it.
    target: Option<String>,
    /// How long to go on with each target.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

/// The passes that count which edges an input takes.
const COVERAGE: [&str; 6] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
];

/// Longest input that is tried, in bytes: parsers refuse longer ones before they look at them.
const INPUT_BYTES_MAX: usize = 16 << 10;

/// An input that takes longer, in seconds, is a finding.
const INPUT_SECONDS_MAX: u32 = 5;

/// Memory above which an input is a finding, in MiB.
const MEMORY_MIB_MAX: u32 = 1_024;

/// Fuzzes one target or all of them; the first finding ends it.
pub(crate) fn run(args: &Args) -> Result<()> {
    let targets = targets()?;
    let chosen = match &args.target {
        None => targets,
        Some(target) if targets.contains(target) => vec![target.clone()],
        Some(target) => bail!("there is no target {target}: {}", targets.join(", ")),
    };
    let built = shell::target_folder().join("fuzz");
    for target in chosen {
        build(&target, &built)?;
        fuzz(&target, &built, args.seconds)?;
    }
    Ok(())
}

/// The names of the files in `fuzz/targets`.
fn targets() -> Result<Vec<String>> {
    let folder = shell::root().join("fuzz/targets");
    let files = std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let paths = files.flatten().map(|file| file.path()).filter(|path| path.extension().is_some());
    let mut names: Vec<_> = paths.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
    names.sort();
    Ok(names)
}

fn build(target: &str, built: &Path) -> Result<()> {
    let mut cargo = shell::cargo();
    cargo.current_dir(shell::root().join("fuzz")).env("CARGO_TARGET_DIR", built);
    // With a target platform named, build scripts and macros stay free of the counters.
    cargo.env("RUSTFLAGS", COVERAGE.join(" ")).args(["build", "--release", "--bin", target]);
    if needs_feature(target)? {
        cargo.args(["--features", target]);
    }
    cargo.args(["--target", &platform()?]);
    shell::visibly(&format!("building the fuzz target {target}"), &mut cargo)
}

/// Whether a target is built only with the feature of its name.
fn needs_feature(target: &str) -> Result<bool> {
    let manifest = shell::root().join("fuzz/Cargo.toml");
    let text =
        std::fs::read_to_string(&manifest).with_context(|| format!("cannot read {}", manifest.display()))?;
    Ok(text.contains(&format!("required-features = [\"{target}\"]")))
}

fn fuzz(target: &str, built: &Path, seconds: u64) -> Result<()> {
    let corpus = built.join("corpus").join(target);
    let found = built.join("found").join(target);
    std::fs::create_dir_all(&corpus)?;
    std::fs::create_dir_all(&found)?;
    let mut fuzzer = Command::new(built.join(platform()?).join("release").join(target));
    fuzzer.arg(&corpus);
    let seeds = shell::root().join("fuzz/seeds").join(target);
    if seeds.is_dir() {
        fuzzer.arg(seeds);
    }
    fuzzer.arg(format!("-max_total_time={seconds}")).arg(format!("-max_len={INPUT_BYTES_MAX}"));
    fuzzer.arg(format!("-timeout={INPUT_SECONDS_MAX}")).arg(format!("-rss_limit_mb={MEMORY_MIB_MAX}"));
    fuzzer.arg(format!("-artifact_prefix={}/", found.display())).arg("-print_final_stats=1");
    shell::visibly(&format!("fuzzing {target} for {seconds} s"), &mut fuzzer)
        .with_context(|| format!("the input is in {}", found.display()))
}

/// The platform of this machine, as the compiler names it.
fn platform() -> Result<String> {
    let says = shell::output(Command::new("rustc").arg("-vV"))?;
    let host = says.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not say its host")?.to_owned())
}
