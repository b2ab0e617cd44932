//! What callers should not send: each gets its status and code, is counted, and disturbs nobody.

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::available_parallelism;
use std::time::Duration;

use axum::http::Method;
use frontrow_edge::node::Node;
use frontrow_edge::workers::{NotWorked, Worked};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::catalogue::NOW_MS;
use crate::client::{Answer, client, get, post, send};
use crate::scene::Scene;

const JSON: &str = "application/json";
/// No thread is busy for as long.
const PATIENCE: Duration = Duration::from_secs(60);
const MSGPACK: &str = "application/msgpack";

fn ids(count: u32) -> String {
    (0..count).map(|id| id.to_string()).collect::<Vec<_>>().join(",")
}

fn rungs(count: u32) -> String {
    let rung = |number| format!(r#"{{"id":"r{number}","height":100,"kbps":{}}}"#, number + 1);
    (0..count).map(rung).collect::<Vec<_>>().join(",")
}

fn events(count: u32) -> String {
    let event = |number| {
        format!(r#"{{"event_id":"e{number}","session_id":"s","kind":"heartbeat","at_unix_ms":{number}}}"#)
    };
    format!(r#"{{"events":[{}]}}"#, (0..count).map(event).collect::<Vec<_>>().join(","))
}

/// Posts each body and compares status and code; the counters must have moved by as much.
async fn check(path: &str, cases: &[(&str, String, u16, &str)]) {
    let scene = Scene::serving().await;
    for (content_type, body, status, code) in cases {
        let shown: String = body.chars().take(80).collect();
        let counter = format!(r#"frontrow_refusals_total{{code="{code}"}}"#);
        let before = scene.metric(&counter).await;
        let answer = post(&scene.url(path), content_type, body.as_bytes()).await;
        assert_eq!(answer.refusal(), (*status, (*code).to_owned()), "{path} {shown}");
        let error = &answer.json()["error"];
        assert_eq!(
            error["request_id"],
            answer.headers["x-request-id"].to_str().expect("text"),
            "{path} {shown}"
        );
        assert!(!error["message"].as_str().expect("a message").is_empty());
        assert_eq!(scene.metric(&counter).await, before + 1.0, "{path} {shown}");
    }
    let good = scene.ask("/v1/recommend", &json!({"at_unix_ms": NOW_MS})).await;
    assert_eq!((good.status, good.json()["generation"].as_u64()), (200, Some(1)));
}

#[tokio::test]
async fn bad_questions_for_a_page() {
    let refused = |body: &str, code: &'static str| (JSON, body.to_owned(), 400, code);
    let many = vec![r#"{"title":1,"share":0.5}"#; 1_001].join(",");
    check(
        "/v1/home",
        &[
            refused("[]", "json-malformed"),
            refused(r#"{"unknown":1}"#, "json-malformed"),
            refused(r#"{"k":0}"#, "k-out-of-range"),
            refused(r#"{"k":101}"#, "k-out-of-range"),
            refused(r#"{"in_progress":[{"title":1,"share":1.5}]}"#, "share-out-of-range"),
            refused(&format!(r#"{{"in_progress":[{many}]}}"#), "in-progress-too-long"),
            refused(&format!(r#"{{"history":[{}]}}"#, ids(100_000)), "history-too-long"),
            refused(r#"{"region":"mars"}"#, "region-unknown"),
            (JSON, " ".repeat(6 << 20), 413, "body-too-large"),
            ("text/plain", "{}".to_owned(), 415, "content-type"),
        ],
    )
    .await;
}

#[tokio::test]
async fn bad_questions_for_titles() {
    let refused = |body: &str, code: &'static str| (JSON, body.to_owned(), 400, code);
    check(
        "/v1/recommend",
        &[
            refused("", "json-malformed"),
            refused("{", "json-malformed"),
            refused("[]", "json-malformed"),
            refused("{\"k\":3}{", "json-malformed"),
            refused("\u{0}\u{1}", "json-malformed"),
            refused(r#"{"unknown":1}"#, "json-malformed"),
            refused(r#"{"k":3,"k":4}"#, "json-malformed"),
            refused(r#"{"k":0}"#, "k-out-of-range"),
            refused(r#"{"k":101}"#, "k-out-of-range"),
            refused(r#"{"k":-1}"#, "json-malformed"),
            refused(r#"{"k":1e400}"#, "json-malformed"),
            refused(r#"{"k":NaN}"#, "json-malformed"),
            refused(r#"{"maturity_max":256}"#, "json-malformed"),
            refused(r#"{"at_unix_ms":18446744073709551615}"#, "time-out-of-range"),
            refused(r#"{"region":""}"#, "label-length"),
            refused(r#"{"region":"../../etc"}"#, "label-character"),
            refused(r#"{"region":"mars"}"#, "region-unknown"),
            refused(&format!(r#"{{"history":[{}]}}"#, ids(100_000)), "history-too-long"),
            refused(&"[".repeat(100_000), "json-malformed"),
            (JSON, format!(r#"{{"exclude":[{}]}}"#, ids(250_000)), 413, "body-too-large"),
            (JSON, " ".repeat(6 << 20), 413, "body-too-large"),
            ("text/plain", "{}".to_owned(), 415, "content-type"),
            ("application/x-www-form-urlencoded", "{}".to_owned(), 415, "content-type"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_long_list_of_excludes_and_unknown_ids_are_no_mistakes() {
    let scene = Scene::serving().await;
    let body = format!(r#"{{"exclude":[{}],"history":[4000000000],"at_unix_ms":{NOW_MS}}}"#, ids(100_000));
    let answer = post(&scene.url("/v1/recommend"), JSON, body).await;
    assert_eq!((answer.status, answer.json()["picks"].clone()), (200, json!([])), "all twelve are excluded");
}

#[tokio::test]
async fn bad_questions_for_a_bit_rate() {
    let player = |player: &str| {
        let ladder = r#"[{"id":"a","height":240,"kbps":5},{"id":"b","height":480,"kbps":9}]"#;
        format!(r#"{{"policy":"flagship","ladder":{ladder},"player":{player}}}"#)
    };
    let refused = |body: &str, code: &'static str| (JSON, body.to_owned(), 400, code);
    check(
        "/v1/bitrate",
        &[
            refused(r#"{"ladder":[]}"#, "ladder-empty"),
            refused(&format!(r#"{{"ladder":[{}]}}"#, rungs(65)), "ladder-too-long"),
            refused(
                r#"{"ladder":[{"id":"a","height":1,"kbps":5},{"id":"b","height":1,"kbps":5}]}"#,
                "ladder-not-rising",
            ),
            refused(
                r#"{"ladder":[{"id":"a","height":720,"kbps":2500},{"id":"b","height":360,"kbps":500}]}"#,
                "ladder-not-rising",
            ),
            refused(r#"{"ladder":[{"id":"a","height":0,"kbps":5}]}"#, "rung-zero"),
            refused(r#"{"ladder":[{"id":"","height":1,"kbps":5}]}"#, "id-length"),
            refused(r#"{"samples_kbps":[NaN]}"#, "json-malformed"),
            refused(r#"{"samples_kbps":[1e999]}"#, "json-malformed"),
            refused(&format!(r#"{{"samples_kbps":[{}]}}"#, ids(257)), "too-many"),
            refused(r#"{"segment_ms":0}"#, "buffer-too-small"),
            refused(r#"{"buffer_max_ms":10,"segment_ms":4000}"#, "buffer-too-small"),
            refused(r#"{"buffer_ms":-1}"#, "json-malformed"),
            refused(r#"{"policy":"best"}"#, "json-malformed"),
            refused(r#"{"unknown":1}"#, "json-malformed"),
            refused(r#"{"ladder":[{"id":"a","height":1,"kbps":5,"unknown":1}]}"#, "json-malformed"),
            refused(r#"{"region":"a b"}"#, "label-character"),
            // Two rungs, three sizes; a chunk of no bytes; a weight beyond its range.
            refused(&player(r#"{"chunk_bytes":[9,9,9]}"#), "sizes-incomplete"),
            refused(&player(r#"{"chunk_bytes":[9,0]}"#), "size-zero"),
            refused(
                &player(r#"{"weights":{"utility":"mbps","stall":-1,"change":1}}"#),
                "weight-out-of-range",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn bad_events() {
    let refused = |body: &str, code: &'static str| (JSON, body.to_owned(), 400, code);
    check(
        "/v1/events",
        &[
            refused(r#"{"events":[]}"#, "no-events"),
            refused(&events(101), "too-many-events"),
            refused(r#"{"events":[{"event_id":"e"}"#, "json-malformed"),
            refused(r#"{"events":{}}"#, "json-malformed"),
            refused(r#"{"unknown":1,"events":[]}"#, "json-malformed"),
        ],
    )
    .await;
}

#[tokio::test]
async fn bad_events_among_good_ones() {
    let scene = Scene::serving().await;
    let sound = events(1);
    let sound = sound.trim_start_matches(r#"{"events":["#).trim_end_matches("]}");
    let mut accepted = 0.0;
    for (bad, code) in [
        (r#"{"event_id":"e"}"#.to_owned(), "event-malformed"),
        (sound.replace("heartbeat", "dance"), "event-malformed"),
        (sound.replace("\"kind\"", "\"sort\""), "event-malformed"),
        (sound.replace(":0}", ":-1}"), "event-malformed"),
        (sound.replace(":0}", ":NaN}"), "event-malformed"),
        (sound.replace(":0}", ":0,\"kbps\":4000000000}"), "number-out-of-range"),
        (sound.replace(":0}", ":9000000000000}"), "time-in-future"),
        (
            sound.replace(":0}", ":0,\"position_ms\":900000,\"duration_ms\":60000}"),
            "position-beyond-duration",
        ),
    ] {
        let good = |number: u32| {
            sound.replace("\"s\"", &format!("\"{code}-{number}\"")).replace("e0", &bad.len().to_string())
        };
        let body = format!(r#"{{"events":[{},{bad},{}]}}"#, good(1), good(2));
        let answer = post(&scene.url("/v1/events"), JSON, body).await;
        accepted += 2.0;
        let told = answer.json();
        assert_eq!((answer.status, &told["accepted"]), (200, &json!(2)), "{bad}: {told}");
        assert_eq!(
            (&told["refused"][0]["index"], &told["refused"][0]["code"]),
            (&json!(1), &json!(code)),
            "{bad}"
        );
    }
    assert_eq!(scene.metric(r#"frontrow_events_total{outcome="accepted"}"#).await, accepted);
}

#[tokio::test]
async fn bad_reports_of_cmcd() {
    let scene = Scene::serving().await;
    let sound = r#"bl=(21300),br=(3200),cid="4",e=ps,sid="6e2f",sta=p,ts=1700000000000,v=2"#;
    let send = |body: String| async { post(&scene.url("/v1/events"), "application/cmcd", body).await };
    for (bad, code) in [
        ("((((".to_owned(), "cmcd-malformed"),
        (sound.replace("ts=1700000000000,", ""), "time-missing"),
        (sound.replace("sid=\"6e2f\",", ""), "session-missing"),
        (sound.replace("br=(3200)", "br=(-3)"), "out-of-range"),
    ] {
        let answer =
            send(format!("{sound}\n{bad}\n{}", sound.replace("1700000000000", "1700000000900"))).await;
        let told = answer.json();
        assert_eq!(told["refused"].as_array().map(Vec::len), Some(1), "{bad}: {told}");
        assert_eq!(
            (&told["refused"][0]["index"], &told["refused"][0]["code"]),
            (&json!(1), &json!(code)),
            "{told}"
        );
    }
    assert_eq!(send(String::new()).await.refusal(), (400, "no-events".to_owned()));
    assert_eq!(get(&scene.url("/v1/cmcd")).await.refusal(), (400, "no-events".to_owned()));
    assert_eq!(get(&scene.url("/v1/cmcd?CMCD=%2")).await.refusal().0, 400);
    let nobody = get(&scene.url("/v1/cmcd?CMCD=bl%3D100")).await;
    assert_eq!(nobody.refusal(), (400, "session-missing".to_owned()));
    // Counts, and is told of.
    let remarks = r#"frontrow_cmcd_remarks_total{code="wrong-header"}"#;
    let misplaced = client().get(scene.url("/v1/cmcd"));
    let misplaced = misplaced.header("cmcd-object", "sid=\"b\"").header("cmcd-request", "bl=100");
    assert_eq!(crate::client::send(misplaced).await.status, 204);
    assert_eq!(scene.metric(remarks).await, 1.0);
    assert_eq!(get(&scene.url("/v1/cmcd?CMCD=bl%3D100%2Csid%3D%22a%22")).await.status, 204);
    assert_eq!(get(&scene.url("/v1/sessions/a")).await.status, 200);
}

#[tokio::test]
async fn bad_messagepack() {
    let scene = Scene::serving().await;
    let counter = r#"frontrow_refusals_total{code="msgpack-malformed"}"#;
    let mut deep = vec![0x91; 100_000];
    deep.push(0xc0);
    let sound = rmp(&events(1));
    let mut trailing = sound.clone();
    trailing.push(0);
    for (body, what) in [
        (vec![], "nothing"),
        (vec![0xc1], "the byte that means nothing"),
        (vec![0xdd, 0xff, 0xff, 0xff, 0xff], "four billion elements that do not come"),
        (
            vec![0x81, 0xa6, b'e', b'v', b'e', b'n', b't', b's', 0xdd, 0xff, 0xff, 0xff, 0xff],
            "the same inside",
        ),
        (deep, "a hundred thousand levels"),
        (sound[..sound.len() - 1].to_vec(), "cut short"),
        (trailing, "one byte more"),
        (rmp(&events(1).replacen('{', r#"{"unknown":1,"#, 1)), "an unknown field"),
    ] {
        let before = scene.metric(counter).await;
        let answer = post(&scene.url("/v1/events"), MSGPACK, body).await;
        let refusal: wire::ErrorBody = wire::decode_msgpack(&answer.bytes, 1 << 20).expect("a refusal");
        assert_eq!((answer.status, refusal.error.code.as_str()), (400, "msgpack-malformed"), "{what}");
        assert_eq!(scene.metric(counter).await, before + 1.0, "{what}");
    }
    for (body, what) in [
        (rmp(&events(1).replace(r#""kind""#, r#""unknown":1,"kind""#)), "an unknown field of an event"),
        (rmp(&with_viewer("-1")), "a negative number"),
        (rmp(&with_viewer("1.5")), "a broken number"),
        (rmp(&with_viewer("4294967296")), "a number one too large"),
        (rmp(&events(1).replace(":0}", ":-1}")), "a time before all time"),
    ] {
        let answer = post(&scene.url("/v1/events"), MSGPACK, body).await;
        let told: wire::EventsAnswer = wire::decode_msgpack(&answer.bytes, 1 << 20).expect("an answer");
        assert_eq!((told.accepted, told.refused[0].code.as_str()), (0, "event-malformed"), "{what}");
    }
    assert_eq!(scene.metric(r#"frontrow_events_total{outcome="accepted"}"#).await, 0.0);
    assert_eq!(post(&scene.url("/v1/events"), MSGPACK, sound).await.status, 200);
}

/// One event of this viewer.
fn with_viewer(viewer: &str) -> String {
    events(1).replace(r#""kind""#, &format!(r#""viewer":{viewer},"kind""#))
}

fn rmp(json: &str) -> Vec<u8> {
    wire::encode_msgpack(&serde_json::from_str::<serde_json::Value>(json).expect("JSON"))
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods() {
    let scene = Scene::serving().await;
    assert_eq!(get(&scene.url("/v1/nothing")).await.refusal(), (404, "route-unknown".to_owned()));
    assert_eq!(get(&scene.url("/metrics")).await.status, 404, "operators ask elsewhere");
    assert_eq!(get(&scene.url("/v1/recommend")).await.refusal(), (405, "method-not-allowed".to_owned()));
    let deleted = send(client().request(Method::DELETE, scene.admin("/status"))).await;
    assert_eq!(deleted.refusal(), (405, "method-not-allowed".to_owned()));
    assert_eq!(get(&scene.url("/v1/candidates/mars")).await.refusal(), (404, "region-unknown".to_owned()));
    assert_eq!(get(&scene.url("/v1/sessions/%ff")).await.refusal(), (400, "path-malformed".to_owned()));
    assert_eq!(get(&scene.url("/v1/candidates/..%2f..%2fcurrent.json")).await.status, 404);
}

#[tokio::test]
async fn more_requests_than_invocations_are_sent_away_at_once() {
    let scene = Scene::serving_with("queue_ms = 0").await;
    let threads = available_parallelism().map_or(1, usize::from).min(4);
    let mut all = Vec::new();
    for _ in 0..threads {
        all.push(Occupied::of(&scene.edge.node).await);
    }
    let question = json!({"at_unix_ms": NOW_MS, "k": 3});
    let refused = scene.ask("/v1/recommend", &question).await;
    assert_eq!(refused.refusal(), (503, "overloaded".to_owned()));
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(
        scene.ask("/v1/bitrate", &json!({})).await.status,
        200,
        "bit rates are decided without a wait"
    );
    for thread in all {
        drop(thread.free);
        thread.call.await.expect("no panic").expect("done");
    }
    // A call that was given up keeps its place until a thread has looked at it.
    let looked_at = async {
        while scene.edge.node.workers.load_permille() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, looked_at).await.expect("a thread that looks");
    assert_eq!(scene.ask("/v1/recommend", &question).await.status, 200);
}

/// A thread for calls that is busy until `free` is dropped.
struct Occupied {
    free: Sender<()>,
    call: JoinHandle<Result<Worked<()>, NotWorked>>,
}

impl Occupied {
    async fn of(node: &Arc<Node>) -> Self {
        let ((begin, begun), (free, freed)) = (oneshot::channel(), channel::<()>());
        let node = Arc::clone(node);
        let occupy = move || {
            begin.send(()).expect("the test waits");
            let _ = freed.recv_timeout(PATIENCE);
        };
        let call = tokio::spawn(async move { node.workers.run(PATIENCE, occupy).await });
        begun.await.expect("a free thread");
        Self { free, call }
    }
}

/// Sends bytes and returns all that comes back until the node closes the connection.
async fn raw(scene: &Scene, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(scene.edge.public).await.expect("a connection");
    stream.write_all(bytes).await.expect("sent");
    let mut answer = Vec::new();
    // A node that resets the connection has closed it too.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_caller_that_drips_bytes_is_cut_off() {
    let scene = Scene::serving_with("headers_ms = 150\nbody_ms = 150").await;
    let headers = raw(&scene, b"POST /v1/recommend HTTP/1.1\r\nhost: a\r\nx-slow: ").await;
    assert!(headers.is_empty() || headers.starts_with("HTTP/1.1 408"), "{headers}");
    let body = b"POST /v1/recommend HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{";
    let answer = raw(&scene, body).await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("body-timeout"), "{answer}");
    let idle = raw(&scene, b"").await;
    assert_eq!(idle, "", "a connection without a request ends too");
    assert_eq!(scene.ask("/v1/recommend", &json!({})).await.status, 200);
}

#[tokio::test]
async fn what_is_no_http_or_smuggles_is_refused() {
    let scene = Scene::serving_with("headers_ms = 500").await;
    let many = (0..100).map(|number| format!("x-{number}: 1\r\n")).collect::<String>();
    for (request, status) in [
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), "400"),
        ("\u{1}\u{2}\u{3}\r\n\r\n".to_owned(), "400"),
        (format!("GET /healthz HTTP/1.1\r\nhost: a\r\n{many}\r\n"), "431"),
        (format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "a".repeat(100_000)), "4"),
        (
            "POST /v1/events HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd"
                .to_owned(),
            "400",
        ),
    ] {
        let shown: String = request.chars().take(60).collect();
        let answer = raw(&scene, request.as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{shown}: {answer}");
    }
    let good: Answer = scene.ask("/v1/recommend", &json!({})).await;
    assert_eq!(good.status, 200);
}
