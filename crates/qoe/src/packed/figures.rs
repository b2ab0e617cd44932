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

use super::{Bits, PackedError, Present, Reader, SCORED_MAX, VERSION, put, records, scores};
use crate::{Figures, score_figures};

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

fn read(record: &[u8; FIGURES_BYTES]) -> Option<Figures> {
    let mut next = Reader::new(record);
    let mut present = Present::new(next.u32());
    let startup_ms = present.number(next.u32());
    let [played_ms, stalled_ms, stall_longest_ms, stall_recent_ms] = [(); 4].map(|()| next.u32());
    let [stalls, dropped_frames, change_kbps, change_log_millionths] = [(); 4].map(|()| next.u32());
    let mean_log_millionths = present.number(next.u32());
    let falls_millionths = next.u32();
    let pictures = [(); 3].map(|()| next.u32());
    let upscalings = [(); 2].map(|()| next.u32());
    let figures = Figures {
        startup_ms,
        played_ms,
        stalled_ms,
        stall_longest_ms,
        stall_recent_ms,
        stalls,
        dropped_frames,
        change_kbps,
        change_log_millionths,
        mean_log_millionths,
        falls_millionths,
        mean_kbps: present.number(next.f64()),
        mean_buffer_ms: present.number(next.f64()),
        pictures_millionths: present.number(pictures),
        upscaling_millionths: present.number(upscalings),
        position_max_ms: next.u64(),
        duration_ms: present.number(next.u64()),
        ended: present.next(),
        failed: present.next(),
    };
    present.is_sound().then_some(figures)
}

/// Scores a batch: the version in 32 bits and at most [`SCORED_MAX`] figures in, the version and as many
/// scores out.
pub fn score_batch(batch: &[u8]) -> Result<Vec<u8>, PackedError> {
    let rest = records(batch, FIGURES_BYTES, SCORED_MAX)?;
    let (records, _) = rest.as_chunks::<FIGURES_BYTES>();
    let mut out = Vec::with_capacity(4 + records.len() * scores::SCORES_BYTES);
    out.extend_from_slice(&VERSION.to_le_bytes());
    for record in records {
        let figures = read(record).ok_or(PackedError::Record)?;
        scores::pack_scores(&score_figures(&figures), &mut out);
    }
    Ok(out)
}
