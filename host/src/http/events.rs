//! `POST /v1/events`.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::http::header::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use bytes::Bytes;
use spool::SpoolError;
use tracing::warn;
use wire::limits::REQUEST_BYTES_MAX;
use wire::{Event, EventsAnswer, EventsRequest, Records, Refusal, RefusedEvent, SessionRecord, Told};

use super::asked::{Asked, Form, whole};
use super::cmcd;
use super::errors::ApiError;
use super::invoke::Stages;
use crate::in_flight::{Before, Ticket};
use crate::node::{Node, unix_ms};
use crate::outbox::{Outbox, Storing};
use crate::serving::Serving;
use crate::sessions::{Fate, FoldError};

pub(super) async fn answer(
    State(node): State<Arc<Node>>,
    Extension(asked): Extension<Asked>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let settings = node.settings.load_full();
    let reports = cmcd::is_reports(&headers);
    let form = if reports { Form::Json } else { Form::among(&headers, &[Form::Json, Form::MessagePack])? };
    let body = whole(&headers, body, settings.body).await?;
    let mut stages = Stages::begin();
    let reading = Arc::clone(&node);
    let capsule = headers.get(CAPSULE).and_then(|value| value.to_str().ok());
    let taken = Taken::of(&node, &asked, &mut stages, body, capsule, move |body| match form {
        _ if reports => cmcd::read(&reading, body),
        Form::Json => EventsRequest::read_json(body, REQUEST_BYTES_MAX),
        Form::MessagePack => EventsRequest::read_msgpack(body, REQUEST_BYTES_MAX),
    })
    .await?;
    let mut response = asked.form.answer(&EventsAnswer {
        request_id: asked.request_id.to_string(),
        generation: taken.generation,
        accepted: taken.accepted,
        duplicates: taken.duplicates,
        refused: taken.refused,
        timings_us: stages.timings(),
    });
    if let Some(capsule) = taken.capsule.and_then(|capsule| HeaderValue::try_from(capsule).ok()) {
        response.headers_mut().insert(CAPSULE, capsule);
    }
    if let Some(code) = taken.capsule_refused {
        response.headers_mut().insert(CAPSULE_REFUSED, HeaderValue::from_static(code));
    }
    Ok(response)
}

/// A session that goes with its viewer, see `capsules`.
pub(super) const CAPSULE: HeaderName = HeaderName::from_static("frontrow-capsule");

/// Why what came in it was not taken.
pub(super) const CAPSULE_REFUSED: HeaderName = HeaderName::from_static("frontrow-capsule-refused");

/// What became of the events of a request; those that count are on the disk.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) generation: u64,
    pub(super) accepted: u32,
    pub(super) duplicates: u32,
    pub(super) refused: Vec<RefusedEvent>,
    /// Why a session could not be updated, for a request that holds one event.
    pub(super) failed: Option<ApiError>,
    /// The session of the first event, for its viewer to take along.
    capsule: Option<String>,
    capsule_refused: Option<&'static str>,
}

impl Taken {
    /// Reads, folds and stores the events of a body.
    pub(super) async fn of(
        node: &Arc<Node>,
        asked: &Asked,
        stages: &mut Stages,
        body: Bytes,
        capsule: Option<&str>,
        read: impl FnOnce(&[u8]) -> Result<Vec<Told<'_>>, Refusal>,
    ) -> Result<Self, ApiError> {
        let serving = node.serving.load_full().ok_or_else(ApiError::no_generation)?;
        // Before anything is folded: what was folded must be stored.
        let room = node.outbox.as_ref().map(|outbox| room(outbox, body.len())).transpose()?;
        let (taken, on_its_way) =
            stages.work(node, || fold(node, &serving, &body, asked.at, capsule, read))?;
        for storing in on_its_way.storing {
            storing.done().await.map_err(|error| not_stored(&error))?;
        }
        if let Some(before) = on_its_way.before
            && !node.in_flight.settled(before).await
        {
            let text = "events that came again could not be stored the first time; send them again";
            return Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "spool-retry", text));
        }
        drop(room);
        Ok(taken)
    }
}

/// No capsule is as short.
const CAPSULE_BYTES_MIN: usize = 32;

fn room(outbox: &Outbox, body_bytes: usize) -> Result<tokio::sync::OwnedSemaphorePermit, ApiError> {
    let busy = |code, text| ApiError::new(StatusCode::SERVICE_UNAVAILABLE, code, text);
    if outbox.is_broken() {
        return Err(busy("spool-broken", "the node cannot store events"));
    }
    outbox
        .room_for(body_bytes)
        .ok_or_else(|| busy("spool-busy", "the node stores as fast as it can; come back"))
}

fn not_stored(error: &SpoolError) -> ApiError {
    warn!(code = error.code(), %error, "events were not stored");
    let text = "the events could not be stored; send them again";
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, error.code(), text)
}

type Folded = Result<(Taken, OnItsWay), ApiError>;

/// What is being stored.
#[derive(Default)]
struct OnItsWay {
    storing: Vec<Storing>,
    /// What has to be over before events that came again are told to be known.
    before: Option<Before>,
}

