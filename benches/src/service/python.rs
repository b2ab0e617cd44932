//! The other side: a service as people write it in Python, of the same files; see `benches/peers`.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::connection::Connection;
use super::process::Process;
use super::release::Release;
use super::{Lookups, Server};

/// Importing and loading takes seconds.
const READY_DEADLINE: Duration = Duration::from_secs(120);

/// As many as nanoRecSys has on two processors; one or three serve less where models are called in the loop.
const WORKERS: usize = 2;

/// The running service. Its workers have a port each and get the same share of the connections, as behind a
/// balancer that costs nothing; where they share a port, the kernel may give one of them nearly all.
pub(crate) struct Python {
    workers: Vec<Worker>,
    addresses: Vec<SocketAddr>,
}

/// Where a worker calls its models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Calls {
    /// In an executor of one thread, as nanoRecSys does.
    InExecutor,
    /// In the event loop.
    InLoop,
}

struct Worker {
    process: Process,
    address: SocketAddr,
}

/// The first line on its standard output.
#[derive(Deserialize)]
struct Listening {
    port: u16,
}

impl Python {
    /// Starts the service in this folder; returns when all its workers serve.
    pub(crate) fn start(python: &Path, folder: &Path, release: &Release, calls: Calls) -> Result<Self> {
        release.write(folder)?;
        let script = folder.join("recommend_service.py");
        std::fs::write(&script, include_str!("../../peers/recommend_service.py"))?;
        let start =
            |number| Worker::start(python, &script, folder, calls, &folder.join(format!("{number}.log")));
        let workers = (0..WORKERS).map(start).collect::<Result<Vec<_>>>()?;
        Ok(Self { addresses: workers.iter().map(|worker| worker.address).collect(), workers })
    }
}

impl Worker {
    fn start(python: &Path, script: &Path, folder: &Path, calls: Calls, log: &Path) -> Result<Self> {
        let mut command = Command::new(python);
        command.arg(script).arg(folder);
        if calls == Calls::InLoop {
            command.arg("--in-loop");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Process::start("the Python service", &mut command, log)?;
        let output = process.child.stdout.take().context("a pipe from the Python service")?;
        let (sender, lines) = mpsc::channel();
        // A read of a pipe has no deadline; the thread ends with the service.
        thread::spawn(move || {
            BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let line = process.wait_for(READY_DEADLINE, || Ok(lines.try_recv().ok()))?;
        let Listening { port } = serde_json::from_str(&line).context("no port from the Python service")?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        process.wait_for(READY_DEADLINE, || Ok(Connection::get(address, "/counters").ok()))?;
        Ok(Self { process, address })
    }
}

impl Server for Python {
    fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    fn processes(&self) -> Vec<u32> {
        self.workers.iter().map(|worker| worker.process.id()).collect()
    }

    fn lookups(&self) -> Result<Lookups> {
        let mut sum = Lookups::default();
        for worker in &self.workers {
            let own: Lookups = serde_json::from_str(&Connection::get(worker.address, "/counters")?)?;
            sum = Lookups { hits: sum.hits + own.hits, misses: sum.misses + own.misses };
        }
        Ok(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_does_not_start_is_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let (script, log) = (folder.path().join("service.py"), folder.path().join("log"));
        // A shell stands for a Python without the packages.
        std::fs::write(
            &script,
            "echo 'Traceback' >&2; echo 'ModuleNotFoundError: No module named faiss' >&2; exit 1",
        )
        .unwrap();
        let error = Worker::start(Path::new("sh"), &script, folder.path(), Calls::InLoop, &log)
            .err()
            .unwrap()
            .to_string();
        let expected =
            "the Python service did not start (exit status: 1): ModuleNotFoundError: No module named faiss";
        assert_eq!(error, expected);
    }
}
