//! What is said of the node's events and the peer's.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::load::Run;

/// What was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    /// Events of a request.
    pub(crate) batch: u32,
    pub(crate) event_bytes: f64,
    pub(crate) load_average: Option<f64>,
    pub(crate) node: Vec<Workload>,
    pub(crate) seed: Option<Seed>,
}

/// The node with events of so many sessions.
#[derive(Debug, Serialize)]
pub(crate) struct Workload {
    pub(crate) sessions: u32,
    /// As fast as the node answers, by connections.
    pub(crate) closed: Vec<Run>,
    /// The best of these.
    pub(crate) events_per_s: f64,
    /// For each second of a processor that the node used then.
    pub(crate) events_per_node_cpu_s: Option<f64>,
    pub(crate) open_at_70_percent: Run,
    /// The node's memory after it.
    pub(crate) node_resident_mib: Option<f64>,
    /// Beside the seed's work end to end.
    pub(crate) over_seed: Option<f64>,
    /// The same by processor time: the seed's has one processor to itself.
    pub(crate) over_seed_by_cpu: Option<f64>,
}

/// The seed's work in Python, medians over the runs.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Seed {
    pub(crate) event_bytes: f64,
    pub(crate) works: BTreeMap<String, Timed>,
}

/// One work of the seed.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Timed {
    pub(crate) per_s: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { batch, event_bytes, .. } = self;
        writeln!(
            f,
            "{batch} events a request, {event_bytes:.0} bytes each; on the disk before they are told"
        )?;
        for workload in &self.node {
            write!(f, "{workload}")?;
        }
        let Some(seed) = &self.seed else { return Ok(()) };
        writeln!(f, "the seed's work in Python, events of {:.0} bytes", seed.event_bytes)?;
        for (name, Timed { per_s, p50_us, p99_us }) in &seed.works {
            writeln!(f, "  {name:<30}{per_s:>12.0}/s  p50 {p50_us:>8.2} µs  p99 {p99_us:>8.2} µs")?;
        }
        Ok(())
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<24}{:>12}{:>12}{:>10}{:>10}{:>10}{:>10}{:>10}{:>12}{:>12}",
            format!("{} sessions", self.sessions),
            "offered/s",
            "told/s",
            "refused",
            "shed",
            "p50 ms",
            "p95 ms",
            "p99 ms",
            "node cpu s",
            "load cpu s"
        )?;
        for run in self.closed.iter().chain([&self.open_at_70_percent]) {
            let name = format!("  {} connections", run.connections);
            let offered = run.offered_events_per_s.map_or("all".to_owned(), |rate| format!("{rate:.0}"));
            writeln!(
                f,
                "{name:<24}{offered:>12}{:>12.0}{:>10}{:>10}{:>10.2}{:>10.2}{:>10.2}{:>12.2}{:>12.2}",
                run.events_per_s,
                run.events.refused + run.events.duplicates,
                run.events.shed + run.events.lost + run.events.unsent,
                run.latency.p50_ms,
                run.latency.p95_ms,
                run.latency.p99_ms,
                run.node_cpu_s.unwrap_or(f64::NAN),
                run.load_cpu_s.unwrap_or(f64::NAN)
            )?;
        }
        if let Some(mib) = self.node_resident_mib {
            writeln!(f, "  the node holds {mib:.0} MiB")?;
        }
        let (Some(over), Some(by_cpu)) = (self.over_seed, self.over_seed_by_cpu) else { return Ok(()) };
        writeln!(f, "  {over:.1} × the seed's work end to end, {by_cpu:.1} × by processor time")
    }
}
