//! WIT to domain and back.

use session::{EventKind, FoldError, SavedError, limits};
use units::{Kbps, Millis, UnixMillis};

use crate::wit::exports::frontrow::edge::qoe as wit;

pub(crate) fn event(event: wit::Event) -> session::Event {
    session::Event {
        at: UnixMillis::new(event.at_unix_ms),
        kind: match event.kind {
            wit::EventKind::Start => EventKind::Start,
            wit::EventKind::FirstFrame => EventKind::FirstFrame,
            wit::EventKind::Heartbeat => EventKind::Heartbeat,
            wit::EventKind::BufferingStart => EventKind::BufferingStart,
            wit::EventKind::BufferingEnd => EventKind::BufferingEnd,
            wit::EventKind::BitrateChange => EventKind::BitrateChange,
            wit::EventKind::Error => EventKind::Error,
            wit::EventKind::Stop => EventKind::Stop,
        },
        position: event.position_ms.map(Millis::new),
        duration: event.duration_ms.map(Millis::new),
        rate: event.kbps.map(Kbps::new),
        buffer: event.buffer_ms.map(|ms| Millis::new(u64::from(ms))),
        buffering_events: event.buffering_events,
        dropped_frames: event.dropped_frames,
    }
}

pub(crate) fn summary(summary: &qoe::Summary) -> wit::Summary {
    wit::Summary {
        // A session bounds its startup to minutes; a longer one would be as bad.
        startup_ms: summary.startup.map(|startup| u32::try_from(startup.get()).unwrap_or(u32::MAX)),
        played_ms: summary.played.get(),
        stalled_ms: summary.stalled.get(),
        stalls: summary.stalls,
        dropped_frames: summary.dropped_frames,
        errors: summary.errors,
        switches: summary.switches,
        mean_kbps: summary.mean_kbps,
        mean_buffer_ms: summary.mean_buffer_ms,
        position_ms: summary.position.get(),
        position_max_ms: summary.position_max.get(),
        duration_ms: summary.duration.map(Millis::get),
        events: summary.events,
        ended: summary.ended,
    }
}

pub(crate) fn seen(summary: &wit::Summary) -> qoe::Summary {
    qoe::Summary {
        startup: summary.startup_ms.map(|ms| Millis::new(u64::from(ms))),
        played: Millis::new(summary.played_ms),
        stalled: Millis::new(summary.stalled_ms),
        stalls: summary.stalls,
        dropped_frames: summary.dropped_frames,
        errors: summary.errors,
        switches: summary.switches,
        mean_kbps: summary.mean_kbps,
        mean_buffer_ms: summary.mean_buffer_ms,
        position: Millis::new(summary.position_ms),
        position_max: Millis::new(summary.position_max_ms),
        duration: summary.duration_ms.map(Millis::new),
        events: summary.events,
        ended: summary.ended,
    }
}

pub(crate) fn scores(scores: qoe::Scores) -> wit::Scores {
    wit::Scores {
        session_v1: scores.session_v1,
        window_v1: scores.window_v1,
        rebuffer_ratio: scores.rebuffer_ratio,
        completion: scores.completion,
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
