//! A batch as lines of tables: everything that can be done before the database is asked.

use std::collections::BTreeSet;

use wire::limits::BATCH_BYTES_MAX;
use wire::{Batch, BatchStored, Lane, Records, Refusal, read_events, read_records};

use super::lines::Lines;
use super::watched::{self, Watched};
use super::{events, records};
use crate::database::{ByDay, Day, Moment};
use crate::limits;

/// A batch that can be stored.
#[derive(Debug)]
pub struct Prepared {
    pub(super) node: String,
    pub(super) lane: Lane,
    pub(super) epoch: i64,
    /// Of the frames, rising.
    pub(super) sequences: Vec<i64>,
    pub(super) tables: Tables,
    /// With the place of the frame it came in.
    pub(super) watched: Vec<(usize, Watched)>,
    pub(super) refused: Vec<RefusedFrame>,
    pub(super) days: Vec<(ByDay, BTreeSet<Day>)>,
}

/// What there is to write.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) events: Lines,
    pub(super) sessions: Lines,
    pub(super) windows: Lines,
    pub(super) exposures: Lines,
    pub(super) bitrates: Lines,
}

impl Tables {
    pub(super) fn all(&self) -> [(&'static str, &Lines); 5] {
        [
            (events::COPY, &self.events),
            (records::COPY_SESSIONS, &self.sessions),
            (records::COPY_WINDOWS, &self.windows),
            (records::COPY_EXPOSURES, &self.exposures),
            (records::COPY_BITRATES, &self.bitrates),
        ]
    }

    fn each(&mut self) -> [&mut Lines; 5] {
        [&mut self.events, &mut self.sessions, &mut self.windows, &mut self.exposures, &mut self.bitrates]
    }
}

/// A frame that cannot be read, and never will be.
#[derive(Debug)]
pub(super) struct RefusedFrame {
    pub(super) place: usize,
    pub(super) sequence: i64,
    pub(super) refusal: Refusal,
    pub(super) bytes: usize,
    /// The beginning of it.
    pub(super) payload: Vec<u8>,
}

/// Where a line comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    pub(super) node: &'a str,
    pub(super) epoch: u64,
    pub(super) sequence: u64,
}

/// A time and the day it is kept under.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) at: Moment,
    pub(super) day: Day,
}

impl Place {
    /// The day is the time's own, or that of its arrival where the clock that told it is out of all reason.
    fn of(at_unix_ms: u64, now: Moment) -> Self {
        let at = Moment::from_unix_ms(at_unix_ms);
        Self { at, day: Day::of(plausible(at, now)) }
    }
}

fn plausible(at: Moment, now: Moment) -> Moment {
    const AHEAD_S: u64 = 86_400;
    let (at_s, now_s) = (at.unix_s(), now.unix_s());
    let is_plausible = at_s + limits::EVENT_AGE_MAX.as_secs() >= now_s && at_s <= now_s + AHEAD_S;
    if is_plausible { at } else { now }
}

impl Prepared {
    /// Reads a batch that arrived `now`. A frame that cannot be read does not harm the others.
    ///
    /// # Errors
    ///
    /// When it is not a batch, or its numbers do not rise.
    pub fn read(body: &[u8], now: Moment) -> Result<Self, Refusal> {
        let batch: Batch<'_> = wire::decode_msgpack(body, BATCH_BYTES_MAX)?;
        batch.validate()?;
        let number = |field, value: u64| {
            i64::try_from(value)
                .map_err(|_| Refusal::new("number-out-of-range", format!("{field} is above {}", i64::MAX)))
        };
        let epoch = number("epoch", batch.epoch)?;
        let sequences: Result<Vec<i64>, Refusal> =
            batch.frames.iter().map(|frame| number("sequence", frame.sequence)).collect();
        let sequences = sequences?;
        let mut reading =
            Reading { now, tables: Tables::default(), watched: Vec::new(), days: Days::default() };
        let mut refused = Vec::new();
        for (place, (frame, sequence)) in batch.frames.iter().zip(&sequences).enumerate() {
            let source = Source { node: &batch.node, epoch: batch.epoch, sequence: frame.sequence };
            match reading.frame(batch.lane, place, &source, frame.payload) {
                Ok(()) => reading.tables.each().into_iter().for_each(Lines::end_frame),
                Err(refusal) => {
                    let kept = frame.payload.len().min(limits::REFUSED_FRAME_BYTES_MAX);
                    refused.push(RefusedFrame {
                        place,
                        sequence: *sequence,
                        refusal,
                        bytes: frame.payload.len(),
                        payload: frame.payload[..kept].to_vec(),
                    });
                    for lines in reading.tables.each() {
                        lines.forget_frame();
                        lines.end_frame();
                    }
                }
            }
        }
        let Reading { tables, watched, days, .. } = reading;
        let days = days.0.into_iter().filter(|(_, days)| !days.is_empty()).collect();
        Ok(Self { node: batch.node, lane: batch.lane, epoch, sequences, tables, watched, refused, days })
    }

