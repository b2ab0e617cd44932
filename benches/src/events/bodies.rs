//! Requests of a hundred heartbeats, made before they are sent: what differs from one sending to the next has a
//! fixed width and is written over.
//!
//! The ranges are those of the seed's generator; its fifteen fields as a node takes them, and the picture's size in
//! place of its name.

use crate::release_files::Dice;

/// Events of a request.
pub(crate) const EVENTS: u32 = 100;

/// Regions, devices and networks come in so many combinations, each session has one of them.
const KINDS: u32 = 25;

/// A whole request, as it is sent.
pub(crate) struct Body {
    pub(crate) request: Vec<u8>,
    events: Vec<Places>,
}

/// Where an event has what changes.
struct Places {
    id: usize,
    session: usize,
    at: usize,
    viewer: usize,
    title: usize,
}

impl Body {
    pub(crate) fn new(dice: &mut Dice) -> Self {
        let mut text = String::from("{\"events\":[");
        let mut events = Vec::new();
        for index in 0..EVENTS {
            if index > 0 {
                text.push(',');
            }
            events.push(write_event(&mut text, index % KINDS, dice));
        }
        text.push_str("]}");
        let head = format!(
            "POST /v1/events HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            text.len()
        );
        let shift = head.len();
        for places in &mut events {
            for place in
                [&mut places.id, &mut places.session, &mut places.at, &mut places.viewer, &mut places.title]
            {
                *place += shift;
            }
        }
        Self { request: (head + &text).into_bytes(), events }
    }

    /// Makes its events others: ids from `first_id` on, of so many sessions, at this time.
    pub(crate) fn renew(&mut self, first_id: u64, sessions: u32, now_unix_ms: u64, dice: &mut Dice) {
        for (index, places) in (0..).zip(&self.events) {
            // A session keeps its kind, viewer and title.
            let session = dice.below((sessions / KINDS).max(1)) * KINDS + index % KINDS;
            write_hex(&mut self.request[places.id..][..ID_DIGITS], first_id + u64::from(index));
            write_decimal(&mut self.request[places.session..][..7], session.into());
            write_decimal(&mut self.request[places.at..][..13], now_unix_ms);
            write_decimal(&mut self.request[places.viewer..][..6], (100_000 + session % 900_000).into());
            write_decimal(&mut self.request[places.title..][..4], (1_000 + session % 9_000).into());
        }
    }

    /// Mean bytes of an event.
    pub(crate) fn event_bytes(&self) -> f64 {
        let text = self.request.len() - self.events[0].id + "{\"event_id\":\"".len();
        // The last one has no comma, but a bracket and a brace.
        (text - 1) as f64 / f64::from(EVENTS) - 1.0
    }
}

fn write_event(text: &mut String, kind: u32, dice: &mut Dice) -> Places {
    let mut field = |name: &str, value: &str| {
        text.push_str(name);
        let place = text.len();
        text.push_str(value);
        place
    };
    let of = |values: &[&'static str], index: u32| values[index as usize % values.len()];
    let id = field("{\"event_id\":\"", "0000000000000000");
    let session = field("\",\"session_id\":\"session-", "0000000");
    let at = field("\",\"kind\":\"heartbeat\",\"at_unix_ms\":", "1800000000000");
    let viewer = field(",\"viewer\":", "100000");
    let title = field(",\"title\":", "1000");
    field(",\"region\":\"", of(&["us", "br", "uk", "in"], kind));
    field("\",\"device\":\"", of(&["smart_tv", "mobile", "desktop"], kind));
    field("\",\"cdn\":\"", of(&["us-east-1a", "us-west-2b", "eu-west-1a"], kind / 3));
    field("\",\"position_ms\":", &dice.below(7_200_001).to_string());
    field(",\"duration_ms\":", "7200000");
    let (kbps, picture) = [
        ("3000", ",\"width\":1280,\"height\":720"),
        ("5000", ",\"width\":1920,\"height\":1080"),
        ("8000", ",\"width\":3840,\"height\":2160"),
    ][dice.below(3) as usize];
    field(",\"kbps\":", kbps);
    field(",\"top_kbps\":", "8000");
    field(",\"throughput_kbps\":", &(3_000 + dice.below(20_000)).to_string());
    field(",\"buffer_ms\":", &(10_000 + dice.below(10_001)).to_string());
    field(",\"buffering_events\":", &dice.below(3).to_string());
    field(",\"dropped_frames\":", &dice.below(10).to_string());
    field(picture, ",\"codec\":\"avc\"}");
    Places { id, session, at, viewer, title }
}

/// Of an event's id.
const ID_DIGITS: usize = 16;

fn write_hex(digits: &mut [u8], mut number: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(number % 16) as usize];
        number /= 16;
    }
}

fn write_decimal(digits: &mut [u8], mut number: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    fn events(body: &Body) -> Vec<Value> {
        let text = String::from_utf8(body.request.clone()).unwrap();
        let (head, text) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with(&format!("content-length: {}", text.len())));
        let value: Value = serde_json::from_str(text).unwrap();
        value["events"].as_array().unwrap().clone()
    }

    #[test]
    fn a_request_is_what_a_node_takes() {
        let mut body = Body::new(&mut Dice(1));
        body.renew(7, 1_000, 1_800_000_000_123, &mut Dice(2));
        let text = body.request.clone();
        let start = text.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
        let told = wire::EventsRequest::read_json(&text[start..], wire::limits::REQUEST_BYTES_MAX).unwrap();
        assert_eq!(told.len(), EVENTS as usize);
        assert!(told.iter().all(Result::is_ok));
        let event = told[3].as_ref().unwrap();
        assert_eq!((&*event.event_id, event.at_unix_ms), ("000000000000000a", 1_800_000_000_123));
    }

    #[test]
    fn an_event_has_about_the_bytes_of_the_seeds() {
        let bodies: Vec<Body> = (0..50).map(|seed| Body::new(&mut Dice(seed))).collect();
        let mean = bodies.iter().map(Body::event_bytes).sum::<f64>() / bodies.len() as f64;
        assert!((370.0..390.0).contains(&mean), "{mean}");
        let body = &bodies[0];
        let exact: usize = events(body).iter().map(|event| event.to_string().len()).sum();
        assert_eq!(body.event_bytes(), exact as f64 / f64::from(EVENTS));
    }

    #[test]
    fn ids_never_repeat_and_a_session_stays_what_it_is() {
        let (mut body, mut dice) = (Body::new(&mut Dice(1)), Dice(2));
        let (mut ids, mut sessions) = (BTreeSet::new(), BTreeSet::new());
        let mut kinds = BTreeSet::new();
        for round in 0..20 {
            body.renew(round * u64::from(EVENTS), 100, 1_800_000_000_000, &mut dice);
            for event in events(&body) {
                ids.insert(event["event_id"].to_string());
                sessions.insert(event["session_id"].to_string());
                let of = ["session_id", "viewer", "title", "region", "device", "cdn"];
                kinds.insert(of.map(|name| event[name].to_string()));
            }
        }
        assert_eq!(ids.len(), 20 * EVENTS as usize);
        assert_eq!((sessions.len(), kinds.len()), (100, 100));
    }
}
