//! Scores.
//!
//! | from byte | number |
//! |---|---|
//! | 0 | bits: completion, qoe-lin, qoe-log, mos, spi |
//! | 4 | the verdict of spi: 0 for good, then in the order of [`SpiVerdict`]; 32 bits |
//! | 8 | session, window, rebuffer ratio, completion, qoe-lin, qoe-log, mux, mos; floats of 64 bits |

use alloc::vec::Vec;

use super::{Bits, PackedError, Present, Reader, SCORED_MAX, Wanted, put, records};
use crate::{Scores, SpiVerdict};

/// Of a record.
pub const SCORES_BYTES: usize = 72;

/// In the order of their numbers.
const VERDICTS: [SpiVerdict; 7] = [
    SpiVerdict::Good,
    SpiVerdict::FailedToStart,
    SpiVerdict::LeftBeforeStart,
    SpiVerdict::SlowStart,
    SpiVerdict::Failed,
    SpiVerdict::Stalled,
    SpiVerdict::LowQuality,
];

/// Appends a record.
pub fn pack_scores(scores: &Scores, out: &mut Vec<u8>) {
    let mut bits = Bits::default();
    bits.flag(scores.completion.is_some())
        .flag(scores.qoe_lin_v1.is_some())
        .flag(scores.qoe_log_v1.is_some())
        .flag(scores.mos_v1.is_some())
        .flag(scores.spi_style_v1.is_some());
    // The verdicts are numbered in their order.
    let verdict = scores.spi_style_v1.map_or(0, |verdict| verdict as u64);
    let numbers = [
        u64::from(bits.get()) | verdict << 32,
        scores.session_v1.to_bits(),
        scores.window_v1.to_bits(),
        scores.rebuffer_ratio.to_bits(),
        scores.completion.unwrap_or_default().to_bits(),
        scores.qoe_lin_v1.unwrap_or_default().to_bits(),
        scores.qoe_log_v1.unwrap_or_default().to_bits(),
        scores.mux_style_v1.to_bits(),
        scores.mos_v1.unwrap_or_default().to_bits(),
    ];
    put(out, &numbers.map(u64::to_le_bytes));
}

/// Reads a record.
pub fn unpack_scores(bytes: &[u8]) -> Result<Scores, PackedError> {
    if bytes.len() != SCORES_BYTES {
        return Err(PackedError::Length(bytes.len()));
    }
    let mut next = Reader::new(bytes);
    let mut present = Present::new(next.u32());
    let number = next.u32();
    let [session_v1, window_v1, rebuffer_ratio, completion] = [(); 4].map(|()| next.f64());
    let [lin, log, mux_style_v1, mos] = [(); 4].map(|()| next.f64());
    let verdict = VERDICTS.get(number as usize).copied().ok_or(PackedError::Record)?;
    let scores = Scores {
        session_v1,
        window_v1,
        rebuffer_ratio,
        completion: present.number(completion),
        qoe_lin_v1: present.number(lin),
        qoe_log_v1: present.number(log),
        mux_style_v1,
        mos_v1: present.number(mos),
        spi_style_v1: present.number(number).map(|_| verdict),
    };
    present.is_sound().then_some(scores).ok_or(PackedError::Record)
}

/// Reads the answer of [`super::score_batch`] by [`Wanted::All`].
pub fn unpack_score_batch(answer: &[u8]) -> Result<Vec<Scores>, PackedError> {
    let rest = records(answer, Wanted::All, SCORES_BYTES, SCORED_MAX)?;
    rest.chunks_exact(SCORES_BYTES).map(unpack_scores).collect()
}
