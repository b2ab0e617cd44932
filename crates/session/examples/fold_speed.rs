//! Folds a heartbeat into each of a hundred sessions, as often as the first argument says.
//!
//! For instructions a fold: run it twice under `valgrind --tool=callgrind` and divide the difference.
#![allow(clippy::print_stdout, reason = "the program's output")]

use session::packed::{begin_batch, fold_batch, folded, pack_session};
use session::{Event, EventKind};
use units::{Kbps, Millis, UnixMillis};

const SESSIONS: usize = 100;

const BEGIN_MS: u64 = 1_700_000_000_000;

/// What a player reports every ten seconds.
fn report(kind: EventKind, number: u32, at_ms: u64) -> Event {
    Event {
        sequence: Some(number),
        position: Some(Millis::new(at_ms)),
        duration: Some(Millis::new(7_200_000)),
        rate: Some(Kbps::new(3_000)),
        buffer: Some(Millis::new(14_000)),
        dropped_frames: Some(0),
        ..Event::new(kind, UnixMillis::new(BEGIN_MS + at_ms))
    }
}

/// What every session has seen before.
fn begun() -> Vec<u8> {
    let events = [
        report(EventKind::Start, 0, 0),
        report(EventKind::FirstFrame, 1, 800),
        report(EventKind::Heartbeat, 2, 10_000),
        report(EventKind::Heartbeat, 3, 20_000),
    ];
    let mut batch = begin_batch();
    pack_session(&[], &events, &mut batch).expect("a sound session");
    let answer = fold_batch(&batch).expect("a sound batch");
    let folded = folded(&answer).expect("a sound answer").next();
    folded.expect("a session").expect("a sound session").expect("a fold").state.to_vec()
}

fn main() {
    let rounds = std::env::args().nth(1).and_then(|rounds| rounds.parse().ok()).unwrap_or(1_000_u32);
    let state = begun();
    let mut batch = begin_batch();
    for _ in 0..SESSIONS {
        let heartbeat = report(EventKind::Heartbeat, 4, 30_000);
        pack_session(&state, &[heartbeat], &mut batch).expect("a sound session");
    }
    let mut bytes = 0;
    for _ in 0..rounds {
        bytes += fold_batch(&batch).expect("a sound batch").len();
    }
    println!("{} folds, {} bytes of state, {bytes} bytes", SESSIONS as u32 * rounds, state.len());
}
