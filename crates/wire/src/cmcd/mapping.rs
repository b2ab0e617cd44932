//! What a report tells about a session.
//!
//! | in the report | becomes |
//! |---|---|
//! | `sid`, `cid` | the session's key |
//! | `ts`; for a request the time it came | `at` |
//! | `sn` of event reports | `sequence` |
//! | `sta` = `s` / `p` / `r` / `a` / `k` | `Start` / `Resume` / `BufferingStart` / `Pause` / `SeekStart` |
//! | `sta` = `e` / `q`; `f` | `Stop`; `Stop`, and with `e=ps` an `Error` before it |
//! | `e` = `b` with `bg` | `Background` or `Foreground` |
//! | `e` = `as`, `abs` / `ae`, `abe` | `AdStart` / `AdEnd` |
//! | `e` = `e` | `Error` |
//! | `e` = `bc` with a rate of the picture | `BitrateChange` |
//! | `e` = `c` | `Start` of the new content's session, and what `sta` says |
//! | `e` = `rr`; everything else | `Heartbeat`; by `sta`, else `Heartbeat` |
//! | `pr` = 0 without `sta` | `Pause` |
//! | `pb`, else `br`, else `ab`, of the picture | `rate` |
//! | `tb`, else `tab`, of the picture | `top_rate` |
//! | `mtp`, of the picture, else of anything | `throughput` |
//! | `bl` of the picture | `buffer` |
//! | `pt` | `position`, unless it counts from 1970 |
//! | `msd`, `ltc` | `startup`, `latency` |
//! | `bsd`, `bsda`, `bsa`, each the greatest of the sums by type of object | `stalled_more`, `stalled`, `buffering_events` |
//! | `dfa` | `dropped_frames` |
//! | `bs` for the picture, without `bsd`, `bsda`, `bsa` and `sta` | `BufferingStart` and `BufferingEnd` at once |
//!
//! Every report with a state tells it, not only `e=ps`: that mends what a lost report leaves behind, and a state
//! that is known already changes nothing. Stalls are told in three ways, of which the session takes the player's
//! own measure first, then the time between states; `bs` is the last resort and counts a stall of no length.
//! `h`, `su`, `rtp` and what is about the object or the response tell nothing about the session.
//!
//! A request is a heartbeat with readings, as the node's clock sees it. A player that sends event reports too
//! tells everything there, by its own clock and each stall a second time, so that its requests tell nothing.

use session::{Event as Fact, EventKind};
use units::{Kbps, Millis, UnixMillis};

use super::{Cmcd, Event, Key, Mode, ObjectType, State};
use crate::limits::MEDIA_MS_MAX;

/// The session a report belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionKey<'r> {
    /// `sid`, 1 to [`super::limits::SESSION_CHARS_MAX`] characters.
    pub session: &'r str,
    /// `cid`; a report without one belongs to the content that its session played last.
    pub content: Option<&'r str>,
}

/// What a node knows of a report beside its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// How it was sent.
    pub mode: Mode,
    /// When it came, by the node's clock.
    pub at: UnixMillis,
    /// Whether event reports of the same session come to this node as well.
    pub has_events: bool,
}

/// One or two facts, or none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// With the readings and the number of the report.
    pub first: Option<Fact>,
    /// Bare, at the same time.
    pub second: Option<Fact>,
}

impl Facts {
    /// In the order in which they happened.
    pub fn iter(&self) -> impl Iterator<Item = &Fact> {
        self.first.iter().chain(&self.second)
    }

    /// Appends them as [`crate::packed::FoldBatch::add_packed`] takes them.
    pub fn pack(&self, out: &mut Vec<u8>) {
        self.iter().for_each(|fact| session::packed::pack_event(fact, out));
    }
}

