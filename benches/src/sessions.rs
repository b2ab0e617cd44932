//! Events through `fold`, a hundred a call, a fresh instance each, beside the same code without wasm.

use std::time::Duration;

use anyhow::{Result, anyhow};
use frontrow_edge::runtime::{Generation, qoe};
use serde::Serialize;
use session::Session;
use wire::{EventKind, PlaybackEvent};

use crate::measure::{rates, rounded};

const ROUND_TIME: Duration = Duration::from_millis(300);
const EVENTS_PER_CALL: usize = 100;

/// What was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    pub(crate) events_per_call: usize,
    pub(crate) events_per_s: f64,
    pub(crate) native_events_per_s: f64,
    pub(crate) component_over_native: f64,
}

pub(crate) fn measure(generation: &Generation, rounds: u32) -> Result<Figures> {
    // A session of a hundred events meets the hundred that come next.
    let heartbeats: Vec<PlaybackEvent> = (0..2 * EVENTS_PER_CALL as u64).map(heartbeat).collect();
    let (first, next) = heartbeats.split_at(EVENTS_PER_CALL);
    let first: Vec<qoe::Event> = first.iter().map(component_event).collect();
    let events: Vec<qoe::Event> = next.iter().map(component_event).collect();
    let native: Vec<session::Event> = next.iter().map(|event| (*event).into()).collect();
    let started = generation.fold(&[], &first)?.state;
    let [calls_per_s, native_calls_per_s] = rates(
        rounds,
        ROUND_TIME,
        [&mut |_| Ok(drop(std::hint::black_box(generation.fold(&started, &events)?))), &mut |_| {
            let mut session = Session::restore(&started).map_err(|error| anyhow!("{error:?}"))?;
            session.fold(native.clone()).map_err(|error| anyhow!("{error:?}"))?;
            Ok(drop(std::hint::black_box(session.save())))
        }],
    )?;
    Ok(Figures {
        events_per_call: EVENTS_PER_CALL,
        events_per_s: calls_per_s * EVENTS_PER_CALL as f64,
        native_events_per_s: native_calls_per_s * EVENTS_PER_CALL as f64,
        component_over_native: rounded(calls_per_s / native_calls_per_s),
    })
}

const STARTED_UNIX_MS: u64 = 1_800_000_000_000;
const HEARTBEAT_MS: u64 = 1_000;

fn heartbeat(index: u64) -> PlaybackEvent {
    let kind = match index {
        0 => EventKind::Start,
        1 => EventKind::FirstFrame,
        _ => EventKind::Heartbeat,
    };
    PlaybackEvent {
        position_ms: Some(index * HEARTBEAT_MS),
        duration_ms: Some(5_400_000),
        kbps: Some(2_800),
        buffer_ms: Some(20_000),
        buffering_events: Some(0),
        dropped_frames: Some(0),
        ..PlaybackEvent::new(kind, STARTED_UNIX_MS + index * HEARTBEAT_MS)
    }
}

fn component_event(event: &PlaybackEvent) -> qoe::Event {
    qoe::Event {
        kind: match event.kind {
            EventKind::Start => qoe::EventKind::Start,
            EventKind::FirstFrame => qoe::EventKind::FirstFrame,
            _ => qoe::EventKind::Heartbeat,
        },
        at_unix_ms: event.at_unix_ms,
        position_ms: event.position_ms,
        duration_ms: event.duration_ms,
        kbps: event.kbps,
        buffer_ms: event.buffer_ms,
        buffering_events: event.buffering_events,
        dropped_frames: event.dropped_frames,
        sequence: None,
        top_kbps: None,
        throughput_kbps: None,
        latency_ms: None,
        startup_ms: None,
        stalled_ms: None,
        stalled_more_ms: None,
        width: None,
        height: None,
        frame_rate_milli: None,
        codec: None,
        screen: None,
    }
}
