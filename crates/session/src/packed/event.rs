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

use qoe::packed::{Bits, PackedError};
use units::{Kbps, Millis, UnixMillis};

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
    let ms = |length: Option<Millis>| length.map_or(0, |ms| u32::try_from(ms.get()).unwrap_or(u32::MAX));
    let kbps = |rate: Option<Kbps>| rate.map_or(0, Kbps::get);
    let position = |length: Option<Millis>| length.map_or(0, Millis::get);
    out.extend_from_slice(&event.at.get().to_le_bytes());
    out.extend_from_slice(&bits(event).to_le_bytes());
    // Kinds, codecs and screens are numbered in their order.
    let small = [
        event.kind as u8,
        event.codec.map_or(0, |codec| codec as u8),
        event.screen.map_or(0, |screen| screen as u8),
        0,
    ];
    out.extend_from_slice(&small);
    let sizes = [event.width.unwrap_or(0), event.height.unwrap_or(0)];
    out.extend_from_slice(sizes.map(u16::to_le_bytes).as_flattened());
    let positions = [position(event.position), position(event.duration)];
    out.extend_from_slice(positions.map(u64::to_le_bytes).as_flattened());
    let numbers = [
        event.sequence.unwrap_or(0),
        kbps(event.rate),
        kbps(event.top_rate),
        kbps(event.throughput),
        ms(event.buffer),
        ms(event.latency),
        ms(event.startup),
        ms(event.stalled),
        ms(event.stalled_more),
        event.buffering_events.unwrap_or(0),
        event.dropped_frames.unwrap_or(0),
        event.frame_rate_milli.unwrap_or(0),
    ];
    out.extend_from_slice(numbers.map(u32::to_le_bytes).as_flattened());
}

fn bits(event: &Event) -> u32 {
    Bits::default()
        .flag(event.sequence.is_some())
        .flag(event.position.is_some())
        .flag(event.duration.is_some())
        .flag(event.rate.is_some())
        .flag(event.top_rate.is_some())
        .flag(event.throughput.is_some())
        .flag(event.buffer.is_some())
        .flag(event.latency.is_some())
        .flag(event.startup.is_some())
        .flag(event.stalled.is_some())
        .flag(event.stalled_more.is_some())
        .flag(event.buffering_events.is_some())
        .flag(event.dropped_frames.is_some())
        .flag(event.width.is_some())
        .flag(event.height.is_some())
        .flag(event.frame_rate_milli.is_some())
        .flag(event.codec.is_some())
        .flag(event.screen.is_some())
        .get()
}

/// Reads an event.
pub fn unpack_event(record: &[u8; EVENT_BYTES]) -> Result<Event, PackedError> {
    let mut event = Event::new(EventKind::Start, UnixMillis::default());
    read_event(record, &mut event).map(|()| event)
}

/// The same in place, for an event is large; what is refused leaves it unspecified. Branches and no masks:
/// the reports of a player have the same numbers, and most have few.
pub(super) fn read_event(record: &[u8; EVENT_BYTES], event: &mut Event) -> Result<(), PackedError> {
    let bits = short::<8>(record);
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
        sequence: 0, short::<36>(record), u32::from;
        position: 1, long::<20>(record), Millis::new;
        duration: 2, long::<28>(record), Millis::new;
        rate: 3, short::<40>(record), Kbps::new;
        top_rate: 4, short::<44>(record), Kbps::new;
        throughput: 5, short::<48>(record), Kbps::new;
        buffer: 6, short::<52>(record), length;
        latency: 7, short::<56>(record), length;
        startup: 8, short::<60>(record), length;
        stalled: 9, short::<64>(record), length;
        stalled_more: 10, short::<68>(record), length;
        buffering_events: 11, short::<72>(record), u32::from;
        dropped_frames: 12, short::<76>(record), u32::from;
        width: 13, u16::from_le_bytes([record[16], record[17]]), u16::from;
        height: 14, u16::from_le_bytes([record[18], record[19]]), u16::from;
        frame_rate_milli: 15, short::<80>(record), u32::from;
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
    event.at = UnixMillis::new(long::<0>(record));
    event.kind = *kind;
    event.codec = has_codec.then_some(*codec);
    event.screen = has_screen.then_some(*screen);
    Ok(())
}

#[inline(always)]
fn short<const AT: usize>(record: &[u8; EVENT_BYTES]) -> u32 {
    u32::from_le_bytes([record[AT], record[AT + 1], record[AT + 2], record[AT + 3]])
}

#[inline(always)]
fn long<const AT: usize>(record: &[u8; EVENT_BYTES]) -> u64 {
    let high = u32::from_le_bytes([record[AT + 4], record[AT + 5], record[AT + 6], record[AT + 7]]);
    u64::from(short::<AT>(record)) | u64::from(high) << 32
}
