//! What a node has seen and tells the origin: sessions, windows, decisions.

use serde::{Deserialize, Serialize};

use crate::text::{check_id, check_label, check_name, check_time};
use crate::{Policy, ReasonKind, Refusal, Scores, Summary, Why, limits};

/// What becomes one frame of the lane [`crate::Lane::Records`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Records {
    /// Those that have ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sessions: Vec<SessionRecord>,
    /// Those whose time is over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<WindowRecord>,
    /// What was shown or chosen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<DecisionRecord>,
}

impl Records {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.sessions.len() + self.windows.len() + self.decisions.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Checks their number and each of them; a node sends nothing unsound.
    pub fn validate(&self) -> Result<(), Refusal> {
        if self.len() > limits::BATCH_RECORDS_MAX {
            let message = format!("more than {} records", limits::BATCH_RECORDS_MAX);
            return Err(Refusal::new("too-many-records", message));
        }
        self.sessions.iter().try_for_each(SessionRecord::validate)?;
        self.windows.iter().try_for_each(WindowRecord::validate)?;
        self.decisions.iter().try_for_each(DecisionRecord::validate)
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
    /// Where the media came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cdn: Option<String>,
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
        check_name("session_id", &self.session_id, limits::SESSION_CHARS_MAX)?;
        check_label("region", self.region.as_deref())?;
        check_label("device", self.device.as_deref())?;
        check_label("cdn", self.cdn.as_deref())?;
        check_time("started_unix_ms", Some(self.started_unix_ms))?;
        check_time("ended_unix_ms", Some(self.ended_unix_ms))?;
        check_finite(self.summary.figures().chain(self.scores.figures()))
    }
}

/// What sessions saw within some minutes, of one value of one dimension on one node. Those of several nodes, or of
/// several minutes, add up: sums by adding, sketches by adding the counts of equal buckets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowRecord {
    /// Where it begins. Unix time, milliseconds; a multiple of its length.
    pub start_unix_ms: u64,
    /// How long it is.
    pub length_ms: u32,
    /// What the sessions have in common.
    pub dimension: Dimension,
    /// Its value, as `eu` of a region; `all` where they have nothing in common, `other` beyond what a node counts apart.
    pub value: String,
    /// Sessions with an event in the window; one that moved between nodes counts on both.
    pub sessions: u64,
    /// Of these, sessions of which this was the first event.
    pub started: u64,
    /// Sessions that ended by a stop.
    pub ended: u64,
    /// Sessions that had their first error.
    pub failed: u64,
    /// Time in which media was shown.
    pub played_ms: u64,
    /// Time spent waiting after the first frame.
    pub stalled_ms: u64,
    /// Times playback ran dry.
    pub stalls: u64,
    /// Errors reported.
    pub errors: u64,
    /// Changes of bit rate.
    pub switches: u64,
    /// Frames not shown.
    pub dropped_frames: u64,
    /// Bit rate times time, in kbit/s times ms, over `rated_ms`.
    pub rate_sum: u64,
    /// Time in which a bit rate was known.
    pub rated_ms: u64,
    /// Sum of the reported buffer levels, over `buffers`.
    pub buffer_sum_ms: u64,
    /// Buffer levels reported.
    pub buffers: u64,
    /// Sum of the shares of their titles that sessions saw which ended, in millionths, over `completions`.
    pub completion_ppm_sum: u64,
    /// Ended sessions of a title with a known length.
    pub completions: u64,
    /// Of these, sessions that saw nine tenths of it.
    pub completed: u64,
    /// Sum of the scores `session-v1` in thousandths, over `session_v1s`.
    pub session_v1_milli_sum: u64,
    /// Ended sessions with that score.
    pub session_v1s: u64,
    /// Sum of the opinion scores `mos-v1` in thousandths, over `moses`.
    pub mos_milli_sum: u64,
    /// Ended sessions with that score.
    pub moses: u64,
    /// Times from start to the first frame.
    pub startup_ms: SketchRecord,
    /// Of each ended session the share of time stalled, in millionths.
    #[serde(default)]
    pub rebuffer_ratio_ppm: SketchRecord,
    /// Of each ended session the mean bit rate.
    #[serde(default)]
    pub mean_kbps: SketchRecord,
    /// Of each ended session the opinion score `mos-v1`, in thousandths.
    #[serde(default)]
    pub mos_milli: SketchRecord,
    /// The window's own score; none where nothing was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_v1: Option<f64>,
}

