//! Writes `golden::models` into a folder, for tests in other languages:
//!
//!     cargo run --release --example models -- FOLDER

use std::path::PathBuf;
use std::{env, error, fs};

fn main() -> Result<(), Box<dyn error::Error>> {
    let folder = PathBuf::from(env::args_os().nth(1).ok_or("name a folder")?);
    fs::create_dir_all(&folder)?;
    let exam = golden::models::exam();
    let cases = serde_json::to_vec(&exam.cases)?;
    let files = [
        ("candidates.safetensors", exam.candidates),
        ("tower.onnx", exam.tower),
        ("ranker.onnx", exam.ranker),
        ("rules.json", exam.rules.into_bytes()),
        ("slate.json", exam.slate_rules.into_bytes()),
        ("cases.json", cases),
    ];
    for (name, bytes) in files {
        fs::write(folder.join(name), bytes)?;
    }
    Ok(())
}
