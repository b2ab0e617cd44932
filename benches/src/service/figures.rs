//! What is said of a step, of a server, and of all.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::memory::Memory;
use super::open_loop::{Answered, Outcome};
use super::{Lookups, Used};
use crate::measure::{micros, rounded};

/// A rate is held when so much of it is answered …
const ACHIEVED_SHARE_MIN: f64 = 0.98;
/// … and this percentile …
const PERCENTILE: f64 = 0.99;
/// … is not above this.
const LATENCY_MAX_MS: f64 = 100.0;

/// One rate.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Rate {
    pub(crate) offered_per_s: f64,
    pub(crate) achieved_per_s: f64,
    pub(crate) held: bool,
    /// From when a request was due to its answer; those never sent count with their age.
    pub(crate) latency: Percentiles,
    /// Of that, before the request was sent.
    pub(crate) waited: Percentiles,
    /// Of that, from sent to answered.
    pub(crate) served: Percentiles,
    /// Of that, what the server says it spent on decisions that it had not kept.
    pub(crate) decided: Percentiles,
    /// By the server's own counters.
    pub(crate) hit_rate: f64,
    /// Processor time of the server, a request.
    pub(crate) server_cpu_us: Option<f64>,
    /// Processor time of the load generator, a request.
    pub(crate) load_cpu_us: Option<f64>,
    pub(crate) errors: usize,
    pub(crate) unsent: usize,
}

/// Of times, in milliseconds; 0 of none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Percentiles {
    pub(crate) p50_ms: f64,
    pub(crate) p95_ms: f64,
    pub(crate) p99_ms: f64,
}

impl Percentiles {
    pub(crate) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |share: f64| {
            let rank = (times.len() as f64 * share).ceil() as usize;
            let time = times.get(rank.max(1) - 1).copied().unwrap_or_default();
            rounded(time.as_secs_f64() * 1e3)
        };
        Self { p50_ms: at(0.5), p95_ms: at(0.95), p99_ms: at(PERCENTILE) }
    }
}

impl Rate {
    pub(crate) fn new(offered_per_s: f64, outcome: &Outcome, spent: &Used) -> Self {
        let times = |of: fn(&Answered) -> Duration| outcome.answered.iter().map(of);
        let latency = times(Answered::latency).chain(outcome.unsent.iter().copied());
        let latency = Percentiles::of(latency.collect());
        let achieved_per_s = outcome.answered.len() as f64 / outcome.elapsed.as_secs_f64();
        let held = achieved_per_s >= ACHIEVED_SHARE_MIN * offered_per_s && latency.p99_ms <= LATENCY_MAX_MS;
        let Lookups { hits, misses } = spent.lookups;
        let requests = (outcome.answered.len() + outcome.errors).max(1) as f64;
        let each_us = |time| (micros(time) / requests).round();
        Self {
            offered_per_s: offered_per_s.round(),
            achieved_per_s: achieved_per_s.round(),
            held,
            latency,
            waited: Percentiles::of(times(|answered| answered.waited).collect()),
            served: Percentiles::of(times(|answered| answered.served).collect()),
            decided: Percentiles::of(
                outcome.answered.iter().filter_map(|answered| answered.decided).collect(),
            ),
            hit_rate: rounded(hits as f64 / (hits + misses).max(1) as f64),
            server_cpu_us: spent.server_cpu.map(each_us),
            load_cpu_us: spent.load_cpu.map(each_us),
            errors: outcome.errors,
            unsent: outcome.unsent.len(),
        }
    }
}

/// One server.
#[derive(Debug, Serialize)]
pub(crate) struct Side {
    pub(crate) server: &'static str,
    pub(crate) rates: Vec<Rate>,
    /// The highest rate that was held.
    pub(crate) saturation_per_s: f64,
    /// Whether a higher one was not held; else it may hold more.
    pub(crate) saturated: bool,
    /// At 70 % of it.
    pub(crate) at_70_percent: Option<Rate>,
    /// Of each of its processes, at the end.
    pub(crate) memory: Vec<Option<Memory>>,
}

/// All servers, and what they were asked.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    pub(crate) candidates: u32,
    pub(crate) pool: u32,
    pub(crate) history: u32,
    pub(crate) k: u32,
    pub(crate) hot_viewers: usize,
    pub(crate) hot_percent: u32,
    pub(crate) answer_ttl_s: u32,
    pub(crate) connections: usize,
    pub(crate) seconds: u64,
    /// Of the machine before the first request: what else was running.
    pub(crate) load_average: Option<f64>,
    /// A node; one that runs the models in its own process; the service in Python that calls its models in an executor,
    /// as nanoRecSys does, and in its event loop.
    pub(crate) servers: Vec<Side>,
    /// The first one's rate at saturation over that of each other by its name; without those not brought to it.
    pub(crate) node_over: BTreeMap<&'static str, f64>,
}

