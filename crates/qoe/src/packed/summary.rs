//! A summary.
//!
//! | from byte | number |
//! |---|---|
//! | 0 | bits: startup, last stall, highest rate, bit rate, log, buffer, throughput, latency, height, frame rate, bits a pixel, pictures, upscaling, beginning, duration, screen; ended, failed |
//! | 4 | startup, played, stalled, paused, sought, background, ads, longest, recent and last stall, in milliseconds; 32 bits each |
//! | 44 | stalls, dropped frames, errors, switches, changes in kbit/s, highest rate, events, lost, repeated; 32 bits each |
//! | 80 | the screen's number; 32 bits |
//! | 84 | changes of logarithms, then in the order of the bits the means, four of pictures and two of upscaling; floats of 64 bits |
//! | 204 | position, furthest position, beginning, duration, in milliseconds, and bits played; 64 bits each |

use alloc::vec::Vec;

use units::{Kbps, Millis};

use super::{Bits, PackedError, Present, Reader, put};
use crate::{Pictures, Screen, Summary, Upscaling};

/// Of a record.
pub const SUMMARY_BYTES: usize = 244;

const SCREENS: [Screen; 4] = [Screen::Phone, Screen::Tablet, Screen::Desktop, Screen::Tv];

/// Appends a record. A time of more than 49 days, which no session has, is written as that.
pub fn pack_summary(summary: &Summary, out: &mut Vec<u8>) {
    let ms = |length: Millis| u32::try_from(length.get()).unwrap_or(u32::MAX);
    let numbers = [
        bits(summary).get(),
        summary.startup.map_or(0, ms),
        ms(summary.played),
        ms(summary.stalled),
        ms(summary.paused),
        ms(summary.sought),
        ms(summary.background),
        ms(summary.ads),
        ms(summary.stall_longest),
        ms(summary.stall_recent),
        summary.stall_ago.map_or(0, ms),
        summary.stalls,
        summary.dropped_frames,
        summary.errors,
        summary.switches,
        summary.change_kbps,
        summary.top_rate.map_or(0, Kbps::get),
        summary.events,
        summary.lost,
        summary.repeated,
        // The screens are numbered in their order.
        summary.screen.map_or(0, |screen| screen as u32),
    ];
    put(out, &numbers.map(u32::to_le_bytes));
    let pictures = summary.pictures.unwrap_or_default();
    let upscaling = summary.upscaling.unwrap_or_default();
    let floats = [
        summary.change_log,
        summary.mean_kbps.unwrap_or_default(),
        summary.mean_log.unwrap_or_default(),
        summary.mean_buffer_ms.unwrap_or_default(),
        summary.mean_throughput_kbps.unwrap_or_default(),
        summary.mean_latency_ms.unwrap_or_default(),
        summary.mean_height.unwrap_or_default(),
        summary.mean_frame_rate.unwrap_or_default(),
        summary.mean_bits_per_pixel.unwrap_or_default(),
        pictures.mean,
        pictures.recent,
        pictures.worst,
        pictures.falls,
        upscaling.mean,
        upscaling.max,
    ];
    put(out, &floats.map(f64::to_le_bytes));
    let positions = [
        summary.position,
        summary.position_max,
        summary.began.unwrap_or_default(),
        summary.duration.unwrap_or_default(),
    ];
    put(out, &positions.map(|position| position.get().to_le_bytes()));
    put(out, &[summary.bits_played.to_le_bytes()]);
}

fn bits(summary: &Summary) -> Bits {
    let mut bits = Bits::default();
    bits.flag(summary.startup.is_some())
        .flag(summary.stall_ago.is_some())
        .flag(summary.top_rate.is_some())
        .flag(summary.mean_kbps.is_some())
        .flag(summary.mean_log.is_some())
        .flag(summary.mean_buffer_ms.is_some())
        .flag(summary.mean_throughput_kbps.is_some())
        .flag(summary.mean_latency_ms.is_some())
        .flag(summary.mean_height.is_some())
        .flag(summary.mean_frame_rate.is_some())
        .flag(summary.mean_bits_per_pixel.is_some())
        .flag(summary.pictures.is_some())
        .flag(summary.upscaling.is_some())
        .flag(summary.began.is_some())
        .flag(summary.duration.is_some())
        .flag(summary.screen.is_some())
        .flag(summary.ended)
        .flag(summary.failed);
    bits
}

/// Reads a record.
pub fn unpack_summary(bytes: &[u8]) -> Result<Summary, PackedError> {
    if bytes.len() != SUMMARY_BYTES {
        return Err(PackedError::Length(bytes.len()));
    }
    let mut next = Reader::new(bytes);
    let mut present = Present::new(next.u32());
    let times = [(); 10].map(|()| Millis::new(u64::from(next.u32())));
    let counts = [(); 9].map(|()| next.u32());
    let screen = next.u32();
    let floats = [(); 15].map(|()| next.f64());
    let positions = [(); 4].map(|()| Millis::new(next.u64()));
    let bits_played = next.u64();
    let [startup, played, stalled, paused, sought, background, ads, stall_longest, stall_recent, ago] = times;
    let [stalls, dropped_frames, errors, switches, change_kbps, top_kbps, events, lost, repeated] = counts;
    let summary = Summary {
        startup: present.number(startup),
        played,
        stalled,
        paused,
        sought,
        background,
        ads,
        stalls,
        stall_longest,
        stall_recent,
        stall_ago: present.number(ago),
        dropped_frames,
        errors,
        switches,
        change_kbps,
        change_log: floats[0],
        bits_played,
        top_rate: present.number(Kbps::new(top_kbps)),
        mean_kbps: present.number(floats[1]),
        mean_log: present.number(floats[2]),
        mean_buffer_ms: present.number(floats[3]),
        mean_throughput_kbps: present.number(floats[4]),
        mean_latency_ms: present.number(floats[5]),
        mean_height: present.number(floats[6]),
        mean_frame_rate: present.number(floats[7]),
        mean_bits_per_pixel: present.number(floats[8]),
        pictures: present
            .number([floats[9], floats[10], floats[11], floats[12]])
            .map(|[mean, recent, worst, falls]| Pictures { mean, recent, worst, falls }),
        upscaling: present.number([floats[13], floats[14]]).map(|[mean, max]| Upscaling { mean, max }),
        began: present.number(positions[2]),
        position: positions[0],
        position_max: positions[1],
        duration: present.number(positions[3]),
        screen: present.number(screen).and_then(|number| SCREENS.get(number as usize).copied()),
        ended: present.flag(),
        failed: present.flag(),
        events,
        lost,
        repeated,
    };
    let is_sound = present.is_sound() && (screen as usize) < SCREENS.len();
    is_sound.then_some(summary).ok_or(PackedError::Record)
}
