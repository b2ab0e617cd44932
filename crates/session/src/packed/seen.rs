//! What windows count of a session.
//!
//! | from byte | number |
//! |---|---|
//! | 0 | bits: newest event, startup; ended, failed |
//! | 4 | startup, played, stalled, in milliseconds; 32 bits each |
//! | 16 | stalls, errors, switches, dropped frames, events; 32 bits each |
//! | 36 | the bit rate now in kbit/s, milliseconds in which one was known, buffer readings; 32 bits each |
//! | 48 | kbit/s times milliseconds, buffer readings added up, in milliseconds; 64 bits each |
//! | 64 | newest event, milliseconds since 1970; 64 bits |

use alloc::vec::Vec;

use qoe::packed::{Bits, PackedError, Present};
use units::{Millis, UnixMillis};

use super::{long, short};
use crate::{Phase, Session};

/// Of a record.
pub const SEEN_BYTES: usize = 72;

/// What windows count of a session: totals since its start. Sums and not means, for they are exact, and a
/// difference of two of them is what came between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Time of the newest event; none before the first.
    pub newest_at: Option<UnixMillis>,
    /// From start to the first frame, less the ads before it; none until it came.
    pub startup: Option<Millis>,
    /// Time in which the title was shown.
    pub played: Millis,
    /// Time spent waiting after the first frame.
    pub stalled: Millis,
    /// Times playback ran dry.
    pub stalls: u32,
    /// Errors reported.
    pub errors: u32,
    /// Changes of bit rate.
    pub switches: u32,
    /// Frames not shown.
    pub dropped_frames: u32,
    /// Events folded.
    pub events: u32,
    /// The bit rate played now in kbit/s; zero is unknown.
    pub kbps: u32,
    /// Time shown in which the bit rate was known.
    pub rated: Millis,
    /// Bit rates over that time: kbit/s times milliseconds.
    pub rate_sum: u64,
    /// Buffer levels reported.
    pub buffers: u32,
    /// Their sum in milliseconds.
    pub buffer_sum: u64,
    /// Whether playback has ended.
    pub ended: bool,
    /// Whether an error was the last thing before the end.
    pub failed: bool,
}

impl Session {
    /// What windows count of it.
    pub fn seen(&self) -> Seen {
        let ended = self.phase() == Phase::Ended;
        Seen {
            newest_at: self.newest_at,
            startup: self.startup(),
            played: self.played,
            stalled: self.waits.stalled,
            stalls: self.waits.count(),
            errors: self.errors,
            switches: self.shown.switches,
            dropped_frames: self.dropped.total,
            events: self.events,
            kbps: self.shown.format.kbps,
            rated: self.shown.rated,
            rate_sum: self.shown.rate_sum,
            buffers: self.buffers,
            buffer_sum: self.buffer_sum,
            ended,
            failed: ended && self.is_broken,
        }
    }
}

impl Seen {
    /// Appends a record.
    pub(super) fn pack_into(&self, out: &mut Vec<u8>) {
        // A session bounds its times to what 32 bits hold.
        let ms = |length: Millis| length.get() as u32;
        let mut bits = Bits::default();
        bits.flag(self.newest_at.is_some()).flag(self.startup.is_some()).flag(self.ended).flag(self.failed);
        let numbers = [
            bits.get(),
            self.startup.map_or(0, ms),
            ms(self.played),
            ms(self.stalled),
            self.stalls,
            self.errors,
            self.switches,
            self.dropped_frames,
            self.events,
            self.kbps,
            ms(self.rated),
            self.buffers,
        ];
        let sums = [self.rate_sum, self.buffer_sum, self.newest_at.map_or(0, UnixMillis::get)];
        out.extend_from_slice(numbers.map(u32::to_le_bytes).as_flattened());
        out.extend_from_slice(sums.map(u64::to_le_bytes).as_flattened());
    }

    /// Reads a record.
    #[inline]
    pub(super) fn unpack(record: &[u8; SEEN_BYTES]) -> Result<Self, PackedError> {
        let mut present = Present::new(short::<0, SEEN_BYTES>(record));
        let ms = |ms: u32| Millis::new(u64::from(ms));
        let seen = Self {
            newest_at: present.number(UnixMillis::new(long::<64, SEEN_BYTES>(record))),
            startup: present.number(ms(short::<4, SEEN_BYTES>(record))),
            played: ms(short::<8, SEEN_BYTES>(record)),
            stalled: ms(short::<12, SEEN_BYTES>(record)),
            stalls: short::<16, SEEN_BYTES>(record),
            errors: short::<20, SEEN_BYTES>(record),
            switches: short::<24, SEEN_BYTES>(record),
            dropped_frames: short::<28, SEEN_BYTES>(record),
            events: short::<32, SEEN_BYTES>(record),
            kbps: short::<36, SEEN_BYTES>(record),
            rated: ms(short::<40, SEEN_BYTES>(record)),
            buffers: short::<44, SEEN_BYTES>(record),
            rate_sum: long::<48, SEEN_BYTES>(record),
            buffer_sum: long::<56, SEEN_BYTES>(record),
            ended: present.flag(),
            failed: present.flag(),
        };
        if present.is_sound() { Ok(seen) } else { Err(PackedError::Record) }
    }
}

/// The mean bit rate in kbit/s that a [`Seen`] of these has, as a summary has it; none until one was reported.
pub fn mean_kbps(kbps: u32, rate_sum: u64, rated: Millis) -> Option<f64> {
    let mean = rate_sum as f64 / rated.get() as f64;
    (kbps > 0).then(|| if rated > Millis::ZERO { mean } else { f64::from(kbps) })
}

/// The mean buffer level in milliseconds that a [`Seen`] of these has, as a summary has it; none until one was
/// reported.
pub fn mean_buffer_ms(buffer_sum: u64, buffers: u32) -> Option<f64> {
    (buffers > 0).then(|| buffer_sum as f64 / f64::from(buffers))
}
