//! The load: requests are sent when they are due, whatever has become of those before them.
//!
//! A bounded number of threads, each with a connection; a thread takes the next request, waits until it is due,
//! sends it and waits for the answer. Where all of them wait for answers, requests become late, and their latency
//! counts from when they were due.

use std::net::SocketAddr;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use wire::RecommendAnswer;

use super::arrivals::{K, Step};
use super::connection::Connection;
use crate::interrupt;

/// Connections, and requests under way at once.
pub(crate) const CONNECTIONS: usize = 32;

/// What is not sent so long after the step's end is given up.
const OVERTIME: Duration = Duration::from_secs(1);

/// Rounds in which all hot viewers ask, before a step, until the server knows them.
const WARM_ROUNDS_MAX: usize = 10;

/// What became of the requests of a step.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) answered: Vec<Answered>,
    /// Answers of another status, and connections that broke.
    pub(crate) errors: usize,
    /// How long those that were never sent had been due when they were given up.
    pub(crate) unsent: Vec<Duration>,
    /// From the step's beginning to its end, or to the last answer where that was later.
    pub(crate) elapsed: Duration,
}

/// A good answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Answered {
    /// From due to sent.
    pub(crate) waited: Duration,
    /// From sent to answered.
    pub(crate) served: Duration,
    /// Of that, what the server says it spent on the decision; none when it had the answer.
    pub(crate) decided: Option<Duration>,
}

impl Answered {
    /// From due to answered.
    pub(crate) fn latency(&self) -> Duration {
        self.waited + self.served
    }
}

/// Has every hot viewer ask every worker until their answers are kept; a first answer is read in full.
pub(crate) fn warm(workers: &[SocketAddr], step: &Step) -> Result<()> {
    workers.iter().try_for_each(|&worker| warm_one(worker, step))
}

fn warm_one(worker: SocketAddr, step: &Step) -> Result<()> {
    let mut connections = open(&[worker])?;
    let first = connections[0].ask(&step.hot()[0])?;
    let answer: RecommendAnswer = serde_json::from_slice(first.body)
        .with_context(|| format!("not an answer: {}", String::from_utf8_lossy(first.body)))?;
    ensure!(answer.picks.len() == K as usize, "{} picks instead of {K}", answer.picks.len());
    ensure!(answer.ranked, "the ranker was not asked");
    for _ in 0..WARM_ROUNDS_MAX {
        let known = ask_for_all(&mut connections, step.hot())?;
        interrupt::check()?;
        if known == step.hot().len() {
            return Ok(());
        }
    }
    bail!("after {WARM_ROUNDS_MAX} rounds the server still does not keep its answers")
}

/// Sends every request once; returns how many answers had been kept.
fn ask_for_all(connections: &mut [Connection], requests: &[Vec<u8>]) -> Result<usize> {
    let (next, known) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let ask = |connection: &mut Connection| -> Result<()> {
        while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
            let answer = connection.ask(request)?;
            ensure!(answer.status == 200, "refused: {}", String::from_utf8_lossy(answer.body));
            known.fetch_add(usize::from(is_cached(answer.body)), Ordering::Relaxed);
        }
        Ok(())
    };
    thread::scope(|scope| {
        let ask = |connection| scope.spawn(|| ask(connection));
        let threads: Vec<_> = connections.iter_mut().map(ask).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("it does not panic"))
    })?;
    Ok(known.into_inner())
}

