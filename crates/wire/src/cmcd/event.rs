//! A report as events of a session, the way every other player tells them.

use super::mapping::Received;
use super::{Cmcd, Key, Mode};
use crate::{Event, EventKind};

/// What of a session's events the report itself does not say.
#[derive(Clone, Copy, Debug)]
pub struct Told<'r> {
    /// The session, as [`session_id`] makes it.
    pub session_id: &'r str,
    /// What is played, for the readers of windows.
    pub content: Option<&'r str>,
    /// Where the player is.
    pub region: &'r str,
    /// The text of the report: the same text is the same event report.
    pub line: &'r str,
}

/// The id of the session of a `sid` and the `cid` it plays: a session is one playback, and a player that goes on to
/// other content keeps its `sid`. At most 81 characters.
pub fn session_id(sid: &str, content: Option<&str>) -> String {
    content.map_or_else(|| sid.to_owned(), |content| format!("{sid}~{:016x}", hash(content)))
}

impl Cmcd<'_> {
    /// What the report tells, as events. It must not have been refused.
    pub fn events<'r>(&'r self, received: Received, told: Told<'r>) -> Vec<Event<'r>> {
        let hash = hash(told.line);
        // A request has neither time nor number of its own: the same text again is another request.
        let came = match received.mode {
            Mode::Request => format!("-{:x}", received.at.get()),
            Mode::Event => String::new(),
        };
        let facts = self.facts(received);
        let events = facts.iter().enumerate().map(|(place, fact)| {
            let ms = |length: units::Millis| u32::try_from(length.get()).unwrap_or(u32::MAX);
            let id = format!("{hash:016x}{place}{came}");
            Event {
                sequence: fact.sequence,
                title: told.content.and_then(|content| content.parse().ok()),
                region: Some(told.region.into()),
                cdn: self.text(Key::Cdn).filter(|cdn| is_label(cdn)).map(Into::into),
                position_ms: fact.position.map(units::Millis::get),
                kbps: fact.rate.map(units::Kbps::get),
                top_kbps: fact.top_rate.map(units::Kbps::get),
                throughput_kbps: fact.throughput.map(units::Kbps::get),
                buffer_ms: fact.buffer.map(ms),
                latency_ms: fact.latency.map(ms),
                startup_ms: fact.startup.map(ms),
                buffering_events: fact.buffering_events,
                stalled_ms: fact.stalled.map(ms),
                stalled_more_ms: fact.stalled_more.map(ms),
                dropped_frames: fact.dropped_frames,
                error_code: self
                    .errors()
                    .first()
                    .filter(|_| fact.kind == session::EventKind::Error)
                    .map(|code| code.to_string().into()),
                ..Event::new(id, told.session_id, EventKind::from(fact.kind), fact.at.get())
            }
        });
        events.collect()
    }
}

fn is_label(text: &str) -> bool {
    crate::text::check_label("cdn", Some(text)).is_ok()
}

/// FNV-1a of 64 bits: who makes up texts of one hash only loses reports of their own.
fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