    /// Who sent it.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// The answer to it.
    pub fn stored(self, sequence: u64) -> BatchStored {
        let epoch = self.epoch.unsigned_abs();
        BatchStored { node: self.node, lane: self.lane, epoch, sequence }
    }

    /// Of the last frame.
    pub(super) fn last(&self) -> i64 {
        self.sequences.last().copied().unwrap_or_default()
    }
}

/// What has been read so far.
struct Reading {
    now: Moment,
    tables: Tables,
    watched: Vec<(usize, Watched)>,
    days: Days,
}

/// The days that lines are of, by table.
struct Days(Vec<(ByDay, BTreeSet<Day>)>);

impl Default for Days {
    fn default() -> Self {
        Self(ByDay::ALL.into_iter().map(|table| (table, BTreeSet::new())).collect())
    }
}

impl Days {
    fn note(&mut self, table: ByDay, day: Day) {
        if let Some((_, days)) = self.0.iter_mut().find(|(of, _)| *of == table) {
            days.insert(day);
        }
    }
}

impl Reading {
    fn frame(
        &mut self,
        lane: Lane,
        place: usize,
        source: &Source<'_>,
        payload: &[u8],
    ) -> Result<(), Refusal> {
        match lane {
            Lane::Events => self.events(source, payload),
            Lane::Records => {
                let records = read_records(payload)?;
                self.records(place, source, &records);
                Ok(())
            }
        }
    }

    fn events(&mut self, source: &Source<'_>, payload: &[u8]) -> Result<(), Refusal> {
        let mut last = None;
        for event in read_events(payload)? {
            let place = Place::of(event.at_unix_ms, self.now);
            // Nearly all are of the day of the one before.
            if last != Some(place.day) {
                self.days.note(ByDay::Events, place.day);
                last = Some(place.day);
            }
            events::write(&mut self.tables.events, source, place, &event);
        }
        Ok(())
    }

    fn records(&mut self, frame: usize, source: &Source<'_>, records: &Records) {
        for session in &records.sessions {
            let place = Place::of(session.ended_unix_ms, self.now);
            self.days.note(ByDay::Sessions, place.day);
            records::write_session(&mut self.tables.sessions, source, place, session);
            // By its beginning, which mostly stays what it is when the session goes on, here or elsewhere: watched once.
            let began = Place::of(session.started_unix_ms, self.now);
            if let Some(watched) = watched::of(session, plausible(began.at, self.now)) {
                self.days.note(ByDay::WatchEvents, began.day);
                self.watched.push((frame, watched));
            }
        }
        for window in &records.windows {
            let place = Place::of(window.start_unix_ms, self.now);
            self.days.note(ByDay::Windows, place.day);
            records::write_window(&mut self.tables.windows, source, place, window);
        }
        for decision in &records.decisions {
            let place = Place::of(decision.at_unix_ms, self.now);
            let table = match decision.decided {
                wire::Decided::Titles { .. } => ByDay::Exposures,
                wire::Decided::Bitrate { .. } => ByDay::BitrateDecisions,
            };
            self.days.note(table, place.day);
            let Tables { exposures, bitrates, .. } = &mut self.tables;
            records::write_decision(exposures, bitrates, source, place, decision);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_out_of_reason_is_kept_under_the_day_of_arrival() {
        let now = Moment::from_unix_s(1_800_000_000);
        let check = |at_unix_s: u64, day_s: u64| {
            let Place { at, day } = Place::of(at_unix_s * 1_000, now);
            assert_eq!(at.unix_s(), at_unix_s);
            assert_eq!(day, Day::of(Moment::from_unix_s(day_s)));
        };
        check(1_800_000_000, 1_800_000_000);
        check(1_800_000_000 - 7 * 86_400, 1_800_000_000 - 7 * 86_400);
        check(1_800_000_000 - 7 * 86_400 - 1, 1_800_000_000);
        check(1_800_000_000 + 86_400, 1_800_000_000 + 86_400);
        check(1_800_000_000 + 86_401, 1_800_000_000);
        check(0, 1_800_000_000);
    }
}
