//! An event as a record.
//!
//! | from byte | number |
//! |---|---|
//! | 0 | time, milliseconds since 1970; 64 bits |
//! | 8 | bits of what is there, in the order of [`Event`]'s optional fields |
//! | 12 | kind, codec, screen, nothing; 8 bits each |
//! | 16 | width, height; 16 bits each |
//! | 20 | position, duration, in milliseconds; 64 bits each |
//! | 36 | sequence, rate, top rate, throughput, buffer, latency, startup, stalled, stalled more, buffering events, dropped frames, frame rate; 32 bits each |

use alloc::vec::Vec;

use qoe::packed::PackedError;
use units::{Kbps, Millis, UnixMillis};

use super::{long, short};
use crate::{Codec, Event, EventKind, KINDS, Screen};

/// Of an event.
pub const EVENT_BYTES: usize = 84;

/// In the order of their numbers.
pub(crate) const CODECS: [Codec; 6] =
    [Codec::Avc, Codec::Hevc, Codec::Vp9, Codec::Av1, Codec::Vvc, Codec::Other];

/// In the order of their numbers.
pub(crate) const SCREENS: [Screen; 4] = [Screen::Phone, Screen::Tablet, Screen::Desktop, Screen::Tv];

/// Appends an event. Lengths of time other than positions are cut to 49 days.
pub fn pack_event(event: &Event, out: &mut Vec<u8>) {
    let mut record = [0; EVENT_BYTES];
    let mut bits = 0_u32;
    macro_rules! write {
        ($($field:ident: $place:literal, $at:literal, $number:expr;)+) => {
            $(
                if let Some(value) = event.$field {
                    bits |= 1 << $place;
                    put(&mut record, $at, $number(value));
                }
            )+
        };
    }
    let ms = |length: Millis| u32::try_from(length.get()).unwrap_or(u32::MAX).to_le_bytes();
    let kbps = |rate: Kbps| rate.get().to_le_bytes();
    let position = |length: Millis| length.get().to_le_bytes();
    // Codecs and screens are numbered in their order.
    write! {
        sequence: 0, 36, u32::to_le_bytes;
        position: 1, 20, position;
        duration: 2, 28, position;
        rate: 3, 40, kbps;
        top_rate: 4, 44, kbps;
        throughput: 5, 48, kbps;
        buffer: 6, 52, ms;
        latency: 7, 56, ms;
        startup: 8, 60, ms;
        stalled: 9, 64, ms;
        stalled_more: 10, 68, ms;
        buffering_events: 11, 72, u32::to_le_bytes;
        dropped_frames: 12, 76, u32::to_le_bytes;
        width: 13, 16, u16::to_le_bytes;
        height: 14, 18, u16::to_le_bytes;
        frame_rate_milli: 15, 80, u32::to_le_bytes;
        codec: 16, 13, |codec| [codec as u8];
        screen: 17, 14, |screen| [screen as u8];
    }
    put(&mut record, 0, event.at.get().to_le_bytes());
    put(&mut record, 8, bits.to_le_bytes());
    // So are kinds.
    put(&mut record, 12, [event.kind as u8]);
    out.extend_from_slice(&record);
}

/// Writes a number from byte `at`, which is a constant within the record.
#[inline(always)]
fn put<const BYTES: usize>(record: &mut [u8; EVENT_BYTES], at: usize, number: [u8; BYTES]) {
    record[at..at + BYTES].copy_from_slice(&number);
}

/// Reads an event.
pub fn unpack_event(record: &[u8; EVENT_BYTES]) -> Result<Event, PackedError> {
    let mut event = Event::new(EventKind::Start, UnixMillis::default());
    read_event(record, &mut event).map(|()| event)
}

/// The same in place, for an event is large; what is refused leaves it unspecified. Branches and no masks:
/// the reports of a player have the same numbers, and most have few.
pub(super) fn read_event(record: &[u8; EVENT_BYTES], event: &mut Event) -> Result<(), PackedError> {
    let bits = short::<8, EVENT_BYTES>(record);
    // All numbers that are there although their bit says that they are not.
    let mut stray = 0;
    macro_rules! read {
        ($($field:ident: $place:literal, $raw:expr, $make:expr;)+) => {
            $(
                if bits & 1 << $place != 0 {
                    event.$field = Some($make($raw));
                } else {
                    event.$field = None;
                    stray |= u64::from($raw);
                }
            )+
        };
    }
    let length = |ms: u32| Millis::new(u64::from(ms));
    read! {
        sequence: 0, short::<36, EVENT_BYTES>(record), u32::from;
        position: 1, long::<20, EVENT_BYTES>(record), Millis::new;
        duration: 2, long::<28, EVENT_BYTES>(record), Millis::new;
        rate: 3, short::<40, EVENT_BYTES>(record), Kbps::new;
        top_rate: 4, short::<44, EVENT_BYTES>(record), Kbps::new;
        throughput: 5, short::<48, EVENT_BYTES>(record), Kbps::new;
        buffer: 6, short::<52, EVENT_BYTES>(record), length;
        latency: 7, short::<56, EVENT_BYTES>(record), length;
        startup: 8, short::<60, EVENT_BYTES>(record), length;
        stalled: 9, short::<64, EVENT_BYTES>(record), length;
        stalled_more: 10, short::<68, EVENT_BYTES>(record), length;
        buffering_events: 11, short::<72, EVENT_BYTES>(record), u32::from;
        dropped_frames: 12, short::<76, EVENT_BYTES>(record), u32::from;
        width: 13, u16::from_le_bytes([record[16], record[17]]), u16::from;
        height: 14, u16::from_le_bytes([record[18], record[19]]), u16::from;
        frame_rate_milli: 15, short::<80, EVENT_BYTES>(record), u32::from;
    }
    let [kind, codec, screen, nothing] = [record[12], record[13], record[14], record[15]];
    let (has_codec, has_screen) = (bits & 1 << 16 != 0, bits & 1 << 17 != 0);
    let lone = (!has_codec && codec != 0) || (!has_screen && screen != 0);
    stray |= u64::from(bits >> 18) | u64::from(nothing) | u64::from(lone);
    let lists =
        (KINDS.get(usize::from(kind)), CODECS.get(usize::from(codec)), SCREENS.get(usize::from(screen)));
    let (Some(kind), Some(codec), Some(screen), 0) = (lists.0, lists.1, lists.2, stray) else {
        return Err(PackedError::Record);
    };
    event.at = UnixMillis::new(long::<0, EVENT_BYTES>(record));
    event.kind = *kind;
    event.codec = has_codec.then_some(*codec);
    event.screen = has_screen.then_some(*screen);
    Ok(())
}
