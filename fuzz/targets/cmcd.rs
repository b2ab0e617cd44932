//! CMCD in every transport: any text is a report or an error, and what was written once stays the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::cmcd::{Mode, Reader, Shards, Writer};
use wire::structured;

fuzz_target!(|bytes: &[u8]| {
    let events = Reader { keeps_custom: true, ..Reader::EVENTS };
    _ = events.body(bytes).map(Iterator::count);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut decoded = String::new();
    let requests = Reader { keeps_custom: true, ..Reader::REQUESTS };
    _ = requests.query(&format!("CMCD={text}"), &mut decoded);
    _ = requests.json(text);
    let mut shards = text.split('\n');
    _ = requests.headers(&Shards {
        object: shards.next(),
        request: shards.next(),
        session: shards.next(),
        status: shards.next(),
    });
    let Ok(reading) = events.line(text) else { return };
    assert!(structured::dictionary(text).is_ok());
    for version in [1, 2] {
        for mode in [Mode::Request, Mode::Event] {
            let writer = Writer { version, mode };
            let reader = Reader { mode, keeps_custom: true };
            let once = writer.line(&reading.report);
            // A line at the limit may grow when it is written: lists get brackets, defaults their names.
            let Ok(again) = reader.line(&once) else { continue };
            assert_eq!(writer.line(&again.report), once);
        }
    }
});
