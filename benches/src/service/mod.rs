//! `POST /v1/recommend` under load that does not wait for answers: our node with its models in wasm and natively,
//! beside a service in Python that serves the same models.

pub(crate) mod arrivals;
mod climb;
pub(crate) mod connection;
pub(crate) mod cpu;
mod figures;
pub(crate) mod memory;
pub(crate) mod node;
mod open_loop;
mod process;
mod python;
pub(crate) mod release;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::interrupt;
use crate::peers::PYTHON_VARIABLE;
use arrivals::Step;
pub(crate) use connection::Head;
pub(crate) use figures::{Figures, Percentiles};
use figures::{Rate, Side};
use node::{Node, Work};
use python::{Calls, Python};
use release::Release;

/// For how long all servers keep answers.
const ANSWER_TTL_S: u32 = 300;

/// Where the climb begins.
const FIRST_PER_S: f64 = 500.0;

/// Requests of a step: more would fill the memory with bodies.
const REQUESTS_MAX: f64 = 1e6;

/// No rate above it is offered: the generator has a part of the same processors.
const RATE_MAX_PER_S: f64 = 50_000.0;

/// A server under load.
trait Server {
    /// Of each worker that is to get the same share of the connections.
    fn addresses(&self) -> &[SocketAddr];

    /// The ids of its processes.
    fn processes(&self) -> Vec<u32>;

    /// What its own counters say.
    fn lookups(&self) -> Result<Lookups>;
}

/// Lookups of kept answers since the start.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(crate) struct Lookups {
    hits: u64,
    misses: u64,
}

/// What was used up to a moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Used {
    lookups: Lookups,
    server_cpu: Option<Duration>,
    load_cpu: Option<Duration>,
}

impl Used {
    fn now(server: &impl Server, processes: &[u32]) -> Result<Self> {
        let load_cpu = cpu::used(&[std::process::id()]);
        Ok(Self { lookups: server.lookups()?, server_cpu: cpu::used(processes), load_cpu })
    }

    fn since(self, before: Self) -> Self {
        let between = |now: Option<Duration>, before: Option<Duration>| Some(now?.saturating_sub(before?));
        Self {
            lookups: Lookups {
                hits: self.lookups.hits - before.lookups.hits,
                misses: self.lookups.misses - before.lookups.misses,
            },
            server_cpu: between(self.server_cpu, before.server_cpu),
            load_cpu: between(self.load_cpu, before.load_cpu),
        }
    }
}

/// Measures all servers, at these rates or, of none, at rates that climb to saturation.
pub(crate) fn measure(components: &Path, rates_per_s: &[f64], seconds: u64) -> Result<Figures> {
    let load = Load { rates_per_s, time: Duration::from_secs(seconds) };
    let most = load.most_per_s();
    ensure!(
        rates_per_s.iter().all(|rate| (1.0..=most).contains(rate)),
        "a rate is from 1 to {most:.0} requests/s"
    );
    interrupt::note()?;
    let folder = tempfile::tempdir().context("a folder for all servers")?;
    let release = Release::new(components)?;
    let load_average = load_average();

    let mut sides = Vec::new();
    for (name, work) in [("node", Work::Answers), ("node-native", Work::NativeAnswers)] {
        eprintln!("starting {name}");
        let place = folder_in(folder.path(), name)?;
        sides.push(load.on(name, &Node::start(&place, &release, work)?)?);
    }
    match std::env::var_os(PYTHON_VARIABLE).map(PathBuf::from) {
        Some(python) => {
            for (name, calls) in [("python-executor", Calls::InExecutor), ("python-loop", Calls::InLoop)] {
                eprintln!("starting {name}");
                let place = folder_in(folder.path(), name)?;
                sides.push(load.on(name, &Python::start(&python, &place, &release, calls)?)?);
            }
        }
        None => eprintln!("no peer: `cargo xtask bench` installs it and sets {PYTHON_VARIABLE}"),
    }
    Ok(Figures {
        candidates: release::TITLES,
        pool: release::POOL,
        history: arrivals::HISTORY,
        k: arrivals::K,
        hot_viewers: arrivals::HOT_VIEWERS,
        hot_percent: arrivals::HOT_PERCENT,
        answer_ttl_s: ANSWER_TTL_S,
        connections: open_loop::CONNECTIONS,
        seconds,
        load_average,
        node_over: figures::node_over(&sides),
        servers: sides,
    })
}

/// What a server is put under.
struct Load<'a> {
    rates_per_s: &'a [f64],
    time: Duration,
}

impl Load<'_> {
    fn most_per_s(&self) -> f64 {
        RATE_MAX_PER_S.min(REQUESTS_MAX / self.time.as_secs_f64())
    }

    /// All rates of one server.
    fn on(&self, name: &'static str, server: &impl Server) -> Result<Side> {
        let mut rates = Vec::new();
        let mut number = 0;
        let mut try_rate = |rate_per_s: f64| {
            number += 1;
            let rate = self.rate(server, number, rate_per_s)?;
            eprintln!(
                "  {name}: {rate_per_s:.0} requests/s, p99 {:.2} ms{}",
                rate.latency.p99_ms,
                if rate.held { "" } else { ", not held" }
            );
            anyhow::Ok(rate)
        };
        // A neighbour on the machine may spoil a rate once.
        let mut holds = |rate_per_s: f64| {
            let mut rate = try_rate(rate_per_s)?;
            if !rate.held {
                rate = try_rate(rate_per_s)?;
            }
            rates.push(rate.clone());
            anyhow::Ok(rate.held)
        };
        if self.rates_per_s.is_empty() {
            climb::climb(FIRST_PER_S, self.most_per_s(), &mut holds)?;
        } else {
            self.rates_per_s.iter().try_for_each(|&rate_per_s| holds(rate_per_s).map(drop))?;
        }
        let held = rates.iter().filter(|rate| rate.held).map(|rate| rate.offered_per_s);
        let saturation_per_s = held.fold(0.0, f64::max);
        let saturated = rates.iter().any(|rate| !rate.held && rate.offered_per_s > saturation_per_s);
        let at_70_percent = match saturation_per_s {
            0.0 => None,
            _ => Some(try_rate(SHARE_OF_SATURATION * saturation_per_s)?),
        };
        rates.sort_by(|a, b| a.offered_per_s.total_cmp(&b.offered_per_s));
        let memory = server.processes().into_iter().map(memory::of).collect();
        Ok(Side { server: name, rates, saturation_per_s, saturated, at_70_percent, memory })
    }

    /// One rate, once the server knows the viewers who come back.
    fn rate(&self, server: &impl Server, number: u64, rate_per_s: f64) -> Result<Rate> {
        let step = Step::new(number, rate_per_s, self.time);
        open_loop::warm(server.addresses(), &step)?;
        let processes = server.processes();
        let before = Used::now(server, &processes)?;
        let outcome = open_loop::run(server.addresses(), &step)?;
        let spent = Used::now(server, &processes)?.since(before);
        Ok(Rate::new(rate_per_s, &outcome, &spent))
    }
}

pub(crate) fn folder_in(folder: &Path, name: &str) -> Result<PathBuf> {
    let inner = folder.join(name);
    std::fs::create_dir(&inner).with_context(|| format!("cannot create {}", inner.display()))?;
    Ok(inner)
}

/// Of the last minute; none where the system does not say.
pub(crate) fn load_average() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

/// Where the latency of a server that is not near its end is read.
const SHARE_OF_SATURATION: f64 = 0.7;
