//! A file made from the one before is the new one bit for bit, and nothing that is offered as a delta does harm.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::needless_pass_by_value, reason = "quickcheck passes values")]

use delta::limits::{BYTES_MAX, TITLES_CHANGED_MAX};
use delta::{apply, encode, predict};
use quickcheck::quickcheck;
use release::CandidateFile;

/// The golden candidate set, as the origin writes it.
fn all() -> Vec<u8> {
    CandidateFile::decode(golden::candidates()).unwrap().encode()
}

/// The golden candidate set with a title taken out of it, and all that leads there.
fn without(place: usize) -> Vec<u8> {
    let mut file = CandidateFile::decode(golden::candidates()).unwrap();
    let all = file.candidates.columns().clone();
    let mut columns = all.clone();
    (columns.row_indexes, columns.row_weights, columns.row_offsets) =
        (Default::default(), Vec::new(), vec![0]);
    columns.title_ids.remove(place);
    columns.popularity.remove(place);
    columns.maturity_years.remove(place);
    columns.years.remove(place);
    columns.genres.remove(place);
    if let Some(trends) = &mut columns.trends {
        trends.remove(place);
    }
    columns.window_from_s.remove(place);
    columns.window_until_s.remove(place);
    columns.row_scales_log2.remove(place);
    for row in (0..all.title_ids.len()).filter(|row| *row != place) {
        for entry in all.row_offsets[row] as usize..all.row_offsets[row + 1] as usize {
            let target = all.row_indexes.at(entry) as usize;
            if target != place {
                columns.row_indexes.push((target - usize::from(target > place)) as u32);
                columns.row_weights.push(all.row_weights[entry]);
            }
        }
        columns.row_offsets.push(columns.row_weights.len() as u32);
    }
    file.candidates = ranking::Candidates::new(columns).unwrap();
    file.encode()
}

#[test]
fn a_title_that_came_or_went_costs_next_to_nothing() {
    let (all, fewer) = (all(), without(3));
    for (old, new) in [(&all, &fewer), (&fewer, &all)] {
        let delta = encode(old, new).unwrap();
        assert_eq!(&apply(old, &delta, new.len() as u64).unwrap(), new);
        assert!(delta.len() * 5 < new.len(), "{} of {}", delta.len(), new.len());
    }
}

#[test]
fn what_is_left_of_a_set_is_predicted_to_the_byte() {
    let title = CandidateFile::decode(golden::candidates()).unwrap().candidates.columns().title_ids[3];
    let (known, fewer) = (predict(&all(), &[title], &[]), without(3));
    // The header says other lengths; all that follows is the same.
    let data = fewer.len() - 8 - u64::from_le_bytes(*fewer.first_chunk().unwrap()) as usize;
    assert_eq!(known[known.len() - data..], fewer[fewer.len() - data..]);
}

#[test]
fn a_delta_for_another_file_or_with_a_byte_changed_gives_another_file_or_an_error() {
    let (old, new) = (all(), without(0));
    let delta = encode(&old, &new).unwrap();
    assert_ne!(apply(&without(5), &delta, new.len() as u64).ok().as_deref(), Some(new.as_slice()));
    for place in 0..delta.len() {
        let mut changed = delta.clone();
        changed[place] ^= 0x10;
        // Whatever comes of it is no longer than what was signed and a byte.
        let made = apply(&old, &changed, new.len() as u64).unwrap_or_default();
        assert!(made.len() <= new.len() + 1);
    }
    for length in 0..delta.len() {
        assert_ne!(apply(&old, &delta[..length], new.len() as u64).ok().as_deref(), Some(new.as_slice()));
    }
}

#[test]
fn what_would_take_the_memory_is_refused_before_it_is_made() {
    let delta = encode(b"old", b"new").unwrap();
    assert_eq!(apply(b"old", &delta, BYTES_MAX + 1).unwrap_err().code(), "delta-too-large");
    assert_eq!(apply(b"old", b"<html>", 3).unwrap_err().code(), "not-a-delta");
    let titles = (TITLES_CHANGED_MAX as u32 + 1).to_le_bytes();
    let many = [&b"frdelta1"[..], &titles, &[0; 4]].concat();
    assert_eq!(apply(b"old", &many, 3).unwrap_err().code(), "delta-too-many-titles");
    // A bomb: a megabyte of zeros in a few bytes, where three were signed.
    let bomb = encode(b"old", &vec![0; 1 << 20]).unwrap();
    assert!(bomb.len() < 1_000);
    assert_eq!(apply(b"old", &bomb, 3).unwrap().len(), 4);
}

quickcheck! {
    fn any_file_is_made_from_any_other(old: Vec<u8>, new: Vec<u8>) -> bool {
        apply(&old, &encode(&old, &new).unwrap(), new.len() as u64).unwrap() == new
    }
}
