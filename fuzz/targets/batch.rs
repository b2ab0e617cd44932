//! A batch, and the frames in it, as the origin reads them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::{
    Batch, Lane, decode_msgpack, encode_msgpack, limits, read_events, read_records, write_events,
    write_records,
};

fuzz_target!(|bytes: &[u8]| {
    frame(Lane::Events, bytes);
    frame(Lane::Records, bytes);
    let Ok(batch) = decode_msgpack::<Batch<'_>>(bytes, limits::BATCH_BYTES_MAX) else { return };
    let written = encode_msgpack(&batch);
    assert_eq!(decode_msgpack::<Batch<'_>>(&written, limits::BATCH_BYTES_MAX).as_ref(), Ok(&batch));
    if batch.validate().is_ok() {
        batch.frames.iter().for_each(|each| frame(batch.lane, each.payload));
    }
});

/// What is read is written and read as the same.
fn frame(lane: Lane, payload: &[u8]) {
    match lane {
        Lane::Events => {
            let Ok(events) = read_events(payload) else { return };
            let written = write_events(&events.iter().collect::<Vec<_>>());
            assert_eq!(read_events(&written), Ok(events));
        }
        Lane::Records => {
            let Ok(records) = read_records(payload) else { return };
            assert_eq!(read_records(&write_records(&records)), Ok(records));
        }
    }
}
