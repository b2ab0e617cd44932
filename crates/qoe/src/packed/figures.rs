//! What scores read.
//!
//! | from byte | number |
//! |---|---|
//! | 0 | bits: startup, log, bit rate, buffer, pictures, upscaling, duration; ended, failed |
//! | 4 | startup, played, stalled, longest and recent stall, in milliseconds; 32 bits each |
//! | 24 | stalls, dropped frames, changes in kbit/s, of logarithms and their mean in millionths; 32 bits each |
//! | 44 | falls, three pictures, two upscalings in millionths; 32 bits each |
//! | 68 | mean kbit/s, mean buffer in milliseconds; floats of 64 bits |
//! | 84 | furthest position, duration, in milliseconds; 64 bits each |

use alloc::vec::Vec;

use super::{Bits, PackedError, Present, SCORED_MAX, VERSION, put, records, scores};
use crate::{Figures, score_figures, score_pair};

/// Of a record.
pub const FIGURES_BYTES: usize = 100;

/// Appends a record.
pub fn pack_figures(seen: &Figures, out: &mut Vec<u8>) {
    let mut bits = Bits::default();
    bits.flag(seen.startup_ms.is_some())
        .flag(seen.mean_log_millionths.is_some())
        .flag(seen.mean_kbps.is_some())
        .flag(seen.mean_buffer_ms.is_some())
        .flag(seen.pictures_millionths.is_some())
        .flag(seen.upscaling_millionths.is_some())
        .flag(seen.duration_ms.is_some())
        .flag(seen.ended)
        .flag(seen.failed);
    let [mean, recent, worst] = seen.pictures_millionths.unwrap_or_default();
    let [stretched, farthest] = seen.upscaling_millionths.unwrap_or_default();
    let numbers = [
        bits.get(),
        seen.startup_ms.unwrap_or_default(),
        seen.played_ms,
        seen.stalled_ms,
        seen.stall_longest_ms,
        seen.stall_recent_ms,
        seen.stalls,
        seen.dropped_frames,
        seen.change_kbps,
        seen.change_log_millionths,
        seen.mean_log_millionths.unwrap_or_default(),
        seen.falls_millionths,
        mean,
        recent,
        worst,
        stretched,
        farthest,
    ];
    put(out, &numbers.map(u32::to_le_bytes));
    put(out, &[seen.mean_kbps, seen.mean_buffer_ms].map(|mean| mean.unwrap_or_default().to_le_bytes()));
    put(out, &[seen.position_max_ms, seen.duration_ms.unwrap_or_default()].map(u64::to_le_bytes));
}

/// Reads a record.
pub fn unpack_figures(bytes: &[u8]) -> Result<Figures, PackedError> {
    let record = bytes.try_into().map_err(|_| PackedError::Length(bytes.len()))?;
    read(record).ok_or(PackedError::Record)
}

/// By fixed places, which cost neither a check nor a step.
#[inline]
fn read(record: &[u8; FIGURES_BYTES]) -> Option<Figures> {
    let mut present = Present::new(short::<0>(record));
    let figures = Figures {
        startup_ms: present.number(short::<4>(record)),
        played_ms: short::<8>(record),
        stalled_ms: short::<12>(record),
        stall_longest_ms: short::<16>(record),
        stall_recent_ms: short::<20>(record),
        stalls: short::<24>(record),
        dropped_frames: short::<28>(record),
        change_kbps: short::<32>(record),
        change_log_millionths: short::<36>(record),
        mean_log_millionths: present.number(short::<40>(record)),
        falls_millionths: short::<44>(record),
        mean_kbps: present.number(f64::from_bits(long::<68>(record))),
        mean_buffer_ms: present.number(f64::from_bits(long::<76>(record))),
        pictures_millionths: present.number([short::<48>(record), short::<52>(record), short::<56>(record)]),
        upscaling_millionths: present.number([short::<60>(record), short::<64>(record)]),
        position_max_ms: long::<84>(record),
        duration_ms: present.number(long::<92>(record)),
        ended: present.flag(),
        failed: present.flag(),
    };
    present.is_sound().then_some(figures)
}

#[inline]
fn short<const AT: usize>(record: &[u8; FIGURES_BYTES]) -> u32 {
    u32::from_le_bytes([record[AT], record[AT + 1], record[AT + 2], record[AT + 3]])
}

#[inline]
fn long<const AT: usize>(record: &[u8; FIGURES_BYTES]) -> u64 {
    u64::from(short::<AT>(record))
        | u64::from(u32::from_le_bytes([record[AT + 4], record[AT + 5], record[AT + 6], record[AT + 7]]))
            << 32
}

/// Which scores a batch asks for: bits 16 to 31 of its first word, and of its answer's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// Number 0: all of [`crate::Scores`].
    #[default]
    All,
    /// Number 1: `session-v1` and `window-v1` alone, floats of 64 bits.
    SessionAndWindow,
}

impl Wanted {
    /// The first word of a batch that asks for these, and of its answer.
    pub fn head(self) -> [u8; 4] {
        (VERSION | (self as u32) << 16).to_le_bytes()
    }
}

/// Of an answer's record by [`Wanted::SessionAndWindow`].
pub const PAIR_BYTES: usize = 16;

/// Scores a batch: the version and what is [`Wanted`] in 32 bits and at most [`SCORED_MAX`] figures in, the
/// same word and as many scores out.
pub fn score_batch(batch: &[u8]) -> Result<Vec<u8>, PackedError> {
    let wanted = match batch {
        [_, _, 1, 0, ..] => Wanted::SessionAndWindow,
        _ => Wanted::All,
    };
    let rest = records(batch, wanted, FIGURES_BYTES, SCORED_MAX)?;
    let (records, _) = rest.as_chunks::<FIGURES_BYTES>();
    match wanted {
        Wanted::All => {
            let mut out = Vec::with_capacity(4 + records.len() * scores::SCORES_BYTES);
            out.extend_from_slice(&wanted.head());
            for record in records {
                let figures = read(record).ok_or(PackedError::Record)?;
                scores::pack_scores(&score_figures(&figures), &mut out);
            }
            Ok(out)
        }
        Wanted::SessionAndWindow => {
            let mut out = Vec::with_capacity(4 + records.len() * PAIR_BYTES);
            out.extend_from_slice(&wanted.head());
            for record in records {
                let figures = read(record).ok_or(PackedError::Record)?;
                put(&mut out, &score_pair(&figures).map(f64::to_le_bytes));
            }
            Ok(out)
        }
    }
}

/// Reads the answer of [`score_batch`] by [`Wanted::SessionAndWindow`]: `session-v1` and `window-v1` of each.
pub fn unpack_pair_batch(answer: &[u8]) -> Result<Vec<[f64; 2]>, PackedError> {
    let rest = records(answer, Wanted::SessionAndWindow, PAIR_BYTES, SCORED_MAX)?;
    let (numbers, _) = rest.as_chunks::<8>();
    let (pairs, _) = numbers.as_chunks::<2>();
    Ok(pairs.iter().map(|pair| pair.map(f64::from_le_bytes)).collect())
}
