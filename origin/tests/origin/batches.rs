//! Batches: from whom, sound or not, and what they are counted as.

use frontrow_origin::import::import_folder;
use frontrow_origin::token::Token;
use reqwest::{Response, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wire::{
    Batch, BatchStored, ErrorBody, Event, EventKind, Frame, Lane, Records, Scores, SessionRecord, Summary,
};

use crate::stage::{Stage, entry, movietweetings};

pub(crate) fn event(number: u32) -> Event<'static> {
    Event {
        viewer: Some(u32::MAX),
        title: Some(4_936),
        region: Some("eu".into()),
        position_ms: Some(30_000),
        kbps: Some(2_500),
        buffer_ms: Some(12_000),
        buffering_events: Some(1),
        ..Event::new(format!("event-{number}"), "session-1", EventKind::Heartbeat, now_unix_ms())
    }
}

pub(crate) fn session(viewer: u32, title: u32, played_ms: u64) -> SessionRecord {
    SessionRecord {
        session_id: format!("session-{viewer}"),
        viewer: Some(viewer),
        title: Some(title),
        region: Some("us".to_owned()),
        device: Some("tv".to_owned()),
        cdn: None,
        generation: 1,
        started_unix_ms: now_unix_ms() - played_ms,
        ended_unix_ms: now_unix_ms(),
        summary: Summary { played_ms, ..Summary::default() },
        scores: Scores { session_v1: 88.0, window_v1: 92.5, ..Scores::default() },
    }
}

pub(crate) fn now_unix_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

/// The payload of a frame with as many events.
pub(crate) fn payload(events: u32) -> Vec<u8> {
    let events: Vec<Event<'_>> = (0..events).map(event).collect();
    wire::write_events(&events.iter().collect::<Vec<_>>())
}

/// A batch of these frames in the lane of events.
pub(crate) fn encoded(epoch: u64, frames: &[(u64, &[u8])]) -> Vec<u8> {
    encoded_of(Lane::Events, epoch, frames)
}

pub(crate) fn encoded_of(lane: Lane, epoch: u64, frames: &[(u64, &[u8])]) -> Vec<u8> {
    let frames = frames.iter().map(|(sequence, payload)| Frame { sequence: *sequence, payload }).collect();
    wire::encode_msgpack(&Batch { node: "edge-1".to_owned(), lane, epoch, frames })
}

/// A batch of one frame.
fn batch(sequence: u64, events: u32) -> Vec<u8> {
    encoded(7, &[(sequence, &payload(events))])
}

fn batch_of_sessions(sequence: u64, sessions: Vec<SessionRecord>) -> Vec<u8> {
    let payload = wire::write_records(&Records { sessions, ..Records::default() });
    encoded_of(Lane::Records, 7, &[(sequence, &payload)])
}

pub(crate) async fn send(stage: &Stage, token: &str, body: Vec<u8>) -> Response {
    let request = stage.http.post(stage.url("/v1/batches")).bearer_auth(token);
    request.header("content-type", "application/msgpack").body(body).send().await.unwrap()
}

pub(crate) async fn stored(response: Response) -> BatchStored {
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "application/msgpack");
    wire::decode_msgpack(&response.bytes().await.unwrap(), 1_000).unwrap()
}

async fn refused(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: ErrorBody = wire::decode_json(&response.bytes().await.unwrap(), 10_000).unwrap();
    assert_eq!(body.error.request_id.len(), 16);
    (status, body.error.code)
}

fn is(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn a_stranger_is_refused_before_the_body_is_read() {
    let stage = Stage::new("batch_stranger").await;
    let token = stage.token("edge-1").await;
    let body = batch(1, 1);
    let refusal = async |token: &str| refused(send(&stage, token, body.clone()).await).await;
    let unknown = Token::new("edge-9").unwrap();
    let forged = Token::new("edge-1").unwrap();
    assert_eq!(refusal("nonsense").await, is(401, "token-wrong"));
    assert_eq!(refusal(unknown.text()).await, is(401, "token-wrong"));
    assert_eq!(refusal(forged.text()).await, is(401, "token-wrong"));
    let without = stage.http.post(stage.url("/v1/batches")).body(body.clone()).send().await.unwrap();
    assert_eq!(refused(without).await, is(401, "token-missing"));
    // Not even a byte of an announced body is waited for.
    let mut stream = tokio::net::TcpStream::connect(stage.address()).await.unwrap();
    let head =
        "POST /v1/batches HTTP/1.1\r\nhost: x\r\nauthorization: Bearer no\r\ncontent-length: 9000000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 401");
    assert!(stage.database.revoke_node("edge-1", &entry("node-revoke")).await.unwrap());
    assert_eq!(refusal(token.text()).await, is(401, "token-wrong"));
    assert_eq!(stage.count("select count(*) from batches").await, 0);
}

