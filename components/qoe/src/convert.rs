//! WIT to domain and back.

use qoe::packed::PackedError;
use qoe::{Pictures, SpiVerdict, Upscaling};
use session::{Codec, EventKind, FoldError, SavedError, Screen, limits};
use units::{Kbps, Millis, UnixMillis};

use crate::wit::exports::frontrow::edge::qoe as wit;

pub(crate) fn event(event: wit::Event) -> session::Event {
    let ms = |ms: u32| Millis::new(u64::from(ms));
    session::Event {
        at: UnixMillis::new(event.at_unix_ms),
        kind: kind(event.kind),
        sequence: event.sequence,
        position: event.position_ms.map(Millis::new),
        duration: event.duration_ms.map(Millis::new),
        rate: event.kbps.map(Kbps::new),
        top_rate: event.top_kbps.map(Kbps::new),
        throughput: event.throughput_kbps.map(Kbps::new),
        buffer: event.buffer_ms.map(ms),
        latency: event.latency_ms.map(ms),
        startup: event.startup_ms.map(ms),
        stalled: event.stalled_ms.map(ms),
        stalled_more: event.stalled_more_ms.map(ms),
        buffering_events: event.buffering_events,
        dropped_frames: event.dropped_frames,
        width: event.width,
        height: event.height,
        frame_rate_milli: event.frame_rate_milli,
        codec: event.codec.map(codec),
        screen: event.screen.map(screen),
    }
}

fn kind(kind: wit::EventKind) -> EventKind {
    match kind {
        wit::EventKind::Start => EventKind::Start,
        wit::EventKind::FirstFrame => EventKind::FirstFrame,
        wit::EventKind::Heartbeat => EventKind::Heartbeat,
        wit::EventKind::BufferingStart => EventKind::BufferingStart,
        wit::EventKind::BufferingEnd => EventKind::BufferingEnd,
        wit::EventKind::Pause => EventKind::Pause,
        wit::EventKind::Resume => EventKind::Resume,
        wit::EventKind::SeekStart => EventKind::SeekStart,
        wit::EventKind::SeekEnd => EventKind::SeekEnd,
        wit::EventKind::BitrateChange => EventKind::BitrateChange,
        wit::EventKind::Background => EventKind::Background,
        wit::EventKind::Foreground => EventKind::Foreground,
        wit::EventKind::AdStart => EventKind::AdStart,
        wit::EventKind::AdEnd => EventKind::AdEnd,
        wit::EventKind::Error => EventKind::Error,
        wit::EventKind::Stop => EventKind::Stop,
    }
}

fn codec(codec: wit::Codec) -> Codec {
    match codec {
        wit::Codec::Avc => Codec::Avc,
        wit::Codec::Hevc => Codec::Hevc,
        wit::Codec::Vp9 => Codec::Vp9,
        wit::Codec::Av1 => Codec::Av1,
        wit::Codec::Vvc => Codec::Vvc,
        wit::Codec::Other => Codec::Other,
    }
}

fn screen(screen: wit::Screen) -> Screen {
    match screen {
        wit::Screen::Phone => Screen::Phone,
        wit::Screen::Tablet => Screen::Tablet,
        wit::Screen::Desktop => Screen::Desktop,
        wit::Screen::Tv => Screen::Tv,
    }
}

fn seen_on(screen: Screen) -> wit::Screen {
    match screen {
        Screen::Phone => wit::Screen::Phone,
        Screen::Tablet => wit::Screen::Tablet,
        Screen::Desktop => wit::Screen::Desktop,
        Screen::Tv => wit::Screen::Tv,
    }
}

pub(crate) fn summary(summary: &qoe::Summary) -> wit::Summary {
    let pictures = |seen: Pictures| {
        let Pictures { mean, recent, worst, falls } = seen;
        wit::Pictures { mean, recent, worst, falls }
    };
    wit::Summary {
        // A session bounds its startup to minutes; a longer one would be as bad.
        startup_ms: summary.startup.map(|startup| u32::try_from(startup.get()).unwrap_or(u32::MAX)),
        played_ms: summary.played.get(),
        stalled_ms: summary.stalled.get(),
        paused_ms: summary.paused.get(),
        sought_ms: summary.sought.get(),
        background_ms: summary.background.get(),
        ads_ms: summary.ads.get(),
        stalls: summary.stalls,
        stall_longest_ms: summary.stall_longest.get(),
        stall_recent_ms: summary.stall_recent.get(),
        stall_ago_ms: summary.stall_ago.map(Millis::get),
        dropped_frames: summary.dropped_frames,
        errors: summary.errors,
        switches: summary.switches,
        change_kbps: summary.change_kbps,
        change_log: summary.change_log,
        bits_played: summary.bits_played,
        mean_kbps: summary.mean_kbps,
        mean_log: summary.mean_log,
        top_kbps: summary.top_rate.map(Kbps::get),
        mean_buffer_ms: summary.mean_buffer_ms,
        mean_throughput_kbps: summary.mean_throughput_kbps,
        mean_latency_ms: summary.mean_latency_ms,
        mean_height: summary.mean_height,
        mean_frame_rate: summary.mean_frame_rate,
        mean_bits_per_pixel: summary.mean_bits_per_pixel,
        pictures: summary.pictures.map(pictures),
        upscaling: summary.upscaling.map(|seen| wit::Upscaling { mean: seen.mean, max: seen.max }),
        began_ms: summary.began.map(Millis::get),
        position_ms: summary.position.get(),
        position_max_ms: summary.position_max.get(),
        duration_ms: summary.duration.map(Millis::get),
        events: summary.events,
        lost: summary.lost,
        repeated: summary.repeated,
        ended: summary.ended,
        failed: summary.failed,
        screen: summary.screen.map(seen_on),
    }
}

