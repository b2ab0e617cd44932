//! Reads the golden files, which Python wrote, and writes them again into a folder.
//!
//! Makes the fixtures that `tests/files` compares byte by byte and that
//! `crates/golden/scripts/check_rewritten.py` reads:
//!
//!     cargo run -p release --example rewrite -- crates/release/tests/data

use std::path::PathBuf;
use std::{env, error, fs};

use release::{CandidateFile, Histories};

fn main() -> Result<(), Box<dyn error::Error>> {
    let folder = PathBuf::from(env::args_os().nth(1).ok_or("name a folder")?);
    let files = [
        ("candidates", CandidateFile::decode(golden::candidates())?.encode()),
        ("factors", release::encode_factors(&release::decode_factors(golden::factors())?)),
        ("histories", Histories::decode(golden::histories())?.encode()),
    ];
    for (name, bytes) in files {
        fs::write(folder.join(format!("{name}.safetensors")), bytes)?;
    }
    Ok(())
}