#[tokio::test]
async fn a_node_reports_for_itself_only() {
    let stage = Stage::new("batch_other_node").await;
    let token = stage.token("edge-2").await;
    let response = send(&stage, token.text(), batch(1, 1)).await;
    assert_eq!(refused(response).await, is(403, "node-mismatch"));
    assert_eq!(stage.count("select count(*) from batches").await, 0);
}

#[tokio::test]
async fn a_malformed_batch_is_refused_whole() {
    let stage = Stage::new("batch_malformed").await;
    let token = stage.token("edge-1").await;
    let refusal = async |body: Vec<u8>| refused(send(&stage, token.text(), body).await).await;
    let sound = batch(1, 2);
    let malformed = is(400, "msgpack-malformed");
    assert_eq!(refusal(Vec::new()).await, malformed);
    assert_eq!(refusal(sound[..sound.len() - 1].to_vec()).await, malformed);
    assert_eq!(refusal([sound.clone(), vec![0]].concat()).await, malformed);
    assert_eq!(refusal(b"{\"node\":\"edge-1\"}".to_vec()).await, malformed);
    // A list of lists of lists …, deeper than any stack.
    assert_eq!(refusal(vec![0x91; 100_000]).await, malformed);
    // A list that says it has four billion members.
    assert_eq!(refusal(vec![0xdd, 0xff, 0xff, 0xff, 0xff]).await, malformed);
    let one = payload(1);
    assert_eq!(refusal(encoded(7, &[])).await, is(400, "no-frames"));
    assert_eq!(refusal(encoded(7, &[(2, &one), (2, &one)])).await, is(400, "frames-not-rising"));
    assert_eq!(refusal(encoded(u64::MAX, &[(1, &one)])).await, is(400, "number-out-of-range"));
    assert_eq!(refusal(encoded(7, &[(u64::MAX, &one)])).await, is(400, "number-out-of-range"));
    assert_eq!(stage.count("select count(*) from batches").await, 0);
    assert_eq!(stage.count("select count(*) from events").await, 0);
    assert_eq!(stage.count("select count(*) from watermarks").await, 0);
    stored(send(&stage, token.text(), sound).await).await;
}

