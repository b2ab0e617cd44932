//! What players tell in CMCD (CTA-5004): lines in the body of `POST /v1/events`, or with any request by headers or query,
//! as a delivery network passes them on to `GET /v1/cmcd`.

use std::sync::Arc;

use axum::extract::{Extension, RawQuery, State};
use axum::http::StatusCode;
use axum::http::header::HeaderMap;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use units::UnixMillis;
use wire::Refusal;
use wire::cmcd::{Cause, CmcdError, Finding, Mode, Reader, Reading, Received, Shards, Told, session_id};

use super::asked::Asked;
use super::errors::ApiError;
use super::events::Taken;
use super::invoke::Stages;
use crate::node::{Node, unix_ms};

/// Whether a body holds event reports.
pub(super) fn is_reports(headers: &HeaderMap) -> bool {
    let content_type = headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(wire::cmcd::MEDIA_TYPE)
}

/// `GET /v1/cmcd`: a report that came with a request for media. It counts, or a refusal says why not.
pub(super) async fn answer(
    State(node): State<Arc<Node>>,
    Extension(asked): Extension<Asked>,
    query: RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let RawQuery(query) = query;
    // As text: the events of it are made on another thread.
    let report = Bytes::from(report(&node, &headers, query.as_deref())?);
    let mut stages = Stages::begin();
    let telling = Arc::clone(&node);
    let taken = Taken::of(&node, &asked, &mut stages, report, None, move |body| {
        let line = str::from_utf8(body).map_err(|_| Refusal::new("cmcd-malformed", "a report is ASCII"))?;
        // The first that is refused is why the report does not count.
        events(&telling, Mode::Request, line, Reader::REQUESTS.line(line))
            .into_iter()
            .map(|told| told.map(Ok))
            .collect()
    })
    .await?;
    taken.failed.map_or_else(|| Ok(StatusCode::NO_CONTENT.into_response()), Err)
}

/// The events of a body of reports; a line that cannot be read does not harm the others.
pub(super) fn read(node: &Node, body: &[u8]) -> Result<Vec<wire::Told<'static>>, Refusal> {
    let readings =
        Reader::EVENTS.body(body).map_err(|error| Refusal::new(error.code(), error.to_string()))?;
    let told: Vec<_> =
        readings.flat_map(|(line, reading)| events(node, Mode::Event, line, reading)).collect();
    if told.is_empty() {
        return Err(Refusal::new("no-events", "there are no reports"));
    }
    Ok(told)
}

/// The text of the report: the argument `CMCD`, else the four headers as one.
fn report(node: &Node, headers: &HeaderMap, query: Option<&str>) -> Result<String, Refusal> {
    let refused = |error: CmcdError| Refusal::new(error.code(), error.to_string());
    let mut decoded = String::new();
    if Reader::REQUESTS.query(query.unwrap_or_default(), &mut decoded).map_err(refused)?.is_some() {
        return Ok(decoded);
    }
    let [object, request, session, status] =
        ["cmcd-object", "cmcd-request", "cmcd-session", "cmcd-status"].map(|name| joined(headers, name));
    let shards = Shards {
        object: object.as_deref(),
        request: request.as_deref(),
        session: session.as_deref(),
        status: status.as_deref(),
    };
    // Keys in the wrong shard count as well, so that the four are one line; that they are wrong shows only here.
    let reading = Reader::REQUESTS.headers(&shards).map_err(refused)?;
    let is_wrong_header = |finding: &&Finding| finding.cause == Cause::WrongHeader;
    reading
        .findings
        .iter()
        .filter(is_wrong_header)
        .for_each(|finding| node.metrics.cmcd_remark(finding.cause));
    let line = [object, request, session, status].into_iter().flatten().collect::<Vec<_>>().join(",");
    if line.is_empty() {
        return Err(Refusal::new("no-events", "there is no report in the query or the headers"));
    }
    Ok(line)
}

fn joined(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines: Vec<_> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

fn events(
    node: &Node,
    mode: Mode,
    line: &str,
    reading: Result<Reading<'_>, CmcdError>,
) -> Vec<wire::Told<'static>> {
    let reading = match reading {
        Ok(reading) => reading,
        Err(error) => return vec![Err(Refusal::new(error.code(), error.to_string()))],
    };
    if let Some(finding) = reading.refused() {
        return vec![Err(Refusal::new(finding.cause.code(), finding.to_string()))];
    }
    reading.findings.iter().for_each(|finding| node.metrics.cmcd_remark(finding.cause));
    let Some(key) = reading.report.session_key() else {
        return vec![Err(Refusal::new("session-missing", "the report names no session"))];
    };
    let content = node.contents.of(key.session, key.content);
    let id = session_id(key.session, content.as_deref());
    let settings = node.settings.load();
    let has_events = mode == Mode::Event;
    if has_events {
        node.contents.tells_events(key.session);
    }
    let received = Received {
        mode,
        at: UnixMillis::new(unix_ms()),
        has_events: !has_events && node.contents.has_events(key.session),
    };
    let told = Told { session_id: &id, content: content.as_deref(), region: &settings.region, line };
    let events = reading.report.events(received, told);
    events.into_iter().map(|event| event.validate().map(|()| event.into_owned())).collect()
}
