//! What is written is read back, in both forms.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use quickcheck::{Arbitrary, Gen, quickcheck};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::{
    Batch, Codec, Event, EventKind, EventsRequest, Frame, HomeRequest, Lane, Progress, RecommendRequest,
    Records, Refusal, Scores, SessionRecord, Summary, Text, decode_json, decode_msgpack, encode_json,
    encode_msgpack, limits, read_events, read_records,
};

/// Any message, of which no text or number need be sound.
#[derive(Clone, Debug)]
struct Any<T>(T);

impl Arbitrary for Any<Event<'static>> {
    fn arbitrary(g: &mut Gen) -> Self {
        let text = |g: &mut Gen| Option::<String>::arbitrary(g).map(Text::from);
        let (event_id, session_id) = (String::arbitrary(g), String::arbitrary(g));
        Self(Event {
            sequence: Option::arbitrary(g),
            viewer: Option::arbitrary(g),
            title: Option::arbitrary(g),
            region: text(g),
            device: text(g),
            cdn: text(g),
            position_ms: Option::arbitrary(g),
            duration_ms: Option::arbitrary(g),
            kbps: Option::arbitrary(g),
            top_kbps: Option::arbitrary(g),
            throughput_kbps: Option::arbitrary(g),
            buffer_ms: Option::arbitrary(g),
            latency_ms: Option::arbitrary(g),
            startup_ms: Option::arbitrary(g),
            buffering_events: Option::arbitrary(g),
            stalled_ms: Option::arbitrary(g),
            stalled_more_ms: Option::arbitrary(g),
            dropped_frames: Option::arbitrary(g),
            width: Option::arbitrary(g),
            height: Option::arbitrary(g),
            frame_rate_milli: Option::arbitrary(g),
            codec: *g.choose(&[None, Some(Codec::Avc), Some(Codec::Av1), Some(Codec::Other)]).unwrap(),
            error_code: text(g),
            ..Event::new(event_id, session_id, *g.choose(&EventKind::ALL).unwrap(), u64::arbitrary(g))
        })
    }
}

impl Arbitrary for Any<SessionRecord> {
    fn arbitrary(g: &mut Gen) -> Self {
        let finite = |g: &mut Gen| Some(f64::arbitrary(g)).filter(|figure| figure.is_finite());
        let summary = Summary {
            initial_startup_time_ms: Option::arbitrary(g),
            bits_played: u64::arbitrary(g),
            played_ms: u64::arbitrary(g),
            mean_kbps: finite(g),
            mean_buffer_ms: finite(g),
            duration_ms: Option::arbitrary(g),
            ended: bool::arbitrary(g),
            ..Summary::default()
        };
        let scores = Scores {
            session_v1: finite(g).unwrap_or(88.0),
            window_v1: finite(g).unwrap_or(92.5),
            rebuffer_ratio: finite(g).unwrap_or(0.1),
            completion: finite(g),
            qoe_lin_v1: finite(g),
            mos_v1: finite(g),
            ..Scores::default()
        };
        Self(SessionRecord {
            session_id: String::arbitrary(g),
            viewer: Option::arbitrary(g),
            title: Option::arbitrary(g),
            region: Option::arbitrary(g),
            device: Option::arbitrary(g),
            cdn: Option::arbitrary(g),
            generation: u64::arbitrary(g),
            started_unix_ms: u64::arbitrary(g),
            ended_unix_ms: u64::arbitrary(g),
            summary,
            scores,
        })
    }
}

fn comes_back<T: Serialize + DeserializeOwned + PartialEq>(message: &T) -> bool {
    let json = encode_json(message);
    let msgpack = encode_msgpack(message);
    decode_json::<T>(&json, json.len()).unwrap() == *message
        && decode_msgpack::<T>(&msgpack, msgpack.len()).unwrap() == *message
}

/// Of messages that borrow from the body they came in.
fn events_come_back(request: &EventsRequest<'_>) -> bool {
    let json = encode_json(request);
    let msgpack = encode_msgpack(request);
    decode_json::<EventsRequest<'_>>(&json, json.len()).unwrap() == *request
        && decode_msgpack::<EventsRequest<'_>>(&msgpack, msgpack.len()).unwrap() == *request
}

/// Whether a request is read as `serde_json` reads it as a whole; where that reads nothing, nothing may be sound that it
/// did not see.
fn is_read_alike(body: &[u8]) -> bool {
    let code = |refusal: Refusal| refusal.code;
    let told = EventsRequest::read_json(body, body.len());
    match serde_json::from_slice::<EventsRequest<'_>>(body) {
        Ok(request) if (1..=limits::EVENTS_MAX).contains(&request.events.len()) => {
            let expected =
                request.events.into_iter().map(|event| event.validate().map(|()| event).map_err(code));
            told.is_ok_and(|told| told.into_iter().map(|told| told.map_err(code)).eq(expected))
        }
        Ok(_) => told.is_err(),
        Err(_) => told.map_or(true, |told| told.into_iter().any(|told| told.is_err())),
    }
}

