//! A segment of the spool: any bytes give items that add up, and frames that rise.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spool::segment::{FRAME_HEAD_BYTES, HEADER_BYTES, Item, frames};

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    // Nobody guesses a checksum: behind a sound header the frames are looked for as well.
    let mut segment = include_bytes!("../seeds/segment/two_frames").to_vec();
    segment.extend_from_slice(bytes);
    check(&segment);
    segment.splice(HEADER_BYTES..HEADER_BYTES, bytes.iter().copied());
    check(&segment);
});

fn check(segment: &[u8]) {
    let Ok((header, items)) = frames(segment) else { return };
    let (mut seen, mut sequence_min) = (0, header.first_sequence);
    for item in items {
        seen += match item {
            Item::Frame(found) => {
                assert!(found.sequence >= sequence_min);
                sequence_min = found.sequence.saturating_add(1);
                FRAME_HEAD_BYTES + found.payload.len()
            }
            Item::Damaged { bytes } | Item::Tail { bytes } => bytes,
        };
    }
    assert_eq!(seen, segment.len() - HEADER_BYTES);
}
