//! What an index finds, what it refuses, and what it is after it was saved.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use quickcheck::{TestResult, quickcheck};
use ranking::{FactorColumns, Factors};

use super::*;
use crate::limits::{NEIGHBOURS_MAX, VECTOR_DIMENSIONS_MAX};

const DIMENSIONS: usize = 16;

/// Equal numbers on every machine: a linear congruential generator (Knuth's MMIX).
fn numbers(count: usize) -> Vec<f32> {
    let mut state = 7_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn vectors(count: usize) -> Vec<f32> {
    numbers(count * DIMENSIONS)
}

fn product(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

/// The places of the largest inner products, by a full scan.
fn scan(vectors: &[f32], query: &[f32], k: usize) -> Vec<usize> {
    let products = vectors.chunks(query.len()).map(|row| product(row, query));
    let mut scored: Vec<_> = products.enumerate().collect();
    scored.sort_by(|a, b| b.1.total_cmp(&a.1));
    scored.into_iter().take(k).map(|(index, _)| index).collect()
}

/// Share of the ten nearest of fifty queries that an index of so many vectors finds.
fn recall(count: usize, storage: Storage, probes: u32) -> f64 {
    let all = vectors(count);
    let mut index = FaissIndex::build(&all, DIMENSIONS, storage).unwrap();
    assert_eq!((index.storage(), index.vectors(), index.dimensions()), (storage, count, DIMENSIONS));
    index.set_probes(probes).unwrap();
    let queries = &all[..50 * DIMENSIONS];
    let found = index.search(queries, 10).unwrap();
    let hits = queries.chunks(DIMENSIONS).zip(found).map(|(query, found)| {
        let expected = scan(&all, query, 10);
        found.iter().filter(|neighbour| expected.contains(&neighbour.index)).count()
    });
    hits.sum::<usize>() as f64 / 500.0
}

#[test]
fn flat_finds_exactly_what_a_full_scan_finds() {
    assert!(recall(2_000, Storage::Flat, 1) >= 0.998, "only rounding of equal sums may differ");
}

#[test]
fn a_byte_a_number_finds_nearly_all() {
    assert!(recall(2_000, Storage::Sq8, 1) >= 0.95);
}

#[test]
fn more_lists_compared_find_more_and_all_of_them_nearly_all() {
    let storage = Storage::IvfSq8 { lists: 16 };
    let (one, four, all) = (recall(2_000, storage, 1), recall(2_000, storage, 4), recall(2_000, storage, 16));
    assert!(one < four && four < all, "{one} {four} {all}");
    assert!(all >= 0.95, "{all}");
    assert_eq!(recall(2_000, storage, 1_000), all, "there are no more lists than all");
}

#[test]
fn a_code_for_several_numbers_finds_some() {
    let recall = recall(10_000, Storage::IvfPq { lists: 16, code_bytes: 4 }, 16);
    assert!((0.1..0.9).contains(&recall), "{recall}");
}

#[test]
fn too_few_vectors_for_lists_are_kept_as_bytes() {
    for storage in [Storage::IvfSq8 { lists: 16 }, Storage::IvfPq { lists: 16, code_bytes: 4 }] {
        let mut index = FaissIndex::build(&vectors(300), DIMENSIONS, storage).unwrap();
        assert_eq!(index.storage(), Storage::Sq8);
        assert_eq!(index.search(&vectors(1), 300).unwrap()[0].len(), 300);
        index.set_probes(8).unwrap();
    }
}

#[test]
fn an_index_read_back_answers_as_before() {
    for (count, storage) in [
        (700, Storage::Flat),
        (700, Storage::Sq8),
        (700, Storage::IvfSq8 { lists: 16 }),
        (10_000, Storage::IvfPq { lists: 16, code_bytes: 4 }),
    ] {
        let all = vectors(count);
        let mut index = FaissIndex::build(&all, DIMENSIONS, storage).unwrap();
        assert_eq!(index.storage(), storage);
        index.set_probes(5).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        index.save(file.path()).unwrap();
        let mut again = FaissIndex::load(file.path(), storage).unwrap();
        let queries = &all[..20 * DIMENSIONS];
        assert_eq!(index.search(queries, 30).unwrap(), again.search(queries, 30).unwrap(), "{storage:?}");
    }
}

fn code<T>(result: Result<T, RetrievalError>) -> &'static str {
    result.err().map_or("accepted", |error| error.code())
}

#[test]
fn what_is_no_vector_is_refused() {
    let build =
        |numbers: &[f32], dimensions: usize, storage| code(FaissIndex::build(numbers, dimensions, storage));
    assert_eq!(build(&[0.0; 33], DIMENSIONS, Storage::Flat), "vectors-ragged");
    assert_eq!(build(&[], DIMENSIONS, Storage::Flat), "vectors-none");
    assert_eq!(build(&[0.0], 0, Storage::Flat), "vectors-dimensions");
    assert_eq!(build(&[0.0; 2_000], VECTOR_DIMENSIONS_MAX + 1, Storage::Flat), "vectors-dimensions");
    for number in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert_eq!(build(&[0.0, number], 2, Storage::Sq8), "vectors-not-finite");
    }
    let many = vectors(10_000);
    for code_bytes in [0, 3, 32] {
        assert_eq!(build(&many, DIMENSIONS, Storage::IvfPq { lists: 16, code_bytes }), "vectors-code-bytes");
    }
}

