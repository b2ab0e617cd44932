//! Files of another schema, type or shape are refused, and told where.

use ranking::{CandidatesError, FactorsError};
use release::limits::{CANDIDATES_BYTES_MAX, FACTORS_BYTES_MAX, HISTORIES_BYTES_MAX, NAME_CHARS_MAX};
use release::{CandidateFile, FileError, Histories, decode_factors, row_places};
use safetensors::Dtype;

use crate::parts::Parts;

fn candidates(break_it: impl FnOnce(&mut Parts)) -> FileError {
    let mut parts = Parts::of(golden::candidates());
    break_it(&mut parts);
    CandidateFile::decode(&parts.write()).unwrap_err()
}

fn factors(break_it: impl FnOnce(&mut Parts)) -> FileError {
    let mut parts = Parts::of(golden::factors());
    break_it(&mut parts);
    decode_factors(&parts.write()).unwrap_err()
}

fn histories(break_it: impl FnOnce(&mut Parts)) -> FileError {
    let mut parts = Parts::of(golden::histories());
    break_it(&mut parts);
    Histories::decode(&parts.write()).unwrap_err()
}

fn metadata(key: &'static str, value: &str) -> impl FnOnce(&mut Parts) {
    move |parts| {
        parts.metadata.insert(key.to_owned(), value.to_owned());
    }
}

const COLUMNS: [&str; 11] = [
    "title_id",
    "popularity",
    "maturity",
    "year",
    "genres",
    "window_from_s",
    "window_until_s",
    "row_offset",
    "row_index",
    "row_weight",
    "row_scale_log2",
];

#[test]
fn a_file_put_together_again_is_sound() {
    assert!(CandidateFile::decode(&Parts::of(golden::candidates()).write()).is_ok());
    assert!(decode_factors(&Parts::of(golden::factors()).write()).is_ok());
    assert!(Histories::decode(&Parts::of(golden::histories()).write()).is_ok());
}

#[test]
fn every_column_is_needed() {
    for tensor in COLUMNS {
        assert_eq!(candidates(|parts| parts.remove(tensor)), FileError::TensorMissing { tensor });
    }
    for tensor in ["viewer_id", "viewer_bias", "viewer_factors", "title_id", "title_bias", "title_factors"] {
        assert_eq!(factors(|parts| parts.remove(tensor)), FileError::TensorMissing { tensor });
    }
    for tensor in ["viewer_id", "offset", "title"] {
        assert_eq!(histories(|parts| parts.remove(tensor)), FileError::TensorMissing { tensor });
    }
}

#[test]
fn a_file_of_before_trends_were_counted_is_read() {
    let mut parts = Parts::of(golden::candidates());
    let trends = |bytes: &[u8]| CandidateFile::decode(bytes).unwrap().candidates.columns().trends.clone();
    assert_eq!(trends(&parts.write()).unwrap().len(), 40);
    parts.remove("trend");
    assert_eq!(trends(&parts.write()), None);
    let wrong = candidates(|parts| parts.set("trend", Dtype::F64, &[40], vec![0; 320]));
    assert_eq!(wrong, FileError::TensorType { tensor: "trend" });
    let short = candidates(|parts| parts.set("trend", Dtype::F32, &[39], vec![0; 156]));
    assert_eq!(short, FileError::Candidates(CandidatesError::Length { column: "trend" }));
}

#[test]
fn places_of_rows_are_read_in_every_form() {
    let mut parts = Parts::of(golden::candidates());
    let read = |parts: &Parts| CandidateFile::decode(&parts.write()).unwrap().candidates.columns().clone();
    let columns = read(&parts);
    let places = columns.row_indexes.to_vec();
    let two: Vec<u8> = places.iter().flat_map(|&place| (place as u16).to_le_bytes()).collect();
    let four: Vec<u8> = places.iter().flat_map(|&place| place.to_le_bytes()).collect();
    let (form, shortest) = row_places::write(&columns.row_indexes, &columns.row_offsets);
    assert_eq!((form, shortest.len()), (Dtype::U8, places.len()));
    for (form, bytes) in [(Dtype::U16, two), (Dtype::U32, four), (form, shortest)] {
        parts.set("row_index", form, &[places.len()], bytes);
        assert!(read(&parts) == columns, "{form:?}");
    }
    parts.set("row_index", Dtype::U8, &[places.len() + 1], vec![1; places.len() + 1]);
    let refused = CandidateFile::decode(&parts.write()).unwrap_err();
    assert_eq!(refused, FileError::Value { field: "row_index" });
}

