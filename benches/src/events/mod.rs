//! `POST /v1/events` from the socket to the disk: read, checked, known again, folded into sessions, added to windows,
//! and in the spool with its fsync before it is acknowledged.
//!
//! The node, its players and the peer have each a process of their own. The origin is away, so that nothing but the
//! node is measured. Sessions are those of the seed's benchmark (drawn from a million: nearly every event begins
//! one), and a thousand, as they are while people watch.

mod bodies;
mod figures;
mod load;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::interrupt;
use crate::measure::{median, rounded};
use crate::peers::Peer;
use crate::release_files::Dice;
use crate::service::node::{Node, Work};
use crate::service::release::Release;
use crate::service::{folder_in, load_average, memory};
use bodies::{Body, EVENTS};
pub(crate) use figures::Figures;
use figures::{Seed, Timed, Workload};
pub(crate) use load::LoadArgs;
pub(crate) use load::run as run_load;

/// Sessions of each workload.
const SESSIONS: [u32; 2] = [1_000, 1_000_000];

/// Connections of the closed loops.
const CONNECTIONS: [usize; 5] = [2, 8, 16, 32, 64];

/// Connections of the open loop: enough that a request does not wait for one.
const OPEN_CONNECTIONS: usize = 64;

/// Where the latency of a node that is not near its end is read.
const SHARE_OF_CAPACITY: f64 = 0.7;

/// Of the node's first load, which does not count.
const WARM_SECONDS: u64 = 2;

/// Measures the node, and the peer where its Python is there.
pub(crate) fn measure(components: &Path, seconds: u64, rounds: u32) -> Result<Figures> {
    interrupt::note()?;
    let load_average = load_average();
    let seed = seed(rounds)?;
    let folder = tempfile::tempdir().context("a folder for the node")?;
    let release = Release::new(components)?;
    eprintln!("starting a node");
    let node = Node::start(&folder_in(folder.path(), "node")?, &release, Work::Events)?;
    let mut players = Players { node: &node, seconds, loads: 0 };
    players.closed(CONNECTIONS[0], SESSIONS[0], WARM_SECONDS)?;
    let workloads = SESSIONS.into_iter().map(|sessions| workload(&mut players, sessions, seed.as_ref()));
    let workloads = workloads.collect::<Result<_>>()?;
    let event_bytes = Body::new(&mut Dice(1)).event_bytes();
    Ok(Figures { batch: EVENTS, event_bytes, load_average, node: workloads, seed })
}

fn workload(players: &mut Players<'_>, sessions: u32, seed: Option<&Seed>) -> Result<Workload> {
    let seconds = players.seconds;
    let closed = CONNECTIONS.map(|connections| players.closed(connections, sessions, seconds));
    let closed = closed.into_iter().collect::<Result<Vec<_>>>()?;
    let best = closed.iter().max_by(|a, b| a.events_per_s.total_cmp(&b.events_per_s));
    let best = best.context("no load")?;
    let events_per_s = best.events_per_s;
    ensure!(events_per_s > 0.0, "the node takes no events: {:?}", best.events);
    let by_cpu = best.node_cpu_s.filter(|cpu_s| *cpu_s > 0.0);
    let events_per_node_cpu_s = by_cpu.map(|cpu_s| (best.events.accepted as f64 / cpu_s).round());
    let open = players.open(sessions, SHARE_OF_CAPACITY * events_per_s / f64::from(EVENTS))?;
    let seed_per_s = seed.and_then(|seed| seed.works.get("end_to_end")).map(|work| work.per_s);
    Ok(Workload {
        sessions,
        closed,
        events_per_s,
        events_per_node_cpu_s,
        open_at_70_percent: open,
        node_resident_mib: memory::of(players.node.process()).map(|memory| memory.resident_mib),
        over_seed: seed_per_s.map(|seed| rounded(events_per_s / seed)),
        over_seed_by_cpu: events_per_node_cpu_s.zip(seed_per_s).map(|(ours, seed)| rounded(ours / seed)),
    })
}

struct Players<'a> {
    node: &'a Node,
    seconds: u64,
    loads: u64,
}

impl Players<'_> {
    fn closed(&mut self, connections: usize, sessions: u32, seconds: u64) -> Result<load::Run> {
        self.start(connections, sessions, seconds, 0.0)
    }

    fn open(&mut self, sessions: u32, requests_per_s: f64) -> Result<load::Run> {
        self.start(OPEN_CONNECTIONS, sessions, self.seconds, requests_per_s)
    }

    fn start(
        &mut self,
        connections: usize,
        sessions: u32,
        seconds: u64,
        requests_per_s: f64,
    ) -> Result<load::Run> {
        interrupt::check()?;
        self.loads += 1;
        let (node, process, number) = (self.node.public(), self.node.process(), self.loads);
        let args = LoadArgs { node, process, number, connections, sessions, seconds, requests_per_s };
        let run = load::start(&args)?;
        eprintln!(
            "  {sessions} sessions, {connections} connections: {:.0} events/s, p99 {:.2} ms",
            run.events_per_s, run.latency.p99_ms
        );
        Ok(run)
    }
}

/// The peer's medians; none without its Python.
fn seed(rounds: u32) -> Result<Option<Seed>> {
    let Some(mut peer) = Peer::start(include_str!("../../peers/events.py"))? else { return Ok(None) };
    eprintln!("the seed's work in Python");
    let runs = (1..=rounds).map(|seed| {
        interrupt::check()?;
        peer.answer(&json!({ "seed": seed }))
    });
    let runs = runs.collect::<Result<Vec<Seed>>>()?;
    let mut works = BTreeMap::new();
    for name in runs.iter().flat_map(|run| run.works.keys()) {
        let middle = |of: fn(&Timed) -> f64| {
            rounded(median(runs.iter().filter_map(|run| run.works.get(name)).map(of).collect()))
        };
        let timed =
            Timed { per_s: middle(|t| t.per_s), p50_us: middle(|t| t.p50_us), p99_us: middle(|t| t.p99_us) };
        works.insert(name.clone(), timed);
    }
    let event_bytes = rounded(median(runs.iter().map(|run| run.event_bytes).collect()));
    Ok(Some(Seed { event_bytes, works }))
}