quickcheck! {
    fn any_events_come_back_equal(events: Vec<Any<Event<'static>>>) -> bool {
        events_come_back(&EventsRequest { events: events.into_iter().map(|any| any.0).collect() })
    }

    fn any_records_come_back_equal_to_the_last_bit(sessions: Vec<Any<SessionRecord>>) -> bool {
        comes_back(&Records { sessions: sessions.into_iter().map(|any| any.0).collect(), ..Records::default() })
    }

    fn any_batch_comes_back_equal(payloads: Vec<Vec<u8>>, epoch: u64, first: u32) -> bool {
        let frame = |(place, payload)| Frame { sequence: u64::from(first) + place as u64, payload };
        let payloads = payloads.iter().map(Vec::as_slice);
        let frames = payloads.enumerate().map(frame).collect();
        let batch = Batch { node: "edge-1".to_owned(), lane: Lane::Events, epoch, frames };
        let msgpack = encode_msgpack(&batch);
        decode_msgpack::<Batch<'_>>(&msgpack, msgpack.len()).unwrap() == batch
    }

    fn any_question_comes_back_equal(
        viewer: Option<u32>, history: Option<Vec<u32>>, exclude: Vec<u32>, k: u32, at_unix_ms: Option<u64>
    ) -> bool {
        comes_back(&RecommendRequest { viewer, history, exclude, k, at_unix_ms, ..RecommendRequest::default() })
    }

    fn any_question_for_a_page_comes_back_equal(
        history: Option<Vec<u32>>, in_progress: Vec<(u32, u8)>, k: u32, seed: Option<u32>
    ) -> bool {
        let begun = in_progress.into_iter();
        let in_progress =
            begun.map(|(title, share)| Progress { title, share: f32::from(share) / 255.0 }).collect();
        comes_back(&HomeRequest { history, in_progress, k, seed, ..HomeRequest::default() })
    }

    fn malformed_json_never_panics(body: Vec<u8>) -> bool {
        EventsRequest::read_json(&body, body.len()).is_err()
    }

    fn json_is_read_in_one_pass_as_the_general_reader_reads_it(
        events: Vec<Any<Event<'static>>>, is_pretty: bool, changes: Vec<(usize, usize)>
    ) -> bool {
        let request = EventsRequest { events: events.into_iter().map(|any| any.0).collect() };
        let mut body = if is_pretty { serde_json::to_vec_pretty(&request).unwrap() } else { encode_json(&request) };
        let mut plain = br#"{"events":[{"event_id":"e-1","session_id":"s","kind":"heartbeat","at_unix_ms":17,
            "viewer":0,"kbps":4300,"region":"eu","codec":"av1","title":null},{"event_id" : "e-2", "session_id":"s",
            "kind":"stop","at_unix_ms":18,"viewer":7,"kbps":80,"region":"us"}]}"#.to_vec();
        is_read_alike(&body) && is_read_alike(&plain) && changes.into_iter().all(|(place, choice)| {
            const SIGNS: &[u8] = b"\"\\{}[]:, 019-+.eEnul\x00\x7f\xc3sk_";
            for body in [&mut body, &mut plain] {
                let place = place % body.len();
                body[place] = SIGNS[choice % SIGNS.len()];
            }
            is_read_alike(&body) && is_read_alike(&plain)
        })
    }

    fn malformed_msgpack_never_panics(body: Vec<u8>) -> bool {
        EventsRequest::read_msgpack(&body, body.len()).is_err()
            && decode_msgpack::<Batch<'_>>(&body, body.len()).is_err()
            && read_events(&body).is_err()
            && read_records(&body).is_err()
    }

    fn a_message_cut_short_is_refused_in_both_forms(event: Any<Event<'static>>, cut: usize) -> bool {
        let json = encode_json(&event.0);
        let msgpack = encode_msgpack(&event.0);
        decode_json::<Event<'_>>(&json[..cut % json.len()], usize::MAX).is_err()
            && decode_msgpack::<Event<'_>>(&msgpack[..cut % msgpack.len()], usize::MAX).is_err()
    }

    fn a_flipped_byte_never_panics(event: Any<Event<'static>>, place: usize, byte: u8) -> bool {
        let mut msgpack = encode_msgpack(&EventsRequest { events: vec![event.0] });
        let place = place % msgpack.len();
        msgpack[place] = byte;
        _ = EventsRequest::read_msgpack(&msgpack, msgpack.len());
        decode_msgpack::<EventsRequest<'_>>(&msgpack, msgpack.len())
            .map_or(true, |request| events_come_back(&request))
    }
}
