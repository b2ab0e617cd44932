//! The players, in a process of their own: its processor time is theirs alone.
//!
//! Closed: every connection sends the next request when it has an answer, so that the node is never idle. Open:
//! requests are sent when they are due, whatever has become of those before; where all connections wait, requests
//! become late, and their latency counts from when they were due.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::bodies::{Body, EVENTS};
use crate::release_files::Dice;
use crate::service::connection::Connection;
use crate::service::{Percentiles, arrivals, cpu};

/// What the players are told.
#[derive(Clone, Copy, clap::Args)]
pub(crate) struct LoadArgs {
    pub(crate) node: SocketAddr,
    /// The node's process, whose time is looked at.
    pub(crate) process: u32,
    /// Of this load among those of a run: no two share an event.
    pub(crate) number: u64,
    pub(crate) connections: usize,
    pub(crate) sessions: u32,
    pub(crate) seconds: u64,
    /// 0: closed.
    pub(crate) requests_per_s: f64,
}

/// What became of the events.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Told {
    pub(crate) accepted: u64,
    pub(crate) duplicates: u64,
    /// One by one, by the node.
    pub(crate) refused: u64,
    /// With their whole request.
    pub(crate) shed: u64,
    /// Of broken connections: nobody knows.
    pub(crate) lost: u64,
    /// Due, and not sent before the end.
    pub(crate) unsent: u64,
}

/// One load.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) connections: usize,
    /// None: as many as the node takes.
    pub(crate) offered_events_per_s: Option<f64>,
    /// Acknowledged.
    pub(crate) events_per_s: f64,
    pub(crate) events: Told,
    /// Of a request, from when it was due to its answer; those never sent count with their age.
    pub(crate) latency: Percentiles,
    pub(crate) node_cpu_s: Option<f64>,
    pub(crate) load_cpu_s: Option<f64>,
    pub(crate) seconds: f64,
}

/// Starts the process.
pub(crate) fn start(args: &LoadArgs) -> Result<Run> {
    let mut process = Command::new(std::env::current_exe()?);
    let LoadArgs { node, process: of, number, connections, sessions, seconds, requests_per_s } = args;
    process.args(["events-load", &node.to_string(), &of.to_string(), &number.to_string()]);
    process.args([connections.to_string(), sessions.to_string(), seconds.to_string()]);
    process.arg(requests_per_s.to_string()).stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = process.output().context("cannot start a process for the players")?;
    ensure!(output.status.success(), "the players ended with {}", output.status);
    serde_json::from_slice(&output.stdout).context("the players gave no figures")
}

/// The process: prints what it saw as JSON.
pub(crate) fn run(args: &LoadArgs) -> Result<()> {
    println!("{}", serde_json::to_string(&load(args)?)?);
    Ok(())
}

fn load(args: &LoadArgs) -> Result<Run> {
    let time = Duration::from_secs(args.seconds);
    let requests = (args.requests_per_s * time.as_secs_f64()).round() as u32;
    let due = (requests > 0).then(|| arrivals::due(&mut Dice(args.number << 40), requests, time));
    let shared = Shared {
        due: due.as_deref(),
        next: AtomicUsize::new(0),
        ids: AtomicU64::new(args.number << 40),
        ready: Barrier::new(args.connections + 1),
        sessions: args.sessions,
        time,
    };
    let mut senders = Vec::new();
    for index in 0..args.connections {
        let connection = Connection::open(args.node).context("no connection")?;
        let mut dice = Dice((args.number << 40) + ((index as u64) << 20));
        let bodies = (0..BODIES).map(|_| Body::new(&mut dice)).collect();
        senders.push(Sender { connection, bodies, dice });
    }
    let mut seen = Seen::default();
    let (mut before, mut after) = (None, None);
    thread::scope(|scope| {
        let shared = &shared;
        let threads: Vec<_> =
            senders.into_iter().map(|sender| scope.spawn(move || sender.send(shared))).collect();
        before = Cpu::now(args.process);
        shared.ready.wait();
        for thread in threads {
            seen.add(thread.join().expect("it does not panic"));
        }
        after = Cpu::now(args.process);
    });
    let sent = seen.latency.len() + seen.failed;
    let given_up = time + OVERTIME;
    let unsent = due.as_deref().map_or(&[][..], |due| &due[sent.min(due.len())..]);
    seen.latency.extend(unsent.iter().map(|&due| given_up - due));
    seen.told.unsent = unsent.len() as u64 * u64::from(EVENTS);
    let between = |of: fn(&Cpu) -> Duration| Some((of(&after?) - of(&before?)).as_secs_f64());
    let elapsed = seen.elapsed.max(time);
    Ok(Run {
        connections: args.connections,
        offered_events_per_s: due.is_some().then(|| args.requests_per_s * f64::from(EVENTS)),
        events_per_s: (seen.told.accepted as f64 / elapsed.as_secs_f64()).round(),
        events: seen.told,
        latency: Percentiles::of(seen.latency),
        node_cpu_s: between(|cpu| cpu.node),
        load_cpu_s: between(|cpu| cpu.load),
        seconds: elapsed.as_secs_f64(),
    })
}

