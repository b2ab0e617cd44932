//! A server of the demo: started, awaited, stopped, and never left behind.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::shell;

/// A drained node or a database at rest takes a second; longer means that it hangs.
const STOP_DEADLINE: Duration = Duration::from_secs(20);

/// A running server.
pub(crate) struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a server and waits until it has written `ready_file`; returns what the file says.
    pub(crate) fn start(
        name: &str,
        command: &mut Command,
        ready_file: &Path,
        log: &Path,
        deadline: Duration,
    ) -> Result<(Self, Value)> {
        if ready_file.exists() {
            std::fs::remove_file(ready_file)?;
        }
        let output = File::options().create(true).append(true).open(log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        let mut process = Self { name: name.to_owned(), child, log: log.to_path_buf() };
        let ready = wait_for(deadline, &format!("{name} to be ready"), || {
            if let Some(status) = process.child.try_wait()? {
                bail!("{name} ended with {status}; see {}", process.log.display());
            }
            // Written whole and renamed, so that what parses is complete.
            let Ok(text) = std::fs::read_to_string(ready_file) else { return Ok(None) };
            Ok(serde_json::from_str(&text).ok())
        })?;
        Ok((process, ready))
    }

    /// Asks it to end, as an operator would, and waits until it has.
    pub(crate) fn stop(&mut self) -> Result<ExitStatus> {
        if let Some(status) = self.child.try_wait()? {
            return Ok(status);
        }
        let pid = self.child.id().to_string();
        shell::output(Command::new("kill").args(["-TERM", &pid]))?;
        wait_for(STOP_DEADLINE, &format!("{} to stop", self.name), || Ok(self.child.try_wait()?))
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.stop().is_err() {
            shell::note(&format!("{} does not stop; killing it", self.name));
            if let Err(error) = self.kill() {
                shell::note(&format!("{} is left behind: {error:#}", self.name));
            }
        }
    }
}

/// Asks again and again until there is an answer; an error ends the wait at once.
pub(crate) fn wait_for<T>(
    deadline: Duration,
    what: &str,
    mut ask: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    const PAUSE: Duration = Duration::from_millis(25);
    let started = Instant::now();
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        if started.elapsed() > deadline {
            bail!("waited {} s for {what}", deadline.as_secs());
        }
        // Another process gives no signal; a look every few milliseconds costs nothing.
        std::thread::park_timeout(PAUSE);
    }
}
