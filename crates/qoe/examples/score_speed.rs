//! Scores a thousand sessions, as often as the first argument says; a second one asks for `session-v1` and
//! `window-v1` alone.
//!
//! For instructions a score: run it twice under `valgrind --tool=callgrind` and divide the difference.
#![allow(clippy::print_stdout, reason = "the program's output")]

use qoe::packed::{Wanted, pack_figures, score_batch};
use qoe::{Figures, Summary};
use units::Millis;

const SESSIONS: u32 = 1_000;

fn main() {
    let rounds = std::env::args().nth(1).and_then(|rounds| rounds.parse().ok()).unwrap_or(1_000_u32);
    let wanted = if std::env::args().nth(2).is_some() { Wanted::SessionAndWindow } else { Wanted::All };
    let mut batch = wanted.head().to_vec();
    for index in 0..SESSIONS {
        let summary = Summary {
            startup: Some(Millis::new(500 + u64::from(index))),
            played: Millis::new(600_000),
            stalled: Millis::new(u64::from(index % 4) * 500),
            stalls: index % 4,
            mean_kbps: Some(3_000.0 + f64::from(index)),
            mean_log: Some(8.0),
            mean_buffer_ms: Some(14_000.0),
            position_max: Millis::new(600_000),
            duration: Some(Millis::new(7_200_000)),
            dropped_frames: index % 7,
            ..Summary::default()
        };
        pack_figures(&Figures::from(&summary), &mut batch);
    }
    let mut bytes = 0;
    for _ in 0..rounds {
        bytes += score_batch(&batch).expect("a sound batch").len();
    }
    println!("{} scores, {bytes} bytes", SESSIONS * rounds);
}
