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

use qoe::packed::{Bits, PackedError, Present};
use units::{Kbps, Millis, UnixMillis};

use crate::{Codec, Event, KINDS, Screen};

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

/// Reads an event. By fixed places, which cost neither a check nor a step.
pub fn unpack_event(record: &[u8; EVENT_BYTES]) -> Result<Event, PackedError> {
    read_event(record)
}

/// The same within the fold, where an event need not be moved.
#[inline(always)]
pub(super) fn read_event(record: &[u8; EVENT_BYTES]) -> Result<Event, PackedError> {
    let mut present = Present::new(short::<8>(record));
    let [kind, codec, screen, nothing] = [record[12], record[13], record[14], record[15]];
    let length = |ms: u32| Millis::new(u64::from(ms));
    let kind = KINDS.get(usize::from(kind)).copied().ok_or(PackedError::Record)?;
    let event = Event {
        at: UnixMillis::new(long::<0>(record)),
        kind,
        sequence: present.number(short::<36>(record)),
        position: present.number(Millis::new(long::<20>(record))),
        duration: present.number(Millis::new(long::<28>(record))),
        rate: present.number(Kbps::new(short::<40>(record))),
        top_rate: present.number(Kbps::new(short::<44>(record))),
        throughput: present.number(Kbps::new(short::<48>(record))),
        buffer: present.number(length(short::<52>(record))),
        latency: present.number(length(short::<56>(record))),
        startup: present.number(length(short::<60>(record))),
        stalled: present.number(length(short::<64>(record))),
        stalled_more: present.number(length(short::<68>(record))),
        buffering_events: present.number(short::<72>(record)),
        dropped_frames: present.number(short::<76>(record)),
        width: present.number(u16::from_le_bytes([record[16], record[17]])),
        height: present.number(u16::from_le_bytes([record[18], record[19]])),
        frame_rate_milli: present.number(short::<80>(record)),
        codec: present.number(codec).and_then(|number| CODECS.get(usize::from(number)).copied()),
        screen: present.number(screen).and_then(|number| SCREENS.get(usize::from(number)).copied()),
    };
    let in_lists = usize::from(codec) < CODECS.len() && usize::from(screen) < SCREENS.len();
    if present.is_sound() && in_lists && nothing == 0 { Ok(event) } else { Err(PackedError::Record) }
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