#[tokio::test]
async fn a_body_of_another_type_or_without_end_is_refused() {
    let stage = Stage::new("batch_type").await;
    let token = stage.token("edge-1").await;
    let json = stage.http.post(stage.url("/v1/batches")).bearer_auth(token.text());
    let json = json.header("content-type", "application/json").body("{}").send().await.unwrap();
    assert_eq!(refused(json).await, is(415, "content-type"));
    let mut stream = tokio::net::TcpStream::connect(stage.address()).await.unwrap();
    let head = format!(
        "POST /v1/batches HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-type: application/msgpack\r\ncontent-length: {}\r\n\r\n",
        token.text(),
        wire::limits::BATCH_BYTES_MAX + 1
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
}

#[tokio::test]
async fn a_clock_out_of_all_reason_makes_no_partition() {
    let stage = Stage::new("batch_clock").await;
    let token = stage.token("edge-1").await;
    let mut odd: Vec<Event<'_>> = (0..4).map(event).collect();
    odd[0].at_unix_ms = 0;
    odd[1].at_unix_ms = wire::limits::UNIX_MS_MAX;
    odd[2].at_unix_ms = 1_000_000_000_000;
    let odd = wire::write_events(&odd.iter().collect::<Vec<_>>());
    stored(send(&stage, token.text(), encoded(7, &[(1, &odd)])).await).await;
    assert_eq!(stage.count("select count(*) from events").await, 4);
    assert_eq!(stage.count("select count(*) from partitioned_ranges('events')").await, 1);
    let kept = "select count(*) from events where at = '9999-12-31 23:59:59.999+00'";
    assert_eq!(stage.count(kept).await, 1);
}

#[tokio::test]
async fn what_was_watched_long_enough_teaches_the_next_model() {
    let stage = Stage::new("batch_watched").await;
    let token = stage.token("edge-1").await;
    let folder = movietweetings(
        stage.folder.path(),
        "0004936::The Bank (1915)::Comedy\n",
        "1::0004936::7::1364690142\n",
    );
    import_folder(&stage.database, &folder).await.unwrap();
    let sessions = vec![
        session(1, 4_936, 120_000),
        session(2, 4_936, 119_999),
        session(3, 4_936, 500_000),
        session(4, 5, 500_000),
        SessionRecord { region: Some("mars".to_owned()), ..session(5, 4_936, 500_000) },
    ];
    let body = batch_of_sessions(1, sessions);
    for _ in 0..2 {
        stored(send(&stage, token.text(), body.clone()).await).await;
    }
    assert_eq!(stage.count("select count(*) from sessions").await, 5);
    let events = stage.database.watch_events().await.unwrap();
    // The import's, a newcomer's, who began first, and a known viewer's.
    assert_eq!(events.iter().map(|event| event.viewer).collect::<Vec<_>>(), [1, 3, 1]);
    let viewers = stage.database.viewer_regions().await.unwrap();
    assert_eq!(viewers[1], (3, "us".to_owned()));
}

#[tokio::test]
async fn a_session_that_went_on_at_another_node_is_one_session_and_watched_once() {
    let stage = Stage::new("batch_moved").await;
    let folder = movietweetings(
        stage.folder.path(),
        "0004936::The Bank (1915)::Comedy\n",
        "1::0004936::7::1364690142\n",
    );
    import_folder(&stage.database, &folder).await.unwrap();
    let there = session(3, 4_936, 500_000);
    let seen = |session: &SessionRecord, played_ms: u64, events: u32| SessionRecord {
        summary: Summary { played_ms, events, ..Summary::default() },
        ..session.clone()
    };
    let moved = SessionRecord { ended_unix_ms: there.ended_unix_ms - 300_000, ..seen(&there, 200_000, 7) };
    let silent = SessionRecord { ended_unix_ms: there.ended_unix_ms - 200_000, ..seen(&there, 300_000, 9) };
    let token = stage.token("edge-1").await;
    // The node it left closes it last: for its silence.
    for (sequence, session) in (1..).zip([silent, seen(&there, 500_000, 12), moved]) {
        stored(send(&stage, token.text(), batch_of_sessions(sequence, vec![session])).await).await;
    }
    assert_eq!(stage.count("select count(*) from sessions").await, 3);
    assert_eq!(stage.count("select sum(played_ms)::bigint from whole_sessions").await, 500_000);
    let events = stage.database.watch_events().await.unwrap();
    assert_eq!(events.iter().map(|event| event.viewer).collect::<Vec<_>>(), [1, 3]);
}

async fn count_of(stage: &Stage, outcome: &str) -> u64 {
    let text = stage.http.get(stage.url("/metrics")).send().await.unwrap().text().await.unwrap();
    let sample = format!("frontrow_origin_batches_total{{outcome=\"{outcome}\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&sample)).map_or(0, |count| count.parse().unwrap())
}

#[tokio::test]
async fn every_refusal_is_counted_by_its_code_and_the_next_sound_batch_is_stored() {
    let stage = Stage::new("batch_refusals").await;
    let (token, other) = (stage.token("edge-1").await, stage.token("edge-2").await);
    let sound = |sequence| batch(sequence, 1);
    let beyond = encoded(u64::MAX, &[(1, &payload(1))]);
    let (mine, msgpack) = (token.text(), "application/msgpack");
    let cases: Vec<(&str, &str, Vec<u8>, u16, &str)> = vec![
        (mine, msgpack, b"nonsense".to_vec(), 400, "msgpack-malformed"),
        (mine, msgpack, sound(1)[..20].to_vec(), 400, "msgpack-malformed"),
        (mine, msgpack, encoded(7, &[]), 400, "no-frames"),
        (mine, msgpack, encoded(7, &[(2, b""), (1, b"")]), 400, "frames-not-rising"),
        (mine, msgpack, beyond, 400, "number-out-of-range"),
        (mine, msgpack, vec![0; wire::limits::BATCH_BYTES_MAX + 1], 413, "body-too-large"),
        (mine, "application/json", b"{}".to_vec(), 415, "content-type"),
        (mine, "", sound(1), 415, "content-type"),
        ("edge-1.forged", msgpack, sound(1), 401, "token-wrong"),
        (other.text(), msgpack, sound(1), 403, "node-mismatch"),
    ];
    for (at, (shown, content_type, body, status, code)) in cases.into_iter().enumerate() {
        let before = count_of(&stage, code).await;
        let request = stage.http.post(stage.url("/v1/batches")).bearer_auth(shown);
        let response = request.header("content-type", content_type).body(body).send().await.unwrap();
        assert_eq!(refused(response).await, is(status, code), "case {at}");
        assert_eq!(count_of(&stage, code).await, before + 1, "case {at}");
        // The same node's next sound batch is stored, once.
        let sequence = at as u64 + 1;
        assert_eq!(stored(send(&stage, mine, sound(sequence)).await).await.sequence, sequence);
        assert_eq!(count_of(&stage, "stored").await, sequence);
        assert_eq!(stage.count("select count(*) from batches").await, i64::try_from(sequence).unwrap());
    }
    assert_eq!(stage.count("select count(*) from sessions").await, 0);
}

#[tokio::test]
async fn metrics_count_what_was_stored_repeated_and_refused() {
    let stage = Stage::new("batch_metrics").await;
    let token = stage.token("edge-1").await;
    for _ in 0..2 {
        stored(send(&stage, token.text(), batch(1, 3)).await).await;
    }
    refused(send(&stage, "no", Vec::new()).await).await;
    let text = stage.http.get(stage.url("/metrics")).send().await.unwrap().text().await.unwrap();
    for line in [
        "frontrow_origin_batches_total{outcome=\"stored\"} 1",
        "frontrow_origin_batches_total{outcome=\"duplicate\"} 1",
        "frontrow_origin_batches_total{outcome=\"token-wrong\"} 1",
        "frontrow_origin_events_total 3",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}