#[test]
fn every_column_has_one_type_and_one_dimension() {
    for tensor in COLUMNS {
        let refused = FileError::TensorType { tensor };
        assert_eq!(candidates(|parts| parts.set(tensor, Dtype::F64, &[40], vec![0; 320])), refused);
        let sound = Parts::of(golden::candidates());
        let (_, dtype, shape, bytes) = sound.tensors.iter().find(|(name, ..)| name == tensor).unwrap();
        for wrong in [&[1, shape[0]][..], &[shape[0], 1]] {
            assert_eq!(candidates(|parts| parts.set(tensor, *dtype, wrong, bytes.clone())), refused);
        }
        let single = vec![0; bytes.len() / shape[0]];
        assert_eq!(candidates(|parts| parts.set(tensor, *dtype, &[], single)), refused, "a scalar");
    }
}

#[test]
fn signed_and_unsigned_are_not_the_same() {
    let as_signed = candidates(|parts| parts.set("title_id", Dtype::I32, &[40], vec![0; 160]));
    assert_eq!(as_signed, FileError::TensorType { tensor: "title_id" });
    let as_unsigned = candidates(|parts| parts.set("row_scale_log2", Dtype::U8, &[40], vec![0; 40]));
    assert_eq!(as_unsigned, FileError::TensorType { tensor: "row_scale_log2" });
}

#[test]
fn tables_have_two_dimensions_of_one_width() {
    let wrong = |shape: &'static [usize], length: usize| {
        factors(|parts| parts.set("viewer_factors", Dtype::F32, shape, vec![0; length]))
    };
    let refused = FileError::TensorType { tensor: "viewer_factors" };
    assert_eq!(wrong(&[48], 192), refused);
    assert_eq!(wrong(&[6, 4, 2], 192), refused);
    assert_eq!(wrong(&[8, 6], 192), refused, "transposed");
    assert_eq!(wrong(&[5, 8], 160), FileError::Factors(FactorsError::Length { column: "viewer_factors" }));
    let none = factors(|parts| {
        parts.set("viewer_factors", Dtype::F32, &[6, 0], Vec::new());
        parts.set("title_factors", Dtype::F32, &[40, 0], Vec::new());
    });
    assert_eq!(none, FileError::Factors(FactorsError::Size));
}

#[test]
fn columns_that_do_not_fit_are_refused_by_the_domain() {
    let short = candidates(|parts| parts.set("year", Dtype::U16, &[39], vec![0; 78]));
    assert_eq!(short, FileError::Candidates(CandidatesError::Length { column: "year" }));
    let same = candidates(|parts| parts.set("title_id", Dtype::U32, &[40], vec![0; 160]));
    assert_eq!(same, FileError::Candidates(CandidatesError::IdsNotRising { index: 1 }));
}

#[test]
fn a_file_of_another_schema_is_refused() {
    let other = metadata("schema", "frontrow-candidates-2");
    assert_eq!(candidates(other), FileError::Schema { expected: "frontrow-candidates-1" });
    let none = candidates(|parts| parts.metadata.clear());
    assert_eq!(none, FileError::Schema { expected: "frontrow-candidates-1" });
    let swapped = decode_factors(golden::candidates()).unwrap_err();
    assert_eq!(swapped, FileError::Schema { expected: "frontrow-factors-1" });
    let swapped = Histories::decode(golden::factors()).unwrap_err();
    assert_eq!(swapped, FileError::Schema { expected: "frontrow-histories-1" });
}