pub(crate) fn seen(summary: &wit::Summary) -> qoe::Summary {
    let pictures = |seen: wit::Pictures| {
        let wit::Pictures { mean, recent, worst, falls } = seen;
        Pictures { mean, recent, worst, falls }
    };
    qoe::Summary {
        startup: summary.startup_ms.map(|ms| Millis::new(u64::from(ms))),
        played: Millis::new(summary.played_ms),
        stalled: Millis::new(summary.stalled_ms),
        paused: Millis::new(summary.paused_ms),
        sought: Millis::new(summary.sought_ms),
        background: Millis::new(summary.background_ms),
        ads: Millis::new(summary.ads_ms),
        stalls: summary.stalls,
        stall_longest: Millis::new(summary.stall_longest_ms),
        stall_recent: Millis::new(summary.stall_recent_ms),
        stall_ago: summary.stall_ago_ms.map(Millis::new),
        dropped_frames: summary.dropped_frames,
        errors: summary.errors,
        switches: summary.switches,
        change_kbps: summary.change_kbps,
        change_log: summary.change_log,
        bits_played: summary.bits_played,
        mean_kbps: summary.mean_kbps,
        mean_log: summary.mean_log,
        top_rate: summary.top_kbps.map(Kbps::new),
        mean_buffer_ms: summary.mean_buffer_ms,
        mean_throughput_kbps: summary.mean_throughput_kbps,
        mean_latency_ms: summary.mean_latency_ms,
        mean_height: summary.mean_height,
        mean_frame_rate: summary.mean_frame_rate,
        mean_bits_per_pixel: summary.mean_bits_per_pixel,
        pictures: summary.pictures.map(pictures),
        upscaling: summary.upscaling.map(|seen| Upscaling { mean: seen.mean, max: seen.max }),
        began: summary.began_ms.map(Millis::new),
        position: Millis::new(summary.position_ms),
        position_max: Millis::new(summary.position_max_ms),
        duration: summary.duration_ms.map(Millis::new),
        events: summary.events,
        lost: summary.lost,
        repeated: summary.repeated,
        ended: summary.ended,
        failed: summary.failed,
        screen: summary.screen.map(screen),
    }
}

pub(crate) fn scores(scores: qoe::Scores) -> wit::Scores {
    wit::Scores {
        session_v1: scores.session_v1,
        window_v1: scores.window_v1,
        rebuffer_ratio: scores.rebuffer_ratio,
        completion: scores.completion,
        qoe_lin_v1: scores.qoe_lin_v1,
        qoe_log_v1: scores.qoe_log_v1,
        mux_style_v1: scores.mux_style_v1,
        spi_style_v1: scores.spi_style_v1.map(|verdict| match verdict {
            SpiVerdict::Good => wit::SpiVerdict::Good,
            SpiVerdict::FailedToStart => wit::SpiVerdict::FailedToStart,
            SpiVerdict::LeftBeforeStart => wit::SpiVerdict::LeftBeforeStart,
            SpiVerdict::SlowStart => wit::SpiVerdict::SlowStart,
            SpiVerdict::Failed => wit::SpiVerdict::Failed,
            SpiVerdict::Stalled => wit::SpiVerdict::Stalled,
            SpiVerdict::LowQuality => wit::SpiVerdict::LowQuality,
        }),
        mos_v1: scores.mos_v1,
    }
}

pub(crate) fn saved_error(error: SavedError) -> wit::Error {
    match error {
        SavedError::Malformed => wit::Error::StateMalformed,
    }
}

pub(crate) fn fold_error(error: FoldError) -> wit::Error {
    match error {
        FoldError::TooManyEvents => wit::Error::TooManyEvents(limits::EVENTS_MAX as u32),
    }
}

pub(crate) fn packed_error(error: PackedError) -> wit::Error {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    match error {
        PackedError::Version(version) => wit::Error::PackedVersion(version),
        PackedError::Length(bytes) => wit::Error::PackedLength(number(bytes)),
        PackedError::TooMany(max) => wit::Error::PackedTooMany(number(max)),
        PackedError::Record => wit::Error::PackedRecord,
    }
}
