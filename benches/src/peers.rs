//! What people use today, in a process of its own: asked over its standard input, in the same run as ours.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Where `cargo xtask` says that the peers' Python is; see `benches/peers`.
pub(crate) const PYTHON_VARIABLE: &str = "FRONTROW_PEERS_PYTHON";

/// A script that answers a line of JSON with a line of JSON.
pub(crate) struct Peer {
    process: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
}

#[derive(Deserialize)]
struct Times {
    times_s: Vec<f64>,
}

impl Peer {
    /// Starts a script, whose text is `source`; none where its Python is not installed.
    pub(crate) fn start(source: &str) -> Result<Option<Self>> {
        let Some(python) = std::env::var_os(PYTHON_VARIABLE).map(PathBuf::from) else {
            eprintln!("no peers: `cargo xtask bench` installs them and sets {PYTHON_VARIABLE}");
            return Ok(None);
        };
        let mut process = Command::new(&python)
            .args(["-c", source])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", python.display()))?;
        let asks = process.stdin.take().context("a pipe to the peer")?;
        let answers = BufReader::new(process.stdout.take().context("a pipe from the peer")?);
        Ok(Some(Self { process, asks, answers }))
    }

    /// How long each call of an ask took, in seconds.
    pub(crate) fn times_s(&mut self, ask: &Value) -> Result<Vec<f64>> {
        self.answer::<Times>(ask).map(|times| times.times_s)
    }

    /// Whatever the script answers.
    pub(crate) fn answer<T: DeserializeOwned>(&mut self, ask: &Value) -> Result<T> {
        serde_json::to_writer(&mut self.asks, ask)?;
        self.asks.write_all(b"\n")?;
        self.asks.flush()?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        serde_json::from_str(&line).context("the peer gave no answer")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
