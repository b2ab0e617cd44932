//! Which storage for how many vectors.

use super::Storage;

/// The share of the ten nearest titles that an index must find, unless it is told otherwise.
pub const RECALL_AT_10_DEFAULT: f64 = 0.95;

/// The cheapest storage that is expected to find this share of the ten nearest.
///
/// | vectors | recall@10 wanted | storage | recall@10 expected |
/// |---|---|---|---|
/// | up to 20,000 | any | flat | 1 |
/// | up to 200,000 | up to 0.97 | SQ8 | 0.97 to 0.98 |
/// | above | up to 0.35 | IVF-PQ, a byte for four numbers | 0.35 to 0.5 with many lists compared |
/// | above | up to 0.95 | IVF-SQ8 | 0.95 with one list in four compared, 0.9 with one in eight |
/// | above | up to 0.97 | SQ8 | 0.97 |
/// | any | above 0.97 | flat | 1 |
///
/// The expectations are what `cargo xtask bench faiss` prints for 26,744 and 300,000 vectors of 256 numbers. Vectors of
/// another shape give others, so [`super::build_for_recall`] measures the index that it has built, compares more lists,
/// and takes the next more exact storage where that is not enough. SQ8 is a quarter of the memory of flat and about as
/// quick; lists are what saves time.
pub fn choose(vectors: usize, dimensions: usize, recall_at_10: f64) -> Storage {
    if vectors <= FLAT_VECTORS_MAX || recall_at_10 > SQ8_RECALL {
        return Storage::Flat;
    }
    if vectors <= SCANNED_VECTORS_MAX || recall_at_10 > IVF_SQ8_RECALL {
        return Storage::Sq8;
    }
    let lists = lists(vectors);
    match code_bytes(dimensions) {
        Some(code_bytes) if recall_at_10 <= IVF_PQ_RECALL => Storage::IvfPq { lists, code_bytes },
        _ => Storage::IvfSq8 { lists },
    }
}

/// About 4·√n lists: so that finding the lists costs about as much as comparing the vectors of a few.
fn lists(vectors: usize) -> u32 {
    let wanted = (4 * vectors.isqrt()).clamp(LISTS_MIN, LISTS_MAX);
    1 << wanted.ilog2()
}

/// A byte for four numbers, where four divides them.
fn code_bytes(dimensions: usize) -> Option<u32> {
    let bytes = u32::try_from(dimensions / NUMBERS_PER_CODE_BYTE).ok()?;
    (bytes > 0 && dimensions.is_multiple_of(NUMBERS_PER_CODE_BYTE)).then_some(bytes)
}

/// Up to here a search takes less than a millisecond as it is.
const FLAT_VECTORS_MAX: usize = 20_000;

/// Up to here comparing every vector takes a few milliseconds, and lists would save less than they lose.
const SCANNED_VECTORS_MAX: usize = 200_000;

/// What a byte a number finds.
const SQ8_RECALL: f64 = 0.97;

/// What lists of a byte a number find before they cost as much as comparing every vector.
const IVF_SQ8_RECALL: f64 = 0.95;

/// What lists of a byte for four numbers find.
const IVF_PQ_RECALL: f64 = 0.35;

const NUMBERS_PER_CODE_BYTE: usize = 4;

/// Fewer lists save nothing.
const LISTS_MIN: usize = 64;

/// More lists take hours to train on two cores.
const LISTS_MAX: usize = 8_192;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_larger_catalogue_is_kept_more_coarsely() {
        let kind = |vectors: usize, recall: f64| choose(vectors, 64, recall).name();
        assert_eq!(kind(1_000, 0.9), "flat");
        assert_eq!(kind(27_000, 0.9), "sq8");
        assert_eq!(kind(300_000, 0.9), "ivf-sq8");
        assert_eq!(kind(300_000, 0.96), "sq8");
        assert_eq!(kind(300_000, 0.3), "ivf-pq");
    }

    #[test]
    fn whoever_wants_all_of_the_nearest_gets_an_exact_index() {
        for vectors in [1, 27_000, 300_000, 4_000_000] {
            assert_eq!(choose(vectors, 64, 1.0), Storage::Flat);
        }
    }

    #[test]
    fn lists_have_enough_vectors_to_be_trained_on() {
        for vectors in [200_001, 300_000, 1_000_000, 4_000_000] {
            for recall in [0.3, 0.9] {
                let storage = choose(vectors, 64, recall);
                assert_eq!(storage.fitting(vectors), storage, "{vectors}");
                assert!(storage.lists().is_some());
            }
        }
    }

    #[test]
    fn numbers_that_four_does_not_divide_are_kept_as_bytes() {
        assert_eq!(choose(300_000, 50, 0.3).name(), "ivf-sq8");
    }
}