#[test]
fn what_is_no_query_is_refused() {
    let mut index = FaissIndex::build(&vectors(40), DIMENSIONS, Storage::Flat).unwrap();
    let mut search = |queries: &[f32], k| code(index.search(queries, k));
    assert_eq!(search(&[0.0; 3], 1), "vectors-ragged");
    assert_eq!(search(&[], 1), "vectors-none");
    assert_eq!(search(&[f32::NAN; DIMENSIONS], 1), "vectors-not-finite");
    assert_eq!(search(&[0.0; DIMENSIONS], 0), "retrieval-k");
    assert_eq!(search(&[0.0; DIMENSIONS], NEIGHBOURS_MAX + 1), "retrieval-k");
    assert_eq!(search(&vectors(200_000), 40), "retrieval-results");
    assert_eq!(search(&[0.0; DIMENSIONS], NEIGHBOURS_MAX), "accepted");
}

#[test]
fn an_index_is_made_more_exact_until_it_finds_what_was_asked() {
    // Random numbers have no tastes: lists find little of them.
    let all = numbers(210_000 * 4);
    let built: Built<FaissIndex> = build_for_recall(&all, 4, &[], 0.9).unwrap();
    assert!(built.recall_at_10 >= 0.9, "{}", built.recall_at_10);
    assert!(built.probes.is_some_and(|probes| probes >= 1), "{built:?}");
    let built: Built<FaissIndex> = build_for_recall(&all[..4_000], 4, &[], 0.9).unwrap();
    assert_eq!((built.index.storage(), built.recall_at_10), (Storage::Flat, 1.0));
    for recall in [-0.1, 1.1, f64::NAN] {
        assert_eq!(code(build_for_recall::<FaissIndex>(&all, 4, &[], recall)), "retrieval-recall");
    }
}

/// Forty titles of odd numbers, three viewers, five factors.
fn factors() -> Factors {
    Factors::new(FactorColumns {
        mean: 3.5,
        factors: 5,
        viewer_ids: vec![2, 4, 6],
        viewer_biases: vec![0.1, 0.2, 0.3],
        viewer_factors: numbers(15),
        title_ids: (0..40).map(|title| 2 * title + 1).collect(),
        title_biases: numbers(60)[20..].to_vec(),
        title_factors: numbers(400)[200..].to_vec(),
    })
    .unwrap()
}

fn corpus() -> Corpus {
    let factors = factors();
    let index = Corpus::index_of(&factors, RECALL_AT_10_DEFAULT).unwrap();
    Corpus::new(factors, Arc::new(index))
}

fn titles(near: &[Near]) -> Vec<u32> {
    near.iter().map(|near| near.title).collect()
}

