//! The messages between players, nodes and the origin, and their way into domain types.
//!
//! The only crate that knows `serde` for messages. JSON everywhere, MessagePack as well for pages,
//! events and batches. A request is decoded within a limit ([`decode_json`], [`decode_msgpack`]), then
//! checked by its own `validate`; what fails is a [`Refusal`] with a stable code.

mod batch;
mod bitrate;
pub mod cmcd;
pub mod cmsd;
mod config;
mod decision;
mod decode;
mod event;
mod events;
mod home;
pub mod limits;
pub mod packed;
mod percent;
mod plain;
mod playback;
mod qoe;
mod ranked;
mod recommend;
mod records;
mod refusal;
mod retrieve;
mod scored;
mod session;
pub mod steering;
pub mod structured;
mod text;

pub use batch::{Batch, BatchStored, Frame, Lane, read_events, read_records, write_events, write_records};
pub use bitrate::{
    BitrateAnswer, BitrateRequest, Player, Policy, Rung, Running, Sample, Utility, Weights, Why,
};
pub use config::{AlertMetric, AlertRule, AlertsFile, LadderFile, RulesFile, Severity, SpeedRule};
pub use decision::{BitrateDecision, BitrateInput};
pub use decode::{decode_json, decode_msgpack, encode_json, encode_msgpack};
pub use event::{Event, EventKind};
pub use events::{EventsAnswer, EventsRequest, RefusedEvent, Told};
pub use home::{HomeAnswer, HomeRequest, Progress, Row};
pub use playback::{Codec, PlaybackEvent, Screen, SessionReport};
pub use qoe::{QoeAnswer, QoeRow};
pub use ranked::{RankedAnswer, RankedPage, RankedPick, RankedReason, RankedRow};
pub use recommend::{Pick, Reason, ReasonKind, RecommendAnswer, RecommendRequest};
pub use records::{
    Decided, DecisionRecord, Dimension, Records, SessionRecord, Shown, SketchRecord, WindowRecord,
};
pub use refusal::{ErrorBody, ErrorDetail, Refusal, TimingsUs};
pub use retrieve::{RetrieveAnswer, RetrieveRequest, RetrievedTitle};
pub use session::{Pictures, Scores, SessionAnswer, SpiVerdict, Summary, Upscaling};
pub use text::Text;
