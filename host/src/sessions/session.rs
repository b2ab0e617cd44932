//! One playback.

use std::mem;
use std::time::{Duration, Instant};

use smol_str::SmolStr;
use units::{Millis, UnixMillis};
use windows::{Delta, Dimension, End, Seen};
use wire::packed::{self, Folded};
use wire::{Event, Scores, SessionRecord, Summary};

use super::decimal::Decimal;
use super::ids::{Id, Ids};
use super::partition::Move;
use super::{Call, Carried};

/// One playback, as the component and the node know it.
#[derive(Debug)]
pub(super) struct Session {
    /// What the component wrote; empty before the first fold.
    pub(super) state: Box<[u8]>,
    ids: Ids,
    pub(super) viewer: Option<u32>,
    pub(super) title: Option<u32>,
    region: Option<SmolStr>,
    device: Option<SmolStr>,
    cdn: Option<SmolStr>,
    pub(super) generation: u64,
    events: u32,
    /// Of its last change.
    version: u32,
    /// Earliest and latest time of an event, by the player's clock.
    first_unix_ms: u64,
    last_unix_ms: u64,
    /// What windows have counted of it.
    seen: Seen,
    /// Whether they have counted what it came to.
    counted: Counted,
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
            events: 0,
            version: 0,
            first_unix_ms: u64::MAX,
            last_unix_ms: 0,
            seen: Seen::default(),
            counted: Counted::No,
            viewer_of: None,
            touched: now,
        }
    }

    /// One that another node knew before; `told` is what the component says of its state.
    pub(super) fn carried(carried: Carried, told: &Folded<'_>, now: Instant) -> Self {
        let Carried { generation, began_unix_ms, viewer, title, region, device, .. } = carried;
        let at = told.seen.newest_unix_ms.unwrap_or_default();
        Self {
            state: told.state.into(),
            viewer,
            title,
            region: region.map(Into::into),
            device: device.map(Into::into),
            generation,
            events: told.seen.events,
            first_unix_ms: began_unix_ms,
            last_unix_ms: at,
            seen: seen(&told.seen),
            counted: if told.seen.ended { Counted::Yes } else { Counted::No },
            ..Self::new(now)
        }
    }

    pub(super) fn carry(&self) -> Carried {
        let text = |label: &Option<SmolStr>| label.as_deref().map(str::to_owned);
        Carried {
            generation: self.generation,
            began_unix_ms: self.first_unix_ms,
            viewer: self.viewer,
            title: self.title,
            region: text(&self.region),
            device: text(&self.device),
            events: self.events,
            state: self.state.to_vec(),
        }
    }

    /// Goes on from what was known here before its viewer was elsewhere: the ids of its events, who counts it, and what
    /// the player says once.
    pub(super) fn follow(&mut self, known: Self) {
        self.ids = known.ids;
        self.viewer = self.viewer.or(known.viewer);
        self.title = self.title.or(known.title);
        self.region = self.region.take().or(known.region);
        self.device = self.device.take().or(known.device);
        self.cdn = known.cdn;
        if let Counted::Yes = known.counted {
            self.counted = Counted::Yes;
        }
        self.viewer_of = known.viewer_of;
        self.first_unix_ms = self.first_unix_ms.min(known.first_unix_ms);
        self.last_unix_ms = self.last_unix_ms.max(known.last_unix_ms);
    }

    /// Another after every change.
    pub(super) fn version(&self) -> u32 {
        self.version
    }

    pub(super) fn set_version(&mut self, version: u32) {
        self.version = version;
    }

    /// Whether it has seen a later event than this state, or its end where that has not.
    pub(super) fn is_beyond(&self, told: &Folded<'_>) -> bool {
        let newest = told.seen.newest_unix_ms.unwrap_or_default();
        self.last_unix_ms > newest || (self.has_stopped() && !told.seen.ended)
    }

    /// Events folded, here or before it came.
    pub(super) fn events(&self) -> u32 {
        self.events
    }

    /// Reads a little of what it has elsewhere in memory, so that it is near when it is worked on.
    pub(super) fn touch(&self) -> u8 {
        let lines = self.state.iter().step_by(64);
        lines.fold(self.ids.newest(), |all, byte| all ^ byte)
    }

    pub(super) fn knows(&self, id: Id) -> bool {
        self.ids.contains(id)
    }

    pub(super) fn forget(&mut self, id: Id) {
        self.ids.forget(id);
    }

    /// So many events have been folded at once.
    pub(super) fn expect(&mut self, count: usize) {
        self.ids.expect(count);
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
                *known = told.as_deref().map(SmolStr::from);
            }
        }
    }

    /// Takes over what the component made of the new events; returns what they added.
    pub(super) fn update(&mut self, folded: &Folded<'_>, call: &Call<'_>) -> Delta {
        if self.state.len() == folded.state.len() {
            self.state.copy_from_slice(folded.state);
        } else {
            self.state = folded.state.into();
        }
        self.generation = call.generation;
        self.events = folded.seen.events;
        self.touched = call.now;
        let seen = seen(&folded.seen);
        if let Counted::Waits(_) = self.counted {
            self.counted = Counted::No;
        }
        let delta = Delta::between(&self.seen, &seen, || match (&self.counted, folded.full.as_deref()) {
            (Counted::No, Some(full)) => {
                self.counted = Counted::Yes;
                end(full)
            }
            // Nothing a second time.
            _ => End::default(),
        });
        self.seen = seen;
        delta
    }

    /// No event of it is expected any more; what it came to by now waits to be counted, for those that come all the
    /// same.
    pub(super) fn fall_silent(&mut self, full: &(Summary, Scores)) {
        if let Counted::No = self.counted {
            self.counted = Counted::Waits(Box::new(end(full)));
        }
    }

    /// When the last event of one arrived that fell silent and is not counted.
    pub(super) fn silent_since(&self) -> Option<Instant> {
        matches!(self.counted, Counted::Waits(_)).then_some(self.touched)
    }

    /// What one came to that fell silent, to be counted.
    pub(super) fn take_silent(&mut self) -> Option<End> {
        match mem::replace(&mut self.counted, Counted::Yes) {
            Counted::Waits(end) => Some(*end),
            counted => {
                self.counted = counted;
                None
            }
        }
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

    /// Hands over what windows know it by.
    pub(super) fn keyed<T>(&self, call: &Call<'_>, add: impl FnOnce(&[(Dimension, &str)]) -> T) -> T {
        let mut numbers = (Decimal::default(), Decimal::default());
        let mut keys = [(Dimension::All, ""); 6];
        keys[0] = (Dimension::Generation, numbers.0.write(self.generation));
        let mut count = 1;
        // Of which arm another release was is not known any more.
        if self.generation == call.generation {
            keys[count] = (Dimension::Arm, call.arm);
            count += 1;
        }
        if let Some(title) = self.title {
            keys[count] = (Dimension::Title, numbers.1.write(u64::from(title)));
            count += 1;
        }
        for (dimension, label) in self.labels() {
            if let Some(label) = label {
                keys[count] = (dimension, label);
                count += 1;
            }
        }
        add(&keys[..count])
    }

    /// What it has in common with others, but for the title and the release.
    fn labels(&self) -> [(Dimension, Option<&str>); 3] {
        [
            (Dimension::Region, self.region.as_deref()),
            (Dimension::Device, self.device.as_deref()),
            (Dimension::Cdn, self.cdn.as_deref()),
        ]
    }

    pub(super) fn record(&self, session_id: &str, summary: Summary, scores: Scores) -> SessionRecord {
        let text = |label: &Option<SmolStr>| label.as_deref().map(str::to_owned);
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

/// Whether windows have counted what a session came to.
#[derive(Debug)]
enum Counted {
    No,
    /// It is silent, and came to this unless it goes on.
    Waits(Box<End>),
    Yes,
}

fn end((summary, scores): &(Summary, Scores)) -> End {
    End {
        completion: scores.completion,
        session_v1: Some(scores.session_v1),
        mos: scores.mos_v1,
        // Whoever saw nothing and waited for nothing would count among those without a stall, and by the rate that a
        // player meant to begin with.
        rebuffer_ratio: is_watched(summary).then_some(scores.rebuffer_ratio),
        mean_kbps: summary.mean_kbps.filter(|_| summary.bits_played > 0),
    }
}

fn is_watched(summary: &Summary) -> bool {
    summary.played_ms > 0 || summary.playback_stall_duration_ms > 0
}

/// What windows count of a session.
fn seen(seen: &packed::Seen) -> Seen {
    Seen {
        newest_at: seen.newest_unix_ms.map(UnixMillis::new),
        startup: seen.startup_ms.map(|ms| Millis::new(u64::from(ms))),
        played: Millis::new(seen.played_ms),
        stalled: Millis::new(seen.stalled_ms),
        stalls: seen.stalls,
        errors: seen.errors,
        switches: seen.switches,
        dropped_frames: seen.dropped_frames,
        rate_sum: seen.rate_sum,
        rated: Millis::new(seen.rated_ms),
        buffer_sum: seen.buffer_sum_ms,
        buffers: seen.buffers,
        ended: seen.ended,
    }
}
