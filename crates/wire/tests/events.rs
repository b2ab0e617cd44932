//! What players report, and what becomes of reports that are not sound.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use quickcheck::quickcheck;
use serde_json::{Value, json};
use wire::{
    Batch, Decided, DecisionRecord, Dimension, Event, EventKind, EventsRequest, Frame, Lane, Records,
    Refusal, SessionRecord, Shown, SketchRecord, Text, WindowRecord, encode_msgpack, limits, read_events,
    read_records, write_events, write_records,
};

fn code<T>(result: Result<T, Refusal>) -> &'static str {
    result.map_or_else(|refusal| refusal.code, |_| "accepted")
}

fn one(fields: &str) -> String {
    format!(r#"{{"event_id":"e","session_id":"s","kind":"start","at_unix_ms":1{fields}}}"#)
}

fn codes(events: &[String]) -> Result<Vec<&'static str>, Refusal> {
    let body = format!(r#"{{"events":[{}]}}"#, events.join(","));
    let told = EventsRequest::read_json(body.as_bytes(), body.len())?;
    Ok(told.into_iter().map(code).collect())
}

fn check(fields: &str, expected: &str) {
    // With sound neighbours: they are accepted whatever is between them.
    let events = [one(""), one(fields), one(r#","kbps":500"#)];
    assert_eq!(codes(&events).unwrap(), ["accepted", expected, "accepted"], "{fields}");
}

#[test]
fn an_event_that_is_not_sound_is_refused_and_its_neighbours_are_not() {
    check("", "accepted");
    check(
        r#","region":"us","device":"smart_tv","cdn":"a-1","error_code":"MEDIA_ERR 3","codec":"av1""#,
        "accepted",
    );
    for malformed in [
        r#","colour":"red""#,
        r#","kbps":-1"#,
        r#","kbps":1.5"#,
        r#","kbps":"500""#,
        r#","kbps":500,"kbps":501"#,
        r#","kbps":99999999999"#,
        r#","width":65536"#,
        r#","region":7"#,
        r#","codec":"divx""#,
        r#","position_ms":{"a":[[[]]]}"#,
    ] {
        check(malformed, "event-malformed");
    }
    check(r#","kbps":4000000000"#, "number-out-of-range");
    check(r#","position_ms":18446744073709551615"#, "number-out-of-range");
    check(r#","duration_ms":2592000001"#, "number-out-of-range");
    check(r#","buffer_ms":2592000001"#, "number-out-of-range");
    check(r#","frame_rate_milli":1000001"#, "number-out-of-range");
    check(r#","device":"a\"b""#, "label-character");
    check(r#","cdn":"""#, "label-length");
    check(r#","error_code":"""#, "id-length");
    check(r#","error_code":"a\u0000b""#, "id-character");
    check(r#","position_ms":660000,"duration_ms":600000"#, "accepted");
    check(r#","position_ms":660001,"duration_ms":600000"#, "position-beyond-duration");
    check(r#","position_ms":660001,"duration_ms":0"#, "accepted");
}

#[test]
fn an_event_misses_a_field_or_has_an_unknown_kind() {
    let events = [
        r#"{"session_id":"s","kind":"start","at_unix_ms":1}"#,
        r#"{"event_id":"e","kind":"start","at_unix_ms":1}"#,
        r#"{"event_id":"e","session_id":"s","at_unix_ms":1}"#,
        r#"{"event_id":"e","session_id":"s","kind":"start"}"#,
        r#"{"event_id":"e","session_id":"s","kind":"rewind","at_unix_ms":1}"#,
        "7",
        "null",
    ]
    .map(str::to_owned);
    assert_eq!(codes(&events).unwrap(), ["event-malformed"; 7]);
}

#[test]
fn every_kind_is_read_by_its_name() {
    for kind in EventKind::ALL {
        let body = one("").replace("start", kind.name());
        assert_eq!(serde_json::from_str::<Event<'_>>(&body).unwrap().kind, kind);
    }
}

#[test]
fn the_names_of_an_event_have_1_to_64_characters() {
    let event = |id: &str| code(Event::new(id, "s", EventKind::Stop, 1).validate());
    assert_eq!(event(""), "id-length");
    assert_eq!(event(&"a".repeat(64)), "accepted");
    assert_eq!(event(&"a".repeat(65)), "id-length");
    assert_eq!(event(&"ü".repeat(64)), "accepted");
    assert_eq!(event(&"ü".repeat(65)), "id-length");
    assert_eq!(event("a\u{7f}"), "id-character");
    let late = Event::new("e", "s", EventKind::Stop, 253_402_300_800_000);
    assert_eq!(code(late.validate()), "time-out-of-range");
}

#[test]
fn a_time_may_be_five_minutes_ahead_and_not_a_millisecond_more() {
    let now = 1_700_000_000_000;
    let at = |at| code(Event::new("e", "s", EventKind::Start, at).check_clock(now));
    assert_eq!(at(now + 300_000), "accepted");
    assert_eq!(at(now + 300_001), "time-in-future");
    assert_eq!(at(0), "accepted");
}

#[test]
fn a_hundred_events_are_taken_and_one_more_is_refused_whole() {
    let events = |count: usize| codes(&vec![one(""); count]).map_err(|refusal| refusal.code);
    assert_eq!(events(0), Err("no-events"));
    assert_eq!(events(limits::EVENTS_MAX).unwrap().len(), limits::EVENTS_MAX);
    assert_eq!(events(limits::EVENTS_MAX + 1), Err("too-many-events"));
    let with_a_bad_one = [vec![one(r#","kbps":-1"#)], vec![one(""); limits::EVENTS_MAX]].concat();
    assert_eq!(codes(&with_a_bad_one).unwrap_err().code, "too-many-events");
}

#[test]
fn a_body_that_is_no_list_of_events_is_refused_whole() {
    let around = format!("{{\"events\":[{},NaN]}}", one(""));
    assert_eq!(EventsRequest::read_json(format!("{around} \n").as_bytes(), 1_000).unwrap().len(), 2);
    assert_eq!(code(EventsRequest::read_json(format!("{around}\x0c").as_bytes(), 1_000)), "json-malformed");
    for body in ["", "{", "[]", "{}", r#"{"events":{}}"#, r#"{"events":[],"more":1}"#, r#"{"events":[{]}"#] {
        assert_eq!(code(EventsRequest::read_json(body.as_bytes(), 1_000)), "json-malformed", "{body}");
    }
    assert_eq!(code(EventsRequest::read_json(b"{\"events\":[]}", 5)), "body-too-large");
}

#[test]
fn an_event_that_is_no_json_harms_only_itself() {
    for bad in [
        one(r#","kbps":NaN"#),
        one(r#","position_ms":-Infinity"#),
        one(r#","kbps":"#),
        one(r#","kbps":01"#),
        one(r#","region":"a\qb""#),
        r#"{"event_id":"e","session_id":"s,]}"#.to_owned() + r#"","kind":start}"#,
        "undefined".to_owned(),
        String::new(),
        "{[]}".to_owned(),
    ] {
        let events = [one(""), bad.clone(), one(r#","kbps":500"#), bad.clone()];
        assert_eq!(
            codes(&events).unwrap(),
            ["accepted", "event-malformed", "accepted", "event-malformed"],
            "{bad}"
        );
    }
    let no_text = [br#"{"events":["#, one("").as_bytes(), b",\xff,", one("").as_bytes(), b"]}"].concat();
    let told = EventsRequest::read_json(&no_text, no_text.len()).unwrap();
    assert_eq!(told.into_iter().map(code).collect::<Vec<_>>(), ["accepted", "event-malformed", "accepted"]);
    // What is never closed may hold anything, and a closing bracket too many may belong to any.
    for bad in [r#"{"event_id":"e"#, "{", "[", "}", "\""] {
        assert_eq!(codes(&[one(""), bad.to_owned(), one("")]).unwrap_err().code, "json-malformed", "{bad}");
    }
}

#[test]
fn texts_are_borrowed_unless_the_body_escapes_characters() {
    let body = format!(r#"{{"events":[{},{}]}}"#, one(""), one("").replace("\"s\"", r#""\u0073""#));
    let told = EventsRequest::read_json(body.as_bytes(), body.len()).unwrap();
    let sessions: Vec<Text<'_>> = told.into_iter().map(|event| event.unwrap().session_id).collect();
    assert_eq!(sessions, [Text::from("s"), Text::from("s")]);
    let is_borrowed = |text: &Text<'_>| body.as_bytes().as_ptr_range().contains(&text.as_ptr());
    assert_eq!(sessions.iter().map(is_borrowed).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn messagepack_is_read_event_by_event_as_well() {
    let value = |fields: &str| serde_json::from_str::<Value>(&one(fields)).unwrap();
    let request = json!({"events": [value(""), value(r#","kbps":-1"#), value(r#","kbps":500"#), 7]});
    let body = encode_msgpack(&request);
    let told = EventsRequest::read_msgpack(&body, body.len()).unwrap();
    assert_eq!(
        told.into_iter().map(code).collect::<Vec<_>>(),
        ["accepted", "event-malformed", "accepted", "event-malformed"]
    );
    for cut in 0..body.len() {
        assert_eq!(code(EventsRequest::read_msgpack(&body[..cut], body.len())), "msgpack-malformed");
    }
    let longer = [&body[..], &[0xc0]].concat();
    assert_eq!(code(EventsRequest::read_msgpack(&longer, longer.len())), "msgpack-malformed");
}

#[test]
fn a_frame_of_events_is_read_back_and_checked() {
    let event =
        Event { kbps: Some(500), region: Some("eu".into()), ..Event::new("e", "s", EventKind::Start, 1) };
    let payload = write_events(&[&event, &event]);
    assert_eq!(read_events(&payload).unwrap(), [event.clone(), event.clone()]);
    let absurd = Event { kbps: Some(u32::MAX), ..event };
    assert_eq!(code(read_events(&write_events(&[&absurd]))), "number-out-of-range");
    assert_eq!(code(read_events(&write_events(&[]))), "no-events");
    assert_eq!(code(read_events(&[2, 0x90])), "version-unknown");
    assert_eq!(code(read_events(&[])), "version-unknown");
    assert_eq!(code(read_events(&payload[..payload.len() - 1])), "msgpack-malformed");
}

fn session() -> SessionRecord {
    serde_json::from_value(json!({
        "session_id": "s", "generation": 1, "started_unix_ms": 1, "ended_unix_ms": 2,
        "summary": {
            "played_ms": 0, "stalled_ms": 0, "stalls": 0, "dropped_frames": 0, "errors": 0, "switches": 0,
            "position_ms": 0, "position_max_ms": 0, "events": 1, "ended": true,
        },
        "scores": {"session_v1": 88.0, "window_v1": 88.0, "rebuffer_ratio": 0.0},
    }))
    .unwrap()
}

#[test]
fn records_are_checked_to_the_last_figure() {
    let records = Records { sessions: vec![session()], ..Records::default() };
    assert_eq!(read_records(&write_records(&records)).unwrap(), records);
    let with = |change: fn(&mut SessionRecord)| {
        let mut session = session();
        change(&mut session);
        code(Records { sessions: vec![session], ..Records::default() }.validate())
    };
    assert_eq!(with(|session| session.scores.window_v1 = f64::NAN), "not-finite");
    assert_eq!(with(|session| session.summary.mean_kbps = Some(f64::INFINITY)), "not-finite");
    assert_eq!(with(|session| session.ended_unix_ms = u64::MAX), "time-out-of-range");
    assert_eq!(with(|session| session.cdn = Some("a b".to_owned())), "label-character");
    let sessions = vec![session(); limits::BATCH_RECORDS_MAX + 1];
    assert_eq!(code(Records { sessions, ..Records::default() }.validate()), "too-many-records");
}

#[test]
fn a_window_begins_at_a_multiple_of_its_length_and_its_sketches_rise() {
    let sound = WindowRecord {
        start_unix_ms: 300_000,
        length_ms: 300_000,
        dimension: Dimension::Region,
        value: "eu".to_owned(),
        startup_ms: SketchRecord { buckets: vec![3, 9], counts: vec![1, 2], ..SketchRecord::default() },
        ..WindowRecord::default()
    };
    let with = |change: fn(&mut WindowRecord)| {
        let mut window = sound.clone();
        change(&mut window);
        code(Records { windows: vec![window], ..Records::default() }.validate())
    };
    assert_eq!(with(|_| ()), "accepted");
    assert_eq!(with(|window| window.start_unix_ms += 1), "window-misplaced");
    assert_eq!(with(|window| window.length_ms = 0), "window-misplaced");
    assert_eq!(with(|window| window.value.clear()), "id-length");
    assert_eq!(with(|window| window.startup_ms.buckets = vec![9, 3]), "sketch-malformed");
    assert_eq!(with(|window| window.startup_ms.counts = vec![1, 0]), "sketch-malformed");
    assert_eq!(with(|window| window.startup_ms.counts = vec![1]), "sketch-malformed");
    assert_eq!(with(|window| window.window_v1 = Some(f64::NAN)), "not-finite");
}

#[test]
fn a_propensity_is_above_0_and_at_most_1() {
    let shown = |propensity| {
        let shown = Shown { title: 7, row: 0, place: 9, reason: wire::ReasonKind::Explored, propensity };
        let decision = DecisionRecord {
            at_unix_ms: 1,
            generation: 1,
            request_id: "r".to_owned(),
            region: "eu".to_owned(),
            viewer: None,
            decided: Decided::Titles { seed: Some(7), shown: vec![shown] },
        };
        let records = Records { decisions: vec![decision], ..Records::default() };
        (read_records(&write_records(&records)).is_ok_and(|read| read == records), code(records.validate()))
    };
    assert_eq!(shown(None), (true, "accepted"));
    assert_eq!(shown(Some(1.0)), (true, "accepted"));
    assert_eq!(shown(Some(0.0)), (false, "propensity-out-of-range"));
    assert_eq!(shown(Some(1.5)), (false, "propensity-out-of-range"));
    assert_eq!(shown(Some(f32::NAN)), (false, "propensity-out-of-range"));
}

#[test]
fn the_frames_of_a_batch_rise() {
    let batch = |sequences: &[u64]| {
        let frames = sequences.iter().map(|&sequence| Frame { sequence, payload: &[] }).collect();
        code(Batch { node: "edge-1".to_owned(), lane: Lane::Events, epoch: 1, frames }.validate())
    };
    assert_eq!(batch(&[]), "no-frames");
    assert_eq!(batch(&[1, 2, 9]), "accepted");
    assert_eq!(batch(&[1, 1]), "frames-not-rising");
    assert_eq!(batch(&[2, 1]), "frames-not-rising");
    let many: Vec<u64> = (0..=limits::BATCH_FRAMES_MAX as u64).collect();
    assert_eq!(batch(&many), "too-many-frames");
    let named = Batch { node: "edge 1".to_owned(), lane: Lane::Events, epoch: 1, frames: Vec::new() };
    assert_eq!(code(named.validate()), "label-character");
}

quickcheck! {
    fn any_place_of_a_bad_event_harms_only_itself(places: Vec<bool>) -> bool {
        let places: Vec<bool> = places.into_iter().take(limits::EVENTS_MAX).collect();
        let event = |&sound: &bool| one(if sound { "" } else { r#","kbps":-1"# });
        let events: Vec<String> = places.iter().map(event).collect();
        let expected: Vec<&str> =
            places.iter().map(|&sound| if sound { "accepted" } else { "event-malformed" }).collect();
        places.is_empty() || codes(&events).unwrap() == expected
    }
}