/// Sends a step's requests; bounded by its time and [`OVERTIME`].
pub(crate) fn run(workers: &[SocketAddr], step: &Step) -> Result<Outcome> {
    let connections = open(workers)?;
    let (next, ready) = (AtomicUsize::new(0), Barrier::new(connections.len()));
    let start = Instant::now() + LEAD;
    let parts: Vec<Outcome> = thread::scope(|scope| {
        let (next, ready) = (&next, &ready);
        let threads: Vec<_> = connections
            .into_iter()
            .map(|connection| {
                scope.spawn(move || {
                    ready.wait();
                    Sender { connection, step, start }.send(next)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("it does not panic")).collect()
    });
    interrupt::check()?;
    let mut whole = Outcome { elapsed: step.time, ..Outcome::default() };
    for part in parts {
        whole.answered.extend(part.answered);
        whole.errors += part.errors;
        whole.elapsed = whole.elapsed.max(part.elapsed);
    }
    let given_up = step.time + OVERTIME;
    let sent = whole.answered.len() + whole.errors;
    // Requests are taken in order, so those that were not are the last ones.
    whole.unsent = step.due[sent..].iter().map(|&due| given_up - due).collect();
    Ok(whole)
}

/// Spread evenly over the workers.
fn open(workers: &[SocketAddr]) -> Result<Vec<Connection>> {
    let open = |&worker: &SocketAddr| Connection::open(worker).context("no connection");
    workers.iter().cycle().take(CONNECTIONS).map(open).collect()
}

struct Sender<'a> {
    connection: Connection,
    step: &'a Step,
    start: Instant,
}

impl Sender<'_> {
    fn send(mut self, next: &AtomicUsize) -> Outcome {
        let mut outcome = Outcome::default();
        let give_up = self.start + self.step.time + OVERTIME;
        while Instant::now() < give_up && !interrupt::is_asked() {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(&due) = self.step.due.get(index) else { break };
            let due = self.start + due;
            wait_until(due);
            let sent = Instant::now();
            let answered = self.ask(index);
            let now = Instant::now();
            match answered {
                Some(decided) => {
                    outcome.answered.push(Answered { waited: sent - due, served: now - sent, decided });
                }
                None => outcome.errors += 1,
            }
            outcome.elapsed = now.saturating_duration_since(self.start);
        }
        outcome
    }

    /// The server's time for the decision, if it had to make one; nothing when it failed.
    fn ask(&mut self, index: usize) -> Option<Option<Duration>> {
        match self.connection.ask(self.step.request(index)) {
            Ok(answer) => (answer.status == 200).then(|| decided(answer.body)),
            Err(_) => {
                // Where there is no other connection, the next request fails as well.
                drop(self.connection.reopen());
                None
            }
        }
    }
}

/// Waits without a signal: a thread that is parked wakes within some ten microseconds.
fn wait_until(due: Instant) {
    loop {
        match due.checked_duration_since(Instant::now()) {
            None | Some(Duration::ZERO) => return,
            Some(left) => thread::park_timeout(left),
        }
    }
}

fn decided(body: &[u8]) -> Option<Duration> {
    if is_cached(body) {
        return None;
    }
    let name = b"\"decide\":";
    let place = body.windows(name.len()).rposition(|bytes| bytes == name)?;
    let digits = body[place + name.len()..].iter().take_while(|byte| byte.is_ascii_digit());
    Some(Duration::from_micros(digits.fold(0, |sum, &digit| sum * 10 + u64::from(digit - b'0'))))
}

fn is_cached(body: &[u8]) -> bool {
    let name = b"\"cached\":true";
    // It stands before the picks.
    body[..body.len().min(256)].windows(name.len()).any(|bytes| bytes == name)
}

/// Time for all threads to be ready.
const LEAD: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// Answers every request with this, after so long; ends with its clients.
    fn server(answer: &'static str, pause: Duration) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                thread::spawn(move || {
                    let mut part = [0; 4_096];
                    while stream.read(&mut part).is_ok_and(|read| read > 0) {
                        wait_until(Instant::now() + pause);
                        stream.write_all(answer.as_bytes()).unwrap();
                    }
                });
            }
        });
        address
    }

    const GOOD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 28\r\n\r\n{\"cached\":false,\"decide\":42}";

    fn step(rate_per_s: f64) -> Step {
        Step::new(1, rate_per_s, Duration::from_millis(200))
    }

    #[test]
    fn every_request_of_a_step_is_sent_when_it_is_due() {
        let outcome = run(&[server(GOOD, Duration::ZERO)], &step(500.0)).unwrap();
        assert_eq!((outcome.answered.len(), outcome.errors, outcome.unsent.len()), (100, 0, 0));
        let decided = outcome.answered[0].decided;
        assert_eq!(decided, Some(Duration::from_micros(42)));
    }

    #[test]
    fn a_slow_server_makes_the_latency_grow_from_when_requests_were_due() {
        // 32 connections of 100 ms each are 320 requests a second.
        let outcome = run(&[server(GOOD, Duration::from_millis(100))], &step(1_000.0)).unwrap();
        let latest = outcome.answered.iter().map(Answered::latency).max().unwrap();
        assert!(latest > Duration::from_millis(300), "{latest:?}");
        assert!(outcome.elapsed > Duration::from_millis(400));
        assert!(outcome.answered.iter().all(|answered| answered.served >= Duration::from_millis(100)));
    }

    #[test]
    fn what_a_dead_slow_server_leaves_unsent_is_counted_with_its_age() {
        let outcome = run(&[server(GOOD, Duration::from_millis(700))], &step(1_000.0)).unwrap();
        assert_eq!(outcome.answered.len() + outcome.unsent.len(), 200);
        assert!(outcome.unsent.iter().all(|&age| age >= OVERTIME));
    }

    #[test]
    fn refusals_are_errors() {
        let busy = server("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n", Duration::ZERO);
        let outcome = run(&[busy], &step(100.0)).unwrap();
        assert_eq!((outcome.answered.len(), outcome.errors), (0, 20));
    }

    #[test]
    fn a_kept_answer_has_no_decision() {
        assert_eq!(decided(b"{\"cached\":true,\"timings_us\":{\"decide\":7}}"), None);
        let made = decided(b"{\"cached\":false,\"timings_us\":{\"queue\":0,\"decide\":731,\"total\":8}}");
        assert_eq!(made, Some(Duration::from_micros(731)));
    }
}
