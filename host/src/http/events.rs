//! `POST /v1/events`.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::header::HeaderMap;
use axum::response::Response;
use tracing::warn;
use wire::{Event, EventResult, EventStatus, EventsAnswer, EventsRequest, SessionRecord};

use super::asked::{Asked, Form, message};
use super::errors::ApiError;
use super::invoke::Stages;
use crate::node::Node;
use crate::outbox::Load;
use crate::serving::Serving;
use crate::sessions::FoldError;

pub(super) async fn answer(
    State(node): State<Arc<Node>>,
    Extension(asked): Extension<Asked>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let settings = node.settings.load_full();
    let forms = [Form::Json, Form::MessagePack];
    let request: EventsRequest = message(&headers, &forms, body, settings.body).await?;
    request.validate()?;
    let mut stages = Stages::begin();
    let serving = node.serving.load_full().ok_or_else(ApiError::no_generation)?;
    let generation = serving.generation.number();
    let now = asked.at;
    let folding = Arc::clone(&node);
    let fold = move || Folded::of(&folding, &serving, request.events, now);
    let (folded, _, _) = stages.admitted(&node, fold).await?;
    let accepted = folded.load.events.len();
    for (outcome, status) in [
        ("accepted", EventStatus::Accepted),
        ("duplicate", EventStatus::Duplicate),
        ("refused", EventStatus::Refused),
    ] {
        let of_status = folded.results.iter().filter(|result| result.status == status).count();
        node.metrics.events(outcome, of_status);
    }
    node.metrics.sessions_closed("stop", folded.load.sessions.len());
    node.forward(folded.load);
    Ok(asked.form.answer(&EventsAnswer {
        request_id: asked.request_id.to_string(),
        generation,
        accepted: u32::try_from(accepted).unwrap_or(u32::MAX),
        results: folded.results,
        timings_us: stages.timings(),
    }))
}

/// What became of the events of a request.
struct Folded {
    results: Vec<EventResult>,
    /// The accepted events, and the sessions they ended.
    load: Load,
}

impl Folded {
    fn of(node: &Node, serving: &Serving, events: Vec<Event>, now: Instant) -> Self {
        let mut results: Vec<EventResult> = events
            .iter()
            .map(|event| match event.validate() {
                Ok(()) => result(event, EventStatus::Duplicate, None),
                Err(refusal) => {
                    node.metrics.refused(refusal.code);
                    result(event, EventStatus::Refused, Some((refusal.code, refusal.message)))
                }
            })
            .collect();
        let mut sessions = Vec::new();
        for (session_id, indexes) in by_session(&events, &results) {
            let group: Vec<&Event> = indexes.iter().map(|&index| &events[index]).collect();
            match fold(node, serving, session_id, &group, now) {
                Ok((fresh, ended)) => {
                    for (&index, _) in indexes.iter().zip(fresh).filter(|(_, fresh)| *fresh) {
                        results[index].status = EventStatus::Accepted;
                    }
                    sessions.extend(ended);
                }
                Err(error) => {
                    for &index in &indexes {
                        node.metrics.refused(error.code());
                        let text = "the session could not be updated; send the event again".to_owned();
                        let reason = Some((error.code(), text));
                        results[index] = result(&events[index], EventStatus::Refused, reason);
                    }
                }
            }
        }
        let accepted = events.into_iter().zip(&results);
        let events = accepted
            .filter_map(|(event, result)| (result.status == EventStatus::Accepted).then_some(event))
            .collect();
        Self { results, load: Load { events, sessions } }
    }
}

/// Indexes of the sound events of each session, sessions by their first event.
fn by_session<'a>(events: &'a [Event], results: &[EventResult]) -> Vec<(&'a str, Vec<usize>)> {
    let mut groups: Vec<(&str, Vec<usize>)> = Vec::new();
    for (index, event) in events.iter().enumerate() {
        if results[index].status == EventStatus::Refused {
            continue;
        }
        // A request has a hundred events at most, mostly of one session: a map would cost more.
        match groups.iter_mut().find(|(session_id, _)| *session_id == event.session_id) {
            Some((_, indexes)) => indexes.push(index),
            None => groups.push((&event.session_id, vec![index])),
        }
    }
    groups
}

/// Folds the events of one session; returns which are new, and the session if it ended.
fn fold(
    node: &Node,
    serving: &Serving,
    session_id: &str,
    events: &[&Event],
    now: Instant,
) -> Result<(Vec<bool>, Option<SessionRecord>), FoldError> {
    let number = serving.generation.number();
    let folded = node.sessions.fold(session_id, events, number, now, |state, events| {
        let started = Instant::now();
        let folded = serving.generation.fold(state, events);
        let outcome = folded.as_ref().err().map_or("ok", |error| error.code());
        node.metrics.invoked("qoe", outcome, started.elapsed().as_secs_f64());
        folded
    });
    match folded {
        Ok(folded) => Ok((folded.fresh, folded.ended)),
        Err(error) => {
            if let FoldError::Invoke(error) = &error
                && !error.is_refusal()
            {
                warn!(component = "qoe", code = error.code(), %error, "an invocation failed");
            }
            Err(error)
        }
    }
}

fn result(event: &Event, status: EventStatus, reason: Option<(&'static str, String)>) -> EventResult {
    let (code, message) = reason.map(|(code, text)| (code.to_owned(), text)).unzip();
    EventResult { event_id: event.event_id.clone(), status, code, message }
}