#[test]
fn a_viewer_finds_the_titles_that_the_model_rates_best() {
    let (corpus, factors) = (corpus(), factors());
    for viewer in [2, 4, 6] {
        let exclude = [1, 3, 5, 7, 1_000];
        let best = factors.top_rated(viewer, 12, &exclude);
        let found = corpus.find(&Query::Viewer(viewer), 12, &exclude).unwrap();
        assert_eq!(titles(&found), best.iter().map(|scored| scored.title).collect::<Vec<_>>());
    }
}

#[test]
fn titles_find_others_like_them_and_not_themselves() {
    let corpus = corpus();
    let found = corpus.find(&Query::Titles(vec![1, 3, 1_000]), 40, &[5]).unwrap();
    assert_eq!(found.len(), 37);
    assert!(titles(&found).iter().all(|title| ![1, 3, 5].contains(title)));
    assert!(found.windows(2).all(|pair| pair[0].similarity >= pair[1].similarity));
    let factors = factors();
    let vectors = &factors.columns().title_factors;
    let one = corpus.find(&Query::Titles(vec![1]), 1, &[]).unwrap()[0];
    let place = scan(vectors, &vectors[..5], 40).into_iter().find(|place| *place != 0).unwrap();
    assert_eq!(one.title, 2 * place as u32 + 1, "how well a title is rated says nothing of what it is like");
}

#[test]
fn who_is_not_in_the_model_is_told_so() {
    let corpus = corpus();
    assert_eq!(code(corpus.find(&Query::Viewer(3), 1, &[])), "viewer-unknown");
    assert_eq!(code(corpus.find(&Query::Titles(vec![2, 4]), 1, &[])), "titles-unknown");
    assert_eq!(code(corpus.find(&Query::Titles(Vec::new()), 1, &[])), "titles-unknown");
    assert_eq!(code(corpus.find(&Query::Vector(vec![0.0; 5]), 1, &[])), "vectors-ragged");
    assert_eq!(code(corpus.find(&Query::Vector(vec![f32::NAN; 6]), 1, &[])), "vectors-not-finite");
    assert_eq!(code(corpus.find(&Query::Viewer(2), 0, &[])), "retrieval-k");
    let all: Vec<u32> = (0..40).map(|title| 2 * title + 1).collect();
    assert_eq!(corpus.find(&Query::Viewer(2), 5, &all).unwrap(), []);
}

#[test]
fn titles_that_do_not_go_with_their_vectors_are_refused() {
    let new =
        |ids: &[u32], numbers: usize| code(TitleVectors::new("factors", ids.to_vec(), 2, vec![0.0; numbers]));
    assert_eq!(new(&[1, 2], 4), "accepted");
    assert_eq!(new(&[1, 2], 6), "vectors-titles");
    assert_eq!(new(&[2, 1], 4), "vectors-titles");
    assert_eq!(new(&[1, 1], 4), "vectors-titles");
    assert_eq!(new(&[1, 2], 5), "vectors-ragged");
}

#[test]
fn a_saved_index_is_read_back_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert_eq!(code(TitleIndex::load(folder)), "index-io");
    let index = Corpus::index_of(&factors(), 1.0).unwrap();
    index.save(folder).unwrap();
    let again = TitleIndex::load(folder).unwrap();
    assert_eq!(again.description(), index.description());
    let query = numbers(6);
    assert_eq!(again.nearest(&query, 40, &[]).unwrap(), index.nearest(&query, 40, &[]).unwrap());

    let damaged = |name: &str, damage: &dyn Fn(&[u8]) -> Vec<u8>| {
        index.save(folder).unwrap();
        let path = folder.join(name);
        fs::write(&path, damage(&fs::read(&path).unwrap())).unwrap();
        code(TitleIndex::load(folder))
    };
    let flipped = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        bytes
    };
    assert_eq!(damaged("titles.faiss", &flipped), "index-bad-file");
    assert_eq!(damaged("titles.faiss", &|bytes| bytes[..bytes.len() - 1].to_vec()), "index-bad-file");
    assert_eq!(damaged("titles.faiss", &|_| Vec::new()), "index-bad-file");
    let replaced = |from: &'static str, to: &'static str| {
        move |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(from, to).into_bytes()
    };
    for (from, to) in [
        ("title-index-1", "title-index-2"),
        ("\"dimensions\":6", "\"dimensions\":9"),
        ("\"dimensions\":6", "\"dimensions\":0"),
        ("[1,3,", "[3,1,"),
        ("[1,3,", "[1,"),
        ("}", ""),
    ] {
        assert_eq!(damaged("titles-index.json", &replaced(from, to)), "index-bad-file", "{from} → {to}");
    }
}

