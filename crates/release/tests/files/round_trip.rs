//! Equal data give equal bytes, whoever writes them and when.

use kernels::ByteMatrix;
use quickcheck::quickcheck;
use ranking::{Candidates, Columns, FactorColumns, Factors, Vectors};
use release::{CandidateFile, Histories, decode_factors, encode_factors};
use safetensors::SafeTensors;

#[test]
fn what_python_wrote_is_read() {
    let file = CandidateFile::decode(golden::candidates()).unwrap();
    assert_eq!(file.region, "eu");
    assert_eq!(file.genres, ["action", "comedy", "drama", "family", "horror", "science-fiction"]);
    assert_eq!((file.candidates.len(), file.candidates.rows()), (40, 35));
    let factors = decode_factors(golden::factors()).unwrap();
    let columns = factors.columns();
    assert_eq!((columns.mean, columns.factors, factors.viewers()), (3.5299, 8, 6));
    let histories = Histories::decode(golden::histories()).unwrap();
    let lengths = [1, 2, 3, 5, 8, 13].map(|viewer| histories.of(viewer).unwrap().len());
    assert_eq!(lengths, [0, 1, 4, 30, 7, 200]);
}

/// The fixtures were written by another process (`examples/rewrite.rs`) and read by Python.
#[test]
fn what_is_written_again_is_the_same_bytes_in_every_process() {
    let candidates = CandidateFile::decode(golden::candidates()).unwrap().encode();
    assert!(candidates == include_bytes!("../data/candidates.safetensors"));
    let factors = encode_factors(&decode_factors(golden::factors()).unwrap());
    assert!(factors == include_bytes!("../data/factors.safetensors"));
    let histories = Histories::decode(golden::histories()).unwrap().encode();
    assert!(histories == include_bytes!("../data/histories.safetensors"));
}

#[test]
fn our_own_files_read_back_to_the_same_bytes() {
    let candidates = include_bytes!("../data/candidates.safetensors");
    assert!(CandidateFile::decode(candidates).unwrap().encode() == candidates);
    let factors = include_bytes!("../data/factors.safetensors");
    assert!(encode_factors(&decode_factors(factors).unwrap()) == factors);
    let histories = include_bytes!("../data/histories.safetensors");
    assert!(Histories::decode(histories).unwrap().encode() == histories);
}

#[test]
fn tensors_begin_at_multiples_of_eight() {
    for genres in 0..16 {
        let mut file = CandidateFile::decode(golden::candidates()).unwrap();
        file.genres = vec!["x".repeat(genres + 1)];
        let bytes = file.encode();
        let (header, _) = SafeTensors::read_metadata(&bytes).unwrap();
        assert_eq!(header % 8, 0);
    }
}

#[test]
fn metadata_may_hold_any_text() {
    let mut file = CandidateFile::decode(golden::candidates()).unwrap();
    file.genres = vec!["\"drama\"\\ \n".to_owned(), "comédie 喜剧".to_owned()];
    let again = CandidateFile::decode(&file.encode()).unwrap();
    assert_eq!(again.genres, file.genres);
}

/// Columns of `titles` titles, each with a row to the next.
fn columns(titles: &[(u8, f32, u16)]) -> Columns {
    let count = titles.len();
    let ends = |index: usize| u32::try_from(index).unwrap();
    Columns {
        title_ids: (0..).zip(titles).map(|(index, (gap, ..))| index * 256 + u32::from(*gap)).collect(),
        popularity: titles.iter().map(|(_, popularity, _)| popularity.abs()).collect(),
        maturity_years: titles.iter().map(|(gap, ..)| gap % 19).collect(),
        years: titles.iter().map(|(.., year)| *year).collect(),
        genres: titles.iter().map(|(.., year)| u32::from(*year) << 8).collect(),
        window_from_s: titles.iter().map(|(gap, ..)| u64::from(*gap) << 40).collect(),
        window_until_s: vec![u64::MAX; count],
        row_offsets: (0..=count).map(ends).collect(),
        row_indexes: (0..count).map(|index| ends((index + 1) % count)).collect(),
        row_weights: titles.iter().map(|(gap, ..)| gap.cast_signed()).collect(),
        row_scales_log2: titles.iter().map(|(gap, ..)| (gap % 81).cast_signed() - 40).collect(),
        vectors: vectors(titles),
        // Of every third set.
        trends: count
            .is_multiple_of(3)
            .then(|| titles.iter().map(|(gap, ..)| f32::from(*gap) / 7.0).collect()),
    }
}

