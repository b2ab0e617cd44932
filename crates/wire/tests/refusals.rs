//! What is refused, and with which code.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde::de::DeserializeOwned;
use wire::{
    BitrateInput, BitrateRequest, ErrorBody, EventsRequest, HomeRequest, Progress, RecommendRequest, Refusal,
    RetrieveRequest, decode_json, decode_msgpack, encode_json, encode_msgpack, limits,
};

fn json<T: DeserializeOwned>(body: &str) -> Result<T, Refusal> {
    decode_json(body.as_bytes(), limits::REQUEST_BYTES_MAX)
}

fn code<T>(result: Result<T, Refusal>) -> &'static str {
    result.err().map_or("accepted", |refusal| refusal.code)
}

fn check_recommend(body: &str, expected: &str) {
    let result = json::<RecommendRequest>(body).and_then(|request| request.validate());
    assert_eq!(code(result), expected, "{body}");
}

fn check_retrieve(body: &str, expected: &str) {
    let result = json::<RetrieveRequest>(body).and_then(|request| request.validate());
    assert_eq!(code(result), expected, "{body}");
}

fn check_bitrate(body: &str, expected: &str) {
    let ladder = serde_json::from_str::<Vec<wire::Rung>>(r#"[{"id":"a","height":360,"kbps":500}]"#).unwrap();
    let result = json::<BitrateRequest>(body)
        .and_then(|request| request.validate().map(|()| request))
        .and_then(|request| request.into_input(&ladder, &[]).decide());
    assert_eq!(code(result), expected, "{body}");
}

#[test]
fn questions_for_titles() {
    check_recommend("{}", "accepted");
    check_recommend(r#"{"viewer":7,"history":[1,2],"exclude":[3],"k":100,"region":"eu"}"#, "accepted");
    check_recommend(r#"{"k":0}"#, "k-out-of-range");
    check_recommend(r#"{"k":101}"#, "k-out-of-range");
    check_recommend(r#"{"k":-1}"#, "json-malformed");
    check_recommend(r#"{"k":1.5}"#, "json-malformed");
    check_recommend(r#"{"k":1e99}"#, "json-malformed");
    check_recommend(r#"{"k":NaN}"#, "json-malformed");
    check_recommend(r#"{"kk":10}"#, "json-malformed");
    check_recommend(r#"{"k":10"#, "json-malformed");
    check_recommend(r#"{"k":10}{"#, "json-malformed");
    check_recommend(r#"{"maturity_max":256}"#, "json-malformed");
    check_recommend(r#"{"region":""}"#, "label-length");
    check_recommend(r#"{"region":"../../etc"}"#, "label-character");
    check_recommend(&format!(r#"{{"region":"{}"}}"#, "a".repeat(33)), "label-length");
    check_recommend(r#"{"at_unix_ms":18446744073709551615}"#, "time-out-of-range");
}

#[test]
fn questions_for_a_page() {
    let check = |body: &str, expected: &str| {
        let result = json::<HomeRequest>(body).and_then(|request| request.validate());
        assert_eq!(code(result), expected, "{body}");
    };
    check("{}", "accepted");
    check(
        r#"{"viewer":7,"in_progress":[{"title":1,"share":0},{"title":1,"share":1}],"seed":4294967295}"#,
        "accepted",
    );
    check(r#"{"k":0}"#, "k-out-of-range");
    check(r#"{"k":101}"#, "k-out-of-range");
    check(r#"{"seed":4294967296}"#, "json-malformed");
    check(r#"{"in_progress":[{"title":1}]}"#, "json-malformed");
    check(r#"{"in_progress":[{"title":1,"share":0.5,"at":3}]}"#, "json-malformed");
    check(r#"{"in_progress":[{"title":1,"share":-0.1}]}"#, "share-out-of-range");
    check(r#"{"in_progress":[{"title":1,"share":1.1}]}"#, "share-out-of-range");
    check(r#"{"region":""}"#, "label-length");
    check(r#"{"at_unix_ms":18446744073709551615}"#, "time-out-of-range");
    check(&format!(r#"{{"history":{:?}}}"#, vec![1; 10_001]), "history-too-long");
    let many = vec![r#"{"title":1,"share":0.5}"#; 1_001].join(",");
    check(&format!(r#"{{"in_progress":[{many}]}}"#), "in-progress-too-long");
    // MessagePack has numbers that JSON has not.
    let nowhere = Progress { title: 1, share: f32::NAN };
    let body = encode_msgpack(&HomeRequest { in_progress: vec![nowhere], ..HomeRequest::default() });
    let read: HomeRequest = decode_msgpack(&body, body.len()).unwrap();
    assert_eq!(code(read.validate()), "share-out-of-range");
}

#[test]
fn questions_for_the_nearest_titles() {
    check_retrieve(r#"{"viewer":7,"k":1000,"exclude":[1]}"#, "accepted");
    check_retrieve(r#"{"titles":[1,2]}"#, "accepted");
    check_retrieve(r#"{"vector":[0.5,-1e3]}"#, "accepted");
    check_retrieve("{}", "query-not-one");
    check_retrieve(r#"{"viewer":7,"vector":[0.5]}"#, "query-not-one");
    check_retrieve(r#"{"viewer":7,"k":0}"#, "k-out-of-range");
    check_retrieve(r#"{"viewer":7,"k":1001}"#, "k-out-of-range");
    check_retrieve(r#"{"viewer":7,"region":"eu"}"#, "json-malformed");
    check_retrieve(r#"{"vector":[NaN]}"#, "json-malformed");
    check_retrieve(r#"{"vector":["0.5"]}"#, "json-malformed");
    check_retrieve(r#"{"vector":[1e39]}"#, "json-malformed");
    check_retrieve(&format!(r#"{{"vector":{:?}}}"#, vec![0.5; 1_026]), "vector-length");
    check_retrieve(&format!(r#"{{"titles":{:?}}}"#, vec![1; 10_001]), "titles-too-many");
}

#[test]
fn a_history_of_a_hundred_thousand_titles_has_its_own_code() {
    let ids: Vec<String> = (0..100_000).map(|id| (1_000_000 + id).to_string()).collect();
    check_recommend(&format!(r#"{{"history":[{}]}}"#, ids.join(",")), "history-too-long");
    check_recommend(&format!(r#"{{"exclude":[{}]}}"#, ids.join(",")), "accepted");
}

#[test]
fn questions_for_a_bit_rate() {
    check_bitrate("{}", "accepted");
    check_bitrate(r#"{"policy":"seed-rules","samples_kbps":[0.0,1e7]}"#, "accepted");
    check_bitrate(r#"{"samples_kbps":[-1.0]}"#, "number-out-of-range");
    check_bitrate(r#"{"samples_kbps":[1e300]}"#, "number-out-of-range");
    check_bitrate(r#"{"policy":"magic"}"#, "json-malformed");
    check_bitrate(r#"{"samples_kbps":[1e999]}"#, "json-malformed");
    check_bitrate(r#"{"buffer_ms":-1}"#, "json-malformed");
    check_bitrate(r#"{"ladder":[]}"#, "ladder-empty");
    let rungs = |rungs: &[(u16, u32)]| {
        let rungs: Vec<String> = rungs
            .iter()
            .map(|(height, kbps)| format!(r#"{{"id":"r","height":{height},"kbps":{kbps}}}"#))
            .collect();
        format!(r#"{{"ladder":[{}]}}"#, rungs.join(","))
    };
    check_bitrate(&rungs(&[(360, 500), (480, 500)]), "ladder-not-rising");
    check_bitrate(&rungs(&[(360, 900), (480, 500)]), "ladder-not-rising");
    check_bitrate(&rungs(&[(0, 500)]), "rung-zero");
    check_bitrate(&rungs(&[(360, 500); 65]), "ladder-too-long");
    check_bitrate(r#"{"ladder":[{"id":"","height":360,"kbps":500}]}"#, "id-length");
    check_bitrate(r#"{"segment_ms":0}"#, "buffer-too-small");
    check_bitrate(r#"{"buffer_max_ms":1000,"segment_ms":4000}"#, "buffer-too-small");
    check_bitrate(&format!(r#"{{"samples_kbps":[{}1]}}"#, "1,".repeat(256)), "too-many");
}

#[test]
fn a_bit_rate_input_refuses_unknown_fields() {
    assert_eq!(code(json::<BitrateInput>(r#"{"ladder":[],"speed":1}"#)), "json-malformed");
}

#[test]
fn a_body_over_the_limit_is_refused_before_it_is_parsed() {
    assert_eq!(code(decode_json::<RecommendRequest>(b"{}", 1)), "body-too-large");
    assert_eq!(code(decode_msgpack::<RecommendRequest>(&[0x80], 0)), "body-too-large");
}

#[test]
fn msgpack_uses_all_of_its_bytes() {
    let body = encode_msgpack(&RecommendRequest::default());
    assert_eq!(code(decode_msgpack::<RecommendRequest>(&body, 1_000)), "accepted");
    let longer = [&body[..], &[0xc0]].concat();
    assert_eq!(code(decode_msgpack::<RecommendRequest>(&longer, 1_000)), "msgpack-malformed");
}

#[test]
fn msgpack_cannot_nest_without_end_or_claim_more_than_it_holds() {
    let nested = [vec![0x91; 100_000], vec![0xc0]].concat();
    assert_eq!(code(decode_msgpack::<EventsRequest>(&nested, nested.len())), "msgpack-malformed");
    // {"events": an array of 4,294,967,295 that ends at once}
    let claims = [&[0x81, 0xa6][..], b"events", &[0xdd, 0xff, 0xff, 0xff, 0xff]].concat();
    assert_eq!(code(decode_msgpack::<EventsRequest>(&claims, claims.len())), "msgpack-malformed");
    // {"events": [a text of 4,294,967,295 bytes that ends at once]}
    let text = [&[0x81, 0xa6][..], b"events", &[0x91, 0xdb, 0xff, 0xff, 0xff, 0xff]].concat();
    assert_eq!(code(decode_msgpack::<EventsRequest>(&text, text.len())), "msgpack-malformed");
}

#[test]
fn a_refusal_becomes_the_body_of_every_error() {
    let refusal = Refusal::new("k-out-of-range", "k is 0, not 1 to 100");
    let body = encode_json(&ErrorBody::new(&refusal, "r-1"));
    let expected =
        r#"{"error":{"code":"k-out-of-range","message":"k is 0, not 1 to 100","request_id":"r-1"}}"#;
    assert_eq!(String::from_utf8(body).unwrap(), expected);
}