impl WindowRecord {
    fn validate(&self) -> Result<(), Refusal> {
        check_time("start_unix_ms", Some(self.start_unix_ms))?;
        check_id("value", &self.value)?;
        if self.length_ms == 0 || !self.start_unix_ms.is_multiple_of(u64::from(self.length_ms)) {
            return Err(Refusal::new("window-misplaced", "a window begins at a multiple of its length"));
        }
        for sketch in [&self.startup_ms, &self.rebuffer_ratio_ppm, &self.mean_kbps, &self.mos_milli] {
            sketch.validate()?;
        }
        check_finite(self.window_v1.into_iter())
    }
}

/// What sessions of a window have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dimension {
    /// Nothing: all sessions of the node.
    #[default]
    All,
    /// What is watched.
    Title,
    /// Where the player is.
    Region,
    /// Where the media come from.
    Cdn,
    /// The sort of player.
    Device,
    /// The release that answers.
    Generation,
    /// Whether it is on trial: `stable` or `canary`.
    Arm,
}

impl Dimension {
    /// As it is in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Title => "title",
            Self::Region => "region",
            Self::Cdn => "cdn",
            Self::Device => "device",
            Self::Generation => "generation",
            Self::Arm => "arm",
        }
    }
}

/// How often values occurred, by buckets of a bounded relative width.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SketchRecord {
    /// Numbers of the buckets that hold something, rising.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<u16>,
    /// How many values each of them holds, above 0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counts: Vec<u64>,
    /// Sum of the values.
    #[serde(default)]
    pub sum: u64,
    /// The lowest value; 0 without any.
    #[serde(default)]
    pub min: u64,
    /// The highest value; 0 without any.
    #[serde(default)]
    pub max: u64,
}

impl SketchRecord {
    fn validate(&self) -> Result<(), Refusal> {
        let rises = self.buckets.windows(2).all(|pair| pair[0] < pair[1]);
        let is_sound = self.buckets.len() == self.counts.len()
            && self.buckets.len() <= limits::SKETCH_BUCKETS_MAX
            && rises
            && self.counts.iter().all(|count| *count > 0);
        if is_sound {
            return Ok(());
        }
        Err(Refusal::new("sketch-malformed", "the buckets of a sketch rise and hold something each"))
    }
}

/// What a node decided for a viewer, to learn from what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionRecord {
    /// When, by the node's clock. Unix time, milliseconds.
    pub at_unix_ms: u64,
    /// The release that decided.
    pub generation: u64,
    /// The request that asked.
    pub request_id: String,
    /// Where the viewer is.
    pub region: String,
    /// For whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub viewer: Option<u32>,
    /// What was decided.
    pub decided: Decided,
}

impl DecisionRecord {
    fn validate(&self) -> Result<(), Refusal> {
        check_time("at_unix_ms", Some(self.at_unix_ms))?;
        check_id("request_id", &self.request_id)?;
        check_label("region", Some(&self.region))?;
        let Decided::Titles { shown, .. } = &self.decided else { return Ok(()) };
        if shown.len() > limits::SHOWN_MAX {
            let message = format!("more than {} titles are shown", limits::SHOWN_MAX);
            return Err(Refusal::new("too-many-shown", message));
        }
        let propensities = shown.iter().filter_map(|shown| shown.propensity);
        if propensities.into_iter().all(|propensity| propensity > 0.0 && propensity <= 1.0) {
            return Ok(());
        }
        Err(Refusal::new("propensity-out-of-range", "a propensity is above 0 and at most 1"))
    }
}

/// What a node decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decided {
    /// What to show.
    Titles {
        /// What places were drawn by.
        seed: Option<u32>,
        /// In the order of the page.
        shown: Vec<Shown>,
    },
    /// At what bit rate to play.
    Bitrate {
        /// By which policy.
        policy: Policy,
        /// The chosen rung's, in kbit/s.
        kbps: u32,
        /// What decided.
        why: Why,
    },
}

/// A title that was shown.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// Which.
    pub title: u32,
    /// The row of the page, from 0; 0 in a list.
    pub row: u8,
    /// The place in its row, from 0.
    pub place: u16,
    /// Why.
    pub reason: ReasonKind,
    /// The probability with which it was drawn for its place; none for a place that is not drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub propensity: Option<f32>,
}

fn check_finite(figures: impl Iterator<Item = f64>) -> Result<(), Refusal> {
    let mut figures = figures;
    if figures.all(f64::is_finite) {
        return Ok(());
    }
    Err(Refusal::new("not-finite", "a figure is not a number"))
}