/// Of every second set: three numbers a title.
fn vectors(titles: &[(u8, f32, u16)]) -> Option<Vectors> {
    titles.len().is_multiple_of(2).then(|| {
        let values: Vec<f32> =
            titles.iter().flat_map(|(a, _, b)| [f32::from(*a), -f32::from(*b), 0.5]).collect();
        let items = titles.iter().map(|(gap, ..)| if *gap < 9 { Vectors::UNKNOWN } else { u32::from(*gap) });
        Vectors { matrix: ByteMatrix::quantise(3, &values).unwrap(), items: items.collect() }
    })
}

quickcheck! {
    fn candidates_come_back_as_they_were(titles: Vec<(u8, f32, u16)>, genres: u8) -> bool {
        let finite: Vec<_> = titles.into_iter().filter(|(_, popularity, _)| popularity.is_finite()).collect();
        if finite.is_empty() {
            return true;
        }
        let file = CandidateFile {
            region: "us".to_owned(),
            genres: (0..genres % 33).map(|genre| format!("genre {genre}")).collect(),
            candidates: Candidates::new(columns(&finite)).unwrap(),
        };
        let bytes = file.encode();
        let again = CandidateFile::decode(&bytes).unwrap();
        again.candidates.columns() == file.candidates.columns()
            && (&again.region, &again.genres) == (&file.region, &file.genres)
            && again.encode() == bytes
    }

    fn factors_come_back_as_they_were(mean: f32, viewers: u8, titles: u8, d: u8, seed: f32) -> bool {
        let (viewers, titles, d) = (u32::from(viewers % 9), u32::from(titles % 9) + 1, u32::from(d % 9) + 1);
        let finite = |number: f32| if number.is_finite() { number } else { 0.5 };
        let numbers = |count: u32| vec![finite(seed); usize::try_from(count).unwrap()];
        let factors = Factors::new(FactorColumns {
            mean: finite(mean),
            factors: usize::try_from(d).unwrap(),
            viewer_ids: (0..viewers).collect(),
            viewer_biases: numbers(viewers),
            viewer_factors: numbers(viewers * d),
            title_ids: (0..titles).collect(),
            title_biases: numbers(titles),
            title_factors: numbers(titles * d),
        });
        let factors = factors.unwrap();
        let bytes = encode_factors(&factors);
        let again = decode_factors(&bytes).unwrap();
        again.columns() == factors.columns() && encode_factors(&again) == bytes
    }

    fn the_newest_10_000_of_each_history_come_back(lengths: Vec<u16>) -> bool {
        let lengths = lengths.iter().take(8).map(|length| u32::from(length % 12_000));
        let watched: Vec<Vec<u32>> = lengths.map(|length| (0..length).collect()).collect();
        let viewers = (0_u32..).map(|viewer| viewer * 3).zip(watched.iter().map(Vec::as_slice));
        let histories = Histories::new(viewers).unwrap();
        let again = Histories::decode(&histories.encode()).unwrap();
        let newest = |titles: &[u32]| titles[titles.len().saturating_sub(10_000)..].to_vec();
        again == histories
            && again.viewers() == watched.len()
            && again.of(1).is_none()
            && (0_u32..).zip(&watched).all(|(viewer, titles)| again.of(viewer * 3) == Some(&newest(titles)))
    }
}

#[test]
fn histories_are_by_rising_viewers() {
    let refused = Histories::new([(2, &[1][..]), (2, &[2])]).unwrap_err();
    assert_eq!(refused, release::FileError::Value { field: "viewer_id" });
    assert_eq!(Histories::new([]).unwrap().viewers(), 0);
}