/// Events that are folded and not yet on the disk; dropped, they are forgotten, to count when they come again. Whoever
/// sent them may be gone by then.
struct Pending {
    node: Arc<Node>,
    events: Vec<u8>,
    ticket: Option<Ticket>,
}

impl Pending {
    fn stored(mut self) {
        if let Some(ticket) = self.ticket.take() {
            ticket.stored();
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if self.ticket.is_some()
            && let Ok(events) = wire::read_events(&self.events)
        {
            self.node.sessions.forget(events.iter());
        }
    }
}

fn fold(
    node: &Arc<Node>,
    serving: &Serving,
    body: &[u8],
    now: Instant,
    capsule: Option<&str>,
    read: impl FnOnce(&[u8]) -> Result<Vec<Told<'_>>, Refusal>,
) -> Folded {
    node.recover(serving);
    let told = read(body)?;
    let now_unix_ms = unix_ms();
    let mut refused = Vec::new();
    let mut places = Vec::with_capacity(told.len());
    let mut events = Vec::with_capacity(told.len());
    for (place, told) in told.iter().enumerate() {
        let told = told.as_ref().map_err(Refusal::clone);
        match told.and_then(|event| event.check_clock(now_unix_ms).map(|()| event)) {
            Ok(event) => {
                places.push(place);
                events.push(event);
            }
            Err(refusal) => {
                node.metrics.refused(refusal.code);
                refused.push(refused_event(place, None, refusal.code, refusal.message));
            }
        }
    }
    let carried = capsule.zip(events.first());
    let adopted = carried.map(|(text, event)| {
        // Who has none yet asks with a word.
        let is_first = text.len() < CAPSULE_BYTES_MIN;
        if is_first { Ok(()) } else { node.adopt(serving, text, &event.session_id, event.viewer, now) }
    });
    let capsule_refused = adopted.and_then(Result::err);
    capsule_refused.into_iter().for_each(|code| node.metrics.refused(code));
    let ticket = node.outbox.as_ref().map(|_| node.in_flight.begin());
    let outcome = node.fold(serving, &events, now, now_unix_ms);
    let before = ticket.as_ref().map(Ticket::before);
    let mut fresh = Vec::with_capacity(events.len());
    let (mut duplicates, mut failed) = (0, None);
    for ((&event, place), fate) in events.iter().zip(places).zip(&outcome.fates) {
        match fate {
            Fate::Accepted => fresh.push(event),
            Fate::Duplicate => duplicates += 1,
            Fate::Refused(error) => {
                note(node, error);
                failed = failed.or_else(|| Some(ApiError::from(error)));
                let text = "the session could not be updated; send the event again".to_owned();
                refused.push(refused_event(place, Some(&event.event_id), error.code(), text));
            }
        }
    }
    refused.sort_by_key(|refused| refused.index);
    let storing = store(node, &fresh, outcome.ended, ticket)?;
    let on_its_way = OnItsWay { storing, before: before.filter(|_| duplicates > 0) };
    let accepted = fresh.len();
    for (outcome, count) in [("accepted", accepted), ("duplicate", duplicates), ("refused", refused.len())] {
        node.metrics.events(outcome, count);
    }
    let count = |count| u32::try_from(count).unwrap_or(u32::MAX);
    let generation = serving.generation.number();
    let capsule = carried.and_then(|(_, event)| node.carry(serving, &event.session_id));
    let (accepted, duplicates) = (count(accepted), count(duplicates));
    Ok((Taken { generation, accepted, duplicates, refused, failed, capsule, capsule_refused }, on_its_way))
}

/// Sends what counts on its way to the disk.
fn store(
    node: &Arc<Node>,
    fresh: &[&Event<'_>],
    ended: Vec<SessionRecord>,
    ticket: Option<Ticket>,
) -> Result<Vec<Storing>, ApiError> {
    node.metrics.sessions_closed("stop", ended.len());
    ended.iter().for_each(|session| node.begun.note(session));
    let Some(outbox) = &node.outbox else { return Ok(Vec::new()) };
    let mut storing = Vec::new();
    if fresh.is_empty() {
        ticket.into_iter().for_each(Ticket::stored);
    } else {
        let events = wire::write_events(fresh);
        let pending = Pending { node: Arc::clone(node), events: events.clone(), ticket };
        let stored = outbox.store_events(fresh.len(), events, || pending.stored());
        storing.push(stored.map_err(|error| not_stored(&error))?);
    }
    if !ended.is_empty() {
        let records = Records { sessions: ended, ..Records::default() };
        storing.push(outbox.store_records(&records).map_err(|error| not_stored(&error))?);
    }
    Ok(storing)
}

fn note(node: &Node, error: &FoldError) {
    node.metrics.refused(error.code());
    if let FoldError::Invoke(error) = error
        && !error.is_refusal()
    {
        warn!(component = "qoe", code = error.code(), %error, "an invocation failed");
    }
}

fn refused_event(place: usize, event_id: Option<&str>, code: &str, message: String) -> RefusedEvent {
    RefusedEvent {
        index: u32::try_from(place).unwrap_or(u32::MAX),
        event_id: event_id.map(str::to_owned),
        code: code.to_owned(),
        message,
    }
}
