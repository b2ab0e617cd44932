//! Tests of the players against a server that answers always the same.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread;

use super::*;

/// Reads whole requests and answers each with this; ends with its clients.
fn server(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let request_bytes = Body::new(&mut Dice(0)).request.len();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let (mut part, mut received) = (vec![0; 1 << 16], Vec::new());
                while let Ok(read @ 1..) = stream.read(&mut part) {
                    received.extend_from_slice(&part[..read]);
                    // A body ends with this and nothing else does.
                    if received.len() > request_bytes / 2 && received.ends_with(b"}]}") {
                        received.clear();
                        stream.write_all(answer.as_bytes()).unwrap();
                    }
                }
            });
        }
    });
    address
}

const GOOD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 33\r\n\r\n{\"accepted\":97,\"duplicates\":2,\"\"}";

fn args(node: SocketAddr, requests_per_s: f64) -> LoadArgs {
    let process = std::process::id();
    LoadArgs { node, process, number: 1, connections: 4, sessions: 1_000, seconds: 1, requests_per_s }
}

#[test]
fn what_is_due_is_sent_and_every_event_accounted_for() {
    let run = load(&args(server(GOOD), 50.0)).unwrap();
    let events = Told { accepted: 50 * 97, duplicates: 100, refused: 50, ..Told::default() };
    assert_eq!(run.events, events);
    assert_eq!(run.offered_events_per_s, Some(5_000.0));
    assert!(run.node_cpu_s.is_some() && run.load_cpu_s.is_some());
}

#[test]
fn a_closed_loop_sends_one_after_the_other_until_its_time_is_over() {
    let run = load(&args(server(GOOD), 0.0)).unwrap();
    assert!(run.events.accepted > 0 && run.offered_events_per_s.is_none());
    assert!((1.0..3.0).contains(&run.seconds), "{}", run.seconds);
}

#[test]
fn requests_sent_away_and_broken_connections_are_told_apart() {
    let busy = load(&args(server("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n"), 20.0)).unwrap();
    assert_eq!(busy.events, Told { shed: 2_000, ..Told::default() });
    let broken = load(&args(server("nonsense\r\n\r\n"), 20.0)).unwrap();
    assert_eq!(broken.events, Told { lost: 2_000, ..Told::default() });
    assert_eq!(broken.events_per_s, 0.0);
}
