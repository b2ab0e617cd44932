//! What has changed in a file of a release since the release before: made by the origin, applied by nodes.
//!
//! A delta is the new file, compressed by Zstandard with the old one as what it refers to. A candidate set is first
//! brought into the order of the new titles ([`predict`]): a title that came or went moves the place of every other,
//! and the compressor would see each index changed.
//!
//! Whoever applies a delta compares the result with the digest that was signed: what a delta says is never believed.

pub mod limits;
mod predict;

use std::io::{Read, Write};

use limits::{BYTES_MAX, TITLES_CHANGED_MAX, WINDOW_LOG_MAX};
pub use predict::predict;

/// Why there is no new file.
#[derive(Debug, thiserror::Error)]
pub enum DeltaError {
    /// It does not begin like a delta, or is cut short.
    #[error("not a delta")]
    NotADelta,
    /// It would take more memory than a node gives.
    #[error("a file of {bytes} bytes is more than {BYTES_MAX}")]
    TooLarge {
        /// Of the file.
        bytes: u64,
    },
    /// It names more titles than a release changes.
    #[error("{titles} titles that came or went are more than {TITLES_CHANGED_MAX}")]
    TooManyTitles {
        /// As many.
        titles: u64,
    },
    /// It was made for another file, or has been changed.
    #[error("the delta does not fit: {0}")]
    Damaged(#[from] std::io::Error),
}

impl DeltaError {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotADelta => "not-a-delta",
            Self::TooLarge { .. } => "delta-too-large",
            Self::TooManyTitles { .. } => "delta-too-many-titles",
            Self::Damaged(_) => "delta-damaged",
        }
    }
}

/// Says how `new` differs from `old`; equal files give equal bytes.
///
/// # Errors
///
/// When a file is too large, or the titles have hardly anything in common.
pub fn encode(old: &[u8], new: &[u8]) -> Result<Vec<u8>, DeltaError> {
    for file in [old, new] {
        check_length(file.len() as u64)?;
    }
    let (removed, added) = predict::changes(old, new);
    check_titles(removed.len() as u64 + added.len() as u64)?;
    let mut delta = MAGIC.to_vec();
    for titles in [&removed, &added] {
        delta.extend((titles.len() as u32).to_le_bytes());
    }
    for title in removed.iter().chain(&added) {
        delta.extend(title.to_le_bytes());
    }
    let known = predict(old, &removed, &added);
    let mut encoder = zstd::stream::write::Encoder::with_ref_prefix(delta, LEVEL, &known)?;
    encoder.window_log(window_log(known.len() + new.len()))?;
    encoder.include_checksum(false)?;
    encoder.set_pledged_src_size(Some(new.len() as u64))?;
    encoder.write_all(new)?;
    Ok(encoder.finish()?)
}

/// The new file, `bytes` long if the delta is sound; the caller compares its digest.
///
/// # Errors
///
/// When the delta is none, or wants more than the limits.
pub fn apply(old: &[u8], delta: &[u8], bytes: u64) -> Result<Vec<u8>, DeltaError> {
    check_length(old.len() as u64)?;
    check_length(bytes)?;
    let rest = delta.strip_prefix(MAGIC).ok_or(DeltaError::NotADelta)?;
    let (counts, rest) = rest.split_at_checked(8).ok_or(DeltaError::NotADelta)?;
    let [removed, added] = [0, 4].map(|at| predict::number(&counts[at..]));
    check_titles(u64::from(removed) + u64::from(added))?;
    let titles = |count: u32, from: &'_ [u8]| -> Option<(Vec<u32>, usize)> {
        let length = count as usize * 4;
        Some((from.get(..length)?.chunks_exact(4).map(predict::number).collect(), length))
    };
    let (removed, length) = titles(removed, rest).ok_or(DeltaError::NotADelta)?;
    let rest = &rest[length..];
    let (added, length) = titles(added, rest).ok_or(DeltaError::NotADelta)?;
    let known = predict(old, &removed, &added);
    let mut decoder = zstd::stream::read::Decoder::with_ref_prefix(&rest[length..], &known)?;
    decoder.window_log_max(WINDOW_LOG_MAX)?;
    // One byte more shows that it goes on.
    let mut new = Vec::with_capacity(usize::try_from(bytes + 1).map_err(|_| DeltaError::TooLarge { bytes })?);
    decoder.take(bytes + 1).read_to_end(&mut new)?;
    Ok(new)
}

fn check_length(bytes: u64) -> Result<(), DeltaError> {
    if bytes > BYTES_MAX { Err(DeltaError::TooLarge { bytes }) } else { Ok(()) }
}

fn check_titles(titles: u64) -> Result<(), DeltaError> {
    if titles > TITLES_CHANGED_MAX { Err(DeltaError::TooManyTitles { titles }) } else { Ok(()) }
}

/// The whole of both files, so that the compressor can look back to the beginning.
fn window_log(bytes: usize) -> u32 {
    bytes.next_power_of_two().ilog2().clamp(20, WINDOW_LOG_MAX)
}

/// The first bytes, with the version of the form.
const MAGIC: &[u8] = b"frdelta1";

/// Half the bytes of the usual level 3, at a second for two megabytes, once a release.
const LEVEL: i32 = 19;
