//! Events into PostgreSQL through `POST /v1/batches`, beside `psql \copy` of the same rows from CSV into the same table.
//!
//! Both commit to a cluster of their own with fsync as it comes; every side begins with a new database of the origin's
//! own schema, partition and indexes included, after a checkpoint.

use std::fmt;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use frontrow_origin::database::{Address, AuditEntry, Database};
use frontrow_origin::postgres::{Cluster, ClusterConfig};
use frontrow_origin::serve::{Server, Shelf, listen};
use frontrow_origin::token::Token;
use jiff::Timestamp;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use wire::{Batch, Event, EventKind, Frame, Lane};

use crate::measure::{median, rounded};

/// A request of a player, as a node accepts it.
const FRAME_EVENTS: usize = 100;
/// What a node gathers while the batch before is stored.
const BATCH_FRAMES: usize = 100;
const SERVER_THREADS: usize = 2;

/// What was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    rows: usize,
    events_per_batch: usize,
    body_bytes_per_event: f64,
    fsync: String,
    synchronous_commit: String,
    one_node_rows_per_s: f64,
    two_nodes_rows_per_s: f64,
    psql_copy_rows_per_s: f64,
    one_node_over_psql_copy: f64,
    two_nodes_over_psql_copy: f64,
    /// Over all rounds, after every batch was sent a second time.
    lost: i64,
    twice: i64,
}

pub(crate) fn measure(rows: usize, rounds: u32) -> Result<Figures> {
    let folder = tempfile::Builder::new().prefix("frontrow-ingest-").tempdir()?;
    let config = ClusterConfig {
        home: folder.path().join("postgres"),
        programs: None,
        account: "postgres".to_owned(),
    };
    let cluster = Cluster::open(&config)?;
    let runtime = Builder::new_multi_thread().worker_threads(SERVER_THREADS).enable_all().build()?;
    let csv = folder.path().join("rows.csv");
    let mut figures = (Vec::new(), Vec::new(), Vec::new());
    let (mut lost, mut twice) = (0, 0);
    let mut bytes_per_event = 0.0;
    for round in 0..rounds {
        for (nodes, rates) in [(1, &mut figures.0), (2, &mut figures.1)] {
            let side = Side::new(&cluster, &format!("ours_{round}_{nodes}"))?;
            let sent = side.through_http(&runtime, folder.path(), rows, nodes)?;
            rates.push(rows as f64 / sent.seconds);
            bytes_per_event = sent.body_bytes as f64 / rows as f64;
            let stored = side.number("select count(*) from events")?;
            let distinct = side.number("select count(distinct event_id) from events")?;
            lost += rows as i64 - distinct;
            twice += stored - distinct;
            if !csv.exists() {
                side.ask(&format!("\\copy (select {COLUMNS} from events) to '{}' csv", csv.display()))?;
            }
            side.drop_it()?;
        }
        let side = Side::new(&cluster, &format!("psql_{round}"))?;
        side.ask("select make_partition('events', current_date, current_date + 1)")?;
        side.ask("checkpoint")?;
        let started = Instant::now();
        side.ask(&format!("\\copy events ({COLUMNS}) from '{}' csv", csv.display()))?;
        figures.2.push(rows as f64 / started.elapsed().as_secs_f64());
        ensure!(side.number("select count(*) from events")? == rows as i64, "psql copied another number");
        side.drop_it()?;
    }
    let side = Side::new(&cluster, "settings")?;
    let (fsync, synchronous_commit) = (side.ask("show fsync")?, side.ask("show synchronous_commit")?);
    drop(side);
    cluster.close()?;
    let (one, two, psql) = (median(figures.0), median(figures.1), median(figures.2));
    Ok(Figures {
        rows,
        events_per_batch: FRAME_EVENTS * BATCH_FRAMES,
        body_bytes_per_event: rounded(bytes_per_event),
        fsync,
        synchronous_commit,
        one_node_rows_per_s: one.round(),
        two_nodes_rows_per_s: two.round(),
        psql_copy_rows_per_s: psql.round(),
        one_node_over_psql_copy: rounded(one / psql),
        two_nodes_over_psql_copy: rounded(two / psql),
        lost,
        twice,
    })
}

