//! `POST /v1/batches`: what a node hands to the origin.

use serde::{Deserialize, Serialize};

use crate::text::{check_id, check_label, check_time};
use crate::{Event, Refusal, Scores, Summary, limits};

/// Events and ended sessions of one node; stored exactly once by (node, epoch, sequence).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// Who sends it.
    pub node: String,
    /// Grows whenever the node begins an empty spool.
    pub epoch: u64,
    /// Grows by one a batch within an epoch.
    pub sequence: u64,
    /// In order of arrival.
    pub events: Vec<Event>,
    /// Those that ended since the last batch.
    pub sessions: Vec<SessionRecord>,
}

impl Batch {
    /// Checks names, counts, every event and every session; a node sends nothing unsound.
    pub fn validate(&self) -> Result<(), Refusal> {
        check_label("node", Some(&self.node))?;
        if self.events.len() > limits::BATCH_EVENTS_MAX {
            let message = format!("more than {} events", limits::BATCH_EVENTS_MAX);
            return Err(Refusal::new("too-many-events", message));
        }
        if self.sessions.len() > limits::BATCH_SESSIONS_MAX {
            let message = format!("more than {} sessions", limits::BATCH_SESSIONS_MAX);
            return Err(Refusal::new("too-many-sessions", message));
        }
        self.events.iter().try_for_each(Event::validate)?;
        self.sessions.iter().try_for_each(SessionRecord::validate)
    }
}

/// A session that has ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionRecord {
    /// The session's id.
    pub session_id: String,
    /// Who watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub viewer: Option<u32>,
    /// What was watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<u32>,
    /// Where the player was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The sort of player.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The release that scored it.
    pub generation: u64,
    /// Time of its first event. Unix time, milliseconds.
    pub started_unix_ms: u64,
    /// Time of its last event. Unix time, milliseconds.
    pub ended_unix_ms: u64,
    /// What was seen.
    pub summary: Summary,
    /// How good it was.
    pub scores: Scores,
}

impl SessionRecord {
    /// Checks ids, labels and times, and that every figure is a number.
    pub fn validate(&self) -> Result<(), Refusal> {
        check_id("session_id", &self.session_id)?;
        check_label("region", self.region.as_deref())?;
        check_label("device", self.device.as_deref())?;
        check_time("started_unix_ms", Some(self.started_unix_ms))?;
        check_time("ended_unix_ms", Some(self.ended_unix_ms))?;
        let scores = &self.scores;
        let figures = [
            Some(scores.session_v1),
            Some(scores.window_v1),
            Some(scores.rebuffer_ratio),
            scores.completion,
            self.summary.mean_kbps,
            self.summary.mean_buffer_ms,
        ];
        if figures.iter().flatten().all(|figure| figure.is_finite()) {
            Ok(())
        } else {
            Err(Refusal::new("not-finite", "a figure of a session is not a number"))
        }
    }
}

/// The origin's answer: all up to this sequence is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchStored {
    /// Who sent it.
    pub node: String,
    /// Of the batch.
    pub epoch: u64,
    /// The highest stored.
    pub sequence: u64,
}
