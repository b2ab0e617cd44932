//! The other side: a service as people write it in Python, of the same files; see `benches/peers`.

use std::collections::BTreeMap;
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

/// The running service.
pub(crate) struct Python {
    _process: Process,
    address: SocketAddr,
}

/// The first line on its standard output.
#[derive(Deserialize)]
struct Listening {
    port: u16,
    workers: usize,
}

/// Hits and misses by worker.
type Counters = BTreeMap<String, (u64, u64)>;

impl Python {
    /// Starts the service in this folder; returns when all its workers serve.
    pub(crate) fn start(python: &Path, folder: &Path, release: &Release) -> Result<Self> {
        release.write(folder)?;
        let script = folder.join("recommend_service.py");
        std::fs::write(&script, include_str!("../../peers/recommend_service.py"))?;
        let mut command = Command::new(python);
        command.arg(&script).arg(folder).current_dir(folder);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let name = "the Python service";
        let mut process = Process::start(name, &mut command, &folder.join("python.log"))?;
        let output = process.child.stdout.take().context("a pipe from the Python service")?;
        let (sender, lines) = mpsc::channel();
        // A read of a pipe has no deadline; the thread ends with the service.
        thread::spawn(move || {
            BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let line = process.wait_for(READY_DEADLINE, || Ok(lines.try_recv().ok()))?;
        let Listening { port, workers } =
            serde_json::from_str(&line).context("no port from the Python service")?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        process.wait_for(READY_DEADLINE, || {
            Ok(counters(address).ok().filter(|counters| counters.len() == workers))
        })?;
        Ok(Self { _process: process, address })
    }
}

impl Server for Python {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn lookups(&self) -> Result<Lookups> {
        let sum = |sum: Lookups, &(hits, misses): &(u64, u64)| Lookups {
            hits: sum.hits + hits,
            misses: sum.misses + misses,
        };
        Ok(counters(self.address)?.values().fold(Lookups::default(), sum))
    }
}

fn counters(address: SocketAddr) -> Result<Counters> {
    Ok(serde_json::from_str(&Connection::get(address, "/counters")?)?)
}
