//! Learns a small tower and writes it as ONNX: the fixture of `crates/inference/tests/tower.rs` and of the node's tests.
//!
//!     cargo run --release --example tower_fixture -- crates/inference/tests/data/tower.onnx
//!     python3 crates/golden/scripts/tower.py crates/inference/tests/data

use std::error::Error;
use std::{env, fs};

use frontrow_origin::train::tower::{Learner, Settings, Shape};

const SHAPE: Shape = Shape { items: 40, width: 16, blocks: 2, heads: 2, hidden: 24, window: 12 };

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args_os().nth(1).ok_or("name a file")?;
    // Viewers walk a ring of items, each from another start.
    let sequences: Vec<Vec<u32>> =
        (0..120).map(|viewer| (0..10).map(|step| (viewer * 7 + step * 3) % 40).collect()).collect();
    let settings = Settings { batch: 16, learning_rate: 0.01, dropout: 0.1, ..Settings::default() };
    let mut learner = Learner::new(SHAPE, settings, sequences.iter().map(Vec::as_slice));
    for _ in 0..40 {
        learner.epoch(&|| false);
    }
    fs::write(path, learner.tower().to_onnx())?;
    Ok(())
}
