//! A row told as the events of a player, folded and scored by the code of a node.

use qoe::{Scores, score as score_summary};
use session::{Event, EventKind, Session};
use units::{Kbps, Millis, UnixMillis};

use crate::qoe_row::Told;

/// What the node says of a session like this.
pub(crate) fn score(told: &Told) -> Scores {
    let events = events(told);
    let mut session = Session::default();
    for some in events.chunks(session::limits::EVENTS_MAX) {
        // A chunk is never longer than the limit.
        _ = session.fold(some.to_vec());
    }
    score_summary(&session.summary())
}

/// In order of time: the start, each change and stall, a heartbeat a second, the end.
pub(crate) fn events(told: &Told) -> Vec<Event> {
    let buffer = told.buffer_s.map(|buffer_s| Millis::new(ms(buffer_s)));
    let mut clock = Clock { at_ms: 0, media_ms: 0, buffer, events: Vec::new() };
    if let Some(startup_s) = told.startup_s {
        clock.tell(EventKind::Start);
        clock.at_ms = ms(startup_s);
    }
    let spans = spans(told);
    let mut stalls = told.stalls.iter().copied().peekable();
    for (index, span) in spans.iter().enumerate() {
        let kind = if index == 0 { EventKind::FirstFrame } else { EventKind::BitrateChange };
        let before = index.checked_sub(1).map(|before| &spans[before]);
        if before.is_none_or(|before| before.shown != span.shown) {
            clock.events.push(with(span.shown, told, clock.event(kind)));
        }
        // A stall at the very end of the title belongs to its last span.
        let is_last = index + 1 == spans.len();
        while let Some((start_s, length_s)) =
            stalls.next_if(|(start_s, _)| is_last || ms(*start_s) < span.until_ms)
        {
            clock.play_to(ms(start_s).min(span.until_ms));
            clock.tell(EventKind::BufferingStart);
            clock.at_ms += ms(length_s);
            clock.tell(EventKind::BufferingEnd);
        }
        clock.play_to(span.until_ms);
    }
    if told.is_failed {
        clock.tell(EventKind::Error);
    }
    let stop = clock.event(EventKind::Stop);
    clock.events.push(Event { dropped_frames: Some(told.dropped_frames), ..stop });
    clock.events
}

struct Clock {
    at_ms: u64,
    media_ms: u64,
    buffer: Option<Millis>,
    events: Vec<Event>,
}

impl Clock {
    fn event(&self, kind: EventKind) -> Event {
        Event {
            position: Some(Millis::new(self.media_ms)),
            buffer: self.buffer,
            ..Event::new(kind, UnixMillis::new(self.at_ms))
        }
    }

    fn tell(&mut self, kind: EventKind) {
        self.events.push(self.event(kind));
    }

    fn play_to(&mut self, media_ms: u64) {
        while self.media_ms < media_ms {
            let step = (media_ms - self.media_ms).min(HEARTBEAT_MS);
            self.media_ms += step;
            self.at_ms += step;
            self.tell(EventKind::Heartbeat);
        }
    }
}

/// Bit rate in kbit/s, height and width of a picture; zero is unknown.
type Shown = (u32, u16, u16);

/// A stretch of the title with one sort of picture.
struct Span {
    until_ms: u64,
    shown: Shown,
}

fn spans(told: &Told) -> Vec<Span> {
    let segments = told.kbps.len().max(told.heights.len()).max(told.widths.len()).max(1);
    match (told.switches, told.kbps.as_slice()) {
        (Some(switches), [mean]) if switches > 0 && segments == 1 => alternating(told, *mean, switches),
        _ => {
            let until = |index: usize| ms(told.duration_s * (index + 1) as f64 / segments as f64);
            (0..segments).map(|index| Span { until_ms: until(index), shown: shown(told, index) }).collect()
        }
    }
}

/// So many changes between two rungs around the mean, as long above as below.
fn alternating(told: &Told, mean: f64, switches: u32) -> Vec<Span> {
    let spans = switches.min(CHANGES_MAX) as usize + 1;
    let (_, height, width) = shown(told, 0);
    let (high, low) = (spans.div_ceil(2), spans / 2);
    let mut end_s = 0.0;
    let span = |index: usize| {
        let is_high = index.is_multiple_of(2);
        end_s += told.duration_s / 2.0 / if is_high { high } else { low } as f64;
        let kbps = mean * if is_high { 4.0 / 3.0 } else { 2.0 / 3.0 };
        Span { until_ms: ms(end_s), shown: (whole(kbps) as u32, height, width) }
    };
    (0..spans).map(span).collect()
}

fn shown(told: &Told, index: usize) -> Shown {
    let of =
        |list: &[f64]| if list.len() == 1 { list.first() } else { list.get(index) }.copied().unwrap_or(0.0);
    let lines = |list: &[f64]| u16::try_from(whole(of(list))).unwrap_or(u16::MAX);
    (u32::try_from(whole(of(&told.kbps))).unwrap_or(u32::MAX), lines(&told.heights), lines(&told.widths))
}

fn with(shown: Shown, told: &Told, event: Event) -> Event {
    let (kbps, height, width) = shown;
    Event {
        rate: Some(Kbps::new(kbps)),
        height: Some(height),
        width: Some(width),
        frame_rate_milli: told
            .frame_rate
            .map(|rate| u32::try_from(whole(rate * 1_000.0)).unwrap_or(u32::MAX)),
        codec: told.codec,
        screen: told.screen,
        ..event
    }
}

fn ms(seconds: f64) -> u64 {
    whole(seconds * 1_000.0)
}

fn whole(number: f64) -> u64 {
    number.round() as u64
}

const HEARTBEAT_MS: u64 = 1_000;

/// More changes than a title has seconds would not be seen.
const CHANGES_MAX: u32 = 86_400;
