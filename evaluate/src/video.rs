//! A title's chunks: how large each is at each rung.

use std::fs;
use std::path::{Path, PathBuf};

use bitrate::{Ladder, Rung};
use serde::Deserialize;
use units::Kbps;

use crate::error::{InputError, Result};
use crate::{files, limits};

/// The chunks of a title at every rung.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Video {
    /// Nominal bit rates, lowest first.
    pub(crate) ladder: Ladder,
    /// Media length of a chunk.
    pub(crate) chunk_ms: u32,
    // Invariant: all rungs of a chunk together, lowest first; 2 to CHUNKS_MAX chunks; no chunk is empty.
    bytes: Vec<u32>,
}

impl Video {
    /// Chunks of the title.
    pub(crate) fn chunks(&self) -> usize {
        self.bytes.len() / self.rungs()
    }

    /// Rungs of the ladder.
    pub(crate) fn rungs(&self) -> usize {
        self.ladder.rungs().len()
    }

    /// Size of a chunk in bytes.
    pub(crate) fn bytes(&self, chunk: usize, rung: usize) -> f64 {
        f64::from(self.bytes[chunk * self.rungs() + rung])
    }

    /// Sizes from `chunk` on, all rungs of a chunk together, for at most `chunks` chunks.
    pub(crate) fn bytes_from(&self, chunk: usize, chunks: usize) -> &[u32] {
        let end = (chunk + chunks).min(self.chunks());
        &self.bytes[chunk * self.rungs()..end * self.rungs()]
    }

    /// Nominal bit rate in Mbit/s.
    pub(crate) fn mbps(&self, rung: usize) -> f64 {
        f64::from(self.ladder.rungs()[rung].rate.get()) / 1e3
    }

    fn new(file: &Path, kbps: &[u32], chunk_ms: u32, bytes: Vec<u32>) -> Result<Self> {
        let refuse = |reason: &str| InputError::file(file, reason);
        let rungs =
            kbps.iter().map(|kbps| Rung { height: height_of(*kbps), rate: Kbps::new(*kbps) }).collect();
        let ladder = Ladder::new(rungs).map_err(|error| refuse(&error.to_string()))?;
        if kbps.len() < 2 {
            return Err(refuse("the first chunk is played at rung 1, so a ladder needs two"));
        }
        if chunk_ms == 0 || !(2 * kbps.len()..=limits::CHUNKS_MAX * kbps.len()).contains(&bytes.len()) {
            return Err(refuse("a title has 2 to 10,800 chunks of some length"));
        }
        if bytes.contains(&0) {
            return Err(refuse("a chunk has no bytes"));
        }
        Ok(Self { ladder, chunk_ms, bytes })
    }
}

/// The files say no picture heights; these are the usual ones of the rates. Only the region's table of
/// speeds asks for them.
fn height_of(kbps: u32) -> u16 {
    match kbps {
        0..750 => 360,
        750..1_750 => 480,
        1_750..3_750 => 720,
        3_750..10_000 => 1_080,
        _ => 2_160,
    }
}

/// Reads a video: a JSON file, a folder with one, or a folder of sizes (or its parent).
pub(crate) fn read(path: &Path) -> Result<Video> {
    if path.is_file() {
        return of_json(path);
    }
    for folder in [path.to_owned(), path.join("size")] {
        if !folder.is_dir() {
            continue;
        }
        let found = files::of_folder(&folder)?;
        let sizes = size_files(&found);
        if !sizes.is_empty() {
            return of_sizes(&folder, &sizes);
        }
        if let Some(json) =
            found.iter().find(|file| file.extension().is_some_and(|extension| extension == "json"))
        {
            return of_json(json);
        }
    }
    fs::metadata(path).map_err(|source| InputError::unreadable(path, source))?;
    Err(InputError::file(path, "neither `video_size_0` … nor a JSON file with segment_sizes_bits"))
}

/// `video_size_0` … as far as they go.
fn size_files(found: &[PathBuf]) -> Vec<PathBuf> {
    let of_rung = |rung: usize| found.iter().find(|file| files::name(file) == format!("video_size_{rung}"));
    (0..).map_while(of_rung).cloned().collect()
}

/// One number of bytes a line, a file a rung. The last line, the remainder at the end of the title, is
/// left out as in the simulators of the literature (48 of the 49 of Envivio).
fn of_sizes(folder: &Path, sizes: &[PathBuf]) -> Result<Video> {
    let mut rungs = Vec::new();
    for file in sizes {
        let number = |(index, line): (usize, &str)| {
            line.trim().parse::<u32>().map_err(|_| InputError::line(file, index + 1, "not a number of bytes"))
        };
        let text = files::text(file)?;
        let mut rung = text.lines().enumerate().map(number).collect::<Result<Vec<_>>>()?;
        rung.pop();
        if rungs.first().is_some_and(|first: &Vec<u32>| first.len() != rung.len()) {
            return Err(InputError::file(file, "another number of chunks than rung 0"));
        }
        rungs.push(rung);
    }
    let chunks = rungs[0].len();
    let bytes = (0..chunks).flat_map(|chunk| rungs.iter().map(move |rung| rung[chunk])).collect();
    Video::new(folder, &rates_of(&rungs), SIZES_CHUNK_MS, bytes)
}

/// The files do not say the nominal rates. Those of Envivio are known; else the mean rate is taken.
fn rates_of(rungs: &[Vec<u32>]) -> Vec<u32> {
    let mean_kbps = |bytes: &Vec<u32>| {
        let sum: f64 = bytes.iter().map(|bytes| f64::from(*bytes)).sum();
        sum * 8.0 / bytes.len().max(1) as f64 / f64::from(SIZES_CHUNK_MS)
    };
    let means: Vec<f64> = rungs.iter().map(mean_kbps).collect();
    let is_near = |(mean, kbps): (&f64, &u32)| (mean / f64::from(*kbps) - 1.0).abs() < 0.05;
    if means.len() == ENVIVIO_KBPS.len() && means.iter().zip(&ENVIVIO_KBPS).all(is_near) {
        return ENVIVIO_KBPS.to_vec();
    }
    means.iter().map(|mean| mean.round() as u32).collect()
}

/// The title of the literature, `EnvivioDash3`.
const ENVIVIO_KBPS: [u32; 6] = [300, 750, 1_200, 1_850, 2_850, 4_300];

/// Length of a chunk where the files do not say it: that of the literature.
const SIZES_CHUNK_MS: u32 = 4_000;

/// `{segment_duration_ms, bitrates_kbps, segment_sizes_bits}`, as the simulator Sabre reads it.
fn of_json(file: &Path) -> Result<Video> {
    #[derive(Deserialize)]
    struct Manifest {
        segment_duration_ms: u32,
        bitrates_kbps: Vec<u32>,
        segment_sizes_bits: Vec<Vec<u64>>,
    }
    let text = files::text(file)?;
    let manifest: Manifest = serde_json::from_str(&text).map_err(|error| InputError::json(file, &error))?;
    let rungs = manifest.bitrates_kbps.len();
    let mut bytes = Vec::new();
    for (index, segment) in manifest.segment_sizes_bits.iter().enumerate() {
        if segment.len() != rungs {
            return Err(InputError::file(
                file,
                &format!("segment {index} has {} sizes, not {rungs}", segment.len()),
            ));
        }
        for bits in segment {
            let size = u32::try_from(bits / 8);
            bytes.push(size.map_err(|_| InputError::file(file, &format!("segment {index} is too large")))?);
        }
    }
    Video::new(file, &manifest.bitrates_kbps, manifest.segment_duration_ms, bytes)
}