#[test]
fn an_index_knows_the_vectors_it_is_of() {
    let factors = factors();
    let index = Corpus::index_of(&factors, 1.0).unwrap();
    assert!(index.is_of(&title_vectors(&factors).unwrap()));
    let mut columns = factors.columns().clone();
    columns.title_biases[7] += 0.001;
    assert!(
        !index.is_of(&title_vectors(&Factors::new(columns).unwrap()).unwrap()),
        "the titles are the same"
    );
}

#[test]
fn a_file_that_is_no_index_is_no_index_with_the_right_digest_either() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("titles.faiss");
    for bytes in [b"".as_slice(), b"IxFI", b"<html>", &[0; 4_096], &[255; 4_096]] {
        fs::write(&path, bytes).unwrap();
        assert_eq!(code(FaissIndex::load(&path, Storage::Flat)), "index-bad-file");
    }
    assert_eq!(code(FaissIndex::load(Path::new("/nowhere"), Storage::Flat)), "index-bad-file");
}

/// Rows of eight numbers between -1 and 1.
fn rows(bytes: &[i8]) -> Vec<f32> {
    bytes.chunks_exact(8).flatten().map(|byte| f32::from(*byte) / 128.0).collect()
}

quickcheck! {
    fn flat_finds_a_vector_of_length_one_itself_first(bytes: Vec<i8>) -> TestResult {
        let mut vectors = rows(&bytes);
        for row in vectors.chunks_exact_mut(8) {
            let length = product(row, row).sqrt() as f32;
            if length == 0.0 {
                return TestResult::discard();
            }
            row.iter_mut().for_each(|number| *number /= length);
        }
        if vectors.is_empty() {
            return TestResult::discard();
        }
        let mut index = FaissIndex::build(&vectors, 8, Storage::Flat).unwrap();
        let found = index.search(&vectors, 1).unwrap();
        let own = |(place, found): (usize, &Vec<Neighbour>)| {
            let twin = &vectors[found[0].index * 8..(found[0].index + 1) * 8];
            // Equal vectors may stand for each other.
            product(twin, &vectors[place * 8..(place + 1) * 8]) > 1.0 - 1e-5
        };
        TestResult::from_bool(found.iter().enumerate().all(own))
    }

    fn answers_fall_in_order_and_a_smaller_k_is_their_beginning(bytes: Vec<i8>, k: u8) -> TestResult {
        let vectors = rows(&bytes);
        if vectors.is_empty() || k == 0 {
            return TestResult::discard();
        }
        let mut index = FaissIndex::build(&vectors, 8, Storage::Flat).unwrap();
        let query = vectors[..8].to_vec();
        let all = index.search(&query, NEIGHBOURS_MAX).unwrap().remove(0);
        let some = index.search(&query, usize::from(k)).unwrap().remove(0);
        let falls = all.windows(2).all(|pair| pair[0].similarity >= pair[1].similarity);
        let begins = some.iter().zip(&all).all(|(a, b)| (a.similarity - b.similarity).abs() < 1e-5);
        TestResult::from_bool(falls && begins && all.len() == vectors.len() / 8 && some.len() == all.len().min(k.into()))
    }

    fn what_is_excluded_is_not_found_and_the_rest_keeps_its_order(query: (i8, i8, i8, i8, i8, i8), exclude: Vec<u8>) -> bool {
        let corpus = corpus();
        let query = [query.0, query.1, query.2, query.3, query.4, query.5].map(f32::from);
        let exclude: Vec<u32> = exclude.into_iter().map(u32::from).collect();
        let find = |exclude: &[u32]| titles(&corpus.find(&Query::Vector(query.to_vec()), 40, exclude).unwrap());
        let mut expected = find(&[]);
        expected.retain(|title| !exclude.contains(title));
        find(&exclude) == expected
    }
}