const COLUMNS: &str = "day, at, node, epoch, sequence, event_id, session_id, kind, viewer, title, region, device, \
    position_ms, duration_ms, kbps, buffer_ms, buffering_events, dropped_frames, error_code, report, cdn, top_kbps, \
    throughput_kbps, latency_ms, startup_ms, stalled_ms, stalled_more_ms, width, height, frame_rate_milli, codec";

/// A database with the origin's schema.
struct Side {
    address: Address,
    name: String,
}

struct Sent {
    seconds: f64,
    body_bytes: usize,
}

impl Side {
    fn new(cluster: &Cluster, name: &str) -> Result<Self> {
        let Address::Socket { folder, role, database } = cluster.address() else { bail!("no socket") };
        let admin = Self { address: cluster.address(), name: database };
        admin.ask(&format!("create database {name}"))?;
        let side = Self {
            address: Address::Socket { folder, role, database: name.to_owned() },
            name: name.to_owned(),
        };
        let runtime = Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let database = Database::open(&side.address).await?;
            database.close();
            anyhow::Ok(())
        })?;
        Ok(side)
    }

    /// What `psql` prints.
    fn ask(&self, question: &str) -> Result<String> {
        let Address::Socket { folder, role, .. } = &self.address else { bail!("no socket") };
        let mut psql = Command::new("psql");
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"]);
        psql.arg("--host").arg(folder).args(["--username", role, "--dbname", &self.name]);
        let asked = psql.args(["--command", question]).stdin(Stdio::null()).output().context("psql")?;
        ensure!(asked.status.success(), "psql: {}", String::from_utf8_lossy(&asked.stderr));
        Ok(String::from_utf8(asked.stdout)?.trim().to_owned())
    }

    fn number(&self, question: &str) -> Result<i64> {
        Ok(self.ask(question)?.parse()?)
    }

    /// From another database, since nobody may be in it.
    fn drop_it(self) -> Result<()> {
        let admin = Self { address: self.address, name: "postgres".to_owned() };
        admin.ask(&format!("drop database {} with (force)", self.name)).map(drop)
    }

    /// Sends all rows as batches of `nodes` nodes at once, and after that all of them again.
    fn through_http(&self, runtime: &Runtime, folder: &Path, rows: usize, nodes: usize) -> Result<Sent> {
        let names: Vec<String> = (0..nodes).map(|node| format!("edge-{node}")).collect();
        let now_unix_ms = u64::try_from(Timestamp::now().as_millisecond())?;
        let bodies: Vec<Vec<Vec<u8>>> = names
            .iter()
            .enumerate()
            .map(|(node, name)| bodies(name, node, rows / nodes, now_unix_ms))
            .collect();
        let body_bytes = bodies.iter().flatten().map(Vec::len).sum();
        let (stop, stopping) = watch::channel(false);
        let (address, tokens, database) = runtime.block_on(async {
            let database = Database::open(&self.address).await?;
            let mut tokens = Vec::new();
            for name in &names {
                let token = Token::new(name)?;
                let entry = AuditEntry {
                    actor: "bench".to_owned(),
                    action: "node-add".to_owned(),
                    subject: name.clone(),
                    detail: serde_json::json!({}),
                };
                database.add_node(name, &token.sha256(), &entry).await?;
                tokens.push(token.text().to_owned());
            }
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let address = listener.local_addr()?;
            let server = Server::new(database.clone(), &folder.join("tuf"), Arc::new(Shelf::new(folder)));
            tokio::spawn(listen(listener, server.router(), stopping));
            anyhow::Ok((address, tokens, database))
        })?;
        // As psql finds it.
        self.ask("select make_partition('events', current_date, current_date + 1)")?;
        self.ask("checkpoint")?;
        let send_all = || -> Result<()> {
            thread::scope(|scope| {
                let senders: Vec<_> = bodies
                    .iter()
                    .zip(&tokens)
                    .map(|(bodies, token)| scope.spawn(move || send(address, token, bodies)))
                    .collect();
                senders
                    .into_iter()
                    .try_for_each(|sender| sender.join().unwrap_or_else(|_| bail!("a sender broke")))
            })
        };
        let started = Instant::now();
        send_all()?;
        let seconds = started.elapsed().as_secs_f64();
        send_all()?;
        let _ = stop.send(true);
        database.close();
        Ok(Sent { seconds, body_bytes })
    }
}

