//! The form of a segment, against values computed elsewhere and against arbitrary bytes.

use quickcheck::{Gen, QuickCheck};

use super::*;

/// A segment with these payloads, numbered from `first`.
fn segment_of(payloads: &[Vec<u8>], first: u64) -> Vec<u8> {
    let header = Header {
        lane: Lane::Events,
        epoch: 7,
        first_sequence: first,
        created_unix_ms: 1_800_000_000_000,
        reused_bytes: 0,
    };
    let mut bytes = header.encode().to_vec();
    for (sequence, payload) in (first..).zip(payloads) {
        let head = Head {
            payload_bytes: payload.len() as u32,
            records: payload.len() as u32 + 1,
            sequence,
            at_unix_ms: 1_800_000_000_000 + sequence,
            payload_sum: payload_sum(payload),
        };
        bytes.extend(head.encode(header.seed()));
        bytes.extend(payload);
    }
    bytes
}

/// The sequences and payloads that are read of it.
fn read(segment: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let Ok((_, items)) = frames(segment) else { return Vec::new() };
    items
        .filter_map(|item| match item {
            Item::Frame(found) => Some((found.sequence, found.payload.to_vec())),
            _ => None,
        })
        .collect()
}

fn numbered(payloads: &[Vec<u8>], first: u64) -> Vec<(u64, Vec<u8>)> {
    (first..).zip(payloads.iter().cloned()).collect()
}

#[test]
fn the_checksum_is_the_one_of_rfc_3720() {
    // Appendix B.4: 32 bytes of zeros, of ones, and rising.
    assert_eq!(crc32c::crc32c(&[0; 32]), 0x8a91_36aa);
    assert_eq!(crc32c::crc32c(&[0xff; 32]), 0x62a8_ab43);
    assert_eq!(crc32c::crc32c(&(0..32).collect::<Vec<u8>>()), 0x46dd_794e);
}

#[test]
fn the_bytes_are_those_of_the_script() {
    // crates/golden/scripts/spool_segment.py prints them.
    let golden = "66726f6e74726f7701020000000000000700000000000000290000000000000000505c18a301000000000000c321420c0300000004000000290000000000000029505c18a3010000e9b2942aad9482946f6e6500000000010000002a000000000000002a505c18a3010000000000005c1af1b4";
    let ours: String =
        segment_of(&[b"one".to_vec(), b"".to_vec()], 41).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(ours, golden);
}

#[test]
fn what_was_written_is_read() {
    #[allow(clippy::needless_pass_by_value, reason = "quickcheck passes values")]
    fn property(payloads: Vec<Vec<u8>>, first: u32) -> bool {
        let first = u64::from(first);
        read(&segment_of(&payloads, first)) == numbered(&payloads, first)
    }
    QuickCheck::new().quickcheck(property as fn(Vec<Vec<u8>>, u32) -> bool);
}

#[test]
fn a_cut_leaves_the_frames_before_it_and_nothing_else() {
    let payloads: Vec<Vec<u8>> = (0..5).map(|number| vec![number; number as usize * 3]).collect();
    let whole = segment_of(&payloads, 1);
    for cut in 0..whole.len() {
        let is_before = |count: &usize| segment_of(&payloads[..*count], 1).len() <= cut;
        let count = (0..=payloads.len()).take_while(is_before).last().unwrap_or(0);
        assert_eq!(read(&whole[..cut]), numbered(&payloads[..count], 1), "cut at {cut}");
    }
}

#[test]
fn a_flipped_bit_costs_the_frame_it_is_in() {
    let payloads: Vec<Vec<u8>> = (0..4).map(|number| vec![number; 9]).collect();
    let whole = segment_of(&payloads, 1);
    for place in HEADER_BYTES..whole.len() {
        for bit in 0..8 {
            let mut damaged = whole.clone();
            damaged[place] ^= 1 << bit;
            let mut expected = numbered(&payloads, 1);
            expected.remove((place - HEADER_BYTES) / (FRAME_HEAD_BYTES + 9));
            assert_eq!(read(&damaged), expected, "bit {bit} of byte {place}");
        }
    }
}

#[test]
fn any_bytes_behind_a_header_give_items_that_add_up() {
    #[allow(clippy::needless_pass_by_value, reason = "quickcheck passes values")]
    fn property(garbage: Vec<u8>, payloads: Vec<Vec<u8>>, place: usize) -> bool {
        let mut bytes = segment_of(&payloads, 3);
        let place = HEADER_BYTES + place % (bytes.len() - HEADER_BYTES + 1);
        bytes.splice(place..place, garbage);
        let Ok((_, items)) = frames(&bytes) else { return false };
        let lengths = items.map(|item| match item {
            Item::Frame(found) => FRAME_HEAD_BYTES + found.payload.len(),
            Item::Damaged { bytes } | Item::Tail { bytes } => bytes,
        });
        let sum: usize = lengths.sum();
        let written = numbered(&payloads, 3);
        // What is read was written, in that order.
        let mut rest = written.iter();
        sum == bytes.len() - HEADER_BYTES && read(&bytes).iter().all(|found| rest.any(|frame| frame == found))
    }
    QuickCheck::new().rng(Gen::new(60)).quickcheck(property as fn(Vec<u8>, Vec<Vec<u8>>, usize) -> bool);
}

#[test]
fn any_bytes_give_a_segment_or_an_error() {
    #[allow(clippy::needless_pass_by_value, reason = "quickcheck passes values")]
    fn property(bytes: Vec<u8>) -> bool {
        frames(&bytes).is_err() || bytes.starts_with(MAGIC)
    }
    QuickCheck::new().quickcheck(property as fn(Vec<u8>) -> bool);
}

#[test]
fn a_frame_of_another_segment_does_not_fit() {
    let one = segment_of(&[b"one".to_vec()], 1);
    assert_eq!(read(&one).len(), 1);
    // Whether its number would come before or after.
    for first in [1, 3] {
        let mut other = segment_of(&[], 2);
        other.extend(&segment_of(&[b"two".to_vec()], first)[HEADER_BYTES..]);
        assert_eq!(read(&other), []);
    }
}

#[test]
fn a_frame_that_comes_again_is_read_once() {
    let mut bytes = segment_of(&[b"one".to_vec(), b"two".to_vec()], 1);
    let again = bytes[HEADER_BYTES..].to_vec();
    bytes.extend(again);
    assert_eq!(read(&bytes), numbered(&[b"one".to_vec(), b"two".to_vec()], 1));
}

#[test]
fn a_header_says_why_it_is_refused() {
    let sound = segment_of(&[], 1);
    assert_eq!(frames(&sound[..47]).map(|_| ()), Err(SegmentError::Short { bytes: 47 }));
    let mut newer = sound.clone();
    newer[8] = 2;
    assert_eq!(frames(&newer).map(|_| ()), Err(SegmentError::NotASegment));
    let sum = crc32c::crc32c(&newer[..44]);
    newer[44..48].copy_from_slice(&sum.to_le_bytes());
    assert_eq!(frames(&newer).map(|_| ()), Err(SegmentError::VersionUnknown { version: 2 }));
}
