//! What the demo did, step by step: for people as it happens, for scripts as `report.json`.

use std::io::IsTerminal;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::shell;

/// The steps so far.
#[derive(Default)]
pub(crate) struct Report {
    steps: Vec<Step>,
}

struct Step {
    name: &'static str,
    ok: bool,
    ms: u128,
    detail: String,
}

impl Report {
    /// Runs one step; its success or failure is told at once and kept.
    ///
    /// The story goes on after a failed step, so that one run shows all that is broken.
    pub(crate) fn step(&mut self, name: &'static str, run: impl FnOnce() -> Result<String>) {
        let started = Instant::now();
        // On a terminal the line is written over when the step is done.
        let is_terminal = std::io::stderr().is_terminal();
        if is_terminal {
            eprint!("{} {name} …", shell::paint("2", "▸"));
        }
        let result = run();
        if is_terminal {
            eprint!("\r\x1b[2K");
        }
        let ms = started.elapsed().as_millis();
        let ok = result.is_ok();
        let detail = result.unwrap_or_else(|error| format!("{error:#}"));
        let mark = if ok { shell::paint("1;32", "✓") } else { shell::paint("1;31", "✗") };
        eprintln!("{mark} {name} {}", shell::paint("2", &format!("({ms} ms)")));
        for line in detail.lines() {
            eprintln!("    {line}");
        }
        self.steps.push(Step { name, ok, ms, detail });
    }

    /// Whether every step worked.
    pub(crate) fn ok(&self) -> bool {
        self.steps.iter().all(|step| step.ok)
    }

    /// The names of the steps that failed.
    pub(crate) fn failed(&self) -> Vec<&'static str> {
        self.steps.iter().filter(|step| !step.ok).map(|step| step.name).collect()
    }

    /// Writes `{"ok", "steps": [{"name", "ok", "ms", "detail"}]}`.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let steps: Vec<Value> = self
            .steps
            .iter()
            .map(|step| {
                let ms = u64::try_from(step.ms).unwrap_or(u64::MAX);
                json!({"name": step.name, "ok": step.ok, "ms": ms, "detail": step.detail})
            })
            .collect();
        let text = serde_json::to_string_pretty(&json!({"ok": self.ok(), "steps": steps}))?;
        std::fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))
    }
}