/// Bodies of a connection: enough of them that a node meets them in no order it could learn.
const BODIES: usize = 32;

/// For all threads of an open loop to make their first request.
const LEAD: Duration = Duration::from_millis(100);

/// What is not sent so long after the end is given up.
const OVERTIME: Duration = Duration::from_secs(1);

#[derive(Clone, Copy)]
struct Cpu {
    node: Duration,
    load: Duration,
}

impl Cpu {
    fn now(node: u32) -> Option<Self> {
        Some(Self { node: cpu::used(&[node])?, load: cpu::used(&[std::process::id()])? })
    }
}

struct Shared<'a> {
    due: Option<&'a [Duration]>,
    next: AtomicUsize,
    ids: AtomicU64,
    ready: Barrier,
    sessions: u32,
    time: Duration,
}

struct Sender {
    connection: Connection,
    bodies: Vec<Body>,
    dice: Dice,
}

#[derive(Default)]
struct Seen {
    told: Told,
    latency: Vec<Duration>,
    failed: usize,
    elapsed: Duration,
}

impl Seen {
    fn add(&mut self, other: Self) {
        self.told.accepted += other.told.accepted;
        self.told.duplicates += other.told.duplicates;
        self.told.refused += other.told.refused;
        self.told.shed += other.told.shed;
        self.told.lost += other.told.lost;
        self.latency.extend(other.latency);
        self.failed += other.failed;
        self.elapsed = self.elapsed.max(other.elapsed);
    }
}

impl Sender {
    fn send(mut self, shared: &Shared<'_>) -> Seen {
        let mut seen = Seen::default();
        shared.ready.wait();
        // The players of an open loop are ready when their first requests are due.
        let start = Instant::now() + if shared.due.is_some() { LEAD } else { Duration::ZERO };
        loop {
            let index = shared.next.fetch_add(1, Ordering::Relaxed);
            let due = match shared.due {
                Some(due) => match due.get(index) {
                    Some(&due) if start.elapsed() < shared.time + OVERTIME => start + due,
                    _ => return seen,
                },
                None if start.elapsed() < shared.time => Instant::now(),
                None => return seen,
            };
            // Made before it is due, but for an open loop that is late anyway.
            let body = &mut self.bodies[index % BODIES];
            let first_id = shared.ids.fetch_add(u64::from(EVENTS), Ordering::Relaxed);
            body.renew(first_id, shared.sessions, unix_ms(), &mut self.dice);
            wait_until(due);
            let answer = self.connection.ask(&body.request).map(|answer| told(answer.status, answer.body));
            match answer {
                Ok(told) => {
                    seen.latency.push(due.elapsed());
                    seen.add(Seen { told, ..Seen::default() });
                }
                Err(_) => {
                    seen.failed += 1;
                    seen.told.lost += u64::from(EVENTS);
                    // Where there is no other connection, the next request fails as well.
                    drop(self.connection.reopen());
                }
            }
            seen.elapsed = start.elapsed();
        }
    }
}

/// Waits without a signal: a thread that is parked wakes within some ten microseconds.
fn wait_until(due: Instant) {
    while let Some(left) = due.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        thread::park_timeout(left);
    }
}

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn told(status: u16, body: &[u8]) -> Told {
    let events = u64::from(EVENTS);
    let number = |name| number_after(body, name).unwrap_or(0);
    if status != 200 {
        return Told { shed: events, ..Told::default() };
    }
    let (accepted, duplicates) = (number(b"\"accepted\":"), number(b"\"duplicates\":"));
    Told { accepted, duplicates, refused: events.saturating_sub(accepted + duplicates), ..Told::default() }
}

fn number_after(body: &[u8], name: &[u8]) -> Option<u64> {
    let place = body.windows(name.len()).position(|bytes| bytes == name)?;
    let digits = body[place + name.len()..].iter().take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0, |sum, &digit| sum * 10 + u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests;