/// One batch after the other, as a node's forwarder sends them.
fn send(address: SocketAddr, token: &str, bodies: &[Vec<u8>]) -> Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    for body in bodies {
        let head = format!(
            "POST /v1/batches HTTP/1.1\r\nhost: origin\r\nauthorization: Bearer {token}\r\n\
             content-type: application/msgpack\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        read_answer(&mut stream)?;
    }
    Ok(())
}

/// A few hundred bytes with their length in the head.
fn read_answer(stream: &mut TcpStream) -> Result<()> {
    let mut answer = Vec::new();
    loop {
        let mut part = [0; 4_096];
        let read = stream.read(&mut part)?;
        ensure!(read > 0, "the origin closed the connection");
        answer.extend_from_slice(&part[..read]);
        let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.context("an answer without its length")?.trim().parse()?;
        if answer.len() < end + 4 + length {
            continue;
        }
        ensure!(head.starts_with("http/1.1 200"), "{}", String::from_utf8_lossy(&answer));
        return Ok(());
    }
}

/// Batches of one node, made before anything is timed.
fn bodies(name: &str, node: usize, rows: usize, now_unix_ms: u64) -> Vec<Vec<u8>> {
    let frames: Vec<Vec<u8>> = (0..rows)
        .step_by(FRAME_EVENTS)
        .map(|first| {
            let events: Vec<Event<'_>> =
                (first..rows.min(first + FRAME_EVENTS)).map(|row| event(node, row, now_unix_ms)).collect();
            wire::write_events(&events.iter().collect::<Vec<_>>())
        })
        .collect();
    let batches = frames.chunks(BATCH_FRAMES).enumerate().map(|(batch, frames)| {
        let first = (batch * BATCH_FRAMES) as u64 + 1;
        let frames = (first..).zip(frames).map(|(sequence, payload)| Frame { sequence, payload }).collect();
        wire::encode_msgpack(&Batch { node: name.to_owned(), lane: Lane::Events, epoch: 1, frames })
    });
    batches.collect()
}

/// A heartbeat of one of some thousand sessions.
fn event(node: usize, row: usize, now_unix_ms: u64) -> Event<'static> {
    const SESSIONS: usize = 5_000;
    let (session, beat) = (row % SESSIONS, row / SESSIONS);
    let id = format!("{node:02x}-{row:013x}-8f14e45fceea167a");
    let session_id = format!("{node:02x}-{session:08x}-c9f0f895fb98ab91");
    Event {
        sequence: Some(beat as u32),
        viewer: Some(session as u32 * 7),
        title: Some((session % 900) as u32),
        region: Some(["eu", "us", "apac"][session % 3].into()),
        device: Some(["tv", "phone", "web", "tablet"][session % 4].into()),
        cdn: Some("cdn-a".into()),
        position_ms: Some(beat as u64 * 10_000),
        duration_ms: Some(5_400_000),
        kbps: Some(2_500 + (row % 9) as u32 * 500),
        throughput_kbps: Some(8_000 + (row % 97) as u32),
        buffer_ms: Some(12_000 + (row % 3_000) as u32),
        buffering_events: Some((row % 3) as u32),
        dropped_frames: Some((row % 11) as u32),
        ..Event::new(id, session_id, EventKind::Heartbeat, now_unix_ms)
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} events in batches of {}", self.rows, self.events_per_batch)?;
        writeln!(f, "  psql \\copy from CSV    {:>9.0} rows/s", self.psql_copy_rows_per_s)?;
        for (nodes, rate, ratio) in [
            ("one node ", self.one_node_rows_per_s, self.one_node_over_psql_copy),
            ("two nodes", self.two_nodes_rows_per_s, self.two_nodes_over_psql_copy),
        ] {
            writeln!(f, "  {nodes}, POST batches {rate:>9.0} rows/s, {ratio:.2} of it")?;
        }
        let (fsync, commit) = (&self.fsync, &self.synchronous_commit);
        writeln!(f, "  {} lost, {} twice; fsync {fsync}, synchronous_commit {commit}", self.lost, self.twice)
    }
}
