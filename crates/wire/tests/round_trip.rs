//! What is written is read back, in both forms.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use quickcheck::{Arbitrary, Gen, quickcheck};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::{
    Batch, Event, EventKind, EventsRequest, HomeRequest, Progress, RecommendRequest, Scores, SessionRecord,
    Summary, decode_json, decode_msgpack, encode_json, encode_msgpack,
};

const KINDS: [EventKind; 8] = [
    EventKind::Start,
    EventKind::FirstFrame,
    EventKind::Heartbeat,
    EventKind::BufferingStart,
    EventKind::BufferingEnd,
    EventKind::BitrateChange,
    EventKind::Error,
    EventKind::Stop,
];

/// Any event, of which no text or number need be sound.
#[derive(Clone, Debug)]
struct Any<T>(T);

impl Arbitrary for Any<Event> {
    fn arbitrary(g: &mut Gen) -> Self {
        Self(Event {
            event_id: String::arbitrary(g),
            session_id: String::arbitrary(g),
            kind: *g.choose(&KINDS).unwrap(),
            at_unix_ms: u64::arbitrary(g),
            viewer: Option::arbitrary(g),
            title: Option::arbitrary(g),
            region: Option::arbitrary(g),
            device: Option::arbitrary(g),
            position_ms: Option::arbitrary(g),
            duration_ms: Option::arbitrary(g),
            kbps: Option::arbitrary(g),
            buffer_ms: Option::arbitrary(g),
            buffering_events: Option::arbitrary(g),
            dropped_frames: Option::arbitrary(g),
            error_code: Option::arbitrary(g),
        })
    }
}

impl Arbitrary for Any<SessionRecord> {
    fn arbitrary(g: &mut Gen) -> Self {
        let finite = |g: &mut Gen| Some(f64::arbitrary(g)).filter(|figure| figure.is_finite());
        let summary = Summary {
            startup_ms: Option::arbitrary(g),
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
            mos_v1: finite(g),
            ..Scores::default()
        };
        Self(SessionRecord {
            session_id: String::arbitrary(g),
            viewer: Option::arbitrary(g),
            title: Option::arbitrary(g),
            region: Option::arbitrary(g),
            device: Option::arbitrary(g),
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

quickcheck! {
    fn any_event_comes_back_equal(event: Any<Event>) -> bool {
        comes_back(&event.0) && comes_back(&EventsRequest { events: vec![event.0] })
    }

    fn any_batch_comes_back_equal_to_the_last_bit(
        events: Vec<Any<Event>>, sessions: Vec<Any<SessionRecord>>, epoch: u64, sequence: u64
    ) -> bool {
        comes_back(&Batch {
            node: "edge-1".to_owned(),
            epoch,
            sequence,
            events: events.into_iter().map(|any| any.0).collect(),
            sessions: sessions.into_iter().map(|any| any.0).collect(),
        })
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
        decode_json::<EventsRequest>(&body, body.len()).is_err()
    }

    fn malformed_msgpack_never_panics(body: Vec<u8>) -> bool {
        decode_msgpack::<EventsRequest>(&body, body.len()).is_err()
            && decode_msgpack::<Batch>(&body, body.len()).is_err()
    }

    fn a_message_cut_short_is_refused_in_both_forms(event: Any<Event>, cut: usize) -> bool {
        let json = encode_json(&event.0);
        let msgpack = encode_msgpack(&event.0);
        decode_json::<Event>(&json[..cut % json.len()], usize::MAX).is_err()
            && decode_msgpack::<Event>(&msgpack[..cut % msgpack.len()], usize::MAX).is_err()
    }

    fn a_flipped_byte_never_panics(event: Any<Event>, place: usize, byte: u8) -> bool {
        let mut msgpack = encode_msgpack(&EventsRequest { events: vec![event.0] });
        let place = place % msgpack.len();
        msgpack[place] = byte;
        decode_msgpack::<EventsRequest>(&msgpack, msgpack.len()).is_ok_and(|request| comes_back(&request))
            || decode_msgpack::<EventsRequest>(&msgpack, msgpack.len()).is_err()
    }
}
