//! What strangers send: the bodies of `POST /v1/events` and `POST /v1/bitrate` in both forms, and the query of a steering
//! manifest. What is taken is valid and comes back from either form as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::limits::REQUEST_BYTES_MAX;
use wire::steering::{Client, Protocol};
use wire::{BitrateRequest, Event, EventsRequest, decode_json, decode_msgpack, encode_json, encode_msgpack};

fuzz_target!(|body: &[u8]| {
    events(body);
    for read in [decode_json::<BitrateRequest>, decode_msgpack::<BitrateRequest>] {
        let Ok(request) = read(body, REQUEST_BYTES_MAX) else { continue };
        _ = request.validate();
    }
    if let Ok(query) = str::from_utf8(body) {
        for protocol in [Protocol::Hls, Protocol::Dash] {
            _ = Client::read(protocol, "session", query);
        }
    }
});

fn events(body: &[u8]) {
    for read in [EventsRequest::read_json, EventsRequest::read_msgpack] {
        let Ok(told) = read(body, REQUEST_BYTES_MAX) else { continue };
        let events: Vec<Event<'_>> = told.into_iter().flatten().collect();
        if events.is_empty() {
            continue;
        }
        let request = EventsRequest { events };
        let taken: Vec<_> = request.events.iter().cloned().map(Ok).collect();
        // A body may grow by what its text left to the reader.
        let bytes_max = 16 * REQUEST_BYTES_MAX;
        assert_eq!(EventsRequest::read_json(&encode_json(&request), bytes_max).as_ref(), Ok(&taken));
        assert_eq!(EventsRequest::read_msgpack(&encode_msgpack(&request), bytes_max).as_ref(), Ok(&taken));
    }
}