/// See [`Figures::node_over`]; empty where the node itself was not brought to its end.
pub(crate) fn node_over(sides: &[Side]) -> BTreeMap<&'static str, f64> {
    let is_at_its_end = |side: &&Side| side.saturated && side.saturation_per_s > 0.0;
    let Some((node, others)) = sides.split_first().filter(|(node, _)| is_at_its_end(node)) else {
        return BTreeMap::new();
    };
    let ratio = |side: &Side| (side.server, rounded(node.saturation_per_s / side.saturation_per_s));
    others.iter().filter(is_at_its_end).map(ratio).collect()
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { hot_percent, hot_viewers, answer_ttl_s, connections, seconds, .. } = self;
        writeln!(
            f,
            "open loop, {seconds} s a rate, {connections} connections; {hot_percent} % of {hot_viewers} viewers who \
             come back, answers kept {answer_ttl_s} s"
        )?;
        for side in &self.servers {
            write!(f, "{side}")?;
        }
        for (server, ratio) in &self.node_over {
            writeln!(f, "the node holds {ratio:.2} × the rate of {server}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<12}{:>10}{:>10}{:>10}{:>10}{:>10}{:>12}{:>12}{:>12}{:>8}{:>8}{:>10}{:>10}",
            self.server,
            "offered/s",
            "answered/s",
            "p50 ms",
            "p95 ms",
            "p99 ms",
            "waited p99",
            "served p99",
            "decided p50",
            "hits",
            "failed",
            "µs server",
            "µs load"
        )?;
        let seventy = self.at_70_percent.iter().map(|rate| ("  at 70 %", rate));
        for (name, rate) in
            self.rates.iter().map(|rate| (if rate.held { "" } else { "  not held" }, rate)).chain(seventy)
        {
            let Rate { offered_per_s, achieved_per_s, latency, waited, served, decided, .. } = rate;
            writeln!(
                f,
                "{name:<12}{offered_per_s:>10.0}{achieved_per_s:>10.0}{:>10.2}{:>10.2}{:>10.2}{:>12.2}{:>12.2}{:>12.3}\
                 {:>8.3}{:>8}{:>10.0}{:>10.0}",
                latency.p50_ms,
                latency.p95_ms,
                latency.p99_ms,
                waited.p99_ms,
                served.p99_ms,
                decided.p50_ms,
                rate.hit_rate,
                rate.errors + rate.unsent,
                rate.server_cpu_us.unwrap_or(f64::NAN),
                rate.load_cpu_us.unwrap_or(f64::NAN)
            )?;
        }
        let (least, rate_per_s) = (if self.saturated { "" } else { "at least " }, self.saturation_per_s);
        writeln!(f, "  holds {least}{rate_per_s:.0} requests/s")?;
        for Memory { resident_mib, proportional_mib } in self.memory.iter().flatten() {
            writeln!(
                f,
                "  a process has {resident_mib:.0} MiB resident, {proportional_mib:.0} of them each once"
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(times: impl IntoIterator<Item = u64>) -> Vec<Duration> {
        times.into_iter().map(Duration::from_millis).collect()
    }

    fn outcome(answered: usize, served_ms: u64, unsent: usize) -> Outcome {
        let served = Duration::from_millis(served_ms);
        let answer = Answered { waited: Duration::from_millis(1), served, decided: None };
        Outcome {
            answered: vec![answer; answered],
            errors: 0,
            unsent: vec![Duration::from_secs(1); unsent],
            elapsed: Duration::from_secs(1),
        }
    }

    #[test]
    fn percentiles_are_the_least_times_that_so_many_do_not_exceed() {
        let hundred = Percentiles::of(millis((1..=100).rev()));
        assert_eq!(hundred, Percentiles { p50_ms: 50.0, p95_ms: 95.0, p99_ms: 99.0 });
        assert_eq!(Percentiles::of(millis([7])), Percentiles { p50_ms: 7.0, p95_ms: 7.0, p99_ms: 7.0 });
        assert_eq!(Percentiles::of(Vec::new()).p99_ms, 0.0);
    }

    #[test]
    fn a_rate_is_held_while_nearly_all_of_it_is_answered_in_time() {
        let held =
            |offered_per_s, outcome: &Outcome| Rate::new(offered_per_s, outcome, &Used::default()).held;
        assert!(held(1_000.0, &outcome(1_000, 99, 0)));
        assert!(!held(1_000.0, &outcome(1_000, 100, 0)), "1 ms waited and 100 ms served");
        assert!(!held(1_000.0, &outcome(970, 5, 0)));
        assert!(!held(1_000.0, &outcome(985, 5, 15)), "those never sent have a latency, too");
    }

    #[test]
    fn ratios_are_of_those_brought_to_their_end() {
        let side = |server, saturation_per_s, saturated| Side {
            server,
            rates: Vec::new(),
            saturation_per_s,
            saturated,
            at_70_percent: None,
            memory: Vec::new(),
        };
        let sides = [side("node", 3_000.0, true), side("a", 1_000.0, true), side("b", 9_000.0, false)];
        assert_eq!(node_over(&sides), BTreeMap::from([("a", 3.0)]));
        assert_eq!(node_over(&sides[2..]), BTreeMap::new());
        assert_eq!(node_over(&[]), BTreeMap::new());
    }
}