impl Cmcd<'_> {
    /// The session the report belongs to; none without a `sid`.
    pub fn session_key(&self) -> Option<SessionKey<'_>> {
        let session = self.text(Key::Sid).filter(|sid| !sid.is_empty())?;
        Some(SessionKey { session, content: self.text(Key::Cid).filter(|cid| !cid.is_empty()) })
    }

    /// What the report tells. It must not have been refused.
    pub fn facts(&self, received: Received) -> Facts {
        match received.mode {
            Mode::Request if received.has_events => Facts::default(),
            Mode::Request => {
                let kinds = match self.tells_dry() {
                    true => (EventKind::BufferingStart, Some(EventKind::BufferingEnd)),
                    false => (EventKind::Heartbeat, None),
                };
                self.with_readings(kinds, received.at, None)
            }
            Mode::Event => {
                let at = self.integer(Key::Ts).map_or(received.at, UnixMillis::new);
                let number = self.integer(Key::Sn).and_then(|number| u32::try_from(number).ok());
                self.with_readings(self.kinds(), at, number)
            }
        }
    }

    /// What happened, and what happened with it.
    fn kinds(&self) -> (EventKind, Option<EventKind>) {
        let by_state = self.kind_by_state();
        match self.event() {
            Some(Event::PlayState) if self.state() == Some(State::FatalError) => {
                (EventKind::Error, Some(EventKind::Stop))
            }
            Some(Event::Error) => (EventKind::Error, None),
            Some(Event::Background) if self.flag(Key::Bg) => (EventKind::Background, None),
            Some(Event::Background) => (EventKind::Foreground, None),
            Some(Event::AdStart | Event::AdBreakStart) => (EventKind::AdStart, None),
            Some(Event::AdEnd | Event::AdBreakEnd) => (EventKind::AdEnd, None),
            Some(Event::BitrateChange) if self.rate().is_some() => (EventKind::BitrateChange, None),
            Some(Event::ContentId) => {
                let is_more = !matches!(by_state, EventKind::Start | EventKind::Heartbeat);
                (EventKind::Start, is_more.then_some(by_state))
            }
            // Its time is that of the request, its state maybe of another moment.
            Some(Event::Response) => (EventKind::Heartbeat, None),
            _ if self.tells_dry() => (EventKind::BufferingStart, Some(EventKind::BufferingEnd)),
            _ => (by_state, None),
        }
    }

    fn kind_by_state(&self) -> EventKind {
        match self.state() {
            Some(State::Starting) => EventKind::Start,
            Some(State::Playing) => EventKind::Resume,
            Some(State::Rebuffering) => EventKind::BufferingStart,
            Some(State::Paused) => EventKind::Pause,
            Some(State::Seeking) => EventKind::SeekStart,
            Some(State::Ended | State::Quit | State::FatalError) => EventKind::Stop,
            Some(State::Waiting | State::Preloading) => EventKind::Heartbeat,
            None if self.has(Key::Pr) && self.playback_rate_milli() == 0 => EventKind::Pause,
            None => EventKind::Heartbeat,
        }
    }

    /// Whether all that is told of a stall is that there was one.
    fn tells_dry(&self) -> bool {
        let is_of_picture = matches!(self.object_type(), None | Some(ObjectType::Video | ObjectType::Muxed));
        let says_more = [Key::Bsd, Key::Bsda, Key::Bsa, Key::Sta].iter().any(|key| self.has(*key));
        self.flag(Key::Bs) && is_of_picture && !says_more
    }

    fn rate(&self) -> Option<Kbps> {
        let found = [Key::Pb, Key::Br, Key::Ab].iter().find_map(|key| self.picture(*key));
        found.map(Kbps::new)
    }

    fn with_readings(
        &self,
        (kind, also): (EventKind, Option<EventKind>),
        at: UnixMillis,
        number: Option<u32>,
    ) -> Facts {
        let ms = |key: Key| self.integer(key).map(Millis::new);
        let any =
            |key: Key| self.picture(key).or_else(|| self.numbers(key).first().map(|number| number.value));
        let count = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let top_rate = self.picture(Key::Tb).or_else(|| self.picture(Key::Tab));
        let first = Fact {
            sequence: number,
            position: ms(Key::Pt).filter(|position| position.get() <= MEDIA_MS_MAX),
            rate: self.rate(),
            top_rate: top_rate.map(Kbps::new),
            throughput: any(Key::Mtp).map(Kbps::new),
            buffer: self.picture(Key::Bl).map(|buffer| Millis::new(u64::from(buffer))),
            latency: ms(Key::Ltc),
            startup: ms(Key::Msd),
            stalled: self.sum(Key::Bsda).map(Millis::new),
            stalled_more: self.sum(Key::Bsd).map(Millis::new),
            buffering_events: self.sum(Key::Bsa).map(count),
            dropped_frames: self.integer(Key::Dfa).map(count),
            ..Fact::new(kind, at)
        };
        Facts { first: Some(first), second: also.map(|kind| Fact::new(kind, at)) }
    }
}
