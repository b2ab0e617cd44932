//! `POST /v1/events`.

use serde::{Deserialize, Serialize};

use crate::decode::{decode_json, decode_msgpack, json_items, msgpack_items};
use crate::{Event, Refusal, TimingsUs, limits, plain};

/// What players saw since they last reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventsRequest<'a> {
    /// 1 to 100 of them, of one or more sessions, in any order.
    #[serde(borrow)]
    pub events: Vec<Event<'a>>,
}

/// An event of a request, or why it is none.
pub type Told<'a> = Result<Event<'a>, Refusal>;

impl<'a> EventsRequest<'a> {
    /// Reads JSON, event by event where one of them cannot be read: it does not harm the rest, not even where it is no
    /// JSON, as with a `NaN`. Only a text or bracket that is never closed leaves no telling where an event ends.
    ///
    /// Codes of the whole: `body-too-large`, `json-malformed`, `no-events`, `too-many-events`; of one event:
    /// `event-malformed` and those of [`Event::validate`].
    pub fn read_json(body: &'a [u8], bytes_max: usize) -> Result<Vec<Told<'a>>, Refusal> {
        let plain = (body.len() <= bytes_max).then(|| plain::read(body, limits::EVENTS_MAX)).flatten();
        if let Some(told) = plain {
            return Ok(told);
        }
        match decode_json::<EventsRequest<'a>>(body, bytes_max) {
            Ok(request) => checked(request.events.into_iter().map(Ok)),
            Err(whole) if whole.code != "json-malformed" => Err(whole),
            Err(whole) => {
                let items = json_items(body, "events", limits::EVENTS_MAX).ok_or(whole)?;
                let one = |item: &'a [u8]| decode_json(item, bytes_max);
                checked(items.into_iter().map(|item| one(item).map_err(malformed)))
            }
        }
    }

    /// Reads MessagePack in the same way; its code of the whole is `msgpack-malformed`.
    pub fn read_msgpack(body: &'a [u8], bytes_max: usize) -> Result<Vec<Told<'a>>, Refusal> {
        match decode_msgpack::<EventsRequest<'a>>(body, bytes_max) {
            Ok(request) => checked(request.events.into_iter().map(Ok)),
            Err(whole) if whole.code != "msgpack-malformed" => Err(whole),
            Err(whole) => {
                let items = msgpack_items(body, "events", limits::EVENTS_MAX + 1).ok_or(whole)?;
                let one = |item: &'a [u8]| decode_msgpack(item, bytes_max);
                checked(items.into_iter().map(|item| one(item).map_err(malformed)))
            }
        }
    }
}

fn malformed(refusal: Refusal) -> Refusal {
    Refusal::new("event-malformed", refusal.message)
}

fn checked<'a>(events: impl ExactSizeIterator<Item = Told<'a>>) -> Result<Vec<Told<'a>>, Refusal> {
    check_count(events.len(), limits::EVENTS_MAX)?;
    Ok(events.map(|event| event.and_then(|event| event.validate().map(|()| event))).collect())
}

pub(crate) fn check_count(events: usize, max: usize) -> Result<(), Refusal> {
    match events {
        0 => Err(Refusal::new("no-events", "there are no events")),
        _ if events > max => Err(Refusal::new("too-many-events", format!("more than {max} events"))),
        _ => Ok(()),
    }
}

/// What became of the events of a request. They are stored when this is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventsAnswer {
    /// Finds the request in the node's log.
    pub request_id: String,
    /// The release that scored them.
    pub generation: u64,
    /// How many were new and sound.
    pub accepted: u32,
    /// How many had been accepted before; they counted then.
    pub duplicates: u32,
    /// Those that do not count, in the order of the request.
    pub refused: Vec<RefusedEvent>,
    /// Where the time went.
    pub timings_us: TimingsUs,
}

/// An event that does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedEvent {
    /// Its place in the request, from 0.
    pub index: u32,
    /// Its id, where it could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// Kebab-case; never changes its meaning.
    pub code: String,
    /// A short text for people.
    pub message: String,
}
