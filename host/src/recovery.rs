//! What a node saw before it started again: the spool has it, so sessions go on.
//!
//! The events of the last minutes are folded anew. So a session that is live is live again, an event that comes again
//! is known, and windows that were open are open again, but for what sessions came to that were silent for long. A
//! session that began earlier goes on as one that is met in its middle: its record will tell of what happened since then,
//! its events are all in the spool or with the origin. What the node had already told of is not told twice: sessions
//! whose record is in the spool are ended ones, windows whose record is there are let go.

use std::collections::HashMap;
use std::time::Instant;

use spool::Lane;
use tracing::{info, warn};
use units::UnixMillis;
use wire::{Event, Records, limits::EVENTS_MAX};

use crate::limits;
use crate::node::{Node, unix_ms};
use crate::outbox::Outbox;
use crate::serving::Serving;

/// What had been told before.
#[derive(Debug, Default)]
struct Told {
    /// When the last event was of the sessions that were recorded, by id.
    sessions: HashMap<String, u64>,
    /// The newest window.
    window: Option<u64>,
}

/// Folds the events of the last minutes again.
pub(crate) fn recover(node: &Node, serving: &Serving) {
    let Some(outbox) = &node.outbox else { return };
    let (started, now_unix_ms) = (Instant::now(), unix_ms());
    let idle_ms = u64::try_from(node.settings.load().session_idle.as_millis()).unwrap_or(u64::MAX);
    let since = now_unix_ms.saturating_sub(idle_ms.max(limits::KEEP_MS_MIN));
    let told = told(outbox, since);
    let (mut events, mut ended) = (0, Vec::new());
    for frame in outbox.replay(Lane::Events, since) {
        let frame_events = match wire::read_events(&frame.payload) {
            Ok(events) => events,
            Err(error) => {
                warn!(frame.sequence, code = error.code, "a frame of the spool cannot be read again");
                continue;
            }
        };
        let frame_events: Vec<&Event<'_>> = frame_events.iter().collect();
        for some in frame_events.chunks(EVENTS_MAX) {
            let outcome = node.fold(serving, some, started, now_unix_ms);
            ended.extend(outcome.ended);
            events += some.len();
        }
    }
    if events == 0 {
        return;
    }
    ended.retain(|session| told.sessions.get(&session.session_id) != Some(&session.ended_unix_ms));
    let lost = ended.len();
    drop(outbox.store_all(Records { sessions: ended, ..Records::default() }));
    node.sessions.retire(&told.sessions);
    if let Some(window) = told.window {
        node.sessions.forget_windows(UnixMillis::new(window));
    }
    info!(
        events,
        sessions = node.sessions.live(),
        recorded_late = lost,
        "sessions of the time before the start are there again"
    );
}

fn told(outbox: &Outbox, since: u64) -> Told {
    let mut told = Told::default();
    for frame in outbox.replay(Lane::Records, since) {
        let Ok(records) = wire::read_records(&frame.payload) else { continue };
        told.sessions
            .extend(records.sessions.into_iter().map(|session| (session.session_id, session.ended_unix_ms)));
        told.window = told.window.max(records.windows.iter().map(|window| window.start_unix_ms).max());
    }
    told
}
