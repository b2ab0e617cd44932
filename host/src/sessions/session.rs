//! One playback.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use wire::{Event, Scores, SessionRecord, Summary};

use crate::runtime::{InvokeError, qoe};
use crate::{convert, limits};

/// One playback, as the component and the node know it.
#[derive(Debug)]
pub(super) struct Session {
    /// What the component wrote; empty before the first fold.
    state: Vec<u8>,
    /// Keyed hashes of the last event ids, oldest first.
    seen: VecDeque<u64>,
    viewer: Option<u32>,
    title: Option<u32>,
    region: Option<String>,
    device: Option<String>,
    generation: u64,
    /// Earliest and latest time of an event, by the player's clock.
    first_unix_ms: u64,
    last_unix_ms: u64,
    summary: Summary,
    scores: Scores,
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
            state: Vec::new(),
            seen: VecDeque::new(),
            viewer: None,
            title: None,
            region: None,
            device: None,
            generation: 0,
            first_unix_ms: u64::MAX,
            last_unix_ms: 0,
            summary: Summary::default(),
            scores: Scores::default(),
            touched: now,
        }
    }

    /// Folds those events that are new and returns which those are; `ids` are the hashes of their ids.
    pub(super) fn fold(
        &mut self,
        ids: &[u64],
        events: &[&Event],
        generation: u64,
        now: Instant,
        fold: impl Fn(&[u8], &[qoe::Event]) -> Result<qoe::Folded, InvokeError>,
    ) -> Result<Vec<bool>, InvokeError> {
        let fresh: Vec<bool> = (0..ids.len())
            .map(|index| !self.seen.contains(&ids[index]) && !ids[..index].contains(&ids[index]))
            .collect();
        let of_fresh = || fresh.iter().enumerate().filter_map(|(index, fresh)| fresh.then_some(index));
        let input: Vec<qoe::Event> = of_fresh().map(|index| convert::event(events[index])).collect();
        self.touched = now;
        if input.is_empty() {
            return Ok(fresh);
        }
        let folded = match fold(&self.state, &input) {
            // Written by the component of another release: what was seen so far is lost, the rest counts.
            Err(InvokeError::Qoe(qoe::Error::StateMalformed)) if !self.state.is_empty() => fold(&[], &input)?,
            folded => folded?,
        };
        for index in of_fresh() {
            self.remember(ids[index], events[index]);
        }
        self.state = folded.state;
        self.summary = convert::summary(&folded.summary);
        self.scores = convert::scores(&folded.scores);
        self.generation = generation;
        Ok(fresh)
    }

    fn remember(&mut self, id: u64, event: &Event) {
        if self.seen.len() == limits::EVENT_IDS_MAX {
            self.seen.pop_front();
        }
        self.seen.push_back(id);
        self.first_unix_ms = self.first_unix_ms.min(event.at_unix_ms);
        self.last_unix_ms = self.last_unix_ms.max(event.at_unix_ms);
        self.viewer = self.viewer.or(event.viewer);
        self.title = self.title.or(event.title);
        self.region = self.region.take().or_else(|| event.region.clone());
        self.device = self.device.take().or_else(|| event.device.clone());
    }

    /// Whether the player said that playback has ended.
    pub(super) fn has_stopped(&self) -> bool {
        self.summary.ended
    }

    pub(super) fn is_idle(&self, idle: Duration, now: Instant) -> bool {
        now.saturating_duration_since(self.touched) > idle
    }

    pub(super) fn record(&self, session_id: &str) -> SessionRecord {
        SessionRecord {
            session_id: session_id.to_owned(),
            viewer: self.viewer,
            title: self.title,
            region: self.region.clone(),
            device: self.device.clone(),
            generation: self.generation,
            started_unix_ms: self.first_unix_ms,
            ended_unix_ms: self.last_unix_ms,
            summary: self.summary.clone(),
            scores: self.scores,
        }
    }

    pub(super) fn view(&self, is_closed: bool) -> SessionView {
        SessionView {
            generation: self.generation,
            viewer: self.viewer,
            title: self.title,
            ended: is_closed || self.summary.ended,
            summary: self.summary.clone(),
            scores: self.scores,
        }
    }
}