#[test]
fn metadata_are_complete_and_in_range() {
    for key in ["region", "genres"] {
        let missing = candidates(|parts| drop(parts.metadata.remove(key)));
        assert_eq!(missing, FileError::MetadataMissing { key });
    }
    for region in [String::new(), "x".repeat(NAME_CHARS_MAX + 1)] {
        assert_eq!(candidates(metadata("region", &region)), FileError::Value { field: "region" });
    }
    let genres = vec!["x"; release::GENRES_MAX + 1].join(",");
    assert_eq!(candidates(metadata("genres", &genres)), FileError::Value { field: "genres" });
    for mean in ["", "three", "3,5"] {
        assert_eq!(factors(metadata("mean", mean)), FileError::Value { field: "mean" });
    }
    for mean in ["NaN", "inf", "-inf", "1e999"] {
        let refused = FileError::Factors(FactorsError::NotFinite { column: "mean" });
        assert_eq!(factors(metadata("mean", mean)), refused);
    }
}

#[test]
fn a_set_without_genres_is_sound() {
    let mut parts = Parts::of(golden::candidates());
    parts.metadata.insert("genres".to_owned(), String::new());
    assert!(CandidateFile::decode(&parts.write()).unwrap().genres.is_empty());
}

#[test]
fn histories_follow_each_other() {
    let offsets = |offsets: [u32; 7]| {
        let bytes = offsets.iter().flat_map(|offset| offset.to_le_bytes()).collect();
        histories(|parts| parts.set("offset", Dtype::U32, &[7], bytes))
    };
    let refused = FileError::Value { field: "offset" };
    assert_eq!(offsets([1, 1, 5, 35, 42, 142, 242]), refused, "not from 0");
    assert_eq!(offsets([0, 1, 5, 35, 42, 142, 241]), refused, "not to the end");
    assert_eq!(offsets([0, 1, 5, 4, 42, 142, 242]), refused, "backwards");
    assert_eq!(offsets([0, u32::MAX, 5, 35, 42, 142, 242]), refused, "far beyond");
    let long = histories(|parts| {
        let ends = [0_u32, 1, 5, 35, 41, 41, 10_042];
        parts.set("offset", Dtype::U32, &[7], ends.iter().flat_map(|end| end.to_le_bytes()).collect());
        parts.set("title", Dtype::U32, &[10_042], vec![0; 4 * 10_042]);
    });
    assert_eq!(long, refused, "longer than 10,000");
    let short = histories(|parts| parts.set("offset", Dtype::U32, &[0], Vec::new()));
    assert_eq!(short, refused);
    let same = histories(|parts| parts.set("viewer_id", Dtype::U32, &[6], vec![0; 24]));
    assert_eq!(same, FileError::Value { field: "viewer_id" });
}

#[test]
fn a_file_above_its_limit_is_not_even_looked_at() {
    let refused = |max: usize| FileError::TooLarge { bytes: max + 1, max };
    let zeros = vec![0; HISTORIES_BYTES_MAX + 1];
    assert_eq!(Histories::decode(&zeros).unwrap_err(), refused(HISTORIES_BYTES_MAX));
    let candidates = CandidateFile::decode(&zeros[..=CANDIDATES_BYTES_MAX]);
    assert_eq!(candidates.unwrap_err(), refused(CANDIDATES_BYTES_MAX));
    let factors = decode_factors(&zeros[..=FACTORS_BYTES_MAX]);
    assert_eq!(factors.unwrap_err(), refused(FACTORS_BYTES_MAX));
}

#[test]
fn errors_have_stable_codes_and_words() {
    let errors = [
        (FileError::TooLarge { bytes: 2, max: 1 }, "file-too-large", "2 bytes are more than 1"),
        (FileError::NotSafetensors, "not-safetensors", "not safetensors, or cut short"),
        (FileError::Json { line: 1, column: 2 }, "not-json", "not the expected JSON at line 1, column 2"),
        (FileError::Schema { expected: "a" }, "unknown-schema", "the schema is not a"),
        (FileError::MetadataMissing { key: "a" }, "metadata-missing", "the metadata have no a"),
        (FileError::TensorMissing { tensor: "a" }, "tensor-missing", "there is no tensor a"),
        (FileError::TensorType { tensor: "a" }, "tensor-type", "tensor a is of another type or shape"),
        (FileError::Value { field: "a" }, "value-out-of-range", "a is outside its range"),
        (FileError::Candidates(CandidatesError::Empty), "candidates-malformed", "there is no title"),
        (FileError::Factors(FactorsError::Size), "factors-malformed", "no titles or factors, or too many"),
    ];
    for (error, code, text) in errors {
        assert_eq!((error.code(), error.to_string().as_str()), (code, text));
    }
}
