//! A server in a process of its own: started, awaited, ended by its id, never left behind.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::interrupt;

/// What is told to end and has not by then is killed.
const END_DEADLINE: Duration = Duration::from_secs(15);

const PAUSE: Duration = Duration::from_millis(20);

/// A running server.
pub(crate) struct Process {
    name: &'static str,
    pub(crate) child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts it; what it says on standard error goes to `log`.
    pub(crate) fn start(name: &'static str, command: &mut Command, log: &Path) -> Result<Self> {
        let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let program = command.get_program().display().to_string();
        let child = command.stderr(file).spawn();
        let child = child.with_context(|| format!("{name} did not start: cannot run {program}"))?;
        Ok(Self { name, child, log: log.to_owned() })
    }

    /// What the system calls it.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks again and again until there is something; ends when the process does.
    pub(crate) fn wait_for<T>(
        &mut self,
        deadline: Duration,
        mut ask: impl FnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        let started = Instant::now();
        loop {
            if let Some(found) = ask()? {
                return Ok(found);
            }
            interrupt::check()?;
            if let Some(status) = self.child.try_wait()? {
                bail!("{} did not start ({status}): {}", self.name, self.last_words());
            }
            if started.elapsed() > deadline {
                bail!("{} was not ready after {} s: {}", self.name, deadline.as_secs(), self.last_words());
            }
            // Another process gives no signal.
            thread::park_timeout(PAUSE);
        }
    }

    /// The last line it wrote: of a traceback, what went wrong.
    pub(crate) fn last_words(&self) -> String {
        let said = std::fs::read(&self.log).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing").trim().to_owned()
    }

    fn end(&mut self) -> Result<()> {
        drop(self.child.stdin.take());
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).stdin(Stdio::null()).stderr(Stdio::null()).status()?;
        let told = Instant::now();
        while self.child.try_wait()?.is_none() {
            if told.elapsed() > END_DEADLINE {
                self.child.kill()?;
                self.child.wait()?;
                bail!("{} did not end and was killed", self.name);
            }
            thread::park_timeout(PAUSE);
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Waited for and gone: its id may be another's by now.
        if !matches!(self.child.try_wait(), Ok(Some(_)))
            && let Err(error) = self.end()
        {
            eprintln!("  {error:#}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, log: &Path) -> Process {
        Process::start("the shell", Command::new("sh").args(["-c", script]), log).unwrap()
    }

    #[test]
    fn what_does_not_start_says_so_in_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let mut process = shell("echo 'Traceback:' >&2; echo 'ImportError: no faiss' >&2; exit 3", &log);
        let error = process.wait_for(Duration::from_secs(10), || Ok(None::<()>)).unwrap_err().to_string();
        assert_eq!(error, "the shell did not start (exit status: 3): ImportError: no faiss");
        let error = Process::start("it", &mut Command::new("/nonexistent/python"), &log).err().unwrap();
        assert_eq!(error.to_string(), "it did not start: cannot run /nonexistent/python");
    }

    #[test]
    fn what_is_dropped_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let process = shell("echo up >&2; exec sleep 1000", &log);
        let id = process.child.id();
        drop(process);
        assert!(!Path::new(&format!("/proc/{id}")).exists());
    }

    #[test]
    fn what_is_never_ready_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = shell("exec sleep 1000", &folder.path().join("log"));
        let error = process.wait_for(Duration::ZERO, || Ok(None::<()>)).unwrap_err().to_string();
        assert_eq!(error, "the shell was not ready after 0 s: it said nothing");
    }
}
