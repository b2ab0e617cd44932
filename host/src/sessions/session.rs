//! One playback.

use std::time::{Duration, Instant};

use units::UnixMillis;
use windows::{Delta, Dimension, End, Seen};
use wire::packed::Folded;
use wire::{Event, Scores, SessionRecord, Summary};

use super::ids::{Id, Ids};
use super::partition::Move;

/// One playback, as the component and the node know it.
#[derive(Debug)]
pub(super) struct Session {
    /// What the component wrote; empty before the first fold.
    pub(super) state: Box<[u8]>,
    ids: Ids,
    pub(super) viewer: Option<u32>,
    pub(super) title: Option<u32>,
    region: Option<Box<str>>,
    device: Option<Box<str>>,
    cdn: Option<Box<str>>,
    pub(super) generation: u64,
    /// Earliest and latest time of an event, by the player's clock.
    first_unix_ms: u64,
    last_unix_ms: u64,
    /// What windows have counted of it.
    seen: Seen,
    /// The title it is a viewer of.
    viewer_of: Option<u32>,
    /// When the last event arrived.
    touched: Instant,
}

/// What is known of a session.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionView {
    /// The release that scored it.
    pub generation: u64,
    /// Who watches.
    pub viewer: Option<u32>,
    /// What is watched.
    pub title: Option<u32>,
    /// Whether playback has ended.
    pub ended: bool,
    /// What was seen.
    pub summary: Summary,
    /// How good it was.
    pub scores: Scores,
}

impl Session {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            state: Box::default(),
            ids: Ids::default(),
            viewer: None,
            title: None,
            region: None,
            device: None,
            cdn: None,
            generation: 0,
            first_unix_ms: u64::MAX,
            last_unix_ms: 0,
            seen: Seen::default(),
            viewer_of: None,
            touched: now,
        }
    }

    pub(super) fn touch(&mut self, now: Instant) {
        self.touched = now;
    }

    pub(super) fn knows(&self, id: Id) -> bool {
        self.ids.contains(id)
    }

    /// An event that has been folded.
    pub(super) fn remember(&mut self, id: Id, event: &Event<'_>) {
        self.ids.remember(id);
        self.first_unix_ms = self.first_unix_ms.min(event.at_unix_ms);
        self.last_unix_ms = self.last_unix_ms.max(event.at_unix_ms);
        self.viewer = self.viewer.or(event.viewer);
        self.title = self.title.or(event.title);
        for (known, told) in [
            (&mut self.region, &event.region),
            (&mut self.device, &event.device),
            (&mut self.cdn, &event.cdn),
        ] {
            if known.is_none() {
                *known = told.as_deref().map(Box::from);
            }
        }
    }

    /// Takes over what the component made of the new events; returns what they added.
    pub(super) fn update(&mut self, folded: &Folded<'_>, generation: u64) -> Delta {
        let &Folded { state, ref summary, ref scores } = folded;
        if *self.state == *state {
            // Written before: an allocation less.
        } else if self.state.len() == state.len() {
            self.state.copy_from_slice(state);
        } else {
            self.state = state.into();
        }
        self.generation = generation;
        let seen = seen(summary, self.last_unix_ms);
        let end =
            End { completion: scores.completion, session_v1: Some(scores.session_v1), mos: scores.mos_v1 };
        let delta = Delta::between(&self.seen, &seen, end);
        self.seen = seen;
        delta
    }

    /// Counts it among the viewers of its title, or no longer; returns what changed.
    pub(super) fn count(&mut self, is_live: bool) -> Option<Move> {
        match (self.viewer_of, self.title.filter(|_| is_live)) {
            (None, Some(title)) => {
                self.viewer_of = Some(title);
                Some(Move::Joined(title))
            }
            (Some(title), None) => {
                self.viewer_of = None;
                Some(Move::Left(title))
            }
            _ => None,
        }
    }

    /// Of its newest event, by the player's clock.
    pub(super) fn newest_at(&self) -> UnixMillis {
        UnixMillis::new(self.last_unix_ms)
    }

    /// Whether the player said that playback has ended.
    pub(super) fn has_stopped(&self) -> bool {
        self.seen.ended
    }

    pub(super) fn is_idle(&self, idle: Duration, now: Instant) -> bool {
        now.saturating_duration_since(self.touched) > idle
    }

    /// What it has in common with others, but for the title and the release.
    pub(super) fn labels(&self) -> [(Dimension, Option<&str>); 3] {
        [
            (Dimension::Region, self.region.as_deref()),
            (Dimension::Device, self.device.as_deref()),
            (Dimension::Cdn, self.cdn.as_deref()),
        ]
    }

    pub(super) fn record(&self, session_id: &str, summary: Summary, scores: Scores) -> SessionRecord {
        let text = |label: &Option<Box<str>>| label.as_deref().map(str::to_owned);
        SessionRecord {
            session_id: session_id.to_owned(),
            viewer: self.viewer,
            title: self.title,
            region: text(&self.region),
            device: text(&self.device),
            cdn: text(&self.cdn),
            generation: self.generation,
            started_unix_ms: self.first_unix_ms,
            ended_unix_ms: self.last_unix_ms,
            summary,
            scores,
        }
    }
}

/// What windows count of a session.
fn seen(summary: &Summary, last_unix_ms: u64) -> Seen {
    use units::Millis;
    Seen {
        newest_at: Some(UnixMillis::new(last_unix_ms)),
        startup: summary.startup_ms.map(|ms| Millis::new(u64::from(ms))),
        played: Millis::new(summary.played_ms),
        stalled: Millis::new(summary.stalled_ms),
        stalls: summary.stalls,
        errors: summary.errors,
        switches: summary.switches,
        dropped_frames: summary.dropped_frames,
        mean_kbps: summary.mean_kbps,
        mean_buffer_ms: summary.mean_buffer_ms,
        events: summary.events,
        ended: summary.ended,
    }
}
