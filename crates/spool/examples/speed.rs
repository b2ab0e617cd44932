//! Stores frames as fast as they are taken: `cargo run --release --package spool --example speed -- FRAMES BYTES THREADS`.
//!
//! For instructions a frame: run it twice under `valgrind --tool=callgrind` and divide the difference.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use spool::{Lane, Settings, Spool, SpoolError};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut numbers = std::env::args().skip(1).map(|argument| argument.parse::<u64>());
    let mut next = |default| numbers.next().unwrap_or(Ok(default));
    let (frames, bytes, threads) = (next(20_000)?, next(15_000)?, next(2)?);
    let folder = tempfile::tempdir_in(".")?;
    let (spool, _) = Spool::open(folder.path(), Settings::new(1), 1)?;
    let stored = Arc::new(AtomicU64::new(0));
    let payload = vec![0xa5; usize::try_from(bytes)?];
    let started = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (spool, stored, payload) = (&spool, &stored, &payload);
            scope.spawn(move || {
                for _ in (thread..frames).step_by(threads as usize) {
                    loop {
                        let counter = Arc::clone(stored);
                        let done = move |result: Result<u64, SpoolError>| {
                            counter.fetch_add(u64::from(result.is_ok()), Ordering::Relaxed);
                        };
                        match spool.append(Lane::Events, 1, 100, payload.clone(), done) {
                            Err(SpoolError::Full { .. }) => std::thread::yield_now(),
                            _ => break,
                        }
                    }
                }
            });
        }
    });
    drop(spool);
    let seconds = started.elapsed().as_secs_f64();
    let stored = stored.load(Ordering::Relaxed);
    let mb = (stored * bytes) as f64 / 1e6;
    println!(
        "{stored} frames of {bytes} bytes in {seconds:.3} s: {:.0} frames/s, {:.0} MB/s",
        stored as f64 / seconds,
        mb / seconds
    );
    let started = Instant::now();
    let (spool, recovered) = Spool::open(folder.path(), Settings::new(2), 1)?;
    println!("opened again in {:.3} s: {} frames", started.elapsed().as_secs_f64(), recovered.frames);
    drop(spool);
    std::fs::remove_file(folder.path().join("closed"))?;
    let started = Instant::now();
    let (spool, recovered) = Spool::open(folder.path(), Settings::new(3), 1)?;
    let seconds = started.elapsed().as_secs_f64();
    println!("without notes of finished segments in {seconds:.3} s: {} frames", recovered.frames);
    let (mut cursor, mut read) = (spool.cursor(Lane::Events), 0);
    let started = Instant::now();
    loop {
        let frames = spool.read(Lane::Events, cursor, 4 << 20)?;
        if frames.frames.is_empty() {
            break;
        }
        read += frames.frames.len();
        cursor = frames.next;
    }
    println!("read {read} frames in {:.3} s", started.elapsed().as_secs_f64());
    Ok(())
}
