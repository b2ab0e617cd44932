//! A segment of the spool: any bytes give items or an error, and the items fill the segment without overlap.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spool::segment::{self, HEADER_BYTES, Item};

fuzz_target!(|bytes: &[u8]| {
    let Ok((header, items)) = segment::frames(bytes) else { return };
    let mut end = HEADER_BYTES;
    for item in items {
        match item {
            Item::Frame(found) => {
                assert!(found.sequence >= header.first_sequence);
                end = found.end;
            }
            Item::Damaged { bytes } | Item::Tail { bytes } => end += bytes,
        }
    }
    assert_eq!(end, bytes.len());
});
